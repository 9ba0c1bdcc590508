"""The window speaks another language where a translation has it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree

import pytest
from pyqtgraph.Qt import QtCore, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.show.qt.tongue import CONTEXT, COUNTED, in_locale, load, tr
from livestack.show.qt.window import Window
from livestack.show.source import Source
from tests.conftest import ROOT
from tests.show.night import Night

DATA = {"M 27", "Colour · 20\u202fs"}


class Upside(QtCore.QTranslator):
    """A language in which every text is the English one in brackets."""

    def isEmpty(self) -> bool:  # noqa: N802 - Qt's name
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str | None:
        return f"⟦{text}⟧" if context == CONTEXT else None


@pytest.fixture
def foreign(qapp: QtWidgets.QApplication, source: Source, qtbot: QtBot) -> Iterator[Window]:
    language = Upside()
    qapp.installTranslator(language)
    window = Window(source)
    qtbot.addWidget(window)
    window.show()
    yield window
    qapp.removeTranslator(language)


def _is_word(text: str) -> bool:
    return sum(sign.isalpha() for sign in text) > 2


def test_bars_panels_menus_and_help_are_translated(foreign: Window, qtbot: QtBot) -> None:
    for key in "DPL":
        qtbot.keyClick(foreign, key)
    keys = {part.text() for part in foreign.help.findChildren(QtWidgets.QLabel) if part.objectName() == "key"}
    texts = [part.text() for part in foreign.findChildren(QtWidgets.QLabel)]
    texts += [part.text() for part in foreign.findChildren(QtWidgets.QAbstractButton)]
    foreign_ones = [text for text in texts if text.startswith("⟦")]
    english = {text for text in texts if _is_word(text) and "⟦" not in text} - keys - DATA
    assert len(foreign_ones) > 60
    assert not {text for text in english if "<" not in text and not any(sign in "…0123456789" for sign in text)}
    assert foreign.develop.presets.itemText(0) == "⟦Auto⟧"
    assert foreign.drawer.tabs.tabText(0) == "⟦Night plots⟧"
    assert foreign.icons["chart"].toolTip() == "⟦Night plots⟧  P"
    assert foreign.icons["chart"].accessibleName() == "⟦Night plots⟧"
    menu = foreign.findChild(QtWidgets.QMenu)
    assert "⟦Pause or go on⟧\tR" in [action.text() for action in menu.actions()]
    assert foreign.subs.model.headerData(1, QtCore.Qt.Orientation.Horizontal, QtCore.Qt.ItemDataRole.DisplayRole) == (
        "⟦Time⟧"
    )
    assert foreign.plots.cells[1].name == "⟦Stars⟧"
    assert foreign.top.pill._status.word.startswith("⟦")
    assert foreign.waiting.steps()[2][1] == "⟦First picture⟧"


class German(QtCore.QTranslator):
    """A few sentences, in which numbers have other places."""

    says: ClassVar = {
        "Stacking %1 of %2": "Von %2 Aufnahmen sind %1 gestapelt",
        "Sub %1 left out": "Aufnahme %1 ausgelassen",
        "%1\u202fmin %2\u202fs left": "noch %1\u202fmin %2\u202fs",
    }

    def isEmpty(self) -> bool:  # noqa: N802 - Qt's name
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str | None:
        return self.says.get(text)


def test_a_sentence_is_translated_whatever_its_numbers(qapp: QtWidgets.QApplication) -> None:
    language = German()
    qapp.installTranslator(language)
    try:
        assert tr("Stacking 40 of 1,118") == "Von 1,118 Aufnahmen sind 40 gestapelt"
        assert tr("Sub 1,082 left out") == "Aufnahme 1,082 ausgelassen"
        assert tr("3\u202fmin 20\u202fs left") == "noch 3\u202fmin 20\u202fs"
        assert tr("Sub 7 is on screen at 23:14, 100 % of 1.5.") == "Sub 7 is on screen at 23:14, 100 % of 1.5."
        assert tr("") == ""
    finally:
        qapp.removeTranslator(language)


class Polish(QtCore.QTranslator):
    """Counts with three forms."""

    says: ClassVar = {
        "%Ln subs left out since %1": ("%Ln klatka od %1", "%Ln klatki od %1", "%Ln klatek od %1"),
        "subs": ("klatka", "klatki", "klatek"),
        "%1\u202f% of %2": ("%1\u202f% z %2",) * 3,
    }

    def isEmpty(self) -> bool:  # noqa: N802 - Qt's name
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str | None:
        few = n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14)
        return self.says[text][0 if n == 1 else 1 if few else 2] if text in self.says else None


@pytest.fixture
def polish(qapp: QtWidgets.QApplication) -> Iterator[None]:
    language, before = Polish(), QtCore.QLocale()
    qapp.installTranslator(language)
    QtCore.QLocale.setDefault(QtCore.QLocale("pl_PL"))
    yield
    QtCore.QLocale.setDefault(before)
    qapp.removeTranslator(language)


def test_what_is_counted_has_the_forms_of_the_language(polish: None) -> None:
    assert tr("14 subs left out since 23:40") == "14 klatek od 23:40"
    assert tr("3 subs left out since 23:40") == "3 klatki od 23:40"
    assert tr("1,232 subs left out since 23:40").replace("\xa0", " ") == "1 232 klatki od 23:40"
    assert [tr("subs", n) for n in (1, 22, 112)] == ["klatka", "klatki", "klatek"]


def test_numbers_are_written_as_the_language_has_them(polish: None, window: Window) -> None:
    assert tr("10.5\u202f% of 12,345.6").replace("\xa0", " ") == "10,5\u202f% z 12 345,6"
    assert in_locale("10.4×") == "10,4×"
    for name in ("23:14:07", "2026-08-20", "M27_0082.5.fits", "0.1.2", "1936×1096", "https://10.0.0.7:8577"):
        assert in_locale(name) == name
    window.glance.set_values((((("1,022", "subs"),), "none left out"), ((("2.5", "px"),), "")))
    assert "klatki" in window.glance.stacked.number.text()
    assert window.glance.light.number.text().startswith("2,5<")


def test_every_noun_that_is_counted_is_known_to_be() -> None:
    counted = {
        node.args[1].value
        for path in (ROOT / "livestack").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "count"
        if len(node.args) == 2 and isinstance(node.args[1], ast.Constant)
    }
    assert len(counted) > 10
    assert {noun for noun in counted if " " not in noun} <= set(COUNTED)


def test_english_is_what_stands_in_the_code(window: Window, qapp: QtWidgets.QApplication) -> None:
    before = QtCore.QLocale()
    assert not load(qapp, QtCore.QLocale("de_DE"))
    assert tr("1,234 subs, 2.5 px") == "1,234 subs, 2.5 px"
    assert QtCore.QLocale().decimalPoint() == ".", "numbers of another language do not stand in English sentences"
    QtCore.QLocale.setDefault(before)
    assert window.glance.stacked.label.text() == "Stacked"
    assert not [part for part in window.findChildren(QtWidgets.QLabel) if "⟦" in part.text()]


def test_what_is_said_is_written_down_for_translators(night: Night, tmp_path: Path) -> None:
    for reason in (None, None, None, "trailed", None):
        night.add(reason)
    target = tmp_path / "livestack_xx.ts"
    script = [sys.executable, "-m", "scripts.words", str(target), str(night.session)]
    subprocess.run(script, check=True, timeout=120, capture_output=True, cwd=ROOT)
    text = target.read_text("utf-8")
    target.write_text(text.replace("<source>Develop</source>", "<source>Develop</source><comment>kept</comment>"))
    subprocess.run(script, check=True, timeout=120, capture_output=True, cwd=ROOT)
    messages = {m.findtext("source"): m for m in ElementTree.parse(target).iter("message")}
    assert {"Develop", "Show to guests", "Night plots", "Pause or go on", "Stacked", "Star size"} <= set(messages)
    assert len(messages) > 100
    assert {"Sub %1 left out", "next sub in %1\u202fs", "next sub any moment"} <= set(messages)
    assert messages["Develop"].findtext("comment") == "kept"
    counted = [m for m in messages.values() if m.get("numerus") == "yes"]
    assert {"sub", "subs"} & {m.findtext("source") for m in counted}
    assert all(m.find("translation/numerusform") is not None for m in counted)
    assert ElementTree.parse(target).getroot().get("language") == "xx"
