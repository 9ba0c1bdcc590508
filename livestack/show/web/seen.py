"""The picture that guests see, as a fact: what it is of, and which part of it."""

from __future__ import annotations

from dataclasses import dataclass

from livestack.engine.buildup import Step
from livestack.events import Json
from livestack.frame import Picture
from livestack.show.rim import WHOLE, Rim


@dataclass(frozen=True, slots=True)
class Seen:
    """The picture that guests see.

    Attributes
    ----------
    version, stretch : int
        Grow with every new picture, and with every change of how it is developed.
    whole, whole_one : Picture, optional
        `stack` and `one` with the rim that guests do not see.
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
