"""From the picture before to the one now: drawn px of the screen, mixed for a moment."""

# mypy: allow-subclassing-any
from __future__ import annotations

import math
import time
from concurrent.futures import Future

import cv2
import numpy as np
from pyqtgraph.Qt import QtCore

from livestack.frame import Array
from livestack.show.threads import Threads

VIEWER_MS, STAGE_MS = 240, 1200
GLIDE_MS, YOUNG_GLIDE_MS = 1200, 600
"""A brightness that changes takes longer than grain that falls, and less while a stack is young."""
_STEP_MS, _STEPS = 24, 30
"""The shortest step, and the most of them: what is slow needs no more to be smooth."""
_DEAREST_S = 0.008
"""Where one mixing takes longer, it is a hard swap: better none than one that stutters."""
_BUFFERS = 3
"""One is drawn, one is mixed into, and one may be what a fade began from."""
_SKY_LEVELS_PER_S, _MEAN_PER_STEP = 20.0, 0.01
"""What is seen to change is slow: the sky moves by so many levels of 255, the mean from step to step by this share."""
PATCH_PX = 32
_HALVED = 2

Means = tuple[list[Array], list[Array]]
"""Of the patches of screens: before, and now."""


class Fade(QtCore.QObject):
    """Mixes what was on screen with what is there now; tells by `stepped` when it is to be drawn again.

    Each mixture is made beside the window while the one before is on screen: what was last looked at some while ago may
    take as long to be read again as a window may not stand still.
    """

    stepped = QtCore.Signal()

    def __init__(self, parent: QtCore.QObject, lasts_ms: int) -> None:
        super().__init__(parent)
        self.lasts_ms = lasts_ms
        self._before: list[Array] = []
        self._now: list[Array] = []
        self._mixed: list[Array] = []
        self._kept: list[list[Array]] = []
        self._mixer = Threads(1, "fade")  # it does not give way: it is seen
        self._asked: Future[float] | None = None
        self._into: list[Array] = []
        self._begun_s, self._this_ms, self._n_steps = 0.0, lasts_ms, _STEPS
        self._means: Means | None = None
        self._is_glide = self._is_in_hand = False
        self._stays_at: float | None = None
        self._steps = QtCore.QTimer(self)
        self._steps.timeout.connect(self._step)

    @property
    def is_on(self) -> bool:
        """Whether something of the picture before is still to be seen."""
        return bool(self._before)

    @property
    def this_ms(self) -> int:
        """How long the one lasts that was begun last."""
        return self._this_ms

    @property
    def step_ms(self) -> int:
        """How long it stays as it is between two of its steps."""
        return max(_STEP_MS, self._this_ms // self._n_steps)

    def begin(
        self,
        before: list[Array],
        now: list[Array],
        means: Means | None = None,
        least_ms: int = 0,
    ) -> None:
        """Start from what is on screen, however far the fade before has come.

        Where more changes than an eye lets pass it takes as long as that needs.

        Parameters
        ----------
        before, now : list of ndarray
            What is drawn on screen by now, and what is to be there: (H, W, 4) uint8 each.
        means : Means, optional
            Of its patches, and of those of what is to be there, see `patch_means`.
        least_ms : int
            It lasts so long at least: a glide, to another brightness.
        """
        are_alike = [each.shape for each in before] == [each.shape for each in now]
        if self._mixer.are_closed or self.lasts_ms <= 0 or not are_alike:
            self.end()
            return
        if means is not None and self._means is not None and self.is_on:
            share = self._share
            halfway = [(1.0 - share) * one + share * other for one, other in zip(*self._means, strict=True)]
            means = halfway, means[1]
        self._is_glide = least_ms > 0 or (self.is_on and self._is_glide)
        self._stays_at = 0.0 if self._is_in_hand and self._is_glide else None
        self._before, self._now, self._mixed = self.drawn(before), now, []
        self._begun_s, self._this_ms, self._n_steps = (
            time.monotonic(),
            max(self.lasts_ms, least_ms),
            _STEPS,
        )
        self._means = means
        if means is not None:
            self._measure(*means)
        self._asked = None
        if self._stays_at is None:
            self._ask()
            self._steps.start(self.step_ms)

    def hold(self, is_in_hand: bool) -> None:
        """Let a brightness that changes stay where it is while a hand is on the picture, and go on then."""
        if is_in_hand == self._is_in_hand:
            return
        self._is_in_hand = is_in_hand
        if is_in_hand and self.is_on and self._is_glide:
            self._stays_at = self._share
            self._steps.stop()
        elif self._stays_at is not None:
            self._begun_s = time.monotonic() - self._stays_at * self._this_ms / 1000
            self._stays_at = None
            self._steps.start(self.step_ms)

    @property
    def _share(self) -> float:
        """How far it has come, 0…1."""
        return self._share_in(0) if self._stays_at is None else self._stays_at

    def _share_in(self, ms: int) -> float:
        return min(1.0, (1000 * (time.monotonic() - self._begun_s) + ms) / self._this_ms)

    def end(self) -> None:
        """Show what is there now, at once."""
        self._before, self._now, self._mixed, self._asked = [], [], [], None
        self._stays_at = None
        self._steps.stop()

    def close(self) -> None:
        """Mix nothing more."""
        self.end()
        self._mixer.close()

    def drawn(self, now: list[Array]) -> list[Array]:
        """Return what is to be drawn: the same as given when there is no fade."""
        return (self._mixed or self._before) if self.is_on else now

    def _ask(self) -> None:
        """Have mixed what is to be there a step from now."""
        self._into = self._buffers()
        self._asked = self._mixer.submit(_mix, self._before, self._now, self._share_in(self.step_ms), self._into)

    def _buffers(self) -> list[Array]:
        """Return px to mix into: those of an earlier fade, for new ones cost page by page."""
        shapes, in_use = (
            [each.shape for each in self._now],
            (self._before, self._mixed, self._into),
        )
        for kept in self._kept:
            if not any(kept is each for each in in_use) and [each.shape for each in kept] == shapes:
                return kept
        made = [np.empty_like(each) for each in self._now]
        self._kept = [*self._kept[1 - _BUFFERS :], made]
        return made

    def _measure(self, before: list[Array], now: list[Array]) -> None:
        """Give it the time that it needs."""
        changes = [_change(one, other) for one, other in zip(before, now, strict=False) if one.shape == other.shape]
        sky, mean = (max((change[k] for change in changes), default=0.0) for k in range(2))
        self._n_steps = max(_STEPS, math.ceil(mean / _MEAN_PER_STEP))
        least_ms = max(1000 * sky / _SKY_LEVELS_PER_S, _STEP_MS * mean / _MEAN_PER_STEP)
        self._this_ms = max(self._this_ms, math.ceil(least_ms))

    def _step(self) -> None:
        if 1000 * (time.monotonic() - self._begun_s) >= self._this_ms:
            self.end()
        elif self._asked is not None and not self._asked.done():
            return  # it is late: what is on screen stays
        else:
            if self._asked is not None:
                self._mixed = self._into
                if self._asked.result() > _DEAREST_S * len(self._now):
                    self.end()
            if self.is_on:
                self._ask()
        self.stepped.emit()


def _mix(before: list[Array], now: list[Array], share: float, into: list[Array]) -> float:
    """Mix, and return how long the processor took: not the time for which others had it."""
    begun_s = time.thread_time()
    for one, other, out in zip(before, now, into, strict=True):
        cv2.addWeighted(one, 1.0 - share, other, share, 0.0, dst=out)
    return time.thread_time() - begun_s


def patch_means(screen: Array) -> Array:
    """Return the means of the patches of a screen, levels of 255: (rows, columns) float."""
    size = max(1, screen.shape[1] // PATCH_PX), max(1, screen.shape[0] // PATCH_PX)
    for _ in range(_HALVED):  # to halve is quick, to average squares of any size is not
        if min(screen.shape[:2]) >= 2 * PATCH_PX:
            high, wide = screen.shape[0] // 2, screen.shape[1] // 2
            screen = cv2.resize(
                screen[: 2 * high, : 2 * wide],
                (wide, high),
                interpolation=cv2.INTER_AREA,
            )
    return np.asarray(cv2.resize(screen, size, interpolation=cv2.INTER_AREA)[..., :3].mean(axis=2))


def _change(one: Array, other: Array) -> tuple[float, float]:
    """Return by how many levels the sky of a picture changes, and by which share its mean does.

    The sky is the darker half of the patches, but those at the edge, where subs begin to cover it.
    """
    mean = abs(float(other.mean()) - float(one.mean())) / max(float(one.mean()), 1.0)
    inner = np.s_[2:-2, 2:-2] if min(one.shape) > 4 else np.s_[:, :]
    sky = one[inner] <= np.median(one[inner])
    return float(np.abs(one - other)[inner][sky].max()), mean
