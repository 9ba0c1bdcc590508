"""Folding a whole stack again from its subs: the second pass."""

from __future__ import annotations

from livestack.growth import Growth, look_id
from livestack.reduce.fold import Template, fold
from livestack.reduce.normalise import sample_noise
from livestack.session import read_sub
from livestack.stack import Stack


def second_pass(growth: Growth) -> None:
    """Judge every sub against the final stack of the first pass; the result takes its place.

    A sub's registration, weight, scale and sky stay as journaled.
    """
    if not growth.rule.least or len(growth.subs) < 2:
        return
    agreed = growth.shown().copy()
    template = Template(agreed, agreed)
    fresh = Stack(growth.founding.shape, f"pass2:{look_id(growth.subs)}")
    for sub in growth.subs:
        light = growth.light(read_sub(sub), sub)
        fold(fresh, light, growth.rule, sample_noise(agreed, light), template, growth.threads)
        fresh.count(sub.exposure_s)
    growth.core, growth.first = fresh, None
