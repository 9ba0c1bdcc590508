"""What is worth a sound, and when: the few states that need hands, once, and once more if nobody came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from livestack.show.state import NightState
from livestack.show.status import CLOUD_RUN, Status

OFF, CHIME, VOICE = "off", "chime", "voice"
AGAIN: Final = timedelta(minutes=5)
CLOUD_FOR: Final = timedelta(minutes=10)


def alarm(state: NightState, shown: Status, now: datetime) -> str:
    """Return the words of a state that is to be heard, as the pill says them; "" = all is well, or heals itself.

    Parameters
    ----------
    state : NightState
        After all records so far.
    shown : Status
        What the pill says of it.
    now : datetime
        Timezone-aware.
    """
    is_silent = state.silent is not None and state.stopped is None
    if shown.tone == "bad" or (is_silent and shown.framed) or _clouded_for(state, now) >= CLOUD_FOR:
        return shown.word
    return ""


def _clouded_for(state: NightState, now: datetime) -> timedelta:
    """Return for how long all subs have been clouded."""
    if state.stopped is not None or state.held is not None:
        return timedelta()
    begun, run = now, 0
    for row in reversed(state.subs):
        if row.reason != "clouded":
            break
        begun, run = row.judged, run + 1
    return now - begun if run >= CLOUD_RUN else timedelta()


@dataclass(slots=True)
class Bell:
    """Remembers what was heard: a state is heard when it comes, and once more after five minutes."""

    words: str = ""
    rung: datetime | None = None
    times: int = 0

    def rings(self, words: str, now: datetime) -> bool:
        """Whether it is time to be heard."""
        if words != self.words:
            self.words, self.rung, self.times = words, None, 0
        if not words or self.times >= 2 or (self.rung is not None and now - self.rung < AGAIN):
            return False
        self.rung, self.times = now, self.times + 1
        return True

    def quiet(self) -> None:
        """Say no more of what holds now."""
        self.times = 2
