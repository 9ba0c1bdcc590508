"""A session that grows as a test says, and a window on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyqtgraph.Qt import QtCore
from pytestqt.qtbot import QtBot

from livestack.show.qt.window import Window
from livestack.show.source import Source, open_source
from tests.show.guest import Server, chromium_of
from tests.show.night import Night

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(autouse=True)
def _taste(tmp_path: Path) -> None:
    """What a window keeps, it keeps here."""
    settings = QtCore.QSettings
    settings.setPath(settings.Format.IniFormat, settings.Scope.UserScope, str(tmp_path / "taste"))


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    night = Night(tmp_path / "session")
    yield night
    night.close()


@pytest.fixture
def source(night: Night) -> Iterator[Source]:
    source = open_source(night.session)
    yield replace(source, is_on_disk=False)  # a tick shows what there is
    source.journal.close()


@pytest.fixture
def window(source: Source, qtbot: QtBot) -> Iterator[Window]:
    window = Window(source)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    qtbot.waitExposed(window)
    yield window
    window.set_night(False)


@pytest.fixture(scope="module")
def chromium(browser: str) -> Iterator[Browser]:
    with chromium_of(browser) as running:
        yield running


@pytest.fixture
def server(source: Source) -> Iterator[Server]:
    server = Server(source)
    yield server
    server.stop()
