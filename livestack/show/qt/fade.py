"""From the picture before to the one now: drawn px of the screen, mixed for a moment."""

# mypy: allow-subclassing-any
from __future__ import annotations

import math
import time

import cv2
import numpy as np
from pyqtgraph.Qt import QtCore

from livestack.frame import Array

VIEWER_MS, STAGE_MS = 240, 1200
GLIDE_MS, YOUNG_GLIDE_MS = 1200, 600
"""A brightness that changes takes longer than grain that falls, and less while a stack is young."""
_STEP_MS, _STEPS = 24, 30
"""The shortest step, and the most of them: what is slow needs no more to be smooth."""
_DEAREST_S = 0.008
"""Where one mixing takes longer, it is a hard swap: better none than one that stutters."""
_SKY_LEVELS_PER_S, _MEAN_PER_STEP = 20.0, 0.01
"""What is seen to change is slow: the sky moves by so many levels of 255, the mean from step to step by this share."""
PATCH_PX = 32
_HALVED = 2

Means = tuple[list[Array], list[Array]]
"""Of the patches of screens: before, and now."""


class Fade(QtCore.QObject):
    """Mixes what was on screen with what is there now; tells by `stepped` when it is to be drawn again."""

    stepped = QtCore.Signal()

    def __init__(self, parent: QtCore.QObject, lasts_ms: int) -> None:
        super().__init__(parent)
        self.lasts_ms = lasts_ms
        self._before: list[Array] = []
        self._mixed: list[Array] = []
        self._kept: list[list[Array]] = []
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

    def begin(self, before: list[Array], means: Means | None = None, least_ms: int = 0) -> None:
        """Start from what is on screen, however far the fade before has come.

        Where more changes than an eye lets pass it takes as long as that needs.

        Parameters
        ----------
        before : list of ndarray
            What is drawn on screen by now.
        means : Means, optional
            Of its patches, and of those of what is to be there, see `patch_means`.
        least_ms : int
            It lasts so long at least: a glide, to another brightness.
        """
        if self.lasts_ms <= 0 or not before:
            return
        if means is not None and self._means is not None and self.is_on:
            share = self._share
            halfway = [(1.0 - share) * one + share * other for one, other in zip(*self._means, strict=True)]
            means = halfway, means[1]
        self._is_glide = least_ms > 0 or (self.is_on and self._is_glide)
        self._stays_at = 0.0 if self._is_in_hand and self._is_glide else None
        # a buffer that is still to be drawn from must not be written to
        self._before, self._mixed = (self._mixed if self.is_on and self._mixed else before), []
        self._begun_s, self._this_ms, self._n_steps = time.monotonic(), max(self.lasts_ms, least_ms), _STEPS
        self._means = means
        if means is not None:
            self._measure(*means)
        if self._stays_at is None:
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
        if self._stays_at is not None:
            return self._stays_at
        return min(1.0, 1000 * (time.monotonic() - self._begun_s) / self._this_ms)

    def end(self) -> None:
        """Show what is there now, at once."""
        self._before, self._mixed = [], []
        self._stays_at = None
        self._steps.stop()

    def mixed(self, now: list[Array]) -> list[Array]:
        """Return what is to be drawn: (H, W, 4) uint8 each; the same as given when there is no fade."""
        if not self._before:
            return now
        if [each.shape for each in self._before] != [each.shape for each in now]:
            self.end()
            return now
        share = self._share
        begun_s = time.thread_time()  # not the time for which others had the core
        into = self._mixed or self._buffers(now)
        for before, after, out in zip(self._before, now, into, strict=True):
            cv2.addWeighted(before, 1.0 - share, after, share, 0.0, dst=out)
        self._mixed = into
        if time.thread_time() - begun_s > _DEAREST_S * len(now):
            self.end()
            return now
        return into

    def _buffers(self, like: list[Array]) -> list[Array]:
        """Return px to mix into: those of an earlier fade, for new ones cost the window page by page."""
        shapes = [each.shape for each in like]
        for kept in self._kept:
            if kept is not self._before and [each.shape for each in kept] == shapes:
                return kept
        made = [np.empty_like(each) for each in like]
        self._kept = [*self._kept[-1:], made]
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
        self.stepped.emit()


def patch_means(screen: Array) -> Array:
    """Return the means of the patches of a screen, levels of 255: (rows, columns) float."""
    size = max(1, screen.shape[1] // PATCH_PX), max(1, screen.shape[0] // PATCH_PX)
    for _ in range(_HALVED):  # to halve is quick, to average squares of any size is not
        if min(screen.shape[:2]) >= 2 * PATCH_PX:
            high, wide = screen.shape[0] // 2, screen.shape[1] // 2
            screen = cv2.resize(screen[: 2 * high, : 2 * wide], (wide, high), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(screen, size, interpolation=cv2.INTER_AREA)[..., :3].mean(axis=2))


def _change(one: Array, other: Array) -> tuple[float, float]:
    """Return by how many levels the sky of a picture changes, and by which share its mean does.

    The sky is the darker half of the patches, but those at the edge, where subs begin to cover it.
    """
    mean = abs(float(other.mean()) - float(one.mean())) / max(float(one.mean()), 1.0)
    inner = np.s_[2:-2, 2:-2] if min(one.shape) > 4 else np.s_[:, :]
    sky = one[inner] <= np.median(one[inner])
    return float(np.abs(one - other)[inner][sky].max()), mean
