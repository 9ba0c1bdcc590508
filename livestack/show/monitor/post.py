"""Messages on their way: a thread for each address, so that none waits for another, and nobody for them."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from livestack.show.monitor.message import Message, Ration
from livestack.show.monitor.notify import NotDelivered, deliver, masked

log = logging.getLogger("livestack")

AGAIN_S = (5.0, 15.0, 60.0, 180.0, 600.0)
"""How long to wait before a message that did not arrive is sent again; then no more."""
MOST_WAITING = 50
CLOSING_S = 10.0


class _Way:
    """One address: what waits for it, and the thread that brings it there."""

    def __init__(self, url: str, name: str, again_s: Sequence[float], say: Callable[[str], None]) -> None:
        self._url, self._name, self._again_s, self._say = url, name, tuple(again_s), say
        self._waiting: queue.Queue[Message | None] = queue.Queue()
        self._closing = threading.Event()
        self._fails = False
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)
        self._thread.start()

    def put(self, message: Message) -> None:
        """Take a message; the oldest is given up where too many wait."""
        if self._waiting.qsize() >= MOST_WAITING:
            with contextlib.suppress(queue.Empty):
                self._waiting.get_nowait()
        self._waiting.put(message)

    def close(self) -> None:
        """Send what waits, once, and end."""
        self._closing.set()
        self._waiting.put(None)

    def join(self, until: float) -> None:
        self._thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while (message := self._waiting.get()) is not None:
            for wait_s in (*self._again_s, None):
                if self._bring(message) or wait_s is None or self._closing.wait(wait_s):
                    break

    def _bring(self, message: Message) -> bool:
        try:
            deliver(self._url, message)
        except NotDelivered as error:
            self._tell(f"Alerts do not reach {self._name}: {error}. It is tried again.", fails=True)
            return False
        except Exception as error:  # what a library of somebody else may raise must not end the alerts of a night
            self._tell(f"Alerts do not reach {self._name}: {type(error).__name__}. It is tried again.", fails=True)
            return False
        self._tell(f"Alerts reach {self._name} again.", fails=False)
        return True

    def _tell(self, sentence: str, *, fails: bool) -> None:
        """Say once that it does not work, and once that it does again."""
        if fails != self._fails:
            self._fails = fails
            (log.warning if fails else log.info)("%s", sentence)
            self._say(sentence)


class Post:
    """Takes messages and never makes anybody wait.

    Parameters
    ----------
    urls : sequence of str
    ration : Ration
        What goes now, and what in a digest.
    say : callable
        Hears once when an address does not work.
    """

    def __init__(
        self,
        urls: Sequence[str],
        ration: Ration,
        say: Callable[[str], None],
        again_s: Sequence[float] = AGAIN_S,
    ) -> None:
        self._ration = ration
        self._ways = [_Way(url, name, again_s, say) for url, name in zip(urls, names_of(urls), strict=True)]

    @property
    def is_empty(self) -> bool:
        """Whether there is nobody to send to."""
        return not self._ways

    def send(self, message: Message, now: datetime) -> None:
        """Send a message, or keep it for the digest."""
        self._hand_out(self._ration.take(message, now))

    def send_due(self, now: datetime) -> None:
        """Send the digest, if its time has come."""
        self._hand_out(self._ration.due(now))

    def close(self) -> None:
        """Send what waits, as far as it goes in a short while."""
        self._hand_out(self._ration.due(datetime.now(UTC), last=True))
        for way in self._ways:
            way.close()
        until = time.monotonic() + CLOSING_S
        for way in self._ways:
            way.join(until)

    def _hand_out(self, messages: Sequence[Message]) -> None:
        for message in messages:
            for way in self._ways:
                way.put(message)


def names_of(urls: Sequence[str]) -> list[str]:
    """Return what addresses are called: without their secrets, numbered where several look alike."""
    plain = [masked(url) for url in urls]
    return [f"{name} ({no})" if plain.count(name) > 1 else name for no, name in enumerate(plain, 1)]
