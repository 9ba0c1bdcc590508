"""A stack as it grows: looks, what is shown, and that order and content are all it depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from livestack.engine.resume import checkpoint_of
from livestack.events import Looked, SubAccepted
from livestack.frame import STAR_DTYPE, Array, Frame, Header, Masters, Quality
from livestack.reduce.fold import REJECTORS
from livestack.reduce.measure import measure
from livestack.stacks.checkpoint import load_checkpoint, save_checkpoint
from livestack.stacks.core import core_of
from livestack.stacks.founding import Founding
from livestack.stacks.growth import Growth, look_id, on_grid
from livestack.stacks.knowledge import Knowledge, known_of_sub
from livestack.stacks.lean import Subs
from tests.reduce.fields import NOISE_ADU, SKY_ADU, draw_stars, frame_of, moved, noisy, star_field, turned

SIZE = (150, 170)
LOOKS = (4, 6, 8, 12)


class Captures:
    """Subs of one field under dither and changing seeing: frames in memory, and the word on each as journaled."""

    def __init__(
        self,
        n: int,
        cfa: str | None = None,
        trailed: dict[int, float] | None = None,
        flaws_adu: Array | float = 0.0,
    ) -> None:
        draw = np.random.default_rng(1)
        self.stars = star_field(25, SIZE, 2, border=14, apart=18)
        self.cfa, self.channels = cfa, 3 if cfa else 1
        self.frames: dict[int, Frame] = {}
        self.subs: list[SubAccepted] = []
        for no in range(1, n + 1):
            matrix = turned(draw.uniform(-3, 3), *draw.uniform(-5, 5, 2), SIZE) if no > 1 else np.eye(3)
            there = moved(self.stars, np.linalg.inv(matrix))
            data = noisy(draw_stars(SIZE, there, draw.uniform(2.7, 3.6), 3.0), no)
            data[90:93] += (trailed or {}).get(no, 0.0)
            data += flaws_adu
            self.frames[no] = frame_of(np.rint(data).astype(np.uint16), cfa)
            self.subs.append(self._word(no, matrix, float(draw.uniform(0.6, 1.4))))

    def _word(self, no: int, matrix: Array, weight: float) -> SubAccepted:
        sky = np.zeros((self.channels, 6))
        sky[:, 0] = SKY_ADU
        return SubAccepted(
            no=no, stack="light", path=f"{no}.fits", sha256=f"{no:064x}", size=1, mtime_ns=no, time_utc=None,
            exposure_s=30.0, target=None, filter=None, matrix=matrix.tolist(),
            quality=dataclasses.asdict(Quality(25, 3.0, 1.6, 0.2, 1.02, SKY_ADU, NOISE_ADU)),
            registration={"meridian_flip": False}, weight=weight, scale=1.0, offset=sky.ravel().tolist(),
            rejected_fraction=0.0, seconds={},
        )  # fmt: skip

    def growth(self, rule: str = "deferred", threads: ThreadPoolExecutor | None = None) -> Growth:
        header = Header(Path("1.fits"), SIZE, cfa=self.cfa)
        quality = Quality(25, 3.0, 1.6, 0.2, 1.02, SKY_ADU, NOISE_ADU)
        founding = Founding("light", header, (self.channels, *SIZE), Masters(), "", quality, (SKY_ADU,) * self.channels)
        light = founding.light(self.frames[1])
        origin = known_of_sub("origin", measure(self.frames[1], Masters())[0], light, founding.shape)
        return Growth(founding, origin, REJECTORS[rule], threads)

    def listed(self, sub: SubAccepted) -> Array:
        """Star list of a sub in its own px."""
        there = moved(self.stars, np.linalg.inv(np.array(sub.matrix)))
        found = np.zeros(len(there), STAR_DTYPE)
        found["x"], found["y"], found["flux"] = there.T
        return found

    def fold(self, growth: Growth, subs: list[SubAccepted], each: Callable[[], object] | None = None) -> list[Looked]:
        """Fold subs as a session does; returns the looks."""
        looks = []
        for sub in subs:
            growth.add(sub, self.frames[sub.no])
            if growth.look_is_due():
                looks.append(growth.look(lambda s: self.frames[s.no]).event)
            if each:
                each()
        return looks


def _bits(growth: Growth) -> bytes:
    return b"".join(array.tobytes() for array in growth.shown().arrays)


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_looks_come_at_four_six_eight_and_twelve(cfa: str | None) -> None:
    captures = Captures(13, cfa)
    growth = captures.growth()
    looks = captures.fold(growth, captures.subs)
    assert [look.n_subs for look in looks] == list(LOOKS)
    assert [look.final for look in looks] == [False, False, False, True]
    assert growth.first is None
    assert growth.shown().n_subs == 13
    assert growth.shown().exposure_s == 13 * 30.0
    assert growth.shown().template == growth.knowledge.id == looks[-1].knowledge == look_id(captures.subs[:12])
    assert set(looks[-1].rejected_fraction) == {str(no) for no in range(1, 13)}
    assert max(looks[-1].rejected_fraction.values()) < 0.01


@pytest.mark.parametrize("rule", ["sigma", "winsorised", "none"])
def test_rules_without_looks(rule: str) -> None:
    captures = Captures(13)
    growth = captures.growth(rule)
    assert captures.fold(growth, captures.subs) == []
    assert growth.shown().n_subs == 13
    assert growth.knowledge.id == "origin"


@pytest.mark.parametrize("n", [1, 3, 5, 13])
def test_live_equals_folded_again(n: int) -> None:
    """Whatever was shown on the way and with any number of threads: the same bits as a fresh fold."""
    captures = Captures(n, trailed={1: 900.0})
    live, again = captures.growth(), captures.growth()
    captures.fold(live, captures.subs, each=live.shown)
    captures.fold(again.fresh(), captures.subs[: n // 2])
    captures.fold(again, captures.subs)
    assert _bits(live) == _bits(again)
    with ThreadPoolExecutor(3) as threads:
        threaded = captures.growth(threads=threads)
        captures.fold(threaded, captures.subs, each=threaded.shown)
        assert _bits(threaded) == _bits(live)
    assert live.knowledge.id == again.knowledge.id
    assert live.knowledge.stars.tobytes() == again.knowledge.stars.tobytes()


@pytest.mark.parametrize("dropped", [[1], [3], [2, 13]])
def test_dropping_is_a_fold_of_the_rest(dropped: list[int]) -> None:
    """With the figures each sub had; the looks come when as many subs are there again."""
    captures = Captures(13, trailed={3: 500.0})
    rest = [sub for sub in captures.subs if sub.no not in dropped]
    growth = captures.growth()
    captures.fold(growth, captures.subs[:5])
    fresh = growth.fresh()
    looks = captures.fold(fresh, rest)
    other = captures.growth()
    captures.fold(other, rest)
    assert _bits(fresh) == _bits(other)
    assert fresh.shown().n_subs == 13 - len(dropped)
    assert [look.n_subs for look in looks] == [n for n in LOOKS if n <= len(rest)]
    if len(dropped) == 1 and dropped[0] == 3:
        trail = fresh.shown().result().mean[0, 88:96]
        assert abs(np.nanmedian(trail)) < NOISE_ADU


@pytest.mark.parametrize("cfa", [None, "GRBG"])
def test_a_checkpoint_goes_on_bit_equal(cfa: str | None, tmp_path: Path) -> None:
    captures = Captures(16, cfa, trailed={2: 900.0, 14: 700.0})
    growth = captures.growth()
    captures.fold(growth, captures.subs[:13])
    checkpoint = checkpoint_of(growth)
    assert checkpoint is not None
    save_checkpoint(tmp_path / "light.checkpoint", checkpoint)
    captures.fold(growth, captures.subs[13:])
    kept = load_checkpoint(tmp_path / "light.checkpoint")
    assert kept is not None
    resumed = captures.growth()
    resumed.first, resumed.subs = None, Subs(captures.subs[:13])
    resumed.core = core_of(kept)
    resumed.knowledge = Knowledge(kept.knowledge_id, kept.stars, kept.sky, kept.defects)
    captures.fold(resumed, captures.subs[13:])
    assert _bits(resumed) == _bits(growth)
    assert resumed.shown().n_subs == 16


def test_there_is_no_checkpoint_before_the_final_look() -> None:
    captures = Captures(9)
    growth = captures.growth()
    captures.fold(growth, captures.subs)
    assert checkpoint_of(growth) is None


def _shown_at(captures: Captures, rule: str) -> list[Array]:
    """What is shown after each sub, on sky that every sub covers."""
    growth, shown = captures.growth(rule), []
    captures.fold(growth, captures.subs, lambda: shown.append(growth.shown().mean[0, 15:-15, 15:-15].astype(float)))
    return shown


def _left(trailed: dict[int, float]) -> dict[int, float]:
    """Share of a trail that is left, of what the plain mean shows of it: by number of subs."""
    captures, clean = Captures(13, trailed=trailed), Captures(13)
    sky = draw_stars(SIZE, captures.stars, 3.2, 3.0)[15:-15, 15:-15] < 2 * NOISE_ADU
    pictures = [_shown_at(source, rule) for rule in ("deferred", "none") for source in (captures, clean)]
    left = {}
    for n, (shown, shown_clean, plain, plain_clean) in enumerate(zip(*pictures, strict=True), 1):
        excess = plain - plain_clean
        on_trail = sky & (excess > 0.5 * max(trailed.values()) * len(trailed) / n)
        if not on_trail.any():
            continue
        left[n] = float((shown - shown_clean)[on_trail].mean() / excess[on_trail].mean())
    return left


@pytest.mark.parametrize("at", [1, 2])
def test_a_trail_in_an_early_sub_is_gone(at: int) -> None:
    """From three subs on, also where it crosses stars: what stays on them does not grow from look to look."""
    left = _left({at: 1500.0})
    assert max(abs(share) for n, share in left.items() if n >= 3) < 0.01, left


def test_coincident_trails_are_gone_at_the_second_look() -> None:
    """On the same px of two of the first three subs: nothing can tell at three, twelve can."""
    left = _left({2: 1500.0, 3: 1500.0})
    assert abs(left[12]) < 0.02, left


def test_star_light_is_kept_through_all_looks() -> None:
    """The seeing changes by a third from sub to sub: each star as the plain mean has it, to half a percent."""
    captures = Captures(13)
    for shown, plain in zip(_shown_at(captures, "deferred")[2:], _shown_at(captures, "none")[2:], strict=True):
        for x, y, _ in captures.stars - [15, 15, 0]:
            box = np.s_[max(round(y) - 4, 0) : round(y) + 5, max(round(x) - 4, 0) : round(x) + 5]
            assert shown[box].sum() == pytest.approx(plain[box].sum(), rel=5e-3)


def test_the_price_on_clean_sky_is_small() -> None:
    captures = Captures(13)
    shown, plain = captures.growth(), captures.growth("none")
    captures.fold(shown, captures.subs)
    captures.fold(plain, captures.subs)
    sky = draw_stars(SIZE, captures.stars, 5.0, 3.0) < 1
    inner = np.zeros(SIZE, bool)
    inner[15:-15, 15:-15] = True
    noise = [float(np.std(g.shown().mean[0][sky & inner])) for g in (shown, plain)]
    assert noise[0] < 1.005 * noise[1]
    assert shown.shown().rejected[0][inner].mean() / 13 < 0.005


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_the_list_to_register_on_is_the_stacks(cfa: str | None) -> None:
    """From the first look on: every star, on the grid, on one scale; those of the founding sub as it lists them."""
    captures = Captures(4, cfa)
    growth = captures.growth()
    captures.fold(growth, captures.subs)
    assert growth.knowledge.id != growth.origin.id
    stars, truth = growth.knowledge.stars, captures.stars
    away = np.hypot(stars["x"][:, None] - truth[:, 0], stars["y"][:, None] - truth[:, 1])
    nearest = away.argmin(axis=0)
    assert (away.min(axis=0) < 0.3).mean() > 0.9
    assert np.median(away.min(axis=0)) < 0.08
    alone, _ = measure(captures.frames[1], Masters())
    in_one = np.hypot(alone["x"][:, None] - truth[:, 0], alone["y"][:, None] - truth[:, 1]).argmin(axis=0)
    ratio = stars["flux"][nearest] / alone["flux"][in_one]
    assert np.median(ratio[:12]) == pytest.approx(1, abs=0.02)
    kept = np.isin(alone["x"], stars["x"])
    assert kept.mean() > 0.9


def test_a_star_list_on_the_grid_through_a_projective_matrix() -> None:
    captures = Captures(1)
    tilted = turned(5.0, 3.0, 1.0, SIZE)
    tilted[2, :2] = 1e-4, 5e-5
    sub = dataclasses.replace(captures.subs[0], matrix=tilted.tolist())
    on = on_grid(captures.listed(captures.subs[0]), sub)
    np.testing.assert_allclose(np.column_stack([on["x"], on["y"]]), moved(captures.stars, tilted)[:, :2], atol=1e-9)


def test_a_look_is_named_by_content_and_figures() -> None:
    subs = Captures(4).subs
    name = look_id(subs)
    assert name == look_id([dataclasses.replace(sub, path="elsewhere", seconds={"fold": 1.0}) for sub in subs])
    assert name != look_id(subs[::-1])
    assert name != look_id([*subs[:3], dataclasses.replace(subs[3], weight=subs[3].weight * 1.0001)])
    assert name != look_id([*subs[:3], dataclasses.replace(subs[3], sha256="f" * 64)])


def test_an_empty_growth_shows_an_empty_stack() -> None:
    shown = Captures(1).growth().shown()
    assert not shown.coverage.any()
    assert shown.n_subs == 0


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize("at", [1, 3])
def test_what_was_removed_is_kept_as_it_stood_above_the_stack(at: int, cfa: str | None) -> None:
    """A bar across stars, in the sub that founded the stack or in another: the bar, without the stars below it."""
    captures = Captures(12, cfa, trailed={at: 500.0})
    growth = captures.growth()
    captures.fold(growth, captures.subs)
    assert growth.core is not None
    assert growth.core.removed is not None
    inside = np.linalg.inv(np.array(captures.subs[at - 1].matrix))
    yy, xx = np.mgrid[: SIZE[0] // 2, : SIZE[1] // 2]
    row = inside[1, 0] * (2 * xx + 0.5) + inside[1, 1] * (2 * yy + 0.5) + inside[1, 2]
    column = inside[0, 0] * (2 * xx + 0.5) + inside[0, 1] * (2 * yy + 0.5) + inside[0, 2]
    seen = (column > 12) & (column < SIZE[1] - 12)
    on, off = seen & (abs(row - 90.5) < 0.6), seen & (abs(row - 90.5) > 8)
    removed = growth.core.removed
    assert np.median(removed[on]) == pytest.approx(500, rel=0.1)
    assert growth.core.guide is not None
    flank = on & (growth.core.guide.mean[0] > 80) & (growth.core.guide.mean[0] < 300)
    assert removed[flank].max(initial=0.0) < 550, "a star below the bar is not part of it"
    assert (removed[off] > 100).mean() < 0.002
