"""Whatever was dropped and put back, and in whatever order: the stack is a fresh fold of the subs that are in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from livestack.events import SubRejected
from livestack.resume import drop, put_back, restack, take_in
from tests.nights import QUIET, Told, bits, cloud, take

N_SUBS, N_HISTORIES, BROUGHT_BACK = 14, 100, 25
TINY = {"size": (112, 120), "n_stars": 110}


@pytest.mark.slow
def test_any_history_is_a_fresh_fold_of_what_remains(tmp_path: Path) -> None:
    """A hundred of them, each longer by a request: for some subs, in vain for some of these; some are resumed, too."""
    told = Told(tmp_path / "told").see(*take(tmp_path / "captures", n_lights=N_SUBS, n_satellites=3, **TINY))
    all_subs = list(told.stack().subs)
    numbers = [sub.no for sub in all_subs]
    assert len(numbers) > 12, "all looks, and a sub after them"
    fresh_of: dict[tuple[int, ...], bytes] = {tuple(numbers): bits(told.stack())}
    out: set[int] = set()
    for history in range(N_HISTORIES):
        draw = np.random.default_rng(history)
        wanted = draw.choice(numbers, int(draw.integers(1, 6)), replace=False).tolist()
        drops = draw.random() < 0.5
        told.session.append(*(drop if drops else put_back)(told.session, wanted))
        restack(told.session, QUIET.target, "as asked")
        out = out | set(wanted) if drops else out - set(wanted)
        rest = tuple(no for no in numbers if no not in out)
        assert tuple(sub.no for sub in told.stack().subs) == rest
        if rest not in fresh_of:
            fresh_of[rest] = bits(told.session.refold(told.stack(), [sub for sub in all_subs if sub.no in rest])[0])
        assert bits(told.stack()) == fresh_of[rest], f"history {history}: {sorted(out)} are out"
        if rest and history % BROUGHT_BACK == 0:
            again = Told(tmp_path / f"again-{history}", told.home / "journal.sqlite")
            assert bits(again.stack()) == fresh_of[rest], "brought back from its journal"


def test_who_asks_for_a_sub_that_cannot_be_had_gets_a_word(tmp_path: Path) -> None:
    """A clouded sub is put back; once its file is gone it is not, and that is told again."""
    lights = take(tmp_path / "captures", n_lights=5, size=(144, 160), n_stars=130)
    for path in lights[2:4]:
        cloud(path)
    told = Told(tmp_path / "told", least_transparency=0.8).see(*lights)
    assert told.reasons() == ["", "", "clouded", "clouded", ""]
    take_in(told.session, [3])
    assert [sub.no for sub in told.stack().subs] == [1, 2, 5, 3]
    lights[3].unlink()
    n_words = len(told.events(SubRejected))
    take_in(told.session, [4])
    assert len(told.events(SubRejected)) == n_words + 1
    word = told.events(SubRejected)[-1]
    assert isinstance(word, SubRejected)
    assert (word.no, word.reason) == (4, "clouded"), "it may be asked for again"
    assert "could not be put back" in word.sentence
    assert told.session.tally.n_rejected[QUIET.target] == 1
