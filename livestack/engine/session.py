"""The fold of subs into stacks: the only code that changes anything, in the order of the light.

`Session.integrate` takes prepared subs one by one; order and content are its only inputs. What happened goes to the
journal, committed before anyone hears of it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from livestack.allocation import return_heap
from livestack.errors import FrameError
from livestack.events import Event, MeridianFlip, Record, ReferenceChosen, SubRejected
from livestack.frame import Header, Masters
from livestack.journal import Journal
from livestack.reduce.fold import REJECTORS
from livestack.reduce.guide import with_cells
from livestack.reduce.measure import of_matched
from livestack.reduce.normalise import sky_surface, with_blocks
from livestack.reduce.register import LEAST_MATCHES, identity, register
from livestack.reduce.sensor import with_defects
from livestack.reduce.weigh import ANYTHING, Limits, judge_founder, judge_sub, weigh
from livestack.settings import Settings
from livestack.stacks.calibration import Calibration
from livestack.stacks.captures import Captures
from livestack.stacks.founding import Founding, exposure_ratio, founding_of, light_of
from livestack.stacks.growth import Growth
from livestack.stacks.knowledge import known_of_sub
from livestack.stacks.prepare import (
    Prepared,
    StackKey,
    Unusable,
    identity_of,
    measured,
    prepare,
    stack_key,
)
from livestack.stacks.room import check_room, needs_of, stack_bytes
from livestack.stacks.tally import Tally
from livestack.stacks.verdicts import (
    accepted,
    alerts,
    founded,
    rejected,
    rejected_again,
    stack_name,
    trails_found,
    twin_of,
    usual,
)
from livestack.stacks.waiting import ENOUGH, Waiting

Tell = Callable[[list[Record]], None]


@dataclass(slots=True)
class Lane:
    """The stacks of one key, the one that took the last sub last, and the subs that fit none."""

    growths: list[Growth]
    waiting: Waiting


class Session:
    """One night's state. Used by one thread.

    Parameters
    ----------
    journal : Journal
    settings : Settings
    cache : Path
        Folder for masters and checkpoints.
    threads : Executor, optional
        Runs the bands of the kernels.
    tell : callable
        Hears of events after they are in the journal.

    Attributes
    ----------
    draw : callable
        Gets a stack as soon as it took a sub: its picture may be begun, and shown when the journal has the sub.
    """

    def __init__(self, journal: Journal, settings: Settings, cache: Path, threads: Executor | None, tell: Tell) -> None:
        self.journal = journal
        self.processing = settings.processing
        self._limits = Limits(
            settings.processing.least_transparency,
            settings.processing.most_elongation,
            settings.processing.most_blur,
        )
        self.running = settings.running
        self.cache = cache
        self.threads = threads
        self.calibration = Calibration(settings.processing, cache)
        self.lanes: dict[StackKey, Lane] = {}
        self.seen: dict[str, str] = {}
        self.tally = Tally()
        self.latest: Growth | None = None
        self.due: Growth | None = None
        self.names: set[str] = set()
        self.last_no = 0
        self.captures = Captures()
        self.draw: Callable[[Growth], None] = lambda _: None
        self._tell = tell

    def masters_of(self, key: StackKey) -> tuple[str, Masters] | None:
        """Masters that a light of this key will be stacked with, once that is known; for workers, from any thread."""
        lane = self.lanes.get(key)
        newest = lane.growths[-1:] if lane else []
        return (newest[0].founding.masters_id, newest[0].founding.masters) if newest else None

    @property
    def has_guide(self) -> bool:
        """Whether the stack that took the last sub judges subs on a guide by now."""
        core = self.latest.core if self.latest is not None else None
        return core is not None and core.guide is not None

    def subs_until_look(self) -> float:
        """How many more subs the stack that took the last one needs until its subs are read again; inf = no more."""
        return self.latest.subs_until_look() if self.latest is not None else math.inf

    def growths(self) -> list[Growth]:
        """Return the living stacks."""
        return [growth for lane in self.lanes.values() for growth in lane.growths]

    def integrate(self, item: Prepared | Unusable) -> None:
        """Take the next file, in order; a look that is `due` comes before the one after."""
        known = self.seen.get(item.sha256) if item.sha256 else None
        if known == str(item.identity.path):
            # touched, or written again with the same bytes
            return
        if isinstance(item, Prepared) and item.frame.header.kind != "light":
            self.calibration.add(item.frame.header)
            return
        self.last_no += 1
        item = dataclasses.replace(item, no=self.last_no)
        if known is not None:
            self.reject(item, "duplicate", f"The same picture as {Path(known).name}: a copy. Nothing to do.")
        elif isinstance(item, Unusable):
            self.reject(item, item.reason, item.sentence)
        else:
            self.seen[item.sha256] = sys.intern(str(item.identity.path))  # as its stack keeps it
            self._stack(item)

    def _stack(self, item: Prepared) -> None:
        """Stack a light on the first stack of its key that it fits, or let it found one or wait."""
        key = stack_key(item.frame)
        lane = self.lanes.setdefault(key, Lane([], Waiting()))
        if not lane.growths:
            try:
                growth, events = self._found([item], None)
            except FrameError as error:
                self.reject(item, error.reason, error.sentence)
                return
            lane.growths.append(growth)
            self._commit(growth, events)
            return
        problem: tuple[str, str] | None = None  # not the error: its frames hold the sub, and are held by it
        for growth in reversed(lane.growths):
            try:
                if item.stars is None:  # it was read before there was a stack
                    item = measured(item, growth.founding.masters_id, growth.founding.masters, self.threads)
                events = self._place(growth, item)
            except FrameError as error:
                problem = problem or (error.reason, error.sentence)
                continue
            lane.growths.remove(growth)
            lane.growths.append(growth)
            self._commit(growth, events)
            return
        if problem is None:
            return
        word = rejected(item, lane.growths[-1].name, *problem)
        waits = dataclasses.replace(item, cells=None)  # it may wait for long
        group = lane.waiting.add(waits) if word.reason == "not_registered" else None
        if group is None or not self._found_anew(lane, group, word):
            self.append(word)

    def take_anyway(self, word: SubRejected) -> bool:
        """Stack a sub that its verdict left out, after all that are in; False when it fits no stack or is gone."""
        path = Path(word.path)
        try:
            item = prepare(word.arrival, identity_of(path), self.masters_of, self.threads)
        except OSError:
            return False
        if isinstance(item, Unusable) or item.sha256 != word.sha256:
            return False
        lane = self.lanes.get(stack_key(item.frame))
        for growth in reversed(lane.growths if lane else []):
            with contextlib.suppress(FrameError):
                self._commit(growth, self._place(growth, dataclasses.replace(item, no=word.no), ANYTHING))
                return True
        return False

    def _place(self, growth: Growth, item: Prepared, limits: Limits | None = None) -> list[Event]:
        """Register, judge and fold one sub; returns its events, not yet in the journal.

        Raises
        ------
        FrameError
            Why it is left out; nothing was changed.
        """
        clock = time.perf_counter()
        founding, knowledge = growth.founding, growth.knowledge
        if item.masters_id != founding.masters_id:
            item = measured(item, founding.masters_id, founding.masters, self.threads)
        if item.sensor is None or item.stars is None or item.quality is None or knowledge is None:
            raise RuntimeError("a light must be measured before it is placed")
        twin = twin_of(growth, item.quality)
        if twin is not None:
            name = Path(twin.path).name
            raise FrameError("duplicate", f"The same picture as {name}, packed in another way. Nothing to do.")
        last = np.array(growth.subs[-1].matrix) if growth.subs else None
        found = register(item.stars, knowledge.stars, item.frame.data.shape[:2], last)
        registration, scale = found.registration, found.scale
        quality = of_matched(item.quality, found.stars, scale * exposure_ratio(founding.header, item))
        weight = weigh(quality, scale, founding.quality, self.processing.weight)
        verdict = judge_sub(quality, usual(growth), weight, limits or self._limits)
        if not verdict.accepted:
            raise FrameError(verdict.reason or "clouded", verdict.sentence)
        registered = time.perf_counter()
        sensor = with_defects(item.sensor, knowledge.defects)
        light = light_of(sensor, matrix=registration.matrix, sky=founding.sky, scale=scale, weight=verdict.weight)
        light = with_blocks(with_cells(light, item.cells, knowledge.defects), founding.shape, self.threads)
        sky = sky_surface(knowledge.sky, light, founding.shape, self.threads)
        sub = accepted(item, growth.name, quality, registration, (sky, scale, verdict.weight))
        turned = bool(growth.subs) and registration.meridian_flip != growth.subs[-1].registration["meridian_flip"]
        folded = growth.add(sub, item.frame, light)
        seconds = {"register": registered - clock, "fold": time.perf_counter() - registered}
        sub = dataclasses.replace(sub, rejected_fraction=folded.fraction, distrusted=folded.distrusted, seconds=seconds)
        growth.subs.replace_last(sub)
        events: list[Event] = [sub, *trails_found(sub, folded, founding.header), *alerts(growth)]
        if turned:
            events.append(MeridianFlip(growth.name, item.no, registration.rotation_deg))
        return events

    def _commit(self, growth: Growth, events: list[Event]) -> None:
        """Journal what a sub did to a stack; it may be time for a look."""
        self.latest = growth
        self.draw(growth)
        self.append(*events)
        if growth.look_is_due():
            self.due = growth

    def _found(self, items: list[Prepared], replaces: str | None) -> tuple[Growth, list[Event]]:
        """Found a stack on the first item and fold the others; nothing is in the journal yet.

        Raises
        ------
        FrameError
            The first item cannot found a stack.
        """
        first = items[0]
        header = first.frame.header
        name = replaces or self._free_name(header)
        return_heap()  # what loaded the kernels makes room for what masters are made in
        calibration = self.calibration.begin(name, first.frame)
        masters = calibration.masters
        first = measured(first, calibration.id, masters, self.threads)
        if first.stars is None or first.quality is None:
            raise RuntimeError("a light must be measured before it founds a stack")
        verdict = judge_founder(first.stars, first.quality, LEAST_MATCHES)
        if not verdict.accepted:
            raise FrameError(verdict.reason or "too_few_stars", verdict.sentence)
        founding = founding_of(name, first, first.quality, masters, drizzle=self.processing.drizzle)
        self._check_room(founding)
        light = founding.light(first.frame)
        origin = known_of_sub(f"{name}:{first.sha256[:8]}", first.stars, light, founding.shape)
        growth = Growth(founding, origin, REJECTORS[self.processing.reject], self.threads)
        self.names.add(name)
        placed = self._place_first(growth, first)
        events: list[Event] = [
            founded(first, founding, replaces, self.processing.reject),
            *calibration.told(),
            ReferenceChosen(name, first.no, str(first.identity.path), len(first.stars)),
            *placed,
        ]
        for item in items[1:]:
            try:
                events += self._place(growth, item)
            except FrameError:
                continue
        return growth, events

    def _check_room(self, founding: Founding) -> None:
        """Refuse a stack that would not fit beside the others, before it is begun."""
        looks, jobs = bool(REJECTORS[self.processing.reject].looks), self.running.workers
        needed = needs_of(founding.shape, looks=looks, jobs=jobs, drizzled=founding.is_drizzled).peak
        check_room(founding.shape, needed + self.bytes_of_stacks(), self.running.memory_mb * 1_000_000)

    def bytes_of_stacks(self) -> int:
        """Bytes that the living stacks take together."""
        foundings = [growth.founding for growth in self.growths()]
        return sum(stack_bytes(founding.shape, drizzled=founding.is_drizzled) for founding in foundings)

    def _place_first(self, growth: Growth, item: Prepared) -> list[Event]:
        """Fold a founding sub: it is the grid, the sky and the scale."""
        if item.stars is None or item.quality is None:
            raise RuntimeError("a light must be measured before it is placed")
        quality = dataclasses.replace(item.quality, transparency=1.0)
        sub = accepted(item, growth.name, quality, identity(len(item.stars)), (growth.founding.sky, 1.0, 1.0))
        growth.add(sub, item.frame)
        return [sub, *alerts(growth)]

    def _found_anew(self, lane: Lane, group: list[Prepared], word: SubRejected) -> bool:
        """Found a stack of subs that waited; a stack of fewer than 3 subs gives way to it. One transaction.

        Parameters
        ----------
        word : SubRejected
            What is to be said of the sub in hand, should it not get into the new stack.
        """
        old = lane.growths[-1]
        gives_way = len(old.subs) < ENOUGH
        try:
            growth, events = self._found(group, old.name if gives_way else None)
        except FrameError:
            return False
        sentence = "It began a stack that no later sub fitted: the stack was begun anew without it."
        before: list[Event] = [word]
        if gives_way:
            before += [rejected_again(sub, "not_registered", sentence) for sub in old.subs]
            lane.growths.remove(old)
        lane.growths.append(growth)
        self._commit(growth, [*before, *events])
        return True

    def swap(self, old: Growth, fresh: Growth) -> None:
        """Put a growth folded again in the place of the old one."""
        for lane in self.lanes.values():
            lane.growths = [fresh if growth is old else growth for growth in lane.growths]
        self.latest = fresh if self.latest is old else self.latest

    def append(self, *events: Event) -> None:
        """Journal events, then tell."""
        if events:
            records = self.journal.append(*events)
            self.tally.hear(events)
            self._tell(records)

    def reject(self, item: Prepared | Unusable, reason: str, sentence: str, stack: str | None = None) -> None:
        """Leave a sub out."""
        self.append(rejected(item, stack, reason, sentence))

    def _free_name(self, header: Header) -> str:
        base = stack_name(header)
        names = (base, *(f"{base}_{n}" for n in range(2, 10_000)))
        return next(name for name in names if name not in self.names)
