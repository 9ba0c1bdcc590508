"""Where the noise of a picture comes from, as a face can say it."""

from __future__ import annotations

from dataclasses import dataclass

from livestack.show.words import THIN, percent


@dataclass(frozen=True, slots=True)
class NoiseWords:
    """The parts of the noise, and what follows.

    Attributes
    ----------
    rows : tuple of (name, share of one sub, share of the stack, figure)
        Shares are 0…1, each column adds up to 1; the figure is text, such as ``"21 e-, 34 %"``.
    sentences : tuple of str
        What they mean, and what to do.
    """

    rows: tuple[tuple[str, float, float, str], ...]
    sentences: tuple[str, ...] = ()


def share_words(share: float) -> str:
    """Return a share in percent; what is small is not nothing."""
    return f"<{THIN}1{THIN}%" if 0.0 < share < 0.005 else percent(share)
