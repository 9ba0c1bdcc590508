"""From the picture before to the one now: drawn px of the screen, mixed for a moment."""

# mypy: allow-subclassing-any
from __future__ import annotations

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


class Fade(QtCore.QObject):
    """Mixes what was on screen with what is there now; tells by `stepped` when it is to be drawn again."""

    stepped = QtCore.Signal()

    def __init__(self, parent: QtCore.QObject, lasts_ms: int) -> None:
        super().__init__(parent)
        self.lasts_ms = lasts_ms
        self._before: list[Array] = []
        self._mixed: list[Array] = []
        self._begun_s, self._this_ms = 0.0, lasts_ms
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
        return max(_STEP_MS, self._this_ms // _STEPS)

    def begin(self, before: list[Array], least_ms: int = 0) -> None:
        """Start from what is on screen, however far the fade before has come; it lasts so long at least."""
        if self.lasts_ms <= 0 or not before:
            return
        # a buffer that is still to be drawn from must not be written to
        self._before, self._mixed = (self._mixed if self.is_on and self._mixed else before), []
        self._begun_s, self._this_ms = time.monotonic(), max(self.lasts_ms, least_ms)
        self._steps.start(self.step_ms)

    def end(self) -> None:
        """Show what is there now, at once."""
        self._before, self._mixed = [], []
        self._steps.stop()

    def mixed(self, now: list[Array]) -> list[Array]:
        """Return what is to be drawn: (H, W, 4) uint8 each; the same as given when there is no fade."""
        if not self._before:
            return now
        if [each.shape for each in self._before] != [each.shape for each in now]:
            self.end()
            return now
        share = min(1.0, 1000 * (time.monotonic() - self._begun_s) / self._this_ms)
        begun_s = time.perf_counter()
        into = self._mixed or [np.empty_like(each) for each in now]
        for before, after, out in zip(self._before, now, into, strict=True):
            cv2.addWeighted(before, 1.0 - share, after, share, 0.0, dst=out)
        self._mixed = into
        if time.perf_counter() - begun_s > _DEAREST_S * len(now):
            self.end()
            return now
        return into

    def _step(self) -> None:
        if 1000 * (time.monotonic() - self._begun_s) >= self._this_ms:
            self.end()
        self.stepped.emit()
