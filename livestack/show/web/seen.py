"""The picture that guests see, as a fact: what it is of, and which part of it."""

from __future__ import annotations

from dataclasses import dataclass

from livestack.engine.buildup import Step
from livestack.events import Json
from livestack.frame import Picture
from livestack.show.pinned import with_light
from livestack.show.rim import WHOLE, Rim, without


@dataclass(frozen=True, slots=True)
class Seen:
    """The picture that guests see.

    Attributes
    ----------
    version, stretch : int
        Grow with every new picture, and with every change of how it is developed.
    whole, whole_one : Picture, optional
        `stack` and `one` with the rim that guests do not see. All four may be known without their light; see
        `lit_stack` and `lit_one`.
    full : dict, optional
        Where it can be seen larger than as it is sent.
    steps : tuple of Step
        How it grew.
    """

    version: int = 0
    stretch: int = 0
    stack: Picture | None = None
    one: Picture | None = None
    whole: Picture | None = None
    whole_one: Picture | None = None
    rim: Rim = WHOLE
    full: Json | None = None
    steps: tuple[Step, ...] = ()

    def lit_stack(self) -> Picture | None:
        """Return the stack with its light, read where it stayed on disk."""
        return None if self.whole is None else without(with_light(self.whole), self.rim)

    def lit_one(self) -> Picture | None:
        """Return the single photo with its light."""
        return None if self.whole_one is None else without(with_light(self.whole_one), self.rim)
