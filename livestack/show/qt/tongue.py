"""In which language the window speaks: English as it stands in the code, or what a translation has for it.

What a window is built with is translated once, by `speak`; what changes is translated where it is shown, by `tr`. A
translation has sentences without their numbers: "Stacking %1 of %2" is that of all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.status import Status

CONTEXT = "livestack"
FOLDER = Path(__file__).with_name("languages")
"""Of the translations, each ``livestack_<language>.qm``."""


_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_PLACE = re.compile(r"%(\d)")
_MOST = 9


def tr(text: str) -> str:
    """Return a text in the language of the window; one that no translation has stays."""
    numbers = _NUMBER.findall(text)[:_MOST]
    places = iter(range(1, len(numbers) + 1))
    template = _NUMBER.sub(lambda _: f"%{next(places)}", text, count=len(numbers)) if numbers else text
    said = str(QtCore.QCoreApplication.translate(CONTEXT, template)) if template else template
    if not numbers:
        return said
    return text if said == template else _PLACE.sub(lambda place: _of(numbers, int(place[1])), said)


def _of(numbers: Sequence[str], place: int) -> str:
    return numbers[place - 1] if 0 < place <= len(numbers) else ""


def told(status: Status) -> Status:
    """Return a state in the language of the window."""
    return replace(status, word=tr(status.word), detail=tr(status.detail), advice=tr(status.advice))


def load(app: QtWidgets.QApplication, locale: QtCore.QLocale | None = None) -> bool:
    """Speak the language of the system, where there is a translation into it; returns whether there is."""
    translator = QtCore.QTranslator(app)
    is_there = translator.load(locale or QtCore.QLocale(), "livestack", "_", str(FOLDER))
    return bool(is_there and app.installTranslator(translator))


def speak(window: QtWidgets.QWidget) -> None:
    """Translate what a window was built with: labels, buttons, menus, tabs, choices, tips and spoken names."""
    for part in (window, *window.findChildren(QtWidgets.QWidget)):
        for get, put in (
            (part.toolTip, part.setToolTip),
            (part.accessibleName, part.setAccessibleName),
            *(((part.text, part.setText),) if isinstance(part, QtWidgets.QLabel | QtWidgets.QAbstractButton) else ()),
        ):
            _put(get(), put)
        if isinstance(part, QtWidgets.QTabBar):
            for k in range(part.count()):
                part.setTabText(k, tr(part.tabText(k)))
        elif isinstance(part, QtWidgets.QComboBox):
            for k in range(part.count()):
                part.setItemText(k, tr(part.itemText(k)))
    kind = QtGui.QAction if hasattr(QtGui, "QAction") else QtWidgets.QAction
    for action in window.findChildren(kind):
        text, tab, key = action.text().partition("\t")
        action.setText(tr(text) + tab + key)


def _put(text: str, put: Callable[[str], object]) -> None:
    """Replace a text where a translation has another one; a tip's key stays as it is."""
    words, gap, key = text.partition("  ")
    said = tr(words) + gap + key
    if said != text:
        put(said)
