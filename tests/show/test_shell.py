"""One window for the start page and the viewer: what follows what, where it stands, and that it never flashes."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtTest, QtWidgets

from livestack.garbage import unsettle_objects
from livestack.own import remember_folder
from livestack.show.qt.kept import kept
from livestack.show.qt.placing import place_on
from livestack.show.qt.shell import Shell
from livestack.show.qt.theme import dress
from livestack.show.source import Source
from livestack.show.starts import ChooseAgain, OpenNight, StackFolder, Wish
from livestack.show.tokens import DARK, LIGHT, NIGHT
from tests.show.grab import pixels
from tests.show.night import Night, sky

Key, Left = QtCore.Qt.Key, QtCore.Qt.MouseButton.LeftButton
Rect, Size = QtCore.QRect, QtCore.QSize


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.fixture
def shell(qapp: QtWidgets.QApplication) -> Iterator[Shell]:
    shell = Shell()
    yield shell
    shell.close()
    unsettle_objects()
    dress(DARK)


def after(milliseconds: int, *steps: Callable[[], object]) -> None:
    """Do something while the window waits for a hand, one step after the other, each so long after the one before."""
    first, *others = steps

    def go_on() -> None:
        first()
        if others:
            after(milliseconds, *others)

    QtCore.QTimer.singleShot(milliseconds, go_on)


def test_what_is_begun_is_returned_and_the_page_stays_until_the_next_is_there(
    shell: Shell, tmp_path: Path, source: Source, night: Night
) -> None:
    remember_folder(tmp_path)
    after(200, lambda: QtTest.QTest.mouseClick(shell.page.start, Left))
    assert shell.start() == StackFolder(tmp_path, "include")
    assert shell.isVisible() and shell.page is not None, "while the session begins"
    seen = []

    def look() -> None:
        seen.append((shell.page, shell.viewer, pixels(shell)))
        shell.close()

    after(300, look)
    assert shell.view(source) is None
    page, viewer, shown = seen[0]
    assert page is None and viewer is not None and shell.is_over
    assert np.median(shown) < 20


def test_nothing_light_is_ever_painted(shell: Shell, tmp_path: Path, source: Source) -> None:
    """Every picture of the window, from its first one on."""
    remember_folder(tmp_path)
    bright: list[float] = []

    eye = QtCore.QTimer(interval=5)
    eye.timeout.connect(lambda: bright.append(float(np.median(pixels(shell)))))
    eye.start()
    after(300, lambda: shell.page.say("x"), lambda: shell.page.begin())  # noqa: PLW0108 - there is no page yet
    shell.start()
    after(300, lambda: shell.viewer.set_list(True), shell.close)
    shell.view(source)
    eye.stop()
    assert len(bright) >= 4 and max(bright) < 40


def test_from_the_viewer_to_the_start_page_and_back(shell: Shell, source: Source, night: Night) -> None:
    night.add()
    running = replace(source, stop=lambda: None)
    seen: list[object] = []

    def open_start() -> None:
        QtTest.QTest.keyClick(shell.viewer, Key.Key_O, QtCore.Qt.KeyboardModifier.ControlModifier)
        assert shell.page is not None
        seen.append(shell.page.going.text())
        assert shell.viewer.live.clock.isActive(), "the session goes on, and is followed"

    def go_back() -> None:
        shell.page.left.emit()
        seen.append(shell.pages.currentWidget() is shell.viewer and shell.page is None)

    after(300, shell.activateWindow, open_start, go_back, shell.close)
    assert shell.view(running) is None
    assert seen == ["M 27 goes on stacking", True]


def test_another_folder_ends_what_runs_once_it_is_saved(shell: Shell, source: Source, tmp_path: Path) -> None:
    ended: list[bool] = []
    asked: list[float] = []

    def stop() -> None:
        if not asked:
            asked.append(1.0)
            after(400, lambda: ended.append(True))

    running = replace(source, stop=stop, ended=lambda: bool(ended))
    wish = StackFolder(tmp_path, "include")
    after(200, lambda: shell.viewer.asked.emit("start"), lambda: shell.page.chose.emit(wish))
    assert shell.view(running) == wish
    assert asked and ended, "it waited for the end"
    assert shell.isVisible()


def test_the_folder_that_runs_is_gone_back_to(shell: Shell, source: Source, night: Night) -> None:
    running = replace(source, stop=lambda: None)
    seen: list[bool] = []

    def choose() -> None:
        shell.page.chose.emit(StackFolder(Path(night.folder), "include"))
        seen.append(shell.page is None and shell.pages.currentWidget() is shell.viewer)

    after(300, lambda: shell.viewer.asked.emit("start"), choose, shell.close)
    assert shell.view(running) is None and seen == [True]


def test_a_session_is_ended_from_the_menu_and_the_start_page_says_so(
    shell: Shell, source: Source, night: Night
) -> None:
    night.add()
    night.add()
    ended: list[bool] = []
    running = replace(source, stop=lambda: ended.append(True), ended=lambda: bool(ended))
    after(300, lambda: shell.viewer.asked.emit("end"))
    wish = shell.view(running)
    assert isinstance(wish, ChooseAgain) and wish.said.startswith("Saved, with 2 subs in the stack.")
    seen: list[str] = []
    after(200, lambda: seen.append(shell.page.line.text()), shell.close)
    assert shell.start(wish.said) is None
    assert seen == [wish.said] and shell.viewer is None


def test_a_session_of_elsewhere_is_not_ended_here(shell: Shell, source: Source) -> None:
    seen: list[str] = []
    after(
        300,
        lambda: shell.viewer.asked.emit("end"),
        lambda: seen.append(shell.viewer.glance._status.advice),
        shell.close,
    )
    assert shell.view(source) is None
    assert seen[0].startswith("Nothing runs in this window.")


def test_a_session_that_ends_by_itself_ends_the_wait(shell: Shell, source: Source) -> None:
    ended: list[bool] = []
    running = replace(source, stop=lambda: None, ended=lambda: bool(ended))
    after(200, lambda: ended.append(True))
    assert shell.view(running) is None
    assert not shell.is_over


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_what_is_being_done_end_first(kind: signal.Signals, shell: Shell, source: Source) -> None:
    over: list[bool] = []

    def work() -> None:
        signal.raise_signal(kind)
        over.append(shell.is_over)

    after(50, work)
    assert shell.view(source) is None
    assert over == [False], "it was closed in the middle of something"
    assert shell.is_over


def test_past_nights_follow_one_another_in_the_same_window(shell: Shell, source: Source, tmp_path: Path) -> None:
    other = Night(tmp_path / "other")
    wishes: list[Wish | None] = []
    after(200, lambda: shell.viewer.asked.emit("start"), lambda: shell.page.chose.emit(OpenNight(other.session)))
    wishes.append(shell.view(source))
    first = shell.viewer
    after(200, shell.close)
    wishes.append(shell.view(replace(source, session=other.session, journal=other.journal)))
    other.close()
    assert wishes == [OpenNight(tmp_path / "other"), None]
    assert shell.viewer is not first and shell.pages.count() == 1


def test_what_stays_is_not_searched_for_garbage_until_a_window_is_dropped(shell: Shell, source: Source) -> None:
    viewer = shell._show_viewer(source)
    assert gc.get_freeze_count() > 10_000
    shell._drop(viewer)
    shell.viewer = None
    QtWidgets.QApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
    assert gc.get_freeze_count() == 0


def test_colours_are_kept_and_taken_before_the_window_is_seen(shell: Shell, source: Source) -> None:
    shell.set_colours(NIGHT)
    again = Shell()
    seen: list[int] = []

    def look() -> None:
        seen.append(int(pixels(again)[..., 1:].max()))
        again.page.asked_colours.emit("light")
        seen.append(int(np.median(pixels(again))))
        again.close()

    after(300, look)
    again.start()
    assert seen[0] == 0 and seen[1] > 200
    assert Shell().palette_now is LIGHT
    after(300, lambda: seen.append(int(pixels(shell.viewer.canvas).max())), shell.close)
    shell.set_colours(LIGHT)
    shell.view(source)
    assert shell.viewer.palette_now is LIGHT


@pytest.mark.parametrize(
    ("wanted", "screens", "expected"),
    [
        (Rect(100, 80, 1280, 800), [Rect(0, 0, 1920, 1080)], Rect(100, 80, 1280, 800)),
        (Rect(2000, 50, 1280, 800), [Rect(0, 0, 1920, 1080), Rect(1920, 0, 1920, 1080)], Rect(2000, 50, 1280, 800)),
        (Rect(2000, 50, 1280, 800), [Rect(0, 0, 1920, 1080)], Rect(320, 140, 1280, 800)),
        (Rect(1500, 900, 1280, 800), [Rect(0, 0, 1920, 1080)], Rect(640, 280, 1280, 800)),
        (Rect(-3000, -3000, 1280, 800), [Rect(0, 0, 1920, 1080)], Rect(320, 140, 1280, 800)),
        (Rect(0, 0, 3840, 2160), [Rect(0, 0, 1366, 768)], Rect(0, 0, 1366, 768)),
        (None, [Rect(0, 0, 1920, 1080)], Rect(160, 40, 1600, 1000)),
        (None, [Rect(0, 30, 1366, 738)], Rect(0, 30, 1366, 738)),
    ],
)
def test_a_window_is_never_where_no_screen_is(wanted: Rect | None, screens: list[Rect], expected: Rect) -> None:
    assert place_on(screens, wanted, Size(800, 600)) == expected


def test_place_and_size_are_kept(shell: Shell) -> None:
    after(200, lambda: shell.resize(800, 660), shell.close)
    shell.start()
    assert str(kept().value("window/place")).endswith(",800,660")
    screen = QtWidgets.QApplication.primaryScreen().availableGeometry()
    again = Shell()
    after(200, again.close)
    again.start()
    assert again.size() == Size(800, 660).boundedTo(screen.size()).expandedTo(again.minimumSize())
    kept().setValue("window/place", "nonsense")
    third = Shell()
    after(200, third.showFullScreen, third.close)
    third.start()
    fourth = Shell()
    seen: list[bool] = []
    after(200, lambda: seen.append(fourth.isFullScreen()), fourth.close)
    fourth.start()
    assert seen == [True]


def test_a_picture_may_be_there_before_the_window(shell: Shell, source: Source, night: Night) -> None:
    night.add()
    night.show(sky(1), sky(1), 1)
    end_s = time.monotonic() + 30

    def close_when_shown() -> None:
        if shell.viewer.canvas.is_shown or time.monotonic() > end_s:
            shown.append(shell.viewer.canvas.is_shown)
            shell.close()
        else:
            after(100, close_when_shown)

    shown: list[bool] = []
    after(100, close_when_shown)
    shell.view(source)
    assert shown == [True]


@pytest.mark.slow
def test_from_an_empty_screen_to_a_growing_stack_in_few_clicks(real_data: Path, xvfb: str, tmp_path: Path) -> None:
    """A real screen, real frames, a user without a command line: four clicks, and two with a recent folder."""
    pictures = tmp_path / "HOME" / "M 27"
    shutil.copytree(real_data / "A_m27_asi224_osc", pictures)
    before = {path: path.read_bytes() for path in pictures.iterdir()}
    environment = {name: value for name, value in os.environ.items() if name != "QT_QPA_PLATFORM"}
    robot = Path(__file__).with_name("robot.py")
    command = [shutil.which("xvfb-run"), "-a", "-s", "-screen 0 1280x800x24", sys.executable, "-W", "error", str(robot)]
    for most in (4, 2):
        done = subprocess.run(
            [*command, str(most)], env=environment, capture_output=True, text=True, timeout=500, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        clicks, stacked, code = (int(word) for word in done.stdout.splitlines()[-1].split())
        assert clicks <= most and stacked >= 3 and code == 130, done.stdout + done.stderr
    assert {path: path.read_bytes() for path in pictures.iterdir()} == before, "captures are only read"
