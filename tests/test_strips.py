"""A look in strips: the bits of a look at all rows at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from livestack.stacks import strips
from livestack.stacks.growth import Growth
from tests.test_growth import Captures


def _looked_at(captures: Captures, threads: ThreadPoolExecutor | None = None) -> tuple[Growth, list[dict[str, float]]]:
    growth = captures.growth(threads=threads)
    looks = captures.fold(growth, captures.subs)
    return growth, [look.rejected_fraction for look in looks]


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_the_number_of_strips_changes_no_bit(cfa: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a strip is judged by is the same for the first and for the last, trails and changing seeing included."""
    captures = Captures(13, cfa, trailed={3: 60.0, 9: 25.0})
    whole, out = None, []
    for n in (1, 3):
        monkeypatch.setattr(strips, "STRIPS", n)
        with ThreadPoolExecutor(2) as threads:
            growth, out = _looked_at(captures, threads if n > 1 else None)
        if whole is None:
            whole = growth, out
            continue
        assert whole[1] == out
        assert max(out[-1].values()) > 0.01, "a trail was judged out"
        assert growth.core is not None and whole[0].core is not None
        assert growth.core.guide is not None and whole[0].core.guide is not None
        for one, other in (
            (growth.shown(), whole[0].shown()),
            (growth.core.guide, whole[0].core.guide),
        ):
            for mine, yours in zip(one.arrays, other.arrays, strict=True):
                np.testing.assert_array_equal(mine, yours)


@pytest.mark.parametrize("height", [1, 59, 60, 61, 119, 121, 4176])
def test_strips_are_all_rows_once_in_whole_bands(height: int) -> None:
    parts = list(strips.strips_of((1, height, 2)))
    assert len(parts) <= strips.STRIPS
    assert [part.top for part in parts] == [sum(part.shape[1] for part in parts[:k]) for k in range(len(parts))]
    assert sum(part.shape[1] for part in parts) == height
    assert all(part.top % strips.BAND == 0 for part in parts)
