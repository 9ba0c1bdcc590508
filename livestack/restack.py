"""Folding a whole stack again from its subs: the second pass."""

from __future__ import annotations

from livestack.growth import Growth
from livestack.session import read_sub


def second_pass(growth: Growth) -> None:
    """Judge every sub against the final stack of the first pass; the result takes its place.

    A sub's registration, weight, scale and sky stay as journaled.
    """
    if not growth.rule.least or len(growth.subs) < 2:
        return
    growth.judge_again(read_sub)
