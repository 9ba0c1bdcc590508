"""A real window, without a screen: what it shows, what its keys do, and that it never waits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.errors import SettingsError
from livestack.events import Held, Resumed, SessionStopped
from livestack.show.darkroom import Order
from livestack.show.qt import run_viewer
from livestack.show.qt.commands import COMMANDS, save_picture, write_picture
from livestack.show.qt.look import FREE
from livestack.show.qt.shell import show_window
from livestack.show.qt.subs_model import NO, REASON
from livestack.show.qt.window import Window
from livestack.show.sensor import Sensor
from livestack.show.source import Source
from tests.show.grab import drawn, pixels, rendition
from tests.show.night import SENTENCES, Night, sky

Key = QtCore.Qt.Key


def _texts(widget: QtWidgets.QWidget) -> str:
    return " | ".join(label.text() for label in widget.findChildren(QtWidgets.QLabel))


def _stack(night: Night, n: int, row_order: str | None = None) -> None:
    for _ in range(n):
        night.add()
    night.show(sky(n), sky(1), n, row_order)


def test_before_the_first_sub_it_says_what_it_waits_for(window: Window) -> None:
    assert window.waiting.isVisible()
    said = window.waiting.accessibleName() or "; ".join(head for _, head, _ in window.waiting.steps())
    assert "Watching Captures / M 27" in said
    assert "First picture" in said
    assert pixels(window.canvas).max(axis=(0, 1)).min() > 100, "the steps are drawn"


def test_the_picture_appears_and_grows_by_itself(window: Window, night: Night, qtbot: QtBot) -> None:
    _stack(night, 3)
    qtbot.waitUntil(lambda: not window.waiting.isVisible(), timeout=30_000)
    drawn(window.canvas, qtbot)
    before = pixels(window.canvas)
    assert 20 < np.median(before) < 50, "a dark sky"
    assert before.max() > 200, "and stars"
    assert "3<" in _texts(window.glance)
    _stack(night, 5)
    qtbot.waitUntil(lambda: "8<" in _texts(window.glance), timeout=30_000)
    drawn(window.canvas, qtbot)
    assert (pixels(window.canvas) != before).any()


def test_space_changes_between_stack_and_last_sub(window: Window, night: Night, qtbot: QtBot) -> None:
    _stack(night, 30)
    qtbot.waitUntil(lambda: window.live.tick() is None and window.live.picture is not None, timeout=30_000)
    drawn(window.canvas, qtbot)
    stack = rendition(window.canvas, qtbot)
    qtbot.keyClick(window, Key.Key_Space)
    last = rendition(window.canvas, qtbot)
    assert window.tag.isVisible()
    bare_sky = np.s_[:, 20:60]
    assert np.std(last[bare_sky].astype(float)) > 2 * np.std(stack[bare_sky].astype(float))
    levels = [np.median(image[bare_sky], axis=(0, 1)) for image in (last, stack)]
    assert np.abs(levels[0] - levels[1]).max() <= 4, "one stretch: the sky is as bright"
    qtbot.keyClick(window, Key.Key_Space)
    assert np.array_equal(rendition(window.canvas, qtbot), stack)
    assert not window.tag.isVisible()


def test_rows_that_start_at_the_bottom_are_turned(window: Window, night: Night, qtbot: QtBot) -> None:
    _stack(night, 2, "BOTTOM-UP")
    qtbot.waitUntil(lambda: window.live.tick() is None and window.live.picture is not None, timeout=30_000)
    turned = rendition(window.canvas, qtbot)
    picture = window.live.picture
    assert picture is not None
    top_down = replace(picture, row_order="TOP-DOWN", stack="turned")
    window.canvas.show_picture(Order(top_down, top_down, None, window.live.recipe))
    off = np.abs(rendition(window.canvas, qtbot)[::-1].astype(float) - turned)
    assert off.mean() < 1, "but for the last bits of its sky"


def test_r_holds_and_goes_on(window: Window, night: Night, qtbot: QtBot) -> None:
    _stack(night, 3)
    window.live.tick()
    qtbot.keyClick(window, Key.Key_R)
    assert [request.kind for request in night.journal.requests()] == ["hold"]
    assert "Pausing" in window.glance.advice.text()
    night.journal.answer(night.journal.requests()[0], Held("viewer"))
    qtbot.waitUntil(lambda: window.top.pill.accessibleDescription().startswith("Paused"), timeout=30_000)
    qtbot.keyClick(window, Key.Key_R)
    assert [request.kind for request in night.journal.requests()] == ["go"]
    night.journal.answer(night.journal.requests()[0], Resumed("viewer"))
    qtbot.waitUntil(lambda: window.top.pill.accessibleDescription().startswith("Stacking"), timeout=30_000)


def test_nothing_is_asked_of_an_engine_that_stopped(window: Window, night: Night, qtbot: QtBot) -> None:
    _stack(night, 3)
    night.say(SessionStopped(0, "", 3, 0))
    window.live.tick()
    qtbot.keyClick(window, Key.Key_S)
    assert night.journal.requests() == []
    assert "Nothing runs here now" in window.glance.advice.text()


def test_the_list_says_why_and_asks_to_drop(window: Window, night: Night, qtbot: QtBot) -> None:
    for reason in (None, "trailed", None, "clouded"):
        night.add(reason)
    window.live.tick()
    qtbot.keyClick(window, Key.Key_L)
    assert window.subs.isVisible()
    shown = window.subs.table.model()
    reasons = {shown.index(row, NO).data(): shown.index(row, REASON).data() for row in range(shown.rowCount())}
    assert reasons["1"] == reasons["3"] == ""
    assert SENTENCES["trailed"].startswith(reasons["2"])
    assert reasons["2"].startswith("Stars are 1.9× longer than wide.")
    assert reasons["4"].startswith("Cloud: 38 % of the usual light.")
    window.resize(1920, 1080)
    qtbot.waitUntil(lambda: shown.index(2, REASON).data() == SENTENCES["trailed"], timeout=30_000)
    window.resize(1280, 800)
    window.subs.left_out.click()
    assert [shown.index(row, 0).data() for row in range(shown.rowCount())] == ["4", "2"]
    window.subs.all.click()
    window.subs.table.selectRow(1)
    assert window.subs.selected().no == 3
    night.add()
    window.live.tick()
    assert window.subs.selected().no == 3, "a new sub does not move the choice"
    window.subs.drop.click()
    assert [(request.kind, request.body) for request in night.journal.requests()] == [("drop", {"no": [3]})]


def test_at_night_no_pixel_has_green_or_blue(window: Window, night: Night, qtbot: QtBot) -> None:
    _stack(night, 4)
    night.add("trailed")
    window.live.tick()
    qtbot.keyClick(window, Key.Key_N)
    qtbot.keyClick(window, Key.Key_L)
    window.subs.table.selectRow(0)
    window.switcher.appear()
    menu = window.findChild(QtWidgets.QMenu)
    menu.popup(QtCore.QPoint(40, 40))
    for part in (window, menu):
        seen = pixels(part)
        assert seen[..., 1:].max() == 0
        assert seen[..., 0].max() > 150
    menu.close()
    window.help.toggle()
    assert pixels(window)[..., 1:].max() == 0
    qtbot.keyClick(window, Key.Key_N)
    assert pixels(window)[..., 1].max() > 200


def test_zoom_keeps_what_is_under_the_pointer_and_survives_new_subs(window: Window, night: Night, qtbot: QtBot) -> None:
    _stack(night, 4)
    window.live.tick()
    canvas = window.canvas
    place = QtCore.QPointF(120.0, 80.0)
    before = canvas.way.map(place)
    canvas.zoom_to(5.0, place)
    after = canvas.way.map(place)
    assert (after - before).manhattanLength() < 1.0
    look = replace(canvas.look)
    _stack(night, 1)
    window.live.tick()
    assert canvas.look == look
    assert canvas.look.mode == FREE
    for key in (Key.Key_1, Key.Key_0, Key.Key_G, Key.Key_Plus, Key.Key_Minus):
        qtbot.keyClick(window, key)
    assert canvas.look.mode == FREE


def test_the_rest_of_the_keys(window: Window, night: Night, qtbot: QtBot, tmp_path: Path) -> None:
    _stack(night, 2)
    window.live.tick()
    qtbot.keyClick(window, Key.Key_I)
    assert not window.top.isVisible()
    qtbot.keyClick(window, Key.Key_Escape)
    assert window.top.isVisible()
    qtbot.keyClick(window, Key.Key_F1)
    assert window.help.isVisible()
    qtbot.keyClick(window, Key.Key_Escape)
    assert not window.help.isVisible()
    next(command for command in COMMANDS if command.text == "Start over").run(window)
    assert [request.kind for request in night.journal.requests()] == ["start_over"]
    drawn(window.canvas, qtbot)
    write_picture(window, tmp_path / "out.png")
    qtbot.waitUntil(lambda: "Saved out.png" in window.glance.advice.text(), timeout=30_000)
    assert QtGui.QImage(str(tmp_path / "out.png")).width() == 480
    write_picture(window, tmp_path / "nowhere" / "out.png")
    qtbot.waitUntil(lambda: "could not be written" in window.glance.advice.text(), timeout=30_000)


def test_numbers_and_states_move_nothing(window: Window, night: Night) -> None:
    _stack(night, 2)
    window.live.tick()
    before = [part.geometry() for part in (*window.glance.cells, window.glance.ribbon, window.canvas)]
    for no in range(120):
        night.add("trailed" if no % 9 == 5 else None)
    window.live.tick()
    assert [part.geometry() for part in (*window.glance.cells, window.glance.ribbon, window.canvas)] == before


@pytest.mark.parametrize(
    ("filter_name", "cfa", "shown"),
    [
        (None, "RGGB", "Colour"),
        ("Luminance", "RGGB", "Colour"),
        ("L", "RGGB", "Colour"),
        ("L-eXtreme", "RGGB", "L-eXtreme"),
        ("Luminance", None, "Luminance"),
    ],
)
def test_the_stack_is_named_by_its_filter_unless_a_colour_camera_says_otherwise(
    window: Window, night: Night, filter_name: str | None, cfa: str | None, shown: str
) -> None:
    night.filter, night.cfa = filter_name, cfa
    night.add()
    window.live.tick()
    assert window.top.chip.text().split(" · ")[0] == shown


@pytest.mark.parametrize("width", [800, 1280])
def test_a_long_name_stays_clear_of_the_pill(window: Window, qtbot: QtBot, width: int) -> None:
    window.resize(width, 700)
    window.top.set_stack("a folder with a very long name indeed / captures of tonight", "Colour, 30 s")
    qtbot.wait(50)
    name = window.top.target
    assert name.text().endswith("…")
    assert name.toolTip().startswith("a folder")
    assert name.x() + name.fontMetrics().horizontalAdvance(name.text()) < window.top.pill.x()
    window.top.set_stack("M 51", "Colour, 30 s")
    assert name.text() == "M 51"


def test_it_stays_awake_while_a_thousand_subs_come(window: Window, night: Night, qtbot: QtBot) -> None:
    night.add()
    night.say(*(night._accepted(f"/x/{no}.fits") for no in _numbered(night, 1000)))
    answers = []
    timer = QtCore.QTimer(interval=20)
    timer.timeout.connect(lambda: answers.append(1))
    timer.start()
    qtbot.waitUntil(lambda: len(window.live.state.subs) == 1001, timeout=9000)
    timer.stop()
    window.live.tick()
    assert answers, "the window's loop ran in between"
    assert window.subs.model.rowCount() == 1001
    assert "1,001" in _texts(window.glance)


def _numbered(night: Night, more: int) -> Iterator[int]:
    for _ in range(more):
        night.no += 1
        yield night.no


def test_run_and_screenshot(source: Source, night: Night, qapp: QtWidgets.QApplication, tmp_path: Path) -> None:
    _stack(night, 3)
    stopped = []
    shot = tmp_path / "shot.png"
    assert show_window(replace(source, stop=lambda: stopped.append(True)), shot) == 0
    assert stopped == [True], "closing the window ends the engine of this process"
    assert QtGui.QImage(str(shot)).width() >= 800


def test_a_new_picture_alone_is_shown_too(window: Window, night: Night, qtbot: QtBot) -> None:
    _stack(night, 2)
    window.live.tick()
    before = rendition(window.canvas, qtbot)
    night.show(sky(40), sky(1), 2)
    window.live.tick()
    assert not np.array_equal(rendition(window.canvas, qtbot), before)


def test_a_long_night_fits_the_ribbon(window: Window, night: Night) -> None:
    night.add()
    night.say(*(night._accepted(f"/x/{no}.fits") for no in _numbered(night, 450)))
    night.add("trailed")
    for _ in range(3):
        window.live.tick()
    ribbon = window.glance.ribbon
    bins, pitch = ribbon._laid_out()
    assert sum(len(each.rows) for each in bins) == 452
    assert pitch >= 2.9
    assert len(bins) * pitch <= ribbon.width() + 1
    assert bins[-1].why == "trailed"
    assert pixels(ribbon)[..., 1].max() > 150


def test_without_a_display_it_says_so(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform.startswith("linux"):
        with pytest.raises(SettingsError, match="needs a display"):
            run_viewer(source)


@pytest.mark.slow
def test_on_a_real_display(night: Night, xvfb: str, tmp_path: Path) -> None:
    _stack(night, 12)
    shot = tmp_path / "shot.png"
    show = (
        "from pathlib import Path; from livestack.show.qt import run_viewer; "
        "from livestack.show.source import open_source; "
        f"raise SystemExit(run_viewer(open_source(Path({str(night.session)!r})), screenshot=Path({str(shot)!r})))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "QT_QPA_PLATFORM"}
    command = [shutil.which("xvfb-run"), "-a", "-s", "-screen 0 1280x800x24", sys.executable, "-W", "error", "-c", show]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    image = QtGui.QImage(str(shot))
    middle = [image.pixelColor(x, image.height() // 2).value() for x in range(100, 1000, 3)]
    assert 20 < np.median(middle) < 70


def test_where_the_noise_comes_from(window: Window, night: Night, qtbot: QtBot) -> None:
    """Variances 9 and 7 of bias and dark, 84 of light, 10.25 of pattern that no dither spreads."""
    _stack(night, 12)
    night.tell_noise()
    qtbot.waitUntil(lambda: window.live.state.sensors.of.get("M_27", Sensor()).pair != {}, timeout=30_000)
    assert not window.noise.isVisible()
    qtbot.keyClick(window, Key.Key_V, QtCore.Qt.KeyboardModifier.ShiftModifier)
    assert window.noise.isVisible()
    said = window.noise.parts.accessibleDescription()
    for name, sub, stack in (
        ("Read noise", 8, 4),
        ("Dark current", 6, 3),
        ("Sky glow", 76, 38),
        ("Fixed pattern", 9, 55),
    ):
        assert f"{name}: {sub}\u202f% of one sub, {stack}\u202f% of the stack" in said
    words = window.noise.words.text()
    assert "Subs of 22\u202fs or longer would make read noise hardly matter. Yours are 20\u202fs." in words
    assert "dither more" in words
    assert "Calibrated with dark; no flat" in words
    assert pixels(window.noise.parts).max() > 150, "it is drawn"


def test_the_page_of_noise_follows_the_night(window: Window, night: Night, qtbot: QtBot) -> None:
    """One drawer at a time; the number of grain opens it, Esc closes it; at night all is red."""
    window.set_list(True)
    qtbot.mouseClick(window.glance.grain, QtCore.Qt.MouseButton.LeftButton)
    assert window.noise.isVisible()
    assert not window.subs.isVisible()
    assert "at the first look" in window.noise.words.text()
    _stack(night, 12)
    night.tell_noise()
    qtbot.waitUntil(lambda: "Read noise" in window.noise.parts.accessibleDescription(), timeout=30_000)
    window.set_night(True)
    assert pixels(window.noise)[..., 1:].max() == 0
    qtbot.keyClick(window, Key.Key_I)
    assert not window.noise.isVisible()
    qtbot.keyClick(window, Key.Key_I)
    assert window.noise.isVisible()
    qtbot.keyClick(window, Key.Key_Escape)
    assert not window.noise.isVisible()
    window.set_list(True)
    assert window.subs.isVisible()


def test_a_target_with_a_slash_names_one_file(window: Window, night: Night, qtbot: QtBot) -> None:
    _stack(night, 2)
    window.live.tick()
    drawn(window.canvas, qtbot)
    window.live.state = replace(window.live.state, target="NGC 7000/IC 5070")
    save_picture(window)
    (dialog,) = window.findChildren(QtWidgets.QFileDialog)
    assert Path(dialog.selectedFiles()[0]).name == "NGC 7000-IC 5070, 2 subs.png"
    dialog.close()
