"""Real satellites in nine frames of a wide field: gone from the stack, stars and sky as they were."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from livestack.frame import Array, Masters
from livestack.growth import light_of
from livestack.journal import Journal
from livestack.read import open_frame
from livestack.reduce.kernels import warp_and_normalise
from livestack.replay import replay
from tests.night import sessions

pytestmark = pytest.mark.slow

SEQUENCE = "A_skycamt_20150608_sat"
# number of the sub, both ends in px of the first frame, half width of the box
TRAILS = {
    "satellite in 388": (8, (792, 304), (844, 216), 3, 0.015),
    "satellite in 389": (9, (506, 906), (549, 812), 3, 0.05),
    "faint trail in 389": (9, (690, 463), (915, 500), 2, 0.15),
}


@pytest.fixture(scope="module")
def stacked(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Array, Array, Array]:
    """Session, stack (sky taken off), registered subs and their weights."""
    folder = tmp_path_factory.mktemp(SEQUENCE)
    out, session = folder / "out.fits", folder / "session"
    sessions.run("stack", real_data / SEQUENCE, "--passes", 1, "--out", out, "--session", session)
    with fits.open(out, memmap=False) as hdus:
        stack = hdus[0].data.astype(float) - hdus[0].header["SKYADU"]
    journal = Journal(session / "journal.sqlite")
    past = replay(journal.follow())
    journal.close()
    subs = past.subs_of("light")
    registered = np.full((len(subs), *stack.shape), np.nan, np.float32)
    for k, sub in enumerate(subs):
        figures = {"matrix": np.array(sub.matrix), "sky": np.array(sub.offset).reshape(-1, 6)}
        light = light_of(open_frame(Path(sub.path)), Masters(), **figures, scale=sub.scale, weight=sub.weight)
        box = np.array([0, stack.shape[0], 0, stack.shape[1]])
        warp_and_normalise(light.arrays, light.sky, light.scale, box, registered[k : k + 1])
    return session, stack, registered, np.array([sub.weight for sub in subs])


def _mean(registered: Array, weights: Array) -> Array:
    seen = np.isfinite(registered)
    total = np.where(seen, registered, 0) * weights[:, None, None]
    return np.asarray(total.sum(0) / np.maximum((seen * weights[:, None, None]).sum(0), 1e-9))


def _excess(picture: Array, p: tuple[float, float], q: tuple[float, float], half: float) -> float:
    """Mean in a box along a line above that of boxes 14–22 px to its sides."""
    yy, xx = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(float)
    length = np.hypot(q[0] - p[0], q[1] - p[1])
    ux, uy = (q[0] - p[0]) / length, (q[1] - p[1]) / length
    d, along = np.abs((xx - p[0]) * uy - (yy - p[1]) * ux), (xx - p[0]) * ux + (yy - p[1]) * uy
    on = (along >= 4) & (along <= length - 4)
    return float(picture[on & (d <= half)].mean() - picture[on & (d >= 14) & (d <= 22)].mean())


@pytest.mark.parametrize("name", TRAILS)
def test_the_trail_is_gone(stacked: tuple[Path, Array, Array, Array], name: str) -> None:
    _, stack, registered, weights = stacked
    no, p, q, half, most = TRAILS[name]
    others = [k for k in range(len(weights)) if k != no - 1]
    truth = _excess(_mean(registered[others], weights[others]), p, q, half)
    plain = _excess(_mean(registered, weights), p, q, half) - truth
    assert abs((_excess(stack, p, q, half) - truth) / plain) <= most


def test_trails_are_told_and_nothing_else_is(stacked: tuple[Path, Array, Array, Array]) -> None:
    """Three satellites, in subs 7, 8 and 9, and the faint trail of the last; each where it is."""
    found = sessions.events(stacked[0], "TrailFound")
    assert {trail["no"] for trail in found} <= {7, 8, 9}
    for no, p, q, _, _ in TRAILS.values():
        middle = np.add(p, q) / 2
        near = [
            abs((middle[0] - t["x0"]) * (t["y1"] - t["y0"]) - (middle[1] - t["y0"]) * (t["x1"] - t["x0"]))
            / np.hypot(t["x1"] - t["x0"], t["y1"] - t["y0"])
            for t in found
            if t["no"] == no
        ]
        assert min(near) < 8


def test_stars_and_sky_are_untouched(stacked: tuple[Path, Array, Array, Array]) -> None:
    session, stack, registered, weights = stacked
    plain = _mean(registered[:6], weights[:6])
    first_six = [sub["rejected_fraction"] for sub in sessions.events(session, "SubAccepted")[4:6]]
    assert max(first_six) < 0.005
    bright = plain > np.nanpercentile(plain, 99.5)
    difference = (stack - _mean(registered, weights))[bright & np.isfinite(stack)]
    assert abs(np.median(difference) / np.median(plain[bright])) < 5e-4


def test_they_run_on_the_sky_as_the_header_of_the_first_frame_says(
    stacked: tuple[Path, Array, Array, Array], real_data: Path
) -> None:
    """Against astropy, distortions and all: a field of 9° bends a direction by a few degrees."""
    first = sorted((real_data / SEQUENCE).glob("*.fits"))[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of keywords out of use
        wcs = WCS(fits.getheader(first))
    found = sessions.events(stacked[0], "TrailFound")
    assert found
    for trail in found:
        (ra, dec), there = wcs.all_pix2world([[trail["x0"], trail["y0"]], [trail["x1"], trail["y1"]]], 0)
        east, north = (there[0] - ra) * np.cos(np.radians(dec)), there[1] - dec
        expected = np.degrees(np.arctan2(east, north))
        assert abs((trail["position_angle_deg"] - expected + 90) % 180 - 90) < 3
