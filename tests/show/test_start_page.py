"""The start page, without a screen: what it proposes, what it finds, and what each hand on it begins."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.own import own_settings, remember_folder
from livestack.sessions import sessions_folder
from livestack.show.qt.chooser import chooser
from livestack.show.qt.start import READ_ONLY, StartPage
from livestack.show.qt.start_chosen import NOT_YET
from livestack.show.qt.theme import dress
from livestack.show.starts import OpenNight, PlayDemo, StackFolder
from livestack.show.tokens import DARK, LIGHT, NIGHT
from tests.show.grab import keep, pixels
from tests.show.keys import is_among, pressable, shows_focus, walked
from tests.show.night import Night, sky
from tests.show.test_folders import LIGHT as A_LIGHT
from tests.show.test_folders import write

Key, Left = QtCore.Qt.Key, QtCore.Qt.MouseButton.LeftButton


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who never started livestack."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    home = tmp_path / "home"
    for name, folder in (("DOCUMENTS", "Documents"), ("PICTURES", "Pictures"), ("DESKTOP", "Desktop")):
        monkeypatch.setenv(f"XDG_{name}_DIR", str(home / folder))
    monkeypatch.setenv("HOME", str(home))
    home.mkdir()
    return home


class Pages:
    """Opens start pages, and hears what is chosen on them."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self.chosen: list[object] = []
        self.open: list[StartPage] = []

    def __call__(self, said: str = "", running: str | None = None, size: tuple[int, int] = (1280, 800)) -> StartPage:
        page = StartPage(DARK, said, running)
        self._qtbot.addWidget(page)
        page.chose.connect(self.chosen.append)
        page.resize(*size)
        page.show()
        page.activateWindow()
        self._qtbot.waitUntil(page.isActiveWindow)
        self.open.append(page)
        self._qtbot.waitUntil(lambda: not page._aside.is_busy, timeout=10_000)
        return page


@pytest.fixture
def pages(qtbot: QtBot, qapp: QtWidgets.QApplication) -> Iterator[Pages]:
    qapp.setStyle("Fusion")
    dress(DARK)
    pages = Pages(qtbot)
    yield pages
    for page in pages.open:
        page.close_room()
    dress(DARK)


def _frames(folder: Path, n: int, minutes_old: float = 1.0) -> Path:
    now = time.time()
    for k in range(n):
        path = write(folder / f"Light_{k}.fits", **A_LIGHT)
        os.utime(path, (now - 60 * minutes_old - k, now - 60 * minutes_old - k))
    return folder


def test_an_empty_screen_asks_for_a_folder(pages: Pages) -> None:
    page = pages()
    assert not page.folders.rows and not page.start.isEnabled()
    assert page.line.text() == READ_ONLY
    assert page.focusWidget() is page.zone.choose
    assert page.past.none.isVisible() and not page.past.cards


def test_a_dropped_folder_is_chosen_and_begun_with_return(pages: Pages, tmp_path: Path, qtbot: QtBot) -> None:
    page, folder = pages(), _frames(tmp_path / "captures" / "M 27", 3)
    data = QtCore.QMimeData()
    data.setUrls([QtCore.QUrl.fromLocalFile(str(folder))])
    place, copy = QtCore.QPoint(200, 400), QtCore.Qt.DropAction.CopyAction
    none = QtCore.Qt.KeyboardModifier.NoModifier
    entered = QtGui.QDragEnterEvent(place, copy, data, Left, none)
    QtWidgets.QApplication.sendEvent(page, entered)
    assert entered.isAccepted() and page.zone._is_over
    QtWidgets.QApplication.sendEvent(page, QtGui.QDropEvent(QtCore.QPointF(place), copy, data, Left, none))
    qtbot.waitUntil(lambda: page.chosen.taken.head.text() != "", timeout=5000)
    qtbot.waitUntil(lambda: not page._aside.is_busy, timeout=5000)
    assert page.chosen.taken.head.text() == "M 27, 20\u202fs, colour camera"
    assert page.chosen.all.text() == "Stack all 3"
    assert page.focusWidget() is page.start
    qtbot.keyClick(page.start, Key.Key_Return)
    assert pages.chosen == [StackFolder(folder, "include")]


def test_dropped_files_stand_for_their_folder(pages: Pages, tmp_path: Path) -> None:
    page, folder = pages(), _frames(tmp_path / "captures", 2)
    page.take_folder(folder / "Light_0.fits")
    assert page.folders.chosen is not None and page.folders.chosen.folder == folder


def test_the_recent_folder_with_the_newest_picture_is_chosen(pages: Pages, tmp_path: Path, qtbot: QtBot) -> None:
    fresh, old = _frames(tmp_path / "a" / "fresh", 2, 2.0), _frames(tmp_path / "a" / "old", 4, 300.0)
    for folder in (fresh, old, tmp_path / "a" / "gone"):
        remember_folder(folder)
    page = pages()
    rows = page.folders.rows
    assert [row.title for row in rows] == ["a / fresh", "a / old", "a / gone"]
    assert [row.detail for row in rows] == [
        "2 pictures, the last one 2 minutes ago",
        "4 pictures, the last one 5 hours ago",
        "Not there now",
    ]
    assert [row.isChecked() for row in rows] == [True, False, False]
    qtbot.mouseClick(page.chosen.new, Left)
    qtbot.mouseClick(page.start, Left)
    assert pages.chosen == [StackFolder(fresh, "skip")]
    qtbot.mouseDClick(rows[1], Left)
    assert pages.chosen[1] == StackFolder(old, "skip"), "a double click goes on at once"


def test_one_is_chosen_at_a_time_with_the_arrows_too(pages: Pages, tmp_path: Path, qtbot: QtBot) -> None:
    for name in ("b", "c"):
        remember_folder(_frames(tmp_path / name, 1, 1.0 if name == "b" else 9.0))
    page = pages()
    first, second = page.folders.rows
    first.setFocus()
    qtbot.keyClick(first, Key.Key_Down)
    qtbot.keyClick(page.focusWidget(), Key.Key_Space)
    assert (first.isChecked(), second.isChecked()) == (False, True)
    assert page.chosen.all.isChecked(), "the card has a choice of its own"


def test_a_folder_that_is_not_there_is_a_line_and_can_be_waited_for(pages: Pages, tmp_path: Path, qtbot: QtBot) -> None:
    remember_folder(tmp_path / "tonight")
    page = pages()
    assert page.chosen.line.text() == NOT_YET and page.chosen.line.isVisible()
    assert QtWidgets.QApplication.activeModalWidget() is None
    qtbot.mouseClick(page.start, Left)
    assert pages.chosen == [StackFolder(tmp_path / "tonight", "include")]


def test_usual_places_stand_in_for_recent_ones(pages: Pages, home: Path, qtbot: QtBot) -> None:
    """One in which nothing is written just now is not chosen by itself: it may be anybody's pictures."""
    nina = home / "Documents" / "N.I.N.A"
    _frames(nina / "2026-08-20", 2, 600.0)
    (home / "Pictures").mkdir()
    page = pages()
    assert [row.title for row in page.folders.rows] == ["N.I.N.A.", "Pictures"]
    assert page.folders.places.isVisible()
    assert page.folders.chosen is None and not page.start.isEnabled()
    qtbot.mouseClick(page.folders.rows[0], Left)
    assert page.start.isEnabled()
    _frames(home / "Pictures", 1)
    at_work = pages().folders.chosen
    assert at_work is not None and at_work.title == "Pictures"
    remember_folder(nina)
    assert not pages().folders.places.isVisible()


def test_pictures_that_come_are_counted_while_one_looks(pages: Pages, tmp_path: Path, qtbot: QtBot) -> None:
    folder = _frames(tmp_path / "a", 1)
    remember_folder(folder)
    page = pages()
    write(folder / "Light_9.fits", **A_LIGHT)
    page._look_again()
    qtbot.waitUntil(lambda: page.chosen.all.text() == "Stack all 2", timeout=5000)


def test_masters_are_added_for_good(pages: Pages, tmp_path: Path, qtbot: QtBot) -> None:
    remember_folder(_frames(tmp_path / "a", 1))
    write(tmp_path / "masters" / "d.fits", **A_LIGHT | {"IMAGETYP": "Dark"})
    page = pages()
    assert page.chosen.masters.head.text() == "No dark or flat" and page.chosen.add.isVisible()
    page.add_masters(tmp_path / "masters")
    qtbot.waitUntil(lambda: page.chosen.masters.head.text() == "Dark found", timeout=5000)
    assert own_settings().processing.masters == (str(tmp_path / "masters"),)


def _past_night(name: str, n: int, target: str = "M 27") -> Path:
    night = Night(sessions_folder() / name, target=target)
    for _ in range(n):
        night.add()
    night.close()
    stack = night.session / "stack"
    stack.mkdir()
    image = np.full((300, 400, 3), (40, 90, 200), np.uint8)  # blue, green, red
    (stack / "M_27.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return night.session


def test_past_nights_are_cards_with_pictures_that_open_them(pages: Pages, qtbot: QtBot) -> None:
    for day in range(11, 17):
        session = _past_night(f"2025-08-{day}-m27", 2 + day)
    Night(sessions_folder() / "2025-08-30-nothing").close()
    page = pages()
    cards = page.past.cards
    assert len(cards) == 4, "the night on which nothing was stacked is not among them"
    assert cards[0].night.detail == "16 August 2025, 18 subs, 6\u202fmin"
    shown = pixels(cards[0])[44, 64]
    assert np.abs(shown.astype(int) - (200, 90, 40)).max() < 6
    assert page.past.older.text() == "All 6 nights"
    qtbot.mouseClick(page.past.older, Left)
    assert len(page.past.cards) == 6 and not page.past.older.isVisible()
    qtbot.mouseClick(cards[0], Left)
    qtbot.mouseClick(page.past.demo, Left)
    assert pages.chosen == [OpenNight(session), PlayDemo()]


def test_what_runs_is_told_and_escape_goes_back_to_it(pages: Pages, qtbot: QtBot) -> None:
    page = pages(running="M 27")
    assert page.going.text() == "M 27 goes on stacking"
    with qtbot.waitSignal(page.left, timeout=1000):
        qtbot.keyClick(page, Key.Key_Escape)
    with qtbot.waitSignal(page.left, timeout=1000):
        qtbot.mouseClick(page.back, Left)


def test_a_night_that_is_over_is_gone_back_to_as_well(pages: Pages, qtbot: QtBot) -> None:
    page = pages(running="")
    assert page.back.isVisible() and not page.going.isVisible()
    with qtbot.waitSignal(page.left, timeout=1000):
        qtbot.keyClick(page, Key.Key_Escape)
    assert not pages().back.isVisible()


def test_what_went_wrong_is_a_line_beside_the_button(pages: Pages) -> None:
    assert pages(said="the session is in use").line.text() == "The session is in use"


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080), (800, 600)])
def test_nothing_is_cut_off(pages: Pages, tmp_path: Path, size: tuple[int, int], qtbot: QtBot) -> None:
    for name in ("a", "b", "c"):
        remember_folder(_frames(tmp_path / name, 1))
    for k in range(4):
        _past_night(f"2025-08-1{k}-m27", 3)
    page = pages(size=size)
    inside = page.scroll.widget()
    qtbot.wait(50)
    assert inside.width() <= page.scroll.viewport().width()
    if size[0] > 800:
        assert inside.height() <= page.scroll.viewport().height(), "no scroll bar"
    for label in page.findChildren(QtWidgets.QLabel):
        if label.isVisible() and not label.wordWrap() and label.text():
            assert label.width() >= label.fontMetrics().horizontalAdvance(label.text()) - 2 or "<" in label.text()


def test_at_night_every_pixel_is_red(pages: Pages, tmp_path: Path, qtbot: QtBot) -> None:
    remember_folder(_frames(tmp_path / "a", 1))
    _past_night("2025-08-11-m27", 2)
    page = pages()
    dress(NIGHT)
    page.set_palette(NIGHT)
    qtbot.waitUntil(lambda: not page._aside.is_busy, timeout=5000)
    for open_sheet in (False, True):
        page.sheet.set_open(open_sheet)
        seen = pixels(page)
        assert seen[..., 1:].max() == 0 and seen[..., 0].max() > 200
    dialog = chooser(page, "Choose folder…", str(tmp_path), NIGHT)
    dialog.show()
    assert pixels(dialog)[..., 1:].max() == 0
    dialog.close()


def test_in_the_light_the_page_is_light_and_what_is_said_can_be_read(pages: Pages) -> None:
    page = pages()
    dress(LIGHT)
    page.set_palette(LIGHT)
    assert np.median(pixels(page)) > 220
    assert pixels(page.question).min() < 80


def test_everything_has_a_name_for_who_does_not_see(pages: Pages, tmp_path: Path) -> None:
    remember_folder(_frames(tmp_path / "a", 1))
    _past_night("2025-08-11-m27", 2)
    page = pages()
    buttons = page.findChildren(QtWidgets.QAbstractButton)
    assert not [button for button in buttons if not (button.accessibleName() or button.text())]
    row = page.folders.rows[0]
    assert row.accessibleDescription() == row.detail != ""
    assert "M 27" in page.chosen.taken.accessibleName()


def _full(pages: Pages, folder: Path, size: tuple[int, int]) -> StartPage:
    """A page with something of all there can be on it."""
    for name in ("2026-08-20 / M 27", "2026-08-19"):
        remember_folder(_frames(folder / "Captures" / name.replace(" / ", "/"), 2, 1.0 if "M 27" in name else 900.0))
    for k, target in enumerate(("M 27", "Arp 186", "M 94")):
        session = _past_night(f"2025-08-1{k}-night", 12 + k, target)
        seen = np.clip(np.nan_to_num(sky(12 + k)) / (1 + k) + 20, 0, 255).astype(np.uint8)
        cv2.imwrite(str(session / "stack" / "M_27.png"), seen[..., ::-1])
    page = pages(size=size)
    page.chosen.all.setFocus()
    return page


def test_tab_comes_to_all_of_the_page_and_is_seen_there(pages: Pages, tmp_path: Path) -> None:
    page = _full(pages, tmp_path, (1280, 800))
    way = walked(page, Key.Key_Tab)
    assert set(walked(page, Key.Key_Backtab)) == set(way), "back as there"
    missed = [part for part in pressable(page) - set(way) if not is_among(part, way)]
    assert not missed, [(type(part).__name__, part.accessibleName()) for part in missed]
    for part in way:
        other = page.moon if part is not page.moon else page.more
        assert shows_focus(part, other), f"{type(part).__name__} {part.accessibleName()}"


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)], ids=["1280", "1920"])
def test_the_page_is_left_as_a_picture_in_each_colour(pages: Pages, tmp_path: Path, size: tuple[int, int]) -> None:
    page = _full(pages, tmp_path, size)
    page.start.setFocus()
    for name, palette in (("dark", DARK), ("light", LIGHT), ("night", NIGHT)):
        dress(palette)
        page.set_palette(palette)
        seen = pixels(page)
        keep(f"start-{name}-{size[0]}.jpg", seen)
        assert palette is not NIGHT or seen[..., 1:].max() == 0
