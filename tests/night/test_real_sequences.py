"""Real sequences from five cameras: every sub registered, honest noise, a stack file others can read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from livestack.frame import Masters
from livestack.growth import light_of
from livestack.journal import Journal
from livestack.read import open_frame
from livestack.reduce.fold import REJECTORS, Template, fold
from livestack.reduce.normalise import sample_noise
from livestack.replay import replay
from livestack.stack import Stack
from tests.night import sessions

pytestmark = pytest.mark.slow

SEQUENCES = {
    "A_m27_asi224_osc": (6, 1.10),
    "A_arp186_asi290_altaz": (24, 1.10),
    "A_hatp32_microobs": (16, 1.25),
    "A_m94_seestar_b": (6, 1.10),
    "A_skycamt_20150608_sat": (9, 1.10),
}


Stacked = tuple[str, Path, Path]


@pytest.fixture(scope="module", params=SEQUENCES)
def stacked(request: pytest.FixtureRequest, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Stacked:
    """One sequence stacked: its name, session and stack file."""
    folder = tmp_path_factory.mktemp(request.param)
    out = folder / "out.fits"
    sessions.run("stack", real_data / request.param, "--out", out, "--session", folder / "session")
    return request.param, folder / "session", out


def test_every_sub_is_registered_to_a_quarter_pixel(stacked: Stacked) -> None:
    name, session, _ = stacked
    subs = sessions.accepted(session)
    assert len(subs) == SEQUENCES[name][0]
    assert np.median([sub["rms_px"] for sub in subs[1:]]) <= 0.25


def test_half_stacks_differ_by_the_noise_of_their_subs_and_no_more(stacked: Stacked) -> None:
    name, session, _ = stacked
    ratio = half_stack_noise(session)
    assert (ratio <= SEQUENCES[name][1]).all(), ratio
    assert (ratio >= 0.6).all(), ratio


def half_stack_noise(session: Path) -> np.ndarray:
    """Noise of the stack from the difference of its odd and even halves, over that of an unwarped sub / √N."""
    journal = Journal(session / "journal.sqlite")
    past = replay(journal.follow())
    journal.close()
    (founded,) = past.founded.values()
    subs = past.subs_of(founded.stack)
    shape = (founded.channels, *founded.size)
    rule = REJECTORS["deferred"]

    def light(index: int):
        sub = subs[index]
        return light_of(
            open_frame(Path(sub.path)),
            Masters(),
            matrix=np.array(sub.matrix),
            sky=np.array(sub.offset).reshape(-1, 3),
            scale=sub.scale,
            weight=sub.weight,
        )

    whole, halves = Stack(shape), (Stack(shape), Stack(shape))
    for index in range(len(subs)):
        fold(whole, light(index), REJECTORS["none"], np.ones(shape[0]), None, None)
    for index in range(len(subs)):
        noise = sample_noise(whole, light(index))
        fold(halves[index % 2], light(index), rule, noise, Template(whole, whole), None)
    # the mean holds the sub itself: the difference scatters by 1 − w/W, where sample_noise takes 1 + w/W off
    own = subs[0].weight / sum(sub.weight for sub in subs)
    first = sample_noise(whole, light(0)) * (1 + own) / (1 - own)
    ratios = []
    for c in range(shape[0]):
        odd, even = halves[0], halves[1]
        share = odd.weight[c] / np.maximum(odd.weight[c] + even.weight[c], 1e-9)
        covered = (odd.coverage[c] == (len(subs) + 1) // 2) & (even.coverage[c] == len(subs) // 2)
        dark = whole.mean[c] < np.percentile(whole.mean[c][covered], 60)
        # the variance of the mean is that of (odd − even) · share · (1 − share)
        difference = ((odd.mean[c] - even.mean[c]) * np.sqrt(share * (1 - share)))[covered & dark]
        noise = 1.4826 * np.median(np.abs(difference - np.median(difference)))
        weights = np.array([sub.weight for sub in subs])
        ideal = np.sqrt(first[c] / weights.sum())
        ratios.append(noise / ideal)
    return np.array(ratios)


def test_the_stack_file_keeps_the_contract(stacked: Stacked) -> None:
    name, _, out = stacked
    with fits.open(out, memmap=False) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "VARIANCE", "STDERR", "COVERAGE", "REJECTED"]
        header = hdus[0].header
        mean, variance, stderr, coverage, rejected = (hdu.data for hdu in hdus)
        for plane in (variance, stderr, coverage, rejected):
            assert plane.shape == mean.shape
        assert mean.dtype.newbyteorder("=") == variance.dtype.newbyteorder("=") == np.dtype("f4")
        assert coverage.dtype.kind == rejected.dtype.kind == "u"
        assert header["STACKCNT"] == SEQUENCES[name][0]
        assert header["BUNIT"] == "adu"
        assert header["IMAGETYP"] == "Stacked Light"
        assert header["LIVETIME"] == pytest.approx(header["EXPTIME"] * header["STACKCNT"], rel=0.05)
        assert "BAYERPAT" not in header
        assert ("SKYADU1" in header) == (mean.ndim == 3)
        seen = coverage >= 2
        assert np.isnan(stderr[~seen]).all()
        assert np.isnan(mean[coverage == 0]).all()
        assert np.isfinite(mean[coverage > 0]).all()
        assert np.allclose(variance[seen], coverage[seen] * stderr[seen] ** 2, rtol=1e-5)
        assert (coverage.astype(int) + rejected).max() <= SEQUENCES[name][0]


def test_opens_without_complaint_in_other_software(stacked: Stacked) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error", AstropyWarning)
        with fits.open(stacked[2]) as hdus:
            hdus.verify("exception")
