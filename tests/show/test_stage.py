"""The screen for guests, the code for their phones, fading pictures, big text, the brightness of the night."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.develop.chain import PRESETS
from livestack.develop.live import whole
from livestack.events import AlertRaised
from livestack.show.qt.commands import COMMANDS
from livestack.show.qt.fade import GLIDE_MS, VIEWER_MS
from livestack.show.qt.held import TAP_MS
from livestack.show.qt.stage import Stage
from livestack.show.qt.window import Window
from livestack.show.source import Source
from livestack.show.tokens import DARK, LIGHT, NIGHT, NIGHT_LEVELS, Palette
from livestack.show.views import LAST, STACK
from tests.show.grab import drawn, pixels, rendition
from tests.show.night import Night, sky

Key, Modifier = QtCore.Qt.Key, QtCore.Qt.KeyboardModifier
PAGE = "http://192.168.178.23:8577/"


@pytest.fixture
def served(source: Source, qtbot: QtBot) -> Iterator[Window]:
    """A window on a session whose page is served in the local network."""
    window = Window(replace(source, page=PAGE))
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    qtbot.waitUntil(window.isActiveWindow)
    yield window
    window.set_night(False)
    window.close()


def _grow(window: Window, night: Night, n: int, qtbot: QtBot) -> None:
    while night.no < n:
        night.add()
    night.show(sky(n), sky(1), n)
    window.live.tick()
    assert window.live.picture is not None
    assert window.live.picture.n_subs == n
    drawn(window.canvas, qtbot)


def _stage(window: Window, qtbot: QtBot) -> Stage:
    QtWidgets.QApplication.setActiveWindow(window)
    qtbot.keyClick(window, Key.Key_F, Modifier.ShiftModifier)
    stage = window.audience.stage
    assert stage is not None
    stage.resize(1280, 720)
    qtbot.waitUntil(lambda: stage.board.accessibleName() != "", timeout=10_000)  # it is known what the target is
    stage.tick()
    drawn(stage.canvas, qtbot)
    return stage


def _decoded(image: np.ndarray) -> str:
    return str(cv2.QRCodeDetector().detectAndDecode(np.ascontiguousarray(image[..., ::-1]))[0])


def test_guests_see_the_picture_and_large_words(served: Window, night: Night, qtbot: QtBot) -> None:
    _grow(served, night, 6, qtbot)
    stage = _stage(served, qtbot)
    assert "Dumbbell Nebula" in stage.board.accessibleName()
    assert "6 photos" in stage.board.accessibleName()
    seen = pixels(stage)
    assert _decoded(seen) == PAGE, "a phone finds the page"
    assert seen[-3:, :, 1].max() > 150, "how near the next photo is"
    glow = seen[100:400, 400:900].mean()
    assert glow > 1.3 * seen[20:60, 20:300].mean(), "what is to be seen is above the words"
    buttons = stage.findChildren(QtWidgets.QAbstractButton)
    assert not buttons, "nothing to press"
    assert stage.cursor().shape() == QtCore.Qt.CursorShape.BlankCursor


def test_a_key_opens_and_closes_it_and_the_window_takes_it_along(served: Window, night: Night, qtbot: QtBot) -> None:
    stage = _stage(served, qtbot)
    assert "Starting soon" in stage.board.accessibleName()
    assert pixels(stage)[..., 1].max() > 100, "never blank"
    qtbot.keyClick(served, Key.Key_F, Modifier.ShiftModifier)
    assert served.audience.stage is None
    again = _stage(served, qtbot)
    assert again is not stage
    served.close()
    assert served.audience.stage is None


def test_until_the_first_photo_guests_see_former_nights(served: Window, night: Night, qtbot: QtBot) -> None:
    former = night.session.parent / "2026-08-20-captures"
    (former / "stack").mkdir(parents=True)
    (former / "journal.sqlite").touch()
    picture = np.full((200, 300, 3), 40, np.uint8)
    picture[50:150, 100:200] = (30, 60, 220)
    cv2.imwrite(str(former / "stack" / "M_57.png"), picture)
    (night.session.parent / "2026-08-21-other").mkdir()
    stage = _stage(served, qtbot)
    qtbot.waitUntil(lambda: "Until then: Ring Nebula, 20 August 2026" in stage.board.accessibleName(), timeout=10_000)
    seen = pixels(stage)
    assert seen[seen.shape[0] // 2, seen.shape[1] // 2, 0] > 150, "its picture"
    served.set_night(True)
    assert pixels(stage)[..., 1:].max() == 0
    served.set_night(False)
    _grow(served, night, 3, qtbot)
    stage.tick()
    drawn(stage.canvas, qtbot)
    qtbot.waitUntil(lambda: "3 photos" in stage.board.accessibleName(), timeout=10_000)
    assert "Until then" not in stage.board.accessibleName()


def test_guests_do_not_see_what_is_tried_out_until_it_is_shown_to_them(
    served: Window, night: Night, qtbot: QtBot
) -> None:
    _grow(served, night, 6, qtbot)
    stage = _stage(served, qtbot)
    before = rendition(stage.canvas, qtbot)
    served.live.set_recipe(whole(PRESETS["nebula"]))
    stage.tick()
    drawn(stage.canvas, qtbot)
    assert np.array_equal(rendition(stage.canvas, qtbot), before)
    qtbot.keyClick(served, Key.Key_D)
    qtbot.mouseClick(served.develop.guests, QtCore.Qt.MouseButton.LeftButton)
    drawn(stage.canvas, qtbot)
    assert not np.array_equal(rendition(stage.canvas, qtbot), before)


def test_the_screen_of_guests_moves_by_half_the_step(served: Window, night: Night, qtbot: QtBot) -> None:
    _grow(served, night, 3, qtbot)
    stage = _stage(served, qtbot)
    first = [float(np.median(rendition(canvas, qtbot))) for canvas in (served.canvas, stage.canvas)]
    assert first[0] == first[1]
    while night.no < 4:
        night.add()
    night.show(0.25 * sky(4), sky(1), 4)  # as dark a sky as a milestone ever brought
    served.live.tick()
    drawn(served.canvas, qtbot)
    stage.tick()
    drawn(stage.canvas, qtbot)
    new = 0.25 * sky(4)
    bright = new.mean(axis=2) > np.nanquantile(new.mean(axis=2), 0.9)
    theirs, mine = (rendition(canvas, qtbot)[bright].mean() for canvas in (stage.canvas, served.canvas))
    assert theirs < mine - 1, "it follows later"


def test_slow_zoom_always_covers_the_screen(served: Window, night: Night, qtbot: QtBot) -> None:
    _grow(served, night, 3, qtbot)
    stage = _stage(served, qtbot)
    bare = served.canvas.palette().window().color()
    assert bare is not None
    for nearer, aside in ((0.0, 0.0), (0.04, 1.0), (0.04, -1.0)):
        stage._look(nearer, aside)
        corners = [QtCore.QPointF(x, y) for x in (0, stage.width()) for y in (0, stage.height())]
        assert all(stage.canvas.array_px_at(corner) is not None for corner in corners), (nearer, aside)


def test_a_new_picture_passes_over_and_ends_as_it_is(served: Window, night: Night, qtbot: QtBot) -> None:
    _grow(served, night, 4, qtbot)
    canvas = served.canvas
    canvas.fade.lasts_ms = 60_000
    served.audience.ticks.system_wants_less = False
    before = pixels(canvas)
    while night.no < 5:
        night.add()
    night.show(sky(5) + 60.0, sky(1), 5)
    served.live.tick()
    qtbot.waitUntil(lambda: canvas.fade.is_on, timeout=10_000)
    during = pixels(canvas)
    assert np.abs(during.astype(int) - before).max() <= 12, "it begins as it was"
    canvas.fade.end()
    canvas.update()
    after = pixels(canvas)
    assert (after != before).any()
    canvas.fade.begin(*[[np.full((*after.shape[:2], 4), level, np.uint8)] for level in (0, 200)])
    served.set_night(True)
    assert pixels(canvas)[..., 1:].max() == 0, "never half a day and half a night"
    served.set_night(False)
    night.add()
    night.show(sky(6), sky(1), 6)
    served.live.tick()
    served.set_night(True)  # while it is developed
    qtbot.waitUntil(lambda: not canvas._room.is_busy, timeout=30_000)
    assert pixels(canvas)[..., 1:].max() == 0


def test_another_brightness_takes_longer_than_grain_that_falls(served: Window, night: Night, qtbot: QtBot) -> None:
    _grow(served, night, 13, qtbot)
    served.canvas.fade.lasts_ms = VIEWER_MS
    lasted = {}
    for n in (14, 16):
        while night.no < n:
            night.add()
        night.show(sky(n) * (3.0 if n == 16 else 1.0), sky(1), n)
        with qtbot.waitSignal(served.canvas.drew, timeout=30_000):
            served.live.tick()
        lasted[n] = served.canvas.fade.this_ms
    assert lasted == {14: VIEWER_MS, 16: GLIDE_MS}, "at 16 subs it is developed anew"


def test_what_a_hand_does_is_there_at_once(served: Window, night: Night, qtbot: QtBot) -> None:
    _grow(served, night, 5, qtbot)
    qtbot.keyClick(served, Key.Key_Space)
    qtbot.waitUntil(lambda: not served.canvas._room.is_busy, timeout=10_000)
    assert not served.canvas.fade.is_on
    served.canvas.fade.lasts_ms = 60_000
    night.add()
    night.show(sky(6), sky(1) + 40.0, 6)
    served.live.tick()
    qtbot.waitUntil(lambda: served.canvas.fade.is_on, timeout=10_000)
    served.canvas.move_by(QtCore.QPointF(5, 0))
    assert not served.canvas.fade.is_on


def test_less_motion_is_a_hard_swap_and_is_kept(served: Window, night: Night, qtbot: QtBot, source: Source) -> None:
    served.menu.aboutToShow.emit()
    action = next(action for action in served.menu.actions() if action.text() == "Less motion")
    action.trigger()
    assert served.audience.ticks.less_motion
    assert served.canvas.fade.lasts_ms == 0
    again = Window(source)
    qtbot.addWidget(again)
    assert again.canvas.fade.lasts_ms == 0
    assert served.audience.ticks.sound == "off", "silent unless chosen"


def test_a_code_leads_phones_to_the_page(served: Window, qtbot: QtBot) -> None:
    qtbot.keyClick(served, Key.Key_Q)
    assert served.audience.code.isVisible()
    assert _decoded(pixels(served)) == PAGE
    served.set_night(True)
    seen = pixels(served)
    assert seen[..., 1:].max() == 0
    assert _decoded(np.repeat(seen[..., :1], 3, axis=2)) == PAGE
    qtbot.keyClick(served, Key.Key_Escape)
    assert not served.audience.code.isVisible()


@pytest.mark.parametrize("palette", [DARK, LIGHT, NIGHT], ids=["dark", "light", "night"])
def test_the_words_below_the_code_stand_out_in_each_palette(palette: Palette, served: Window, qtbot: QtBot) -> None:
    served.set_palette(palette)
    qtbot.keyClick(served, Key.Key_Q)
    panel = served.audience.code
    seen = pixels(panel)
    words = seen[-seen.shape[0] // 7 :].max(axis=-1).astype(float)
    ground = float(np.median(words))
    assert np.abs(words - ground).max() > 0.5 * max(ground, 255 - ground if palette is not NIGHT else 100)


@pytest.mark.parametrize(("page", "said"), [(None, "No page is served"), ("http://127.0.0.1:8577/", "this computer")])
def test_where_no_phone_gets_to_it_says_so(page: str | None, said: str, source: Source, qtbot: QtBot) -> None:
    window = Window(replace(source, page=page))
    qtbot.addWidget(window)
    window.resize(1920, 1080)
    window.show()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Key.Key_Q)
    assert not window.audience.code.isVisible()
    assert said in window.glance.advice.text() + window.glance.advice.toolTip()


def test_a_held_space_goes_back_when_it_is_let_go(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 5, qtbot)
    qtbot.keyClick(window, Key.Key_Space)
    assert window.live.view == LAST, "a tap stays"
    qtbot.keyClick(window, Key.Key_Space)
    assert window.live.view == STACK
    qtbot.keyPress(window, Key.Key_Space)
    assert window.live.view == LAST
    qtbot.wait(TAP_MS + 60)
    qtbot.keyRelease(window, Key.Key_Space)
    assert window.live.view == STACK
    qtbot.keyClick(window, Key.Key_W)
    qtbot.keyPress(window, Key.Key_Space)
    assert window.live.compare == ""
    qtbot.wait(TAP_MS + 60)
    qtbot.keyRelease(window, Key.Key_Space)
    assert window.live.compare == "wipe", "it is as it was"


def test_an_alert_is_quieted_until_it_comes_again(window: Window, night: Night, qtbot: QtBot) -> None:
    for _ in range(4):
        night.add()
    night.say(AlertRaised("trails", "Stars are longer than wide. Look at the guiding."))
    window.live.tick()
    assert "guiding" in window.glance.advice.text()
    qtbot.keyClick(window, Key.Key_K)
    window.live._said = None
    window.live.tick()
    assert "guiding" not in window.glance.advice.text()
    night.say(AlertRaised("trails", "Stars are longer than wide. Look at the guiding."))
    window.live.tick()
    assert "guiding" in window.glance.advice.text()


def test_the_night_is_as_bright_as_chosen_and_never_out(served: Window, night: Night, qtbot: QtBot) -> None:
    _grow(served, night, 5, qtbot)
    served.audience.toggle_stage()
    served.set_night(True)
    seen = []
    for _ in NIGHT_LEVELS:
        qtbot.keyClick(served, Key.Key_Minus, Modifier.ShiftModifier)
        window, stage = pixels(served), pixels(served.audience.stage)
        assert window[..., 1:].max() == 0
        assert stage[..., 1:].max() == 0
        seen.append(int(window[..., 0].max()))
    assert seen[-1] == seen[-2] == 64, "a quarter is the floor"
    for _ in NIGHT_LEVELS:
        qtbot.keyClick(served, Key.Key_Plus, Modifier.ShiftModifier)
    assert pixels(served)[..., 0].max() == 255


def test_at_night_menus_hints_and_the_pointer_are_red(served: Window, qtbot: QtBot) -> None:
    app = QtWidgets.QApplication.instance()
    served.set_night(True)
    pointer = app.overrideCursor().pixmap().toImage()
    colours = [pointer.pixelColor(x, y) for x in range(pointer.width()) for y in range(pointer.height())]
    assert max(colour.red() for colour in colours) > 100
    assert max(max(colour.green(), colour.blue()) for colour in colours) == 0
    served.menu.popup(QtCore.QPoint(0, 0))
    assert pixels(served.menu)[..., 1:].max() == 0
    served.menu.close()
    QtWidgets.QToolTip.showText(QtCore.QPoint(10, 10), "A hint", served)
    hints = [widget for widget in app.topLevelWidgets() if widget.inherits("QTipLabel")]
    assert hints
    assert all(pixels(hint)[..., 1:].max() == 0 for hint in hints)
    QtWidgets.QToolTip.hideText()
    served.set_night(False)
    assert app.overrideCursor() is None


def test_shifted_plus_zooms_by_day(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 5, qtbot)
    zoom = window.canvas.look.zoom
    qtbot.keyClick(window, Key.Key_Plus, Modifier.ShiftModifier)
    assert window.canvas.look.zoom > zoom
    assert not window.night
    qtbot.keyClick(window, Key.Key_Plus)
    qtbot.keyClick(window, Key.Key_Minus)
    qtbot.keyClick(window, Key.Key_Minus, Modifier.ShiftModifier)
    assert window.canvas.look.zoom == pytest.approx(zoom)


def test_big_text_is_larger_everywhere_and_goes_back(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 5, qtbot)
    window.resize(1920, 1080)
    qtbot.waitUntil(lambda: window.width() == 1920)

    def sizes() -> tuple[int, ...]:
        icon = window.icons["moon"]
        rows = window.subs.table.verticalHeader().defaultSectionSize()
        head = QtGui.QFontMetrics(window.top.target.font()).height()
        return window.top.height(), window.glance.height(), icon.width(), icon.iconSize().width(), rows, head

    usual = sizes()
    qtbot.keyClick(window, Key.Key_T, Modifier.ControlModifier)
    big = sizes()
    assert big[2:5] == (52, 28, 44), "to be hit with gloves"
    assert all(large > 1.25 * small for large, small in zip(big, usual, strict=True))
    qtbot.keyClick(window, Key.Key_T, Modifier.ControlModifier)
    assert sizes() == usual


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("size", [(800, 600), (1024, 768), (1280, 800), (1920, 1080)])
def test_all_keys_can_be_read_in_any_window(size: tuple[int, int], big: bool, window: Window, qtbot: QtBot) -> None:
    window.set_big_text(big)
    window.resize(*size)
    qtbot.keyClick(window, Key.Key_F1)
    shown = window.help
    whole_window = QtCore.QRect(QtCore.QPoint(), window.centralWidget().size())
    assert whole_window.contains(shown.geometry())
    inner = shown.widget()
    assert inner.width() <= shown.viewport().width() + 1, "no word is cut off at the side"
    scrolls = inner.height() > shown.viewport().height()
    assert scrolls <= (big and size[1] < 800), "scrolled only where there is no other way"
    keys = [label.text() for label in inner.findChildren(QtWidgets.QLabel)]
    assert all(command.text in keys for command in COMMANDS if command.text and command.keys)
    window.set_big_text(False)


def test_pill_and_icons_never_meet(window: Window, night: Night, qtbot: QtBot) -> None:
    night.add()
    for width in (800, 900, 1024, 1280):
        window.resize(width, 600)
        window.live.tick()
        pill = window.top.pill.geometry()
        assert pill.right() < min(button.geometry().left() for button in window.icons.values())
        assert pill.left() >= 0
