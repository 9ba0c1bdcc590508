"""What can go wrong, and what each kind means for the night.

::

    LivestackError
    ├── SettingsError      wrong arguments, settings or session      → exit 2
    ├── SessionError       the session folder cannot be used         → exit 2
    ├── FrameError         one file cannot be used                   → SubRejected, the session goes on
    ├── SourceError        the capture folder or the disk failed     → pause, alert, retry, at last exit 4
    └── NothingStacked     not one frame could be stacked            → exit 3

Anything else is a bug: traceback in the session's log, session safe, exit 1.
"""

from __future__ import annotations

from typing import Final

REASONS: Final = (
    "unreadable",
    "truncated",
    "mismatched",
    "too_few_stars",
    "not_registered",
    "trailed",
    "blurred",
    "clouded",
    "duplicate",
    "vanished",
    "wrong_kind",
)
"""Every reason code a sub can be left out for."""


class LivestackError(Exception):
    """Base of every error that is told to the user as one line."""


class SettingsError(LivestackError):
    """An argument or setting cannot be used."""


class SessionError(LivestackError):
    """The session folder cannot be used: another folder's, locked, or from a newer version."""


class SourceError(LivestackError):
    """The capture folder or the disk failed."""


class NothingStacked(LivestackError):  # noqa: N818 - it is an outcome, not a fault
    """Not one frame could be stacked."""


class FrameError(LivestackError):
    """One file cannot be used as a sub.

    Parameters
    ----------
    reason : str
        One of `REASONS`.
    sentence : str
        What is wrong, with the number, and what to do.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        if reason not in REASONS:
            raise ValueError(f"unknown reason {reason!r}")
        self.reason = reason
        self.sentence = sentence

    def __reduce__(self) -> tuple[type[FrameError], tuple[str, str]]:
        return type(self), (self.reason, self.sentence)
