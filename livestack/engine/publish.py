"""What leaves the engine: pictures for the screens and products for the disk."""

from __future__ import annotations

import contextlib
import time
import weakref
from array import array
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from livestack.bus import Slots
from livestack.develop.chain import PRESETS
from livestack.develop.export import write_png
from livestack.develop.live import shown, steady, whole
from livestack.engine.buildup import BuildUp, Moment
from livestack.engine.disk import Disk
from livestack.engine.drawing import plane_of, removed_picture, stack_picture, sub_picture
from livestack.engine.joining import Joining
from livestack.engine.maps import MAPS, map_of
from livestack.engine.resume import checkpoint_of, checkpoint_path
from livestack.engine.session import Session
from livestack.engine.shelf import Shelf
from livestack.errors import FrameError, SourceError
from livestack.events import Event, StackSaved, SubAccepted
from livestack.frame import Array, Picture
from livestack.product import Product, write_product
from livestack.read import open_frame
from livestack.reduce import fold as folding
from livestack.retries import SAVE_S
from livestack.sessions import Home
from livestack.settings import PRESET
from livestack.stack import Shape
from livestack.stacks.checkpoint import Checkpoint, save_checkpoint
from livestack.stacks.founding import Founding
from livestack.stacks.glance import glance
from livestack.stacks.growth import Growth
from livestack.version import VERSION

IDLE_SAVE_S = 2.0
"""A stack is saved when nothing has come for so long."""
WRITTEN_BYTES_PER_S = 4e6
"""Of the sums of a stack, on average, while it grows: written after every sub, a large one would wear a disk out."""
_BYTES_A_SAMPLE, _BYTES_A_PX = 8, 8
"""Of its sums: mean and m2; weight and counts, which its channels share."""


def product_of(growth: Growth, n_rejected: int, version: str) -> Product:
    """Return a stack, not a copy, with the facts for its file."""
    shown = growth.shown()
    founding = growth.founding
    masters = founding.masters.provenance
    history = [
        f"livestack {version}",
        *(f"{kind}: {origin}" for kind, origin in masters.items()),
        *([] if masters else ["no calibration"]),
        f"rejection: {next(name for name, rule in folding.REJECTORS.items() if rule is growth.rule)}",
        *([_drizzled(founding)] if founding.drizzle else []),
        f"weights: sum {float(sum(sub.weight for sub in growth.subs)):.3f} over {len(growth.subs)} subs",
    ]
    return Product(
        stack=shown,
        header=founding.header,
        subs=growth.subs[:],
        sky_adu=founding.sky_adu,
        n_rejected_subs=n_rejected,
        version=version,
        history=history,
    )


def _drizzled(founding: Founding) -> str:
    done = founding.is_drizzled
    return (
        "drizzle: drops of 1 px, each colour for itself" if done else "drizzle: none, the subs are no mosaic of colours"
    )


def _rest_s(shape: Shape) -> float:
    """Return how long a stack that grows is not written again."""
    channels, height, width = shape
    return height * width * (channels * _BYTES_A_SAMPLE + _BYTES_A_PX) / WRITTEN_BYTES_PER_S


def _save_picture(path: Path, picture: Picture, preset: str) -> None:
    """Write a preview, developed."""
    write_png(path, shown(picture, steady(None, picture, whole(PRESETS[preset]))))


@dataclass(slots=True)
class _Saving:
    """When a stack was last saved, and with how many subs."""

    at: float = 0.0
    subs: array[int] = field(default_factory=lambda: array("q"))
    was_final: bool = False


@dataclass(slots=True)
class Publisher:
    """Hands pictures to the screens and stacks to the disk; the disk is written in threads of their own.

    Parameters
    ----------
    slots : Slots
        Where readers in this process find the newest pictures.
    disk : Disk
        Hears whether the disk took a stack.
    preset : str
        How the preview beside a stack file is developed.
    """

    home: Home
    threads: Executor | None
    slots: Slots
    disk: Disk
    preset: str = PRESET[0]
    _version: int = 0
    _saved: dict[str, _Saving] = field(default_factory=dict)
    _writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "save"))
    _writing: Future[StackSaved] | None = None
    _failed: bool = False
    _n_glanced: int = 0
    _joining: Joining = field(default_factory=Joining)
    _joined: Picture | None = None
    _drawn: tuple[Array, Array] | None = None
    _seen_removed: weakref.ref[Array] | None = None
    _removed_at: tuple[str, int] = ("", 0)
    _shelf: Shelf = field(init=False)
    _buildup: BuildUp = field(init=False)

    def __post_init__(self) -> None:
        self._shelf = Shelf(self.home.cache)
        self._buildup = BuildUp(self.home.cache, self._shelf.thread)

    def draw(self, growth: Growth) -> None:
        """Begin the picture of a stack that is about to be shown: nobody sees any of it before."""
        if growth.preview is None or not growth.preview.size or self._joined is not None:
            return
        self._drawn = growth.preview, plane_of(growth.preview)
        self._shelf.draft("picture.npy", self._drawn[1])

    def show(self, growth: Growth, sub: SubAccepted | None, growths: Sequence[Growth] = ()) -> None:
        """Publish the preview of a stack, or of what it makes with others, and of its last sub where one is given."""
        self._version += 1
        picture = self._picture(growth, growths)
        self._drawn = None
        self.slots.stack.put(picture)
        self._shelf.put("picture.npy", picture)
        last = None if sub is None else sub_picture(growth, sub, self._version)
        if last is not None and growth.sketch is not None:
            self.slots.last.put(last)
            self._shelf.put_seldom("last.npy", last, growth.sketch)
        self._show_removed(growth)
        self._keep(picture, growth, growths)

    def show_latest(self, session: Session, arrival: int | None = None) -> None:
        """Publish the stack in hand, and the sub that went into it, by its arrival."""
        growth = session.latest
        if growth is None or not growth.subs:
            return
        sub = growth.subs[-1]
        self.show(growth, sub if sub.arrival == arrival else None, session.growths())
        growth.catch_up()

    def keep_latest(self, session: Session) -> None:
        """Keep the stack in hand as a step of the build-up, if it is one, though it is not shown now."""
        self._drawn = None
        growth, growths = session.latest, session.growths()
        if growth is None or not growth.subs:
            return
        joined = self._joined if self._joined is not None and growth.name in self._joined.parts else None
        stack, parts = (joined.stack, joined.parts) if joined else (growth.name, (growth.name,))
        n = sum(len(one.subs) for one in growths if one.name in parts)
        if self._buildup.is_due(stack, n):
            self._keep(self._picture(growth, growths), growth, growths)

    def _keep(self, picture: Picture, growth: Growth, growths: Sequence[Growth]) -> None:
        founder = next((one for one in growths if one.name in picture.parts), growth)
        time_utc = growth.subs[-1].time_utc if growth.subs else None
        self._buildup.keep(Moment(picture, time_utc, founder.origin.id))

    def _picture(self, growth: Growth, growths: Sequence[Growth]) -> Picture:
        """Preview of a stack, or of what it makes with others."""
        self._joined = self._joining.picture(
            growths, growth, lambda one: stack_picture(one, self.threads, self._version), self._version
        )
        preview, plane = self._drawn or (None, None)
        drawn = plane if preview is growth.preview else None
        return self._joined or stack_picture(growth, self.threads, self._version, drawn)

    def show_map(self, growth: Growth, name: str) -> None:
        """Publish a map of a stack, for which a screen asked; of an unknown name nothing."""
        if name in MAPS:
            picture = map_of(growth, name, self._version)
            getattr(self.slots, name).put(picture)
            self._shelf.put(f"{name}.npy", picture)

    def glance(self, paths: list[Path]) -> None:
        """Publish the first light of some files as it is, where there is nothing else to show yet."""
        while self._version == 0 and self._n_glanced < len(paths):
            self._n_glanced += 1
            with contextlib.suppress(FrameError, SourceError):  # what is wrong with it is told when its turn comes
                frame = open_frame(paths[self._n_glanced - 1])
                if frame.header.kind == "light":
                    self._version += 1
                    picture = glance(frame, self._version)
                    self.slots.stack.put(picture)
                    self._shelf.put("picture.npy", picture)

    def _show_removed(self, growth: Growth) -> None:
        """Publish what was left out of a stack, where that is news."""
        core, known = growth.core, self._seen_removed
        removed = None if core is None else core.removed
        state = growth.name, 0 if core is None else core.n_removals
        if removed is not None and known is not None and known() is removed and self._removed_at == state:
            return  # not even the px need be compared
        self._seen_removed, self._removed_at = None if removed is None else weakref.ref(removed), state
        before, picture = self.slots.removed.get(), removed_picture(growth, self._version, self.threads)
        if before is None or before.stack != picture.stack or not np.array_equal(before.data, picture.data):
            self.slots.removed.put(picture)
            self._shelf.put_seldom("removed.npy", picture, picture.data)

    def touch(self, growth: Growth) -> None:
        """Note that a stack changed though its subs did not."""
        self._saved.pop(growth.name, None)

    def save_if_due(self, session: Session, every_s: float, idle_s: float) -> list[Event]:
        """Begin to save a stack whose time has come; returns what was saved since the last call."""
        self._shelf.put_waiting()
        done = self._collect(wait=False)
        if self._writing is None:
            for growth in session.growths():
                saving = self._saved.setdefault(growth.name, _Saving(time.monotonic()))
                if self._failed and time.monotonic() - saving.at < min(SAVE_S, every_s):
                    continue
                final = growth.first is None and not saving.was_final
                passed_s, n = time.monotonic() - saving.at, len(saving.subs)
                only_grew = n > 0 and saving.subs == growth.subs.numbers[:n]
                is_rested = not only_grew or passed_s >= _rest_s(growth.founding.shape)
                due = final or (is_rested and (idle_s >= IDLE_SAVE_S or passed_s >= every_s))
                if due and saving.subs != growth.subs.numbers:
                    self._begin(session, growth)
                    break
        return done

    def save_all(self, session: Session) -> list[Event]:
        """Save every stack that changed; returns when it is on disk."""
        done = self._collect(wait=True)
        for growth in session.growths():
            saving = self._saved.setdefault(growth.name, _Saving())
            if growth.subs and saving.subs != growth.subs.numbers:
                self._begin(session, growth)
                done += self._collect(wait=True)
        return done

    def wait_shown(self) -> None:
        """Return when what was shown so far is in the cache, for other processes to see."""
        self._shelf.wait()

    def let_go(self) -> None:
        """Wait for a stack that is being written: it is no copy, and nothing may be folded into it meanwhile."""
        if self._writing is not None:
            wait([self._writing])

    def close(self) -> None:
        """Finish writing."""
        self._shelf.close()
        self._writer.shutdown(wait=True)

    def _begin(self, session: Session, growth: Growth) -> None:
        """Begin to write a stack: it must stay as it is until it is written."""
        product = product_of(growth, session.tally.n_rejected[growth.name], VERSION)
        keep = None if session.processing.passes == 2 else checkpoint_of(growth)
        picture = stack_picture(growth, self.threads, self._version)
        self._saved[growth.name] = _Saving(time.monotonic(), growth.subs.numbers[:], growth.first is None)
        path = self.home.stack / f"{growth.name}.fits"
        pictures = {path.with_suffix(".png"): picture}
        if self._joined is not None:
            pictures[path.with_name(f"{self._joined.stack}.png")] = self._joined
        kept = checkpoint_path(session, growth.name), keep
        self._writing = self._writer.submit(_write, path, product, pictures, self.preset, *kept)

    def _collect(self, *, wait: bool) -> list[Event]:
        """Return what was written; a disk that does not take it is tried again when it is due."""
        if self._writing is None or (not wait and not self._writing.done()):
            return []
        writing, self._writing = self._writing, None
        try:
            saved = writing.result()
        except OSError as error:
            for saving in self._saved.values():
                saving.at, saving.subs = time.monotonic(), array("q")
            self._failed = True
            why = error.strerror or error
            self.disk.failed(f"The stack cannot be saved in {self.home.stack}: {why}. It is safe in memory.")
            return []
        self._failed = False
        self.disk.took()
        return [saved]


def _write(
    path: Path,
    product: Product,
    pictures: Mapping[Path, Picture],
    preset: str,
    checkpoint: Path,
    keep: Checkpoint | None,
) -> StackSaved:
    write_product(path, product)
    for file, picture in pictures.items():
        _save_picture(file, picture, preset)
    if keep is not None:
        save_checkpoint(checkpoint, keep)
    return StackSaved(path.stem, str(path), len(product.subs))
