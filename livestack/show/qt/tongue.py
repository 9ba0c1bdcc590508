"""In which language the window speaks: English as it stands in the code, or what a translation has for it.

What a window is built with is translated once, by `speak`; what changes is translated where it is shown, by `tr`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from livestack.show.status import Status

CONTEXT = "livestack"
FOLDER = Path(__file__).with_name("languages")
"""Of the translations, each ``livestack_<language>.qm``."""


def tr(text: str) -> str:
    """Return a text in the language of the window; one that no translation has stays."""
    return str(QtCore.QCoreApplication.translate(CONTEXT, text)) if text else text


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
