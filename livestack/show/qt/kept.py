"""What a window remembers from one night to the next: taste alone, nothing of a session."""

from __future__ import annotations

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
