"""What all routes of the page share: what is published, who listens, and the threads beside the event loop."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from livestack.allocation import return_free
from livestack.events import Json
from livestack.show.past import past_pictures
from livestack.show.web.access import Access
from livestack.show.web.feed import Feed
from livestack.show.web.hub import Hub
from livestack.show.web.pace import Beside
from livestack.show.web.patience import Door
from livestack.show.web.public import MOVING
from livestack.show.web.renditions import Renditions
from livestack.show.wifi import Wifi

_LOOK_S = 0.25
_SLIDES_S = 600.0
_TIDY_S = 2.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class House:
    """What all routes share.

    Attributes
    ----------
    feed : Feed
        What is published; changed in the thread `following` only.
    looked : Event
        Set once the session was looked at: before, it is not known what night this is.
    following, packing, making : Beside
        Beside the event loop: the session is followed, pictures are packed, and what takes longer is made.
    """

    feed: Feed
    door: Door
    hub: Hub
    access: Access
    wifi: Wifi | None = None
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    renditions: Renditions = field(init=False)
    following: Beside = field(init=False)
    packing: Beside = field(init=False)
    making: Beside = field(init=False)

    def __post_init__(self) -> None:
        self.renditions = Renditions(self.door.limits.waiting)
        pace = self.feed.pace
        self.following, self.packing, self.making = (Beside(f"page-{do}", pace) for do in ("follow", "pack", "make"))

    async def do(self, work: Callable[[], Json], *, at_once: bool = True) -> None:
        """Do something to what is published, and tell everybody what came of it."""
        before = self.feed.state
        state = await asyncio.get_running_loop().run_in_executor(self.following, work)
        self.hub.tell(state, is_news=_is_news(before, state), at_once=at_once)

    async def watch(self) -> None:
        """Look for news a few times a second; the work is done beside the event loop."""
        slides_at = tidied_at = time.monotonic() - _SLIDES_S
        tidied: object = None
        own_s = time.thread_time()
        while True:
            before_s, own_s = own_s, time.thread_time()
            self.feed.pace.took(own_s - before_s)
            try:
                if time.monotonic() - slides_at >= _SLIDES_S:
                    slides_at = time.monotonic()
                    await self.do(self._find_slides)
                await self.do(self.feed.refresh, at_once=False)
                used = self.feed.sight, self.renditions.n_made
                if self._is_alone and used != tidied and time.monotonic() - tidied_at > _TIDY_S:
                    tidied, tidied_at = used, time.monotonic()
                    await asyncio.get_running_loop().run_in_executor(self.following, return_free)
            except (sqlite3.Error, OSError):  # the session's disk is away: what was known stays
                pass
            except Exception:
                _log.exception("the page could not take in what is new")
            self.looked.set()
            await asyncio.sleep(_LOOK_S)

    @property
    def _is_alone(self) -> bool:
        """Whether no stacker is in this process, who would want free memory again at once."""
        return self.feed.source.stop is None

    def close(self) -> None:
        """Begin nothing more."""
        for threads in (self.following, self.packing, self.making):
            threads.shutdown(wait=False, cancel_futures=True)

    def _find_slides(self) -> Json:
        around = self.feed.around
        found = past_pictures(self.feed.source.session)
        if found != around.slides:
            self.feed.around = replace(around, slides=found, slides_v=int(time.time()))
        return self.feed.state


def _is_news(before: Json, now: Json) -> bool:
    return {k: v for k, v in before.items() if k not in MOVING} != {k: v for k, v in now.items() if k not in MOVING}
