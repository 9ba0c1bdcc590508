"""What is published: the picture that guests see, developed as it was shown to them, and what is told beside it."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from livestack.allocation import return_free
from livestack.develop.chain import Recipe
from livestack.develop.live import Settled, milestone, steady
from livestack.engine.buildup import steps
from livestack.events import Json
from livestack.frame import Array, Picture
from livestack.picture import read_picture, write_picture
from livestack.show.gently import gently
from livestack.show.pinned import with_light
from livestack.show.rendition import LONGEST_PX, developed
from livestack.show.rim import WHOLE, Rim, rim_of, without
from livestack.show.source import Source
from livestack.show.state import NightState, advance, catch_up
from livestack.show.web.full import full_of
from livestack.show.web.growing import edge_of, upto
from livestack.show.web.look import Look, recipe_of
from livestack.show.web.outreach import Outreach, read, write
from livestack.show.web.pace import Pace
from livestack.show.web.public import Around, public
from livestack.show.web.renditions import packed
from livestack.show.web.seen import Seen

DRAFT_PX = 780
_CLOCK_S = 1.0
_HELD, _HELD_ONE = "guests.npy", "guests-one.npy"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Sight:
    """A version of the picture with what it is developed by.

    Attributes
    ----------
    image : ndarray of uint8
        The stack as guests see it: (H, W) or (H, W, 3).
    """

    seen: Seen
    settled: Settled
    image: Array

    @cached_property
    def one_image(self) -> Array | None:
        """A single photo, made when it is first asked for, by all that the stack was: what differs is in the data."""
        stack, one = self.seen.stack, self.seen.lit_one()
        if stack is None or one is None:
            return None
        return developed(replace(one, noise_adu=stack.noise_adu), self.settled, LONGEST_PX)


class Feed:
    """Follows a session for every guest at once. All that changes it is for one thread; what it holds may be read."""

    def __init__(self, source: Source, around: Around) -> None:
        self.source, self.around = source, around
        self.pace = Pace()
        self.outreach: Outreach = read(source.session, source.preset)
        self.night = NightState()
        self.sight: Sight | None = None
        self.waiting: Picture | None = None
        self._told = NightState()
        self._version = 0
        self._stretch = 0
        self._draft: Settled | None = None
        self._is_let_in = False
        self._rim, self._rim_key = WHOLE, ("", 0)
        self._edge: tuple[tuple[str, int], tuple[int, int]] = (("", 0), (0, 0))
        self._told_at_s = 0.0
        self._told_of: tuple[object, ...] = ()
        self._resume()
        self.state: Json = self._public()

    def refresh(self) -> Json:
        """Take in what is new and return the public state."""
        while (night := catch_up(self.source.journal, self.night)).seq != self.night.seq:
            self.night = night
        self.night = night
        self._show(self.source.picture(), self.source.last())
        if not self._is_frozen:
            self._told = self.night
        # the clock alone changes little: that once a second is enough
        now_of = (self.night.seq, self._told.seq, self.sight, self.outreach, self.around)
        if now_of != self._told_of or time.monotonic() - self._told_at_s >= _CLOCK_S:
            self._told_of, self._told_at_s = now_of, time.monotonic()
            self.state = self._public()
        return self.state

    def change(self, make: Callable[[Outreach], Outreach]) -> Json:
        """Change what the operator made, keep it in the session, and return the public state."""
        before = self.outreach
        self.outreach = make(before)
        freezes = (self.outreach.held, self.outreach.approves) != (before.held, before.approves)
        if freezes and (self.outreach.held or self.outreach.approves):
            self._keep_picture()
        if self.outreach != before:
            self._keep()
        return self.refresh()

    def let_in(self) -> Json:
        """Show the picture that waits for it."""
        self._is_let_in = True
        return self.refresh()

    def draft_of(self, look: Look) -> bytes | None:
        """Return the newest picture as it would look, for the operator; None where there is none."""
        whole = self.source.picture()
        if whole is None:
            return None
        stack = without(with_light(whole), self._rim if self._rim_key[0] == whole.stack else WHOLE)
        recipe = recipe_of(look)
        if self.sight is not None and _fits(self.sight.settled, stack) and self.sight.settled.recipe == recipe:
            settled = self.sight.settled
        else:
            settled = self._draft = steady(self._draft, stack, recipe)
        return packed(developed(stack, settled, DRAFT_PX), DRAFT_PX)

    def edge(self, sight: Sight) -> tuple[int, int]:
        """Return where the patches are that show grain: they stay as long as the picture hardly changes."""
        stack = sight.seen.stack
        assert stack is not None
        key = stack.stack, milestone(stack.n_subs)
        if self._edge[0] != key:
            self._edge = key, edge_of(sight.image)
        return self._edge[1]

    @property
    def _seen(self) -> Seen:
        return self.sight.seen if self.sight is not None else Seen()

    @property
    def _is_frozen(self) -> bool:
        return self.outreach.held or self.outreach.approves

    def _show(self, stack: Picture | None, last: Picture | None) -> None:
        """Let guests see the newest picture, where it may be, as it is to look."""
        now = self._seen
        is_new = self._is_next(stack, last)
        if is_new and stack is not None:
            self.pace.shown()
            one = _one_of(stack, last)
            rim = self._rim_of(stack)
            cut = without(stack, rim), None if one is None else without(one, rim)
            now = replace(now, stack=cut[0], one=cut[1], whole=stack, whole_one=one, rim=rim)
        if now.stack is None:
            return
        before, recipe = self.sight, recipe_of(self.outreach.shown.look)
        if not is_new and before is not None and before.settled.recipe == recipe:
            return
        lit = now.lit_stack()
        assert lit is not None
        settled = self._settle(lit, recipe)
        if before is not None:
            before.__dict__.pop("one_image", None)  # its renditions are kept; the room is needed
        elif self.source.stop is None:  # of what loaded the kernels much is free, and no stacker is here that wants it
            return_free()
        self._version = max(self._version + 1, int(time.time() * 1000))
        if before is None or settled.acts is not before.settled.acts:
            self._stretch = self._version
        full = full_of(self.source.session, now, self._version, self._stretch)
        past = upto(steps(self.source.session, now.stack.stack), now.stack)
        seen = replace(now, version=self._version, stretch=self._stretch, full=full, steps=past)
        self.sight = Sight(seen, settled, developed(lit, settled, LONGEST_PX))  # before anyone is told of it
        if self._is_let_in:
            self._is_let_in = False
            self._told = self.night
            self._keep_picture()
            self._keep()

    def _is_next(self, stack: Picture | None, last: Picture | None) -> bool:
        """Whether guests see the newest picture now; tells, too, whether one waits for the operator."""
        now, self.waiting = self._seen, None
        if stack is None or (stack is now.whole and _one_of(stack, last) is now.whole_one):
            return False
        if self.outreach.held and now.stack is not None:
            return False
        if self.outreach.approves and not self._is_let_in and not _is_same(stack, now.whole):
            self.waiting = stack
            return False
        return self._is_let_in or not _is_of_one(stack, now.whole) or self.pace.is_due()

    def _rim_of(self, stack: Picture) -> Rim:
        """Return the rim of a stack: looked at anew where the stretch may change too, and changed only if it shows."""
        key = stack.stack, milestone(stack.n_subs)
        if key != self._rim_key:
            names = stack.parts[:1] or (stack.stack,)
            rows = [row for row in self.night.subs if row.state == "accepted" and row.stack in names]
            found = rim_of(rows, tuple(round(n / stack.scale) for n in stack.data.shape[:2]))
            if key[0] != self._rim_key[0] or self._rim.gives_way_to(found):
                self._rim = found
            self._rim_key = key
        return self._rim

    def _settle(self, stack: Picture, recipe: Recipe) -> Settled:
        before, draft = self.sight.settled if self.sight is not None else None, self._draft
        if self.sight is not None and self.sight.seen.rim != self._rim:
            before = draft = self._draft = None  # where in the picture something is told by its size
        if before is not None and before.recipe == recipe and _fits(before, stack):
            return gently(before, stack, recipe)
        if draft is not None and draft.recipe == recipe and _fits(draft, stack):
            return draft  # as the operator saw it
        return steady(None, stack, recipe)

    def _public(self) -> Json:
        return public(self._told, self.night, self._seen, self.outreach, self.around, datetime.now(UTC))

    def _resume(self) -> None:
        """Go on with the picture that guests saw before a restart, where it was held or waits for approval."""
        if not (self.outreach.held or self.outreach.approves):
            return
        cache = self.source.session / "cache"
        stack, one = read_picture(cache / _HELD), read_picture(cache / _HELD_ONE)
        if stack is None:
            return
        records = self.source.journal.follow(0)
        for record in records:
            self.night = advance(self.night, record)
            if record.seq <= self.outreach.seq:
                self._told = self.night
        held, self.outreach = self.outreach, replace(self.outreach, held=False, approves=False)
        self._show(stack, one)
        self.outreach = held

    def _keep_picture(self) -> None:
        """Keep what guests see now, so that it is the same after a restart."""
        self.outreach = replace(self.outreach, seq=self._told.seq)
        seen = self._seen
        cache = self.source.session / "cache"
        for name, picture in ((_HELD, seen.whole), (_HELD_ONE, seen.whole_one)):
            with contextlib.suppress(OSError):  # a full disk, or one that is away: it is kept in memory
                if picture is None:
                    (cache / name).unlink(missing_ok=True)
                else:
                    write_picture(cache / name, with_light(picture))

    def _keep(self) -> None:
        try:
            write(self.source.session, self.outreach)
        except OSError as error:
            _log.warning("what guests are shown could not be kept: %s", error)


def _one_of(stack: Picture, last: Picture | None) -> Picture | None:
    """Return the single photo that can be compared with a stack."""
    if last is None or last.data.shape != stack.data.shape or last.stack not in (stack.stack, *stack.parts):
        return None
    return last


def _fits(settled: Settled, stack: Picture) -> bool:
    return (settled.stack, settled.n_channels) == (stack.stack, 1 if stack.data.ndim == 2 else stack.data.shape[2])


def _is_of_one(one: Picture | None, other: Picture | None) -> bool:
    """Whether two are of one stack."""
    return one is not None and other is not None and one.stack == other.stack


def _is_same(one: Picture | None, other: Picture | None) -> bool:
    """Whether two are one picture, though it was read twice."""
    if one is None or other is None:
        return False
    return (one.stack, one.version, one.n_subs) == (other.stack, other.version, other.n_subs)
