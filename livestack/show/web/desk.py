"""What an operator does: guests see none of it before it is shown to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

from livestack.develop.chain import PRESETS
from livestack.errors import SettingsError
from livestack.events import Json
from livestack.show.source import engine_alive
from livestack.show.state import NightState, SubRow
from livestack.show.status import status
from livestack.show.web.house import House
from livestack.show.web.look import LIMITS, changed_look, say, values
from livestack.show.web.outreach import (
    Outreach,
    asked,
    published,
    taken_back,
    with_look,
    with_screen,
    with_words,
)
from livestack.show.wishes import DROP, OPPOSITE, RESTORE, can
from livestack.show.words import REASON_WORDS, clock, fixed

_MOST_SUBS, _MOST_ALERTS = 120, 30
_LABELS: Final = {"brightness": "Brightness", "glow": "Remove sky glow", "colour": "Colour", "grain": "Smooth grain"}
_NOT_RUNNING = "livestack does not run on this session: its stack stays as it is."
Do = Callable[[Json], Awaitable[Json | None]]


class Refused(Exception):  # noqa: N818 - it is an answer
    """It is not done, and why."""


class Desk:
    """Does it; for the thread of the event loop."""

    def __init__(self, house: House) -> None:
        self._house, self._feed = house, house.feed
        self._quieted: set[str] = set()
        self.actions: dict[str, Do] = {
            "draft": self.draft,
            "words": self.words,
            "publish": self.publish,
            "undo": self.undo,
            "hold": self.hold,
            "approve": self.approve,
            "present": self.present,
            "drop": lambda body: self._ask(DROP, body),
            "restore": lambda body: self._ask(RESTORE, body),
            "quiet": self.quiet,
        }

    def state(self) -> Json:
        """Return all that the operator's page shows."""
        feed, now = self._feed, datetime.now(UTC)
        outreach, night = feed.outreach, feed.night
        shown = status(night, now, alive=engine_alive(night))
        alerts = self._alerts(night)
        newest, shown_words = feed.source.picture(), asdict(outreach.shown.words)
        return {
            "guests": self._house.hub.n_guests,
            "version": feed.state["version"],
            "size": min(feed.state["picture"]["sizes"], default=0) if feed.state["picture"] else 0,
            "draft_version": f"{newest.stack}.{newest.version}.{hash(outreach.draft.look) & 0xFFFFFFFF}"
            if newest
            else "",
            "photos": feed.state["photos"],
            "name": feed.state["name"],
            "found": {name: feed.state[name] for name in ("name", "also", "meaning") if not shown_words[name]},
            "changes": outreach.n_changes,
            "since": outreach.since,
            "held": outreach.held,
            "approves": outreach.approves,
            "waiting": feed.waiting is not None,
            "can_undo": bool(outreach.back),
            "look": asdict(outreach.draft.look),
            "presets": list(PRESETS),
            "knobs": _knobs(outreach),
            "words": asdict(outreach.draft.words),
            "present": asdict(outreach.screen),
            "has_wifi": self._house.wifi is not None,
            "status": {"icon": shown.icon, "tone": shown.tone, "word": shown.word, "detail": shown.detail},
            "advice": shown.advice,
            "alerts": alerts,
            "n_alerts": sum(not each["quiet"] for each in alerts),
            "subs": [_sub(row) for row in reversed(night.subs[-_MOST_SUBS:])],
            "n_subs": len(night.subs),
            "address": feed.around.address,
        }

    async def draft(self, body: Json) -> None:
        """Turn knobs that guests do not see."""
        await self._change(lambda it: with_look(it, body, time.time(), _now()))

    async def words(self, body: Json) -> None:
        """Write what guests do not read yet."""
        await self._change(lambda it: with_words(it, body, time.time(), _now()))

    async def publish(self, body: Json) -> None:
        """Show the draft to guests."""
        await self._change(lambda it: published(it, time.time()))

    async def undo(self, body: Json) -> Json:
        """Take the newest change back."""
        found = taken_back(self._feed.outreach)[1]
        if found is None:
            raise Refused("There is nothing to take back.")
        if found.asked:
            await self._request(OPPOSITE[found.asked], found.numbers)
        await self._change(lambda it: taken_back(it)[0])
        return {"undone": found.what}

    async def hold(self, body: Json) -> None:
        """Hold the guests' picture as it is, or let it go."""
        held = _yes(body, "held")
        await self._change(lambda it: replace(it, held=held))

    async def approve(self, body: Json) -> None:
        """Have new pictures wait, or show the one that waits."""
        if "asks" in body:
            asks = _yes(body, "asks")
            await self._change(lambda it: replace(it, approves=asks))
        elif _yes(body, "show"):
            await self._house.do(self._feed.let_in)

    async def present(self, body: Json) -> None:
        """Choose what the presenter's screen does."""
        await self._change(lambda it: with_screen(it, body))

    async def quiet(self, body: Json) -> None:
        """Take note that the alerts of now were seen."""
        self._quieted = {each["key"] for each in self._alerts(self._feed.night)}

    async def _ask(self, kind: str, body: Json) -> Json:
        night = self._feed.night
        numbers = self._numbers(kind, body, night)
        await self._request(kind, numbers)
        await self._change(lambda it: asked(it, kind, numbers, time.time()))
        return {"no": list(numbers)}

    def _numbers(self, kind: str, body: Json, night: NightState) -> tuple[int, ...]:
        """Return the subs that a request is about, as far as it can be asked for them."""
        if body.get("last") is True:
            row = next((row for row in reversed(night.subs) if can(kind, row)), None)
            found: tuple[int, ...] = () if row is None else (row.no,)
        else:
            wanted = body.get("no")
            if not isinstance(wanted, list) or not all(type(no) is int for no in wanted):
                raise SettingsError("no: a list of numbers of subs")
            some = set(wanted)
            found = tuple(row.no for row in night.subs if row.no in some and can(kind, row))
        if not found:
            raise Refused("There is no sub that can be dropped." if kind == DROP else "That cannot be put back.")
        return found

    async def _request(self, kind: str, numbers: tuple[int, ...]) -> None:
        """Leave it in the journal, for the session to answer between two subs."""
        if not engine_alive(self._feed.night):
            raise Refused(_NOT_RUNNING)
        journal, following = self._feed.source.journal, self._house.following
        await asyncio.get_running_loop().run_in_executor(following, journal.ask, kind, {"no": list(numbers)})

    async def _change(self, make: Callable[[Outreach], Outreach]) -> None:
        await self._house.do(lambda: self._feed.change(make))

    def _alerts(self, night: NightState) -> list[Json]:
        return [
            {
                "key": (key := f"{word.rule} {word.time.isoformat()}"),
                "time": clock(word.time),
                "sentence": word.sentence,
                "quiet": key in self._quieted,
            }
            for word in reversed(night.alerts[-_MOST_ALERTS:])
        ]


def _yes(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if not isinstance(value, bool):
        raise SettingsError(f"{name} is yes or no")
    return value


def _now() -> str:
    return clock(datetime.now(UTC))


def _knobs(outreach: Outreach) -> list[Json]:
    look = outreach.draft.look
    usual = values(changed_look(look, dict.fromkeys(LIMITS)))
    return [
        {
            "name": name,
            "label": _LABELS[name],
            "value": round(value, 4),
            "usual": round(usual[name], 4),
            "least": LIMITS[name][0],
            "most": LIMITS[name][1],
            "said": say(name, value),
            "auto": getattr(look, name) is None,
        }
        for name, value in values(look).items()
    ]


def _sub(row: SubRow) -> Json:
    why = REASON_WORDS.get(row.reason or "", row.reason or "")
    return {
        "no": row.no,
        "time": clock(row.time or row.judged),
        "state": row.state,
        "why": "dropped" if row.state == "dropped" else why,
        "fwhm": fixed(row.fwhm_px, 1) if row.fwhm_px else "",
        "can": DROP if can(DROP, row) else RESTORE if can(RESTORE, row) else "",
    }
