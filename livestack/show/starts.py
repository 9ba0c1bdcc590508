"""What can be begun in the window: a folder that is stacked, a past night to look at, the demo; or nothing for now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StackFolder:
    """Watch a folder and stack it. existing: as in `livestack.settings.Processing`."""

    folder: Path
    existing: str = "include"


@dataclass(frozen=True, slots=True)
class OpenNight:
    """Look at a session that ran before."""

    session: Path


@dataclass(frozen=True, slots=True)
class PlayDemo:
    """Watch a synthetic camera."""


@dataclass(frozen=True, slots=True)
class ChooseAgain:
    """Go back to the start page, and say this there."""

    said: str = ""


Wish = StackFolder | OpenNight | PlayDemo | ChooseAgain
