"""What is sent when something needs hands, and how often: a few messages an hour of each kind, the rest together."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from livestack.counted import count
from livestack.show.monitor.alerts import CLEARED, REMIND, Change
from livestack.show.words import clock

AN_HOUR = timedelta(hours=1)
MOST_AN_HOUR = 4
"""Messages of one rule."""
DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent.

    Attributes
    ----------
    title : str
        Target and what is wrong.
    text : str
        What, the number, what to do; since when; the course in a line.
    rule, kind : str
        Which rule spoke; raised, reminded, cleared, digest or test.
    session : str
        Name of the session's folder.
    urgent : bool
        The night stands still.
    picture : bytes
        JPEG; empty = none.
    """

    title: str
    text: str
    rule: str
    kind: str
    session: str
    target: str
    since: datetime
    at: datetime
    urgent: bool = False
    picture: bytes = b""


def message_of(
    change: Change, session: str, target: str, now: datetime, course: str = "", picture: bytes = b""
) -> Message:
    """Return the message on a change of an alert.

    Parameters
    ----------
    course : str
        The last values of its figure in a line.
    """
    rule, target = change.alert.rule, " ".join(target.split())
    over = {CLEARED: "over: ", REMIND: "still: "}.get(change.kind, "")
    since = "" if change.kind == CLEARED else f"Since {clock(change.alert.finding.since)}."
    told = [change.sentence, since, course]
    return Message(
        title=f"{target or session}: {over}{rule.title[0].lower() + rule.title[1:] if over else rule.title}",
        text="\n".join(filter(None, told)),
        rule=rule.name,
        kind=change.kind,
        session=session,
        target=target,
        since=change.alert.finding.since,
        at=now,
        urgent=rule.urgent and change.kind != CLEARED,
        picture=picture,
    )


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when to when, local time, only what is urgent is sent."""

    begin: time
    end: time

    def hold(self, now: datetime) -> bool:
        """Whether it is quiet now."""
        at = now.astimezone().time()
        if self.begin <= self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


def quiet_hours(said: str) -> QuietHours | None:
    """Read quiet hours as the settings have them, such as 23:30-06:00; "" = none."""
    if not said:
        return None
    begin, end = map(time.fromisoformat, said.split("-"))
    return QuietHours(begin, end)


@dataclass(slots=True)
class Ration:
    """Decides which messages go now and which wait for a digest.

    Parameters
    ----------
    quiet : QuietHours, optional
    """

    quiet: QuietHours | None = None
    _sent: dict[str, deque[datetime]] = field(default_factory=dict)
    _held: list[Message] = field(default_factory=list)

    def take(self, message: Message, now: datetime) -> list[Message]:
        """Return what is to be sent of a message that came: itself, or nothing yet."""
        sent = self._sent.setdefault(message.rule, deque())
        while sent and now - sent[0] >= AN_HOUR:
            sent.popleft()
        if len(sent) >= MOST_AN_HOUR or (self.quiet is not None and self.quiet.hold(now) and not message.urgent):
            self._held.append(message)
            return []
        sent.append(now)
        return [message]

    def due(self, now: datetime, *, last: bool = False) -> list[Message]:
        """Return the digest of what waits, an hour after the first of it, and not in quiet hours.

        Parameters
        ----------
        last : bool
            Nothing comes after this.
        """
        if not self._held:
            return []
        quiet = self.quiet is not None and self.quiet.hold(now)
        if not last and (quiet or now - self._held[0].at < AN_HOUR):
            return []
        held, self._held = self._held, []
        return [digest(held, now)]


def digest(held: Sequence[Message], now: datetime) -> Message:
    """Return many messages as one: a line for each rule, its last word and how often it spoke."""
    lines = []
    for rule in dict.fromkeys(message.rule for message in held):
        of_it = [message for message in held if message.rule == rule]
        times = f" ({count(len(of_it), 'message')})" if len(of_it) > 1 else ""
        lines.append(f"{clock(of_it[-1].at)} {of_it[-1].text.splitlines()[0]}{times}")
    first = held[0]
    name = first.target or first.session
    title = f"{name}: {count(len(held), 'message')} since {clock(first.at)}"
    return replace(
        held[-1], title=title, text="\n".join(lines), rule=DIGEST, kind=DIGEST, at=now, since=first.at, urgent=False
    )
