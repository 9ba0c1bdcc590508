"""What keeps a window up to date: it follows the journal and the pictures, and leaves requests."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pyqtgraph.Qt import QtCore

from livestack.develop.chain import PRESETS, Recipe
from livestack.develop.live import whole
from livestack.frame import Picture
from livestack.show.darkroom import Order
from livestack.show.noise import budget, noise_words
from livestack.show.numbers import finer, numbers, of_all
from livestack.show.qt.bars import Glance, TopBar
from livestack.show.qt.canvas import Canvas
from livestack.show.qt.looking import Looking
from livestack.show.qt.noise import NoisePanel
from livestack.show.qt.overlays import Tag, Waiting
from livestack.show.qt.plots import PlotsPanel
from livestack.show.qt.subs import SubsPanel
from livestack.show.qt.trails import TrailLines
from livestack.show.reasons import about
from livestack.show.removed import belongs, legend
from livestack.show.source import Source, engine_alive
from livestack.show.state import NightState, catch_up
from livestack.show.status import Status, status
from livestack.show.wishes import DROP, OPPOSITE, Wishes
from livestack.show.words import count, place, span

TICK_MS = 150
SAID_FOR = timedelta(seconds=8)
_RECORDS_PER_TICK = 500


@dataclass(frozen=True)
class Parts:
    """The parts of a window that show the session."""

    top: TopBar
    canvas: Canvas
    waiting: Waiting
    tag: Tag
    lines: TrailLines
    subs: SubsPanel
    noise: NoisePanel
    plots: PlotsPanel
    glance: Glance


class Live:
    """Follows a session on a timer and shows it in the parts; never waits for the engine."""

    def __init__(self, source: Source, parts: Parts) -> None:
        self.source, self.state, self.view = source, NightState(), "stack"
        self._parts = parts
        self.recipe: Recipe = whole(PRESETS[source.preset])
        self._pictures: tuple[Picture | None, ...] = (None, None, None)
        self._said: tuple[str, datetime] | None = None
        self._alive = True
        self.wishes, self.rows = Wishes(), self.state.subs
        self.looking = Looking(source)
        self.looking.changed.connect(self._looked)
        self.looking.missed.connect(self.say)
        parts.canvas.drew.connect(parts.waiting.hide)
        self.clock = QtCore.QTimer(interval=TICK_MS)
        self.clock.timeout.connect(self.tick)
        self.clock.start()

    @property
    def picture(self) -> Picture | None:
        """What is on screen, but for what was removed."""
        stack, last, _ = self._seen
        return last if self.seen_view == "last" and last is not None else stack

    @property
    def seen_view(self) -> str:
        """The view that is shown: a sub that is looked at stands in the place of the last one."""
        return self.view if self.looking.picture is None else "last"

    @property
    def _seen(self) -> tuple[Picture | None, ...]:
        stack, last, removed = self._pictures
        return stack, self.looking.picture or last, removed

    def tick(self) -> None:
        """Take in what is new."""
        before = self.state
        try:
            self.state = catch_up(self.source.journal, before, _RECORDS_PER_TICK)
        except sqlite3.Error as error:
            self.say(f"The session cannot be read: {error}. Is {self.source.session.name} still there?")
            return
        self._alive = engine_alive(self.state)
        if not self._alive:
            self.wishes.waiting.clear()  # nobody is left to answer
        pictures = self.source.picture(), self.source.last(), self.source.removed()
        if self.state is not before or any(new is not old for new, old in zip(pictures, self._pictures, strict=True)):
            self._pictures = pictures
            self.show_all()
        self._show_status()

    def show_all(self) -> None:
        """Show state and pictures."""
        parts, (stack, last, _) = self._parts, self._pictures
        self.rows = self.wishes.over(self.state.subs)
        self.show_picture()
        parts.subs.set_rows(self.rows)
        parts.plots.set_subs(self.state, self.rows, finer(self.state, stack, last))
        parts.subs.set_scales(parts.plots.scales if parts.plots.on_sky else {})
        trails = self.state.trails
        parts.subs.set_trails(trails, stack.row_order if stack else None)
        # end points are px of the stack: they mean nothing on the picture of another one
        parts.lines.set_trails(trails if stack is not None and stack.stack == self.state.stack else ())
        self.show_noise()
        parts.glance.ribbon.set_subs(self.rows)
        parts.waiting.set_state(self.state)
        shown = numbers(self.state, stack, last)
        parts.glance.set_values(shown.cells)
        kind = self.state.filter or ("Colour" if self.state.colour else "")
        parts.top.set_stack(shown.target or place(self.state.folder), " · ".join(filter(None, (kind, shown.exposure))))

    def show_picture(self) -> None:
        """Show stack, last sub or what was removed, developed in the same way: what differs is in the data."""
        (stack, last, removed), parts, picture, view = self._seen, self._parts, self.picture, self.seen_view
        on_top = removed if view == "removed" and belongs(stack, removed) else None
        order = None if picture is None else Order(stack or picture, picture, on_top, self.recipe)
        parts.canvas.show_picture(order)
        parts.waiting.setVisible(not parts.canvas.is_shown)
        text = f"One sub, {span(picture.exposure_s)}" if picture is not None and picture is last else ""
        text = legend(self.state, stack, removed) if view == "removed" else text
        parts.tag.set_text(self._looked_words() or text)

    def set_recipe(self, recipe: Recipe) -> None:
        """Develop the picture otherwise."""
        self.recipe = recipe
        self.show_picture()

    def show_noise(self) -> None:
        """Show where the noise comes from, while someone looks."""
        if self._parts.noise.isVisible():
            sensor = self.state.sensors.of.get(self.state.stack or "")
            said = (sensor.calibration,) if sensor is not None and sensor.calibration else ()
            self._parts.noise.set_noise(noise_words(budget(self.state, self._pictures[0])), said)

    def _looked(self) -> None:
        self.show_picture()
        self._show_status()

    def _looked_words(self) -> str:
        """Return what the sub that is looked at is; empty when it is the stack."""
        shown, no = self.looking.shown, self.looking.no
        row = next((row for row in self.rows if row.no == no), None)
        if shown is None or row is None:
            return ""
        return about(row) + ("" if shown.aligned else ". It could not be aligned")

    def ask(self, kind: str, answer: str, **body: object) -> bool:
        """Leave a request for the engine and say so; returns whether it was left."""
        if self.state.stopped is not None or not self._alive:
            self.say("Nothing runs here now: watch the folder again, then this can be done.")
            return False
        try:
            self.source.journal.ask(kind, body)
        except sqlite3.Error as error:
            self.say(f"The session's journal could not be written: {error}. Is its disk full?")
            return False
        self.say(answer)
        return True

    def ask_subs(self, kind: str, numbers: Sequence[int], *, keep: bool = True) -> None:
        """Ask for subs to be dropped or restored, and show them as they will be; `keep` lets it be taken back."""
        named = f"Sub {numbers[0]:,} is" if len(numbers) == 1 else f"{count(len(numbers), 'sub')} are"
        done = "taken out" if kind == DROP else "put back"
        if self.ask(kind, f"{named} {done}." + (" Ctrl+Z takes that back." if keep else ""), no=list(numbers)):
            self.wishes.ask(kind, numbers, self.state.subs, keep=keep)
            self.show_all()
            self._show_status()

    def undo(self) -> None:
        """Take the last drop or restore back."""
        if not self.wishes.done:
            self.say("There is nothing to take back.")
            return
        kind, numbers = self.wishes.done.pop()
        self.ask_subs(OPPOSITE[kind], numbers, keep=False)

    def say(self, sentence: str) -> None:
        """Show a sentence in the advice line for a while."""
        self._said = (sentence, datetime.now(UTC))
        self._show_status()

    def _show_status(self) -> None:
        now = datetime.now(UTC)
        state = replace(self.state, changing=self.wishes.under_way(self.state.changing))
        shown = status(of_all(state, self._pictures[0]), now, alive=self._alive)
        if self.looking.no is not None and shown.tone != "bad":
            shown = replace(shown, icon="eye", word=f"Looking at sub {self.looking.no:,}", detail="Esc goes back")
        self._parts.top.set_status(shown)
        if self._said is not None and now - self._said[1] < SAID_FOR:
            shown = Status("advice", "plain", shown.word, shown.detail, self._said[0])
        self._parts.glance.set_status(shown)
