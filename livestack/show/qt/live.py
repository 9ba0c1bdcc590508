"""What keeps a window up to date: it follows the journal and the pictures, and leaves requests."""

# mypy: allow-subclassing-any
from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pyqtgraph.Qt import QtCore

from livestack.counted import count
from livestack.develop.chain import PRESETS, Recipe
from livestack.develop.live import whole
from livestack.frame import Picture
from livestack.show.noise import budget, noise_words
from livestack.show.numbers import filter_of, finer, numbers, of_all
from livestack.show.qt.bars import Glance, TopBar
from livestack.show.qt.canvas import Canvas
from livestack.show.qt.looking import Looking
from livestack.show.qt.marks import Marks
from livestack.show.qt.noise import NoisePanel
from livestack.show.qt.overlays import Tag, Waiting
from livestack.show.qt.plots import PlotsPanel
from livestack.show.qt.reading import Following, Reading
from livestack.show.qt.subs import SubsPanel
from livestack.show.qt.trails import TrailLines
from livestack.show.qt.turns import Turns
from livestack.show.reasons import about
from livestack.show.sky import NOT_KNOWN, Grid, north_up, upright
from livestack.show.source import Source, engine_alive
from livestack.show.state import NightState, Word
from livestack.show.status import Status, calm, status
from livestack.show.views import (
    LAST,
    STACK,
    Legend,
    Pictures,
    is_map,
    legend_of,
    on_one_grid,
    one_sub,
    order_of,
    why_alone,
)
from livestack.show.wishes import DROP, OPPOSITE, Wishes
from livestack.show.words import place
from livestack.sky.catalogue import common_name

TICK_MS, _NEWS_MS = 150, 15
SAID_FOR = timedelta(seconds=8)


@dataclass(frozen=True)
class Parts:
    """The parts of a window that show the session."""

    top: TopBar
    canvas: Canvas
    waiting: Waiting
    tag: Tag
    lines: TrailLines
    marks: Marks
    subs: SubsPanel
    noise: NoisePanel
    plots: PlotsPanel
    glance: Glance


class Live(QtCore.QObject):
    """Follows a session on a timer and shows it in the parts; never waits for the engine."""

    told = QtCore.Signal(object)  # the Status that is shown

    def __init__(self, source: Source, parts: Parts) -> None:
        super().__init__()
        self.source, self.state, self.view = source, NightState(), STACK
        self.compare = ""
        self.is_north_up = self.is_mirrored = self.is_turned = False
        self._parts = parts
        self.recipe: Recipe = whole(PRESETS[source.preset])
        self._pictures = Pictures()
        self._asked_for: tuple[str, Picture] | None = None
        self._saved: tuple[str, Picture] | None = None
        self._map: Picture | None = None
        self._said: tuple[str, datetime] | None = None
        self._stands: tuple[Status, datetime] | None = None
        self._alive, self._target = True, ""
        self._quieted: frozenset[Word] = frozenset()
        self.wishes, self.rows = Wishes(), self.state.subs
        self.following, self.reading, self.looking = Following(source.journal), Reading(source), Looking(source)
        self.looking.changed.connect(self._looked)
        self.looking.missed.connect(self.say)
        parts.canvas.drew.connect(parts.waiting.hide)
        self._turns = Turns(self)
        self.clock = QtCore.QTimer(interval=TICK_MS)
        self.clock.timeout.connect(self._follow)
        self._news = QtCore.QTimer(self, interval=_NEWS_MS)
        self._news.timeout.connect(self._hear)
        self.clock.start()

    @property
    def is_running(self) -> bool:
        """Whether an engine answers requests."""
        return self.state.stopped is None and self._alive

    @property
    def picture(self) -> Picture | None:
        """What is on screen, but for what was removed."""
        pictures = self._seen
        return pictures.last if self.seen_view == LAST and pictures.last is not None else pictures.stack

    @property
    def pictures(self) -> Pictures:
        """The newest pictures of the session."""
        return self._pictures

    @property
    def seen_view(self) -> str:
        """The view that is shown: a sub that is looked at stands in the place of the last one, beside the stack too."""
        return self.view if self.looking.picture is None or self.compare else LAST

    @property
    def _seen(self) -> Pictures:
        looked = self.looking.picture
        return self._pictures if looked is None else replace(self._pictures, last=looked)

    @property
    def grid(self) -> Grid:
        """How the stack that is shown lies on the sky."""
        stack = self._pictures.stack
        return NOT_KNOWN if stack is None else self.state.grids.get((*stack.parts, stack.stack)[0], NOT_KNOWN)

    def tick(self) -> None:
        """Take in what is new, and show it, at once."""
        self._turns.finish()
        for show in self._take_in(lambda: (self.following.at_once(self.state), self._newest())):
            show()

    def _follow(self) -> None:
        """Have the journal read on, beside the window."""
        self.following.ask(self.state, self._newest())
        self._news.start()

    def _hear(self) -> None:
        """Take in what was read, and show it in turns; what comes meanwhile waits for its own."""
        if self._turns.is_over:
            self._turns.begin(self._take_in(self.following.news))

    def _take_in(self, read: Callable[[], tuple[NightState, Pictures] | None]) -> Sequence[Callable[[], None]]:
        """Know what was read; returns what shows it."""
        before = self.state
        try:
            news = read()
        except sqlite3.Error as error:
            self.say(f"The session cannot be read: {error}. Is {self.source.session.name} still there?")
            return ()
        if news is None:
            return ()
        self._news.stop()
        self.state, pictures = news
        self._alive = engine_alive(self.state)
        if not self._alive:
            self.wishes.waiting.clear()  # nobody is left to answer
        is_new = self.state is not before or not pictures.are(self._pictures)
        self._pictures = pictures
        return (*(self._faces if is_new else ()), self._ask_for_map, self._show_status)

    def close(self) -> None:
        """Follow no more."""
        for timer in (self.clock, self._news):
            timer.stop()
        self._turns.drop()
        for part in (self.looking, self.reading, self.following):
            part.close()

    def _newest(self) -> Pictures:
        pictures = self.reading.newest(self.view)
        if self._map is not None and _is_for(self._saved, self.view, pictures.stack):
            return replace(pictures, map=self._map)
        return pictures

    def _ask_for_map(self) -> None:
        """Ask for the map that is looked at, once for each stack: the engine makes none else; later the file has it."""
        stack, view = self._pictures.stack, self.view
        if stack is None or not is_map(view) or _is_for(self._asked_for, view, stack):
            return
        self._asked_for = view, stack
        if self.is_running:
            with contextlib.suppress(sqlite3.Error):  # the next stack is asked again
                self.source.journal.ask("map", {"of": view})
            return

        def take(found: Future[Picture | None]) -> None:
            self._saved, self._map = (view, stack), found.result()

        saved = self.source.saved
        self._parts.canvas.aside(lambda _: saved(view, stack), take)

    def show_all(self) -> None:
        """Show state and pictures."""
        for show in self._faces:
            show()

    @property
    def _faces(self) -> Sequence[Callable[[], None]]:
        """What shows state and pictures, part by part."""
        return (
            self._show_subs,
            self._show_stack,
            self._show_plots,
            self._show_trails,
            self.show_noise,
            self._show_ribbon,
            self._show_numbers,
        )

    def _show_subs(self) -> None:
        self.rows = self.wishes.over(self.state.subs)
        self._parts.subs.set_rows(self.rows)

    def _show_stack(self) -> None:
        self.show_picture(softly=self.looking.no is None)
        self._parts.waiting.set_state(self.state)

    def _show_plots(self) -> None:
        plots = self._parts.plots
        plots.set_subs(self.state, self.rows, finer(self.state, self._pictures.stack, self._pictures.last))
        self._parts.subs.set_scales(plots.scales if plots.on_sky else {})

    def _show_trails(self) -> None:
        stack, trails = self._pictures.stack, self.state.trails
        self._parts.subs.set_trails(trails, stack.row_order if stack else None)
        # end points are px of the stack: they mean nothing on the picture of another one
        self._parts.lines.set_trails(trails if stack is not None and stack.stack == self.state.stack else ())

    def _show_ribbon(self) -> None:
        self._parts.glance.ribbon.set_subs(self.rows)

    def _show_numbers(self) -> None:
        shown = numbers(self.state, self._pictures.stack, self._pictures.last)
        self._parts.glance.set_values(shown.cells)
        kind = filter_of(self.state) or ("Colour" if self.state.colour else "")
        target = shown.target or place(self.state.folder)
        self._parts.top.set_stack(target, " · ".join(filter(None, (kind, shown.exposure))))
        self._call(target)

    def _call(self, target: str) -> None:
        """Say what people call a target: the catalogue takes longer to open than a window may stand still."""
        if target == self._target:
            return
        self._target = target
        self._parts.top.set_called("")

        def take(name: Future[str]) -> None:
            if target == self._target:
                self._parts.top.set_called(name.result())

        self._parts.canvas.aside(lambda _: common_name(target), take)

    def show_picture(self, *, turning: bool = False, softly: bool = False) -> None:
        """Show the view, developed as the stack is: what differs is in the data.

        turning: it follows a hand; softly: it came by itself.
        """
        pictures, parts, view = self._seen, self._parts, self.seen_view
        stack, last = pictures.stack, pictures.last
        is_compared = self.compare != "" and on_one_grid(stack, last)
        order = order_of(view, pictures, self.recipe, beside=is_compared)
        turn_deg, mirrored = self.turn()
        parts.canvas.turn(turn_deg, mirrored=mirrored)
        order = order and replace(order, is_turned=self.is_turned, softly=softly)
        parts.canvas.show_picture(order, turning=turning)
        tags = (one_sub(last), f"Stack of {stack.n_subs:,}") if is_compared and stack is not None else ("", "")
        parts.canvas.set_compare(self.compare if is_compared else "", tags)
        parts.waiting.setVisible(not parts.canvas.is_shown)
        if order is None or is_compared:
            parts.tag.set_legend(Legend())
        elif self.looking.no is not None:
            parts.tag.set_legend(Legend(self._looked_words()))
        elif self.compare:
            parts.tag.set_legend(Legend(why_alone(stack, last)))
        else:
            parts.tag.set_legend(legend_of(view, pictures, order, self.state, alive=self.is_running))
        parts.marks.set_stack(stack, self.grid)

    def set_view(self, view: str) -> None:
        """Show another view of the pictures that are shown, at once."""
        self.view = view
        self._pictures = replace(self._pictures, map=self._newest().map)
        self.show_picture()
        self._ask_for_map()
        self._show_status()

    def turn(self) -> tuple[float, bool]:
        """Return by how much the picture is turned, clockwise, and whether it is mirrored."""
        stack, matrix = self._pictures.stack, self.grid.matrix
        turn_deg, mirrored = 0.0, False
        if self.is_north_up and matrix is not None and stack is not None:
            turn_deg, mirrored = north_up(upright(matrix, stack.row_order))
        # what is mirrored as it is seen keeps its north where it is
        return (-turn_deg, not mirrored) if self.is_mirrored else (turn_deg, mirrored)

    def set_recipe(self, recipe: Recipe) -> None:
        """Develop the picture otherwise."""
        self.recipe = recipe
        self.show_picture(turning=True)

    def set_turned(self, turned: bool) -> None:
        """Tell how light is spread too, for someone who turns knobs, or no more."""
        self.is_turned = turned
        self.show_picture()

    def show_noise(self) -> None:
        """Show where the noise comes from, while someone looks."""
        if self._parts.noise.isVisible():
            sensor = self.state.sensors.of.get(self.state.stack or "")
            said = (sensor.calibration,) if sensor is not None and sensor.calibration else ()
            self._parts.noise.set_noise(noise_words(budget(self.state, self._pictures.stack)), said)

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
        if not self.is_running:
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

    def quiet(self) -> None:
        """Say no more of the alerts that hold now; they stay in the night's report."""
        if self._quieted.issuperset(self.state.alerts):
            self.say("There is no alert to quiet.")
            return
        self._quieted = frozenset(self.state.alerts)
        self.say("Quiet. It is told again if it comes again.")

    def say(self, sentence: str) -> None:
        """Show a sentence in the advice line for a while."""
        self._said = (sentence, datetime.now(UTC))
        self._show_status()

    def _show_status(self) -> None:
        now = datetime.now(UTC)
        alerts = tuple(alert for alert in self.state.alerts if alert not in self._quieted)
        state = replace(self.state, changing=self.wishes.under_way(self.state.changing), alerts=alerts)
        shown = status(of_all(state, self._pictures.stack), now, alive=self._alive)
        if self.looking.no is not None and shown.tone != "bad":
            shown = replace(shown, icon="eye", word=f"Looking at sub {self.looking.no:,}", detail="Esc goes back")
        self._parts.top.set_status(shown)
        self.told.emit(shown)
        self._stands = calm(self._stands, shown, now)
        shown = self._stands[0]
        if self._said is not None and now - self._said[1] < SAID_FOR:
            shown = Status("advice", "plain", shown.word, shown.detail, self._said[0])
        self._parts.glance.set_status(shown)


def _is_for(known: tuple[str, Picture] | None, view: str, stack: Picture | None) -> bool:
    return known is not None and known[0] == view and known[1] is stack
