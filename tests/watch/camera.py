"""Frames that prove they are whole, and a watch that runs beside the test."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from livestack.frame import Identity
from livestack.settings import Watching
from livestack.watch import Arrival, SourceChange, watch

HEAD = 40
SETTLE_S = 0.06
PATIENCE_S = 60.0


def content(name: str, size: int = 4000) -> bytes:
    """Return a frame's bytes: its length, the digest of its pixels, its pixels."""
    pixels = random.Random(name).randbytes(size - HEAD)
    return size.to_bytes(8, "big") + hashlib.sha256(pixels).digest() + pixels


def wanted(path: Path) -> bool:
    return path.suffix == ".sub" and not path.name.startswith(".")


def complete(path: Path) -> bool | None:
    with path.open("rb") as file:
        declared = int.from_bytes(file.read(8), "big")
    return path.stat().st_size >= max(declared, HEAD)


def is_whole(path: Path) -> bool:
    data = path.read_bytes()
    return len(data) == int.from_bytes(data[:8], "big") and hashlib.sha256(data[HEAD:]).digest() == data[8:HEAD]


class Watched:
    """What a watch of `folder` has told so far. Each file is read when it arrives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.batches: list[list[Arrival]] = []
        self.changes: list[SourceChange] = []
        self.torn: list[str] = []
        self.error: BaseException | None = None
        self.ended = False
        self._told = threading.Condition()

    def listen(self, told: Iterable[list[Arrival] | SourceChange]) -> None:
        try:
            for one in told:
                torn = (
                    [a.identity.path.name for a in one if a.complete and not is_whole(a.identity.path)]
                    if isinstance(one, list)
                    else []
                )
                with self._told:
                    self.torn += torn
                    (self.changes if isinstance(one, SourceChange) else self.batches).append(one)  # type: ignore[arg-type]
                    self._told.notify_all()
        except BaseException as error:
            self.error = error
        with self._told:
            self.ended = True
            self._told.notify_all()

    @property
    def arrivals(self) -> list[Arrival]:
        return [arrival for batch in self.batches for arrival in batch]

    @property
    def names(self) -> list[str]:
        return [os.path.relpath(arrival.identity.path, self.folder) for arrival in self.arrivals]

    def until(self, condition: Callable[[], Any]) -> None:
        """Wait until the watch has told enough."""
        with self._told:
            came = self._told.wait_for(lambda: condition() or self.ended, timeout=30)
        if self.error:
            raise self.error
        assert came and condition(), f"came: {self.names}, {self.changes}"

    def comes(self, *names: str) -> None:
        self.until(lambda: set(names) <= set(self.names))

    def only(self, *names: str) -> None:
        """Wait for `names`, and then for one file more: nothing else came, and nothing twice."""
        self.comes(*names)
        last = f"last_{len(self.arrivals)}.sub"
        (self.folder / last).write_bytes(content(last))
        self.comes(last)
        assert sorted(self.names) == sorted([*names, last])
        assert not self.torn


@contextmanager
def watching(
    folder: Path,
    *,
    known: Iterable[Identity] = (),
    oldest: Callable[[Path], Any] = lambda path: path.stat().st_mtime_ns,
    **options: Any,
) -> Iterator[Watched]:
    """Watch a folder in a thread of its own while the block runs."""
    settings = Watching(**{"settle_s": SETTLE_S, "patience_s": PATIENCE_S, **options})
    stop, watched = threading.Event(), Watched(folder)
    told = watch(folder, wanted=wanted, complete=complete, oldest=oldest, known=known, settings=settings, stop=stop)
    thread = threading.Thread(target=watched.listen, args=(told,), daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        stop.set()
        thread.join(timeout=10)
    assert not thread.is_alive(), "the watch does not stop"
    if watched.error:
        raise watched.error


def put(path: Path) -> Path:
    """Write a whole frame at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(path.name))
    return path
