"""How fine a picture may be while a hand turns knobs, so that it follows the hand."""

from __future__ import annotations

from dataclasses import dataclass

SLOW_S, QUICK_S = 0.012, 0.0025
LEAST = 0.25


@dataclass(slots=True)
class Pace:
    """The share of its size in which a picture is developed while a knob is turned; at rest it is developed whole.

    Attributes
    ----------
    share : float
        1, 1/2 or 1/4.
    """

    share: float = 1.0
    _is_first: bool = True

    def took(self, seconds: float) -> None:
        """Take note of how long a picture of this share took. The first of a share makes what later ones remember."""
        before = self.share
        if not self._is_first:
            if seconds > SLOW_S:
                self.share = max(LEAST, self.share / 2)
            elif seconds < QUICK_S:
                self.share = min(1.0, self.share * 2)
        self._is_first = self.share != before
