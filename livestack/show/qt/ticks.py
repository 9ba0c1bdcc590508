"""What is ticked in the menu, and kept from one night to the next."""

# mypy: allow-subclassing-any
from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.alarm import CHIME, OFF, VOICE
from livestack.show.qt.kept import kept, kept_number

_SOUNDS = ((OFF, "No sound"), (CHIME, "Chime"), (VOICE, "Voice"))


class Ticks(QtCore.QObject):
    """Less motion, a picture for guests that comes slowly nearer, and what is heard when something needs hands."""

    changed = QtCore.Signal()
    chose_sound = QtCore.Signal()

    def __init__(self, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._less_motion = kept_number("less motion", -1)
        self.drifts = bool(kept_number("slow zoom for guests", 0))
        at = kept_number("sound of alerts", 0)
        self.sound = _SOUNDS[at if 0 <= at < len(_SOUNDS) else 0][0]
        self.system_wants_less = False

    @property
    def less_motion(self) -> bool:
        """Whether pictures change at once: as was chosen here, else as the system says."""
        return self.system_wants_less if self._less_motion < 0 else bool(self._less_motion)

    def fill(self, menu: QtWidgets.QMenu) -> None:
        """Put what can be ticked into a menu."""
        for text, is_on, take in (
            ("Less motion", lambda: self.less_motion, self._take_motion),
            ("Slow zoom for guests", lambda: self.drifts, self._take_drift),
        ):
            self._add(menu, text, is_on, take)
        sounds = menu.addMenu("Sound when something needs hands")
        group = QtWidgets.QActionGroup(sounds) if hasattr(QtWidgets, "QActionGroup") else QtGui.QActionGroup(sounds)
        for sound, text in _SOUNDS:
            group.addAction(self._add(sounds, text, partial(self._is, sound), partial(self._take, sound)))

    def _add(
        self, menu: QtWidgets.QMenu, text: str, is_on: Callable[[], bool], take: Callable[[bool], None]
    ) -> QtGui.QAction:
        action = menu.addAction(text)
        action.setCheckable(True)
        menu.aboutToShow.connect(lambda: action.setChecked(is_on()))
        action.triggered.connect(take)
        return action

    def _take_motion(self, less: bool) -> None:
        self._less_motion = int(less)
        self._keep("less motion", int(less))

    def _take_drift(self, drifts: bool) -> None:
        self.drifts = drifts
        self._keep("slow zoom for guests", int(drifts))

    def _is(self, sound: str) -> bool:
        return self.sound == sound

    def _take(self, sound: str, _: bool) -> None:
        self.sound = sound
        self._keep("sound of alerts", [name for name, _ in _SOUNDS].index(sound))
        self.chose_sound.emit()

    def _keep(self, name: str, value: int) -> None:
        kept().setValue(name, value)
        self.changed.emit()
