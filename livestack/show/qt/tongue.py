"""In which language the window speaks: English as it stands in the code, or what a translation has for it.

What a window is built with is translated once, by `speak`; what changes is translated where it is shown, by `tr`. A
translation has sentences without their numbers: "Stacking %1 of %2" is that of all. What is counted is %Ln, for which
a language may have several forms: "%Ln subs left out since %1". Numbers are written as is usual where it is spoken.
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
ENGLISH = QtCore.QLocale(QtCore.QLocale.Language.English, QtCore.QLocale.Country.UnitedStates)
COUNTED = ("alert", "frame", "hour", "message", "minute", "night", "option", "photo", "picture", "second", "session",
           "star", "sub", "trail")  # fmt: skip
"""What a window counts, each with an s where it is not one."""

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_COUNT = re.compile(rf"(?<![\d.,:])\d{{1,3}}(?:,\d{{3}})*(?= (?:more )?(?:{'|'.join(COUNTED)})s?\b)")
_WRITTEN = re.compile(r"(?<![\w./-])(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?![\w/:]|[.,]\w)")
"""A number as English writes it, and no part of a name, a version or a time."""
_PLACE = re.compile(r"%(\d)")
_MOST = 9


def tr(text: str, n: int = -1) -> str:
    """Return a text in the language of the window; one that no translation has stays.

    Parameters
    ----------
    n : int
        How many it speaks of, where the text itself has no number that tells; −1 = it does, or counts nothing.
    """
    if not text:
        return text
    counted = _COUNT.search(text) if n < 0 else None
    if counted is not None:
        n = count_of(counted[0])
    template, numbers = _template(text, counted)
    said = str(QtCore.QCoreApplication.translate(CONTEXT, template, None, n))
    return _PLACE.sub(lambda place: _of(numbers, int(place[1])), said)


def in_locale(text: str) -> str:
    """Return a text with its numbers as they are written where the window's language is spoken."""
    locale = QtCore.QLocale()
    return text if _is_english(locale) else _WRITTEN.sub(lambda number: _written(number, locale), text)


def count_of(number: str) -> int:
    """Return how many a number tells of whose noun is written beside it; −1 where it counts nothing."""
    whole = number.replace(",", "")
    return int(whole) if whole.isdecimal() else -1


def _is_english(locale: QtCore.QLocale) -> bool:
    return locale.language() in (QtCore.QLocale.Language.C, QtCore.QLocale.Language.English)


def _written(number: re.Match[str], locale: QtCore.QLocale) -> str:
    """Write a number: thousands are set apart where they were before, for a year is no such number."""
    whole = locale.toString(int(number[1].replace(",", ""))) if "," in number[1] else number[1]
    return whole + (number[2] or "").replace(".", locale.decimalPoint())


def _template(text: str, counted: re.Match[str] | None) -> tuple[str, list[str]]:
    """Return a text with places for its numbers, and these as they are to be written."""
    numbers: list[str] = []
    locale = QtCore.QLocale()

    def place(number: re.Match[str]) -> str:
        if counted is not None and number.start() == counted.start():
            return "%Ln"
        if len(numbers) == _MOST:
            return number[0]
        known = None if _is_english(locale) else _WRITTEN.match(text, number.start())
        numbers.append(number[0] if known is None else _written(known, locale))
        return f"%{len(numbers)}"

    return _NUMBER.sub(place, text), numbers


def _of(numbers: Sequence[str], place: int) -> str:
    return numbers[place - 1] if 0 < place <= len(numbers) else ""


def told(status: Status) -> Status:
    """Return a state in the language of the window."""
    return replace(status, word=tr(status.word), detail=tr(status.detail), advice=tr(status.advice))


def load(app: QtWidgets.QApplication, locale: QtCore.QLocale | None = None) -> bool:
    """Speak the language of the system, where there is a translation into it; returns whether there is."""
    translator, wanted = QtCore.QTranslator(app), locale or QtCore.QLocale.system()
    is_there = bool(translator.load(wanted, "livestack", "_", str(FOLDER)) and app.installTranslator(translator))
    QtCore.QLocale.setDefault(wanted if is_there else ENGLISH)  # numbers belong to their sentences
    return is_there


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
