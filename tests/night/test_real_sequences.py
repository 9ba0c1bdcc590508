"""Real sequences from five cameras: every sub registered, honest noise, a stack file others can read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import sep
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from livestack.frame import Array
from livestack.reduce.fold import REJECTORS, Against, fold
from livestack.reduce.normalise import sample_noise
from livestack.stack import Stack
from tests.night import sessions
from tests.night.registered import Night, plain_mean, read_back, stacked_mean

pytestmark = pytest.mark.slow

SEQUENCES = {
    "A_m27_asi224_osc": (6, 1.10),
    "A_arp186_asi290_altaz": (24, 1.10),
    "A_hatp32_microobs": (16, 1.25),
    "A_m94_seestar_b": (6, 1.10),
    "A_skycamt_20150608_sat": (9, 1.10),
}
MOST_REJECTED = {"A_hatp32_microobs": 0.03}
"""Hot pixels, and no darks; elsewhere 0.5 % of the samples of clean sky."""

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


def test_good_data_is_untouched(stacked: Stacked) -> None:
    """Against the plain mean of the same subs: stars to 0.05 %, sky no noisier, hardly a sample of it left out."""
    name, session, out = stacked
    night = read_back(session)
    channel = 1 if night.shape[0] == 3 else 0
    samples = night.samples(channel)
    # the plain mean smears hot px, which the stack has filled: it is taken without the samples that they touch
    smeared = _touched_by_hot_px(night) if name in MOST_REJECTED else np.zeros(samples.shape, bool)
    plain = plain_mean(samples, night.weights, smeared).astype(np.float32)
    full = np.isfinite(samples).all(axis=0) & ~smeared.all(axis=0)
    background = sep.Background(plain, mask=~full)
    low, error = background.back(), background.globalrms
    found = sep.extract(plain - low, 5 * error, mask=~full, minarea=5)
    mean = np.where(full, stacked_mean(out)[channel], 0).astype(np.float32)

    def flux(picture: Array, radius_px: float) -> Array:
        return np.asarray(sep.sum_circle(picture - low, found["x"], found["y"], radius_px)[0])

    bright = flux(plain, 4) > 50 * error * np.sqrt(np.pi * 16)
    change, core = (flux(mean, r)[bright] / flux(plain, r)[bright] - 1 for r in (4.0, 1.5))
    assert bright.sum() >= 30
    assert abs(np.median(change)) <= 5e-4
    assert abs(np.median(core)) <= 5e-4
    # single stars are compared where no hot px comes near: a weak one that was not seen here is in the plain mean
    near = cv2.dilate(smeared.any(axis=0).astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))) > 0
    clear = ~near[np.rint(found["y"]).astype(int), np.rint(found["x"]).astype(int)][bright]
    assert clear.sum() >= 30
    assert np.percentile(core[clear], 5) >= -2e-3

    stars = np.zeros(plain.shape, bool)
    sep.mask_ellipse(stars, found["x"], found["y"], 1.0, 1.0, 0.0, r=8)
    sky = full & ~stars
    assert _scatter(mean, sky) <= 1.01 * _scatter(plain, sky)
    with fits.open(out, memmap=False) as hdus:
        coverage, rejected = (np.atleast_3d(hdus[n].data.T).T[channel] for n in ("COVERAGE", "REJECTED"))
    share = rejected[sky].sum() / (rejected[sky].astype(int) + coverage[sky]).sum()
    assert share <= MOST_REJECTED.get(name, 0.005)


def _touched_by_hot_px(night: Night) -> Array:
    """Samples (N, H, W) within 3 px of a px that is bright in most subs: as far as the warp's kernel reaches."""
    # fractions, where there are any, stand beside planes of which the shape alone counts
    raw = np.array([(light.sensor[5] if light.sensor[5].size else light.sensor[0])[0] for light in night.lights])
    raw = raw.astype(np.float32)
    here = raw - np.median([np.roll(raw, (dy, dx), (1, 2)) for dy in (-2, 0, 2) for dx in (-2, 0, 2)], axis=0)
    usual = np.median(here, axis=0)
    y, x = np.nonzero(usual > 5 * 1.4826 * np.median(np.abs(here)))
    _, height, width = night.shape
    touched = np.zeros((len(raw), height, width), bool)
    for k, light in enumerate(night.lights):
        gx, gy, w = np.linalg.inv(light.inverse) @ [x, y, np.ones(len(x))]
        cx, cy = np.rint(gx / w).astype(int), np.rint(gy / w).astype(int)
        inside = (cx >= 0) & (cx < width) & (cy >= 0) & (cy < height)
        places = np.zeros((height, width), np.uint8)
        places[cy[inside], cx[inside]] = 1
        touched[k] = cv2.dilate(places, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))) > 0
    return touched


def _scatter(picture: Array, sky: Array) -> float:
    """Robust σ of what is left of a picture when its own sky is taken off, over the px of the sky."""
    rest = (picture - sep.Background(picture, mask=~sky).back())[sky]
    return float(1.4826 * np.median(np.abs(rest - np.median(rest))))


def test_no_line_is_told_where_there_is_none(stacked: Stacked) -> None:
    name, session, _ = stacked
    if name != "A_skycamt_20150608_sat":
        assert sessions.events(session, "TrailFound") == []


def half_stack_noise(session: Path) -> Array:
    """Noise of the stack from the difference of its odd and even halves, over that of an unwarped sub / √N."""
    night = read_back(session)
    shape, subs = night.shape, night.subs
    rule = REJECTORS["deferred"]
    light = night.lights.__getitem__

    whole, halves = Stack(shape), (Stack(shape), Stack(shape))
    for index in range(len(subs)):
        fold(whole, light(index), REJECTORS["none"], Against(np.ones(shape[0])), None)
    for index in range(len(subs)):
        noise = sample_noise(whole, light(index))
        fold(halves[index % 2], light(index), rule, Against(noise, whole), None)
    # the mean holds the sub itself: the difference scatters by 1 − w/W, where sample_noise takes 1 + w/W off
    own = subs[0].weight / sum(sub.weight for sub in subs)
    first = sample_noise(whole, light(0)) * (1 + own) / (1 - own)
    ratios = []
    for c in range(shape[0]):
        odd, even = halves[0], halves[1]
        share = odd.weight[0] / np.maximum(odd.weight[0] + even.weight[0], 1e-9)
        covered = (odd.coverage[0] == (len(subs) + 1) // 2) & (even.coverage[0] == len(subs) // 2)
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
