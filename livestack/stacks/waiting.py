"""Subs that do not register on any stack of their key: three that fit one another found a new one."""

from __future__ import annotations

from dataclasses import dataclass, field

from livestack.errors import FrameError
from livestack.reduce.register import register
from livestack.stacks.prepare import Prepared

MAX_WAITING = 6
ENOUGH = 3


@dataclass(slots=True)
class Waiting:
    """The last few subs left out as not registered, with who fits on whom."""

    subs: list[Prepared] = field(default_factory=list)
    fits: dict[int, list[Prepared]] = field(default_factory=dict)

    def add(self, sub: Prepared) -> list[Prepared] | None:
        """Let a sub wait; returns the subs of a new stack, founding sub first, when there are enough."""
        if sub.stars is None:
            return None
        group: list[Prepared] | None = None
        for founder in self.subs:
            if group is None and _fits(sub, founder):
                self.fits[founder.no].append(sub)
                if len(self.fits[founder.no]) >= ENOUGH - 1:
                    group = [founder, *self.fits[founder.no]]
        self.subs.append(sub)
        self.fits[sub.no] = []
        if group is not None:
            self._forget({member.no for member in group})
        elif len(self.subs) > MAX_WAITING:
            self._forget({self.subs[0].no})
        return group

    def _forget(self, numbers: set[int]) -> None:
        self.subs = [sub for sub in self.subs if sub.no not in numbers]
        self.fits = {
            no: [sub for sub in members if sub.no not in numbers]
            for no, members in self.fits.items()
            if no not in numbers
        }


def _fits(sub: Prepared, founder: Prepared) -> bool:
    if sub.stars is None or founder.stars is None:
        return False
    try:
        register(sub.stars, founder.stars, sub.frame.data.shape[:2])
    except FrameError:
        return False
    return True
