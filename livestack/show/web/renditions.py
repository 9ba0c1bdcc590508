"""Pictures as they are sent: each made once for all guests, beside the event loop, and kept for a while."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor

import cv2

from livestack.frame import Array
from livestack.show.rendition import LONGEST_PX, jpeg, within

SIZES = (640, 1280, LONGEST_PX)
"""Of the longest side; a picture that is smaller is sent as it is too."""
_BUDGET = {640: 90_000, 1280: 190_000, 1920: 420_000}
"""Bytes of a picture: of two, the stack and a photo of it, a phone on a crowded network takes no more than 400 kB."""
_QUALITIES = (90, 84, 76, 66, 54, 42, 30, 20, 12)
_KEPT_BYTES = 16_000_000

Key = tuple[object, ...]


class Busy(Exception):  # noqa: N818 - it is a state
    """So many pictures wait to be made that no more can be asked for now."""


class Renditions:
    """Makes and keeps them; for the thread of the event loop."""

    def __init__(self, most_waiting: int) -> None:
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._n_bytes = 0
        self._making: dict[Key, asyncio.Future[bytes | None]] = {}
        self._most_waiting = most_waiting
        self.n_made = 0

    async def get(self, key: Key, make: Callable[[], bytes | None], threads: Executor) -> bytes | None:
        """Return what was made for a key, or make it; all who ask meanwhile wait for the same.

        Raises
        ------
        Busy
            Too much is to be made already.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        making = self._making.get(key)
        if making is None:
            if len(self._making) >= self._most_waiting:
                raise Busy
            making = self._making[key] = asyncio.get_running_loop().run_in_executor(threads, make)
            making.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(making)

    def _keep(self, key: Key, done: asyncio.Future[bytes | None]) -> None:
        del self._making[key]
        self.n_made += 1
        if done.cancelled() or done.exception() is not None:
            return
        data = done.result()
        if data is None:
            return
        self._kept[key] = data
        self._n_bytes += len(data)
        while self._n_bytes > _KEPT_BYTES and len(self._kept) > 1:
            self._n_bytes -= len(self._kept.popitem(last=False)[1])


def sizes_of(height: int, width: int) -> list[int]:
    """Return in which sizes a picture is sent, of its longest side."""
    longest = min(max(height, width), LONGEST_PX)
    return [*(size for size in SIZES if size < 0.9 * longest), longest]


def packed(image: Array, size: int) -> bytes:
    """Return a picture in a size, as JPEG of as few bytes as its size may have; grain alone needs no finer one."""
    image = within(image, size)
    budget = next((bytes_ for most, bytes_ in _BUDGET.items() if size <= most), _BUDGET[LONGEST_PX])
    data = b""
    for quality in _QUALITIES:
        data = jpeg(image, quality)
        if len(data) <= budget:
            break
    return data


def png(image: Array) -> bytes:
    """Pack (H, W) or (H, W, 3) RGB uint8 as PNG."""
    image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    return bytes(cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes())
