"""A stack that judges: when it is told anew where its stars are."""

from __future__ import annotations

import numpy as np
import pytest

from livestack.stacks.core import GROWN, Core
from tests.test_growth import Captures

SHAPE = (1, 8, 10)


@pytest.mark.parametrize("told_at", [4, 12, 40])
def test_contrast_is_told_anew_when_the_stack_has_grown_by_a_quarter(told_at: int) -> None:
    core = Core.empty(SHAPE, "", pictures=True)
    core.contrast, core.guide_contrast, core.told_at = np.ones((4, 5)), np.ones((4, 5)), told_at
    enough = int(np.ceil(GROWN * told_at))
    for n_subs in range(told_at, enough):
        core.stack.n_subs = n_subs
        core.forget_old_contrast()
        assert core.contrast is not None
    core.stack.n_subs = enough
    core.forget_old_contrast()
    assert core.contrast is None
    assert core.guide_contrast is None
    assert core.told_at == enough


def test_a_growing_stack_keeps_its_contrast_from_sub_to_sub() -> None:
    captures = Captures(17)
    growth = captures.growth()
    told = []
    for k in range(17):
        captures.fold(growth, captures.subs[k : k + 1])
        if growth.first is None and growth.core is not None:
            told.append((growth.core.told_at, growth.core.contrast))
    kept = [(at, contrast) for at, contrast in told if contrast is not None]
    assert [at for at, _ in kept] == [12, 12, 12, 15, 15]
    # The planes themselves are kept to be compared: the address of one let go may be that of the next.
    assert len({id(contrast) for _, contrast in kept}) == 2
