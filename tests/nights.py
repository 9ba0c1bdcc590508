"""Small synthetic nights on disk, and sessions that take their files as an engine does."""

from __future__ import annotations

import dataclasses
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from astropy.io import fits

from livestack.engine.restack import Restacks
from livestack.engine.resume import drop, restore
from livestack.engine.session import Session
from livestack.events import Event, Record, SubAccepted, SubRejected
from livestack.frame import Array
from livestack.journal import Journal
from livestack.settings import Settings
from livestack.simulate import Night, NightOptions, header, write_night
from livestack.simulate.fits import fits_bytes
from livestack.stacks.growth import Growth
from livestack.stacks.prepare import identity_of, prepare
from livestack.stacks.replay import replay

QUIET = NightOptions(
    size=(176, 208), cfa=None, scene="stars", n_stars=160, n_lights=14, n_darks=0, n_flats=0, n_bias=0, exposure_s=60.0,
    dither_px=4.0, flip_at=None, n_satellites=0, aircraft_at=None, cloud_subs=(), trailed_at=None, torn_at=None,
    duplicate_at=None,
)  # fmt: skip
"""A night in which nothing happens."""


def take(folder: Path, **changes: object) -> list[Path]:
    """Write a quiet night, but for some changes; returns its lights, in order."""
    write_night(folder, dataclasses.replace(QUIET, **changes))
    return lights(folder)


def lights(folder: Path) -> list[Path]:
    """Lights of a night on disk, in order."""
    return sorted((folder / "LIGHT").glob("*.fits"))


def expose(path: Path, no: int = 0, *, keywords: dict[str, str | int | float] | None = None, **changes: object) -> Path:
    """Write one light of a night of its own, its header changed."""
    options = dataclasses.replace(QUIET, **changes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(fits_bytes(Night(options).light(no), header(options, "light", no) | (keywords or {})))
    return path


def cloud(path: Path, transparency: float = 0.6) -> None:
    """Let a cloud pass before a light on disk: its sky stays, its stars fade."""
    with fits.open(path, mode="update") as hdus:
        sky = np.median(hdus[0].data)
        hdus[0].data = np.rint(sky + transparency * (hdus[0].data - sky)).astype(hdus[0].data.dtype)


class Told:
    """A session in a folder, and what it said."""

    def __init__(self, home: Path, journal: Path | None = None, **settings: object) -> None:
        self.home = home
        self.records: list[Record] = []
        self.transactions: list[int] = []
        (home / "cache").mkdir(parents=True, exist_ok=True)
        if journal is not None:
            copy_journal(journal, home / "journal.sqlite")
        self.journal = Journal(home / "journal.sqlite", create=True)
        self.session = Session(self.journal, Settings().changed(settings), home / "cache", None, self._hear)
        self.restacks = Restacks(self.session, threading.Event())
        past = replay(self.journal.follow())
        restore(self.session, past)
        self.n_arrived = max((word.arrival for word in past.words.values()), default=0)

    def _hear(self, records: list[Record]) -> None:
        self.records += records
        self.transactions.append(records[-1].seq)

    def see(self, *paths: Path) -> Told:
        """Let files arrive."""
        for path in paths:
            self.n_arrived += 1
            self.session.integrate(prepare(self.n_arrived, identity_of(path), self.session.masters_of))
            self.restacks.look_if_due()
        return self

    def ask(self, kind: Callable[[Session, list[int]], list[Event]], numbers: list[int]) -> None:
        """Drop subs or put them back: their stack begins to be folded again, as an engine does it."""
        answers = kind(self.session, numbers)
        self.session.append(*answers)
        if answers:
            said = ", ".join(str(no) for no in numbers)
            self.restacks.begin(QUIET.target, f"{'drop' if kind is drop else 'restore'} {said}")

    def restack(self, stack: str = QUIET.target) -> None:
        """Fold a stack again from the subs that the journal says are in it now, to its end."""
        self.restacks.begin(stack, "as asked")
        self.restacks.finish()

    def events(self, *kinds: type[Event]) -> list[Event]:
        """Events of these kinds, as the journal has them."""
        return [r.event for r in self.journal.follow() if not kinds or isinstance(r.event, kinds)]

    def said(self) -> list[tuple[str, str]]:
        """(name, reason or "") of the last word on each sub, in their order."""
        words: dict[int, SubAccepted | SubRejected] = {}
        for event in self.events(SubAccepted, SubRejected):
            assert isinstance(event, SubAccepted | SubRejected)
            words[event.no] = event
        return [(Path(w.path).name, w.reason if isinstance(w, SubRejected) else "") for _, w in sorted(words.items())]

    def reasons(self) -> list[str]:
        """Reason (or "") of each sub, in their order."""
        return [reason for _, reason in self.said()]

    def stack(self, name: str = QUIET.target) -> Growth:
        """The stack of this name."""
        (growth,) = (growth for growth in self.session.growths() if growth.name == name)
        return growth

    def state(self) -> dict[str, object]:
        """All that what follows depends on."""
        session = self.session
        return {
            "bits": {growth.name: bits(growth) for growth in session.growths()},
            "subs": {growth.name: [sub.no for sub in growth.subs] for growth in session.growths()},
            "knowledge": {
                growth.name: (
                    growth.knowledge.id,
                    *(a.tobytes() for a in (growth.knowledge.stars, growth.knowledge.sky, growth.knowledge.defects)),
                )
                for growth in session.growths()
            },
            "first": {growth.name: growth.first is None for growth in session.growths()},
            "lanes": {key: [g.name for g in lane.growths] for key, lane in session.lanes.items() if lane.growths},
            "waiting": [sub.no for lane in session.lanes.values() for sub in lane.waiting.subs],
            "accepted": session.tally.n_accepted,
            "rejected": {name: n for name, n in session.tally.n_rejected.items() if n},
            "seen": session.seen,
            "names": session.names,
        }


def bits(growth: Growth) -> bytes:
    """Every bit of a stack as it is shown."""
    stack = growth.shown()
    dropped = () if stack.drops is None else stack.drops.arrays
    return b"".join(array.tobytes() for array in (*stack.arrays, *dropped))


def copy_journal(source: Path, target: Path, after_seq: int = 1_000_000) -> Path:
    """Copy a journal, as it was after an event."""
    with closing(sqlite3.connect(source)) as whole, closing(sqlite3.connect(target)) as part:
        whole.backup(part)
        part.execute("DELETE FROM event WHERE seq > ?", (after_seq,))
        part.commit()
    return target


def grid_error(matrix: Sequence[Sequence[float]] | Array, truth: Array, size: tuple[int, int]) -> float:
    """Largest distance between where two matrices put the px of a frame."""
    yy, xx = np.mgrid[: size[0] - 1 : 3j, : size[1] - 1 : 3j]
    points = np.stack([xx.ravel(), yy.ravel(), np.ones(9)])
    one, other = (np.asarray(m) @ points for m in (matrix, truth))
    return float(np.hypot(*(one[:2] / one[2] - other[:2] / other[2])).max())
