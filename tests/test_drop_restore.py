"""Whatever was dropped and put back, and in whatever order: the stack is a fresh fold of the subs that are in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from livestack.resume import drop, put_back, restack
from tests.nights import QUIET, Told, bits, take

N_SUBS, N_HISTORIES = 14, 100
TINY = {"size": (112, 120), "n_stars": 110}


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """A session of fourteen subs: with its looks, and two subs after the last one."""
    folder = tmp_path_factory.mktemp("night")
    lights = take(folder / "captures", n_lights=N_SUBS, n_satellites=3, **TINY)
    told = Told(folder / "told").see(*lights)
    assert told.session.tally.n_accepted >= N_SUBS - 1
    return told


@pytest.mark.slow
def test_any_history_is_a_fresh_fold_of_what_remains(night: Told, tmp_path: Path) -> None:
    """A hundred of them: each drops and restores some subs, some of them in vain, and restacks as the engine does."""
    fresh_of: dict[tuple[int, ...], bytes] = {}
    all_subs = list(night.stack().subs)
    numbers = [sub.no for sub in all_subs]
    for history in range(N_HISTORIES):
        draw = np.random.default_rng(history)
        home = tmp_path / f"{history}"
        told = Told(home, night.home / "journal.sqlite")
        dropped: set[int] = set()
        for _ in range(int(draw.integers(1, 4))):
            wanted = draw.choice(numbers, int(draw.integers(1, 5)), replace=False).tolist()
            drops = draw.random() < 0.6
            told.session.append(*(drop if drops else put_back)(told.session, wanted))
            dropped = dropped | set(wanted) if drops else dropped - set(wanted)
            restack(told.session, QUIET.target, "as asked")
        rest = tuple(no for no in numbers if no not in dropped)
        assert tuple(sub.no for sub in told.stack().subs) == rest
        if rest not in fresh_of:
            fresh, _ = night.session.refold(night.stack(), [sub for sub in all_subs if sub.no in rest])
            fresh_of[rest] = bits(fresh)
        assert bits(told.stack()) == fresh_of[rest], f"history {history}: {sorted(dropped)} are out"
        told.journal.close()
        shutil.rmtree(home)
