"""Defects of the sensor in a stack as it grows: gone from the looks on, with stars as if they had never been."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from livestack.engine.resume import checkpoint_of
from livestack.frame import Array
from livestack.stacks.checkpoint import load_checkpoint, save_checkpoint
from livestack.stacks.core import core_of
from livestack.stacks.growth import Growth
from livestack.stacks.knowledge import Knowledge
from livestack.stacks.lean import Subs
from tests.nights import bits
from tests.reduce.fields import NOISE_ADU, draw_stars
from tests.test_growth import SIZE, Captures

N_HOT, N_COLD = 12, 4


def _flaws() -> Array:
    """500 hot px per Mpx, of 10 to 1000 σ, and a few cold ones, (H, W) ADU."""
    draw = np.random.default_rng(5)
    flaws = np.zeros(SIZE)
    px = draw.choice(flaws.size, N_HOT + N_COLD, replace=False)
    flaws.ravel()[px] = [*(NOISE_ADU * 10 ** draw.uniform(1, 3, N_HOT)), *np.full(N_COLD, -30 * NOISE_ADU)]
    return flaws


FLAWS = _flaws()
IN_STAR_LIGHT = 1
"""Of these, so many lie in the light of a bright star in most subs: the star hides what they do to the sky."""


def _bits(growth: Growth) -> bytes:
    return bits(growth) + growth.knowledge.defects.tobytes()


def _sky(captures: Captures) -> Array:
    """Px without star light, (H, W) bool."""
    return draw_stars(SIZE, captures.stars, 3.2, 3.0) < NOISE_ADU


def _paths(captures: Captures) -> Array:
    """Px of the grid that a defect comes within 2 px of in any sub, (H, W) bool."""
    y, x = np.nonzero(FLAWS)
    near = np.zeros(SIZE, bool)
    for sub in captures.subs:
        gx, gy, _ = np.rint(np.array(sub.matrix) @ [x, y, np.ones(len(x))]).astype(int)
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                yy, xx = gy + dy, gx + dx
                inside = (yy >= 0) & (yy < SIZE[0]) & (xx >= 0) & (xx < SIZE[1])
                near[yy[inside], xx[inside]] = True
    return near


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_they_are_gone_and_the_stars_are_not(cfa: str | None) -> None:
    """Against the same subs without them, from the second look on."""
    captures, clean = Captures(13, cfa, flaws_adu=FLAWS), Captures(13, cfa)
    growth, pure = captures.growth(), clean.growth()
    near, sky = _paths(captures), _sky(captures)
    counts = []
    for n, (sub, twin) in enumerate(zip(captures.subs, clean.subs, strict=True), 1):
        looks, _ = captures.fold(growth, [sub]), clean.fold(pure, [twin])
        counts += [look.defects for look in looks]
        if n < 6:
            continue
        shown, other = growth.shown(), pure.shown()
        full = (shown.coverage + shown.rejected == n).all(axis=0) & (other.coverage == n).all(axis=0)
        off = np.abs(shown.mean - other.mean).max(axis=0)
        assert off[near & full & sky].max() < 3 * NOISE_ADU / np.sqrt(n)
        # px, not samples: what is out in one channel is out in all
        share = [g.rejected[:, full & sky].mean() / n for g in (shown, other)]
        assert share[0] < share[1] + 0.0025
    assert pure.knowledge.defects.size == 0
    assert counts[0] >= 0.5 * (N_HOT + N_COLD)
    assert growth.knowledge.defects.size == N_HOT + N_COLD - IN_STAR_LIGHT
    assert np.isin(growth.knowledge.defects, np.flatnonzero(FLAWS)).all()
    changes = []
    for x, y, _ in captures.stars[:15]:
        core = np.s_[:, round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3]
        changes.append(growth.shown().mean[core].sum() / pure.shown().mean[core].sum() - 1)
    assert np.median(np.abs(changes)) < 1e-3


def test_a_look_does_not_depend_on_what_an_earlier_one_found() -> None:
    """The looks at 4, 6 and 8 mask the subs that follow; the one at 12 finds the same in subs never masked."""
    captures = Captures(12, flaws_adu=FLAWS)
    growth, alone = captures.growth(), captures.growth()
    captures.fold(growth, captures.subs)
    for sub in captures.subs[:11]:
        alone.add(sub, captures.frames[sub.no])
    captures.fold(alone, captures.subs[11:])
    assert alone.knowledge.defects.tobytes() == growth.knowledge.defects.tobytes()
    assert growth.knowledge.defects.size == N_HOT + N_COLD - IN_STAR_LIGHT


@pytest.mark.parametrize("n", [5, 7, 13])
def test_live_equals_folded_again(n: int) -> None:
    captures = Captures(n, "RGGB", flaws_adu=FLAWS)
    live, again = captures.growth(), captures.growth()
    captures.fold(live, captures.subs, each=live.shown)
    captures.fold(again, captures.subs)
    assert _bits(live) == _bits(again)
    with ThreadPoolExecutor(3) as threads:
        threaded = captures.growth(threads=threads)
        captures.fold(threaded, captures.subs)
        assert _bits(threaded) == _bits(live)


@pytest.mark.parametrize("dropped", [[2], [3, 13]])
def test_dropping_is_a_fold_of_the_rest(dropped: list[int]) -> None:
    """From a growth that knows defects already, too."""
    captures = Captures(13, flaws_adu=FLAWS)
    rest = [sub for sub in captures.subs if sub.no not in dropped]
    growth = captures.growth()
    captures.fold(growth, captures.subs)
    fresh, other = growth.fresh(), captures.growth()
    captures.fold(fresh, rest)
    captures.fold(other, rest)
    assert _bits(fresh) == _bits(other)
    assert fresh.knowledge.defects.size


@pytest.mark.parametrize("cfa", [None, "GRBG"])
def test_a_checkpoint_keeps_them_and_goes_on_bit_equal(cfa: str | None, tmp_path: Path) -> None:
    captures = Captures(15, cfa, flaws_adu=FLAWS)
    growth = captures.growth()
    captures.fold(growth, captures.subs[:13])
    checkpoint = checkpoint_of(growth)
    assert checkpoint is not None
    save_checkpoint(tmp_path / "light.checkpoint", checkpoint)
    captures.fold(growth, captures.subs[13:])
    kept = load_checkpoint(tmp_path / "light.checkpoint")
    assert kept is not None
    assert kept.defects.size
    resumed = captures.growth()
    resumed.first, resumed.subs = None, Subs(captures.subs[:13])
    resumed.core = core_of(kept)
    resumed.knowledge = Knowledge(kept.knowledge_id, kept.stars, kept.sky, kept.defects)
    captures.fold(resumed, captures.subs[13:])
    assert _bits(resumed) == _bits(growth)


def test_the_second_pass_leaves_them_out() -> None:
    captures = Captures(13, flaws_adu=FLAWS)
    growth, pure = captures.growth(), Captures(13).growth()
    captures.fold(growth, captures.subs)
    growth.judge_again(lambda sub: captures.frames[sub.no])
    Captures(13).fold(pure, captures.subs)
    sky = _sky(captures) & (pure.shown().coverage[0] == 13)
    off = np.abs(growth.shown().mean - pure.shown().mean)[0]
    assert off[_paths(captures) & sky].max() < 3 * NOISE_ADU / np.sqrt(13)
