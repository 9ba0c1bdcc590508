"""What a window remembers from one night to the next: taste alone, nothing of a session."""

from __future__ import annotations

from collections.abc import Collection

from pyqtgraph.Qt import QtCore


def kept() -> QtCore.QSettings:
    """Return where it is kept: a file of the user's."""
    settings = QtCore.QSettings
    return settings(settings.Format.IniFormat, settings.Scope.UserScope, "livestack", "livestack")


def kept_number(name: str, otherwise: int) -> int:
    """Return a whole number that was kept; `otherwise` where there is none, or no number."""
    try:
        return int(kept().value(name, otherwise))
    except (TypeError, ValueError):
        return otherwise


def kept_word(name: str, allowed: Collection[str]) -> str:
    """Return a word that was kept; the first that is allowed where there is none of them."""
    word = str(kept().value(name, ""))
    return word if word in allowed else next(iter(allowed))
