"""Write down what the window says, for translators: ``python -m scripts.words livestack_de.ts [SESSION ...]``.

Qt Linguist opens the file and releases it as .qm, which belongs into livestack/show/qt/languages. A file that is there
keeps its translations. Words are gathered from a window that is built and opened, not from the source: what is said is
what is translated. What it says while a stack grows is told by sessions, of which each word of the journal is followed.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.journal import Journal
from livestack.show.numbers import numbers
from livestack.show.qt.tongue import CONTEXT, count_of, told, tr
from livestack.show.qt.window import Window
from livestack.show.source import open_source
from livestack.show.state import NightState, advance, when
from livestack.show.status import status

LATER_S = (1, 60)
"""The pill says one thing of what has just come, and another when it is no news any more."""


Word = tuple[str, bool]
"""A text, and whether it counts something: a language may have several forms of it."""
_PLACE = re.compile(r"%L?n|%\d")


class Listener(QtCore.QTranslator):
    """Hears what is asked to be translated."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: set[Word] = set()

    def isEmpty(self) -> bool:  # noqa: N802 - Qt's name
        """Say that it has something to say."""
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str | None:
        """Take note of a text."""
        if context == CONTEXT and any(sign.isalpha() for sign in _PLACE.sub("", text)):
            self.heard.add((text, n >= 0))
        return None


def said(sessions: Sequence[Path] = ()) -> set[Word]:
    """Return all texts of a window, and of what it said of these sessions; numbers are %1, %2 in them, %Ln counts."""
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    listener = Listener()
    app.installTranslator(listener)
    with tempfile.TemporaryDirectory() as folder:
        Journal(Path(folder) / "journal.sqlite", create=True).close()
        source = open_source(Path(folder))
        window = Window(source)
        window.show()
        for open_it in (window.set_develop, window.set_plots, window.set_list, window.set_noise):
            open_it(True)
            app.processEvents()
        window.close()
        source.journal.close()
    for session in sessions:
        with closing(Journal(session / "journal.sqlite")) as journal:
            _follow(journal)
    app.removeTranslator(listener)
    return listener.heard


def _follow(journal: Journal) -> None:
    """Say what was said of a session, word by word."""
    state = NightState()
    for record in journal.follow():
        state = advance(state, record)
        now = when(record.time_utc) or datetime.now(UTC)
        for later_s in LATER_S:
            told(status(state, now + timedelta(seconds=later_s)))
        for parts, below in numbers(state, None, None).cells:
            tr(below)
            for number, unit in parts:
                tr(unit, count_of(number))


def write(path: Path, words: set[Word]) -> None:
    """Write them as Qt Linguist reads them, which knows of a language how many forms it has."""
    kept: dict[tuple[str, bool], ElementTree.Element] = {}
    if path.exists():
        messages = ElementTree.parse(path).iter("message")
        kept = {(m.findtext("source", ""), m.get("numerus") == "yes"): m for m in messages}
    language = path.stem.partition("_")[2]
    root = ElementTree.Element("TS", version="2.1", sourcelanguage="en", **({"language": language} if language else {}))
    context = ElementTree.SubElement(root, "context")
    ElementTree.SubElement(context, "name").text = CONTEXT
    for text, counts in sorted(words):
        if (text, counts) in kept:
            context.append(kept[text, counts])
            continue
        message = ElementTree.SubElement(context, "message", **({"numerus": "yes"} if counts else {}))
        ElementTree.SubElement(message, "source").text = text
        translation = ElementTree.SubElement(message, "translation", type="unfinished")
        if counts:
            ElementTree.SubElement(translation, "numerusform")
    ElementTree.indent(root)
    path.write_bytes(b"<!DOCTYPE TS>\n" + ElementTree.tostring(root, encoding="utf-8"))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    write(target, said([Path(session) for session in sys.argv[2:]]))
    print(f"Written {target}")
