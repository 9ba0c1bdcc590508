"""Real satellites in nine frames of a wide field: gone from the stack, stars and sky as they were."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from livestack.frame import Array
from livestack.journal import Journal
from livestack.show.state import fold
from tests.night import sessions
from tests.night.registered import plain_mean, read_back, stacked_mean

pytestmark = pytest.mark.slow

SEQUENCE = "A_skycamt_20150608_sat"
# number of the sub, both ends in px of the first frame, half width of the box
TRAILS = {
    "satellite in 388": (8, (792, 304), (844, 216), 3, 0.015),
    "satellite in 389": (9, (506, 906), (549, 812), 3, 0.015),
    "faint trail in 389": (9, (690, 463), (915, 500), 2, 0.15),
}


@pytest.fixture(scope="module")
def session(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(SEQUENCE)
    session = folder / "session"
    sessions.run("stack", real_data / SEQUENCE, "--passes", 1, "--out", folder / "out.fits", "--session", session)
    return session


@pytest.fixture(scope="module")
def stacked(session: Path) -> tuple[Array, Array, Array]:
    """Stack (sky taken off), registered subs and their weights."""
    night = read_back(session)
    return stacked_mean(session.parent / "out.fits")[0], night.samples(0), night.weights


def _along_across(shape: tuple[int, ...], p: tuple[float, float], q: tuple[float, float]) -> tuple[Array, Array, float]:
    """Position along a line from p to q and distance from it, of every px; and its length."""
    yy, xx = np.mgrid[: shape[0], : shape[1]].astype(float)
    length = float(np.hypot(q[0] - p[0], q[1] - p[1]))
    ux, uy = (q[0] - p[0]) / length, (q[1] - p[1]) / length
    return (xx - p[0]) * ux + (yy - p[1]) * uy, np.abs((xx - p[0]) * uy - (yy - p[1]) * ux), length


def _excess(picture: Array, p: tuple[float, float], q: tuple[float, float], half: float) -> float:
    """Mean in a box along a line above that of boxes 14–22 px to its sides."""
    along, d, length = _along_across(picture.shape, p, q)
    on = (along >= 4) & (along <= length - 4)
    return float(picture[on & (d <= half)].mean() - picture[on & (d >= 14) & (d <= 22)].mean())


@pytest.mark.parametrize("name", TRAILS)
def test_the_trail_is_gone(stacked: tuple[Array, Array, Array], name: str) -> None:
    """Of what it adds to a plain mean next to nothing is left, against the mean with the trail cut out by hand.

    Against the mean without the whole sub a little more may differ: the sub's own sky, beside the trail, is in it.
    """
    stack, samples, weights = stacked
    no, p, q, half, most = TRAILS[name]
    along, d, length = _along_across(stack.shape, p, q)
    by_hand = np.zeros(samples.shape, bool)
    by_hand[no - 1] = (d <= 9) & (along >= -20) & (along <= length + 20)
    whole_sub = np.zeros(samples.shape, bool)
    whole_sub[no - 1] = True
    plain = _excess(plain_mean(samples, weights), p, q, half)
    for left_out, limit in ((by_hand, most), (whole_sub, 2.5 * most)):
        truth = _excess(plain_mean(samples, weights, left_out), p, q, half)
        assert abs((_excess(stack, p, q, half) - truth) / (plain - truth)) <= limit


@pytest.mark.parametrize("first", [8, 9])
def test_a_trail_in_the_very_first_sub_is_gone_at_the_fourth(
    session: Path, real_data: Path, tmp_path: Path, first: int
) -> None:
    subs = sorted((real_data / SEQUENCE).glob("*.fits*"))
    given = [subs[first - 1], *subs[:3]]
    out = tmp_path / "out.fits"
    sessions.run("stack", *given, "--order", "given", "--passes", 1, "--out", out, "--session", tmp_path / "session")
    night = read_back(tmp_path / "session")
    samples, stack = night.samples(0), stacked_mean(out)[0]
    to_founder = np.linalg.inv(np.array(read_back(session).subs[first - 1].matrix))
    for name, (no, p, q, half, most) in TRAILS.items():
        if no == first:
            (px, qx), (py, qy), w = to_founder @ np.array([[p[0], q[0]], [p[1], q[1]], [1, 1]])
            ends = (px / w[0], py / w[0]), (qx / w[1], qy / w[1])
            along, d, length = _along_across(stack.shape, *ends)
            by_hand = np.zeros(samples.shape, bool)
            by_hand[0] = (d <= 9) & (along >= -20) & (along <= length + 20)
            truth = _excess(plain_mean(samples, night.weights, by_hand), *ends, half)
            plain = _excess(plain_mean(samples, night.weights), *ends, half) - truth
            assert abs((_excess(stack, *ends, half) - truth) / plain) <= (0.03 if most < 0.1 else most), name


def test_trails_are_told_and_nothing_else_is(session: Path) -> None:
    """Two bright satellites, the faint one, and a short, wide streak in sub 7: each once, from end to end."""
    journal = Journal(session / "journal.sqlite")
    told = fold(journal.follow()).trails
    journal.close()
    there = [(no, p, q) for no, p, q, _, _ in TRAILS.values()] + [(7, (328, 347), (450, 337))]
    assert len(told) == len(there)
    for no, p, q in there:
        found = [sorted([(t.x0, t.y0), (t.x1, t.y1)]) for t in told if t.no == no]
        assert min(np.abs(np.subtract(ends, sorted([p, q]))).max() for ends in found) < 20, (no, found)


def test_they_run_on_the_sky_as_the_header_of_the_first_frame_says(session: Path, real_data: Path) -> None:
    """Against astropy, distortions and all: a field of 9° bends a direction by a few degrees."""
    first = sorted((real_data / SEQUENCE).glob("*.fits"))[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of keywords out of use
        wcs = WCS(fits.getheader(first))
    found = sessions.events(session, "TrailFound")
    assert found
    for trail in found:
        (ra, dec), there = wcs.all_pix2world([[trail["x0"], trail["y0"]], [trail["x1"], trail["y1"]]], 0)
        east, north = (there[0] - ra) * np.cos(np.radians(dec)), there[1] - dec
        expected = np.degrees(np.arctan2(east, north))
        assert abs((trail["position_angle_deg"] - expected + 90) % 180 - 90) < 3
