"""What is drawn over the picture to read it by: scale, stars, north; and how it is turned."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtWidgets
from pytestqt.qtbot import QtBot

from livestack.frame import Picture
from livestack.show.qt.look import FILL, FIT, filling
from livestack.show.qt.window import Window
from livestack.show.stars import stars_of_preview
from tests.show.grab import drawn, pixels
from tests.show.night import STACK, Night, sky

Key = QtCore.Qt.Key
SCALE = 1.5 / 3600
TURN_DEG = 30.0
COS, SIN = math.cos(math.radians(TURN_DEG)), math.sin(math.radians(TURN_DEG))
SOLVED = {
    "sky_matrix": [-SCALE * COS, SCALE * SIN, -SCALE * SIN, -SCALE * COS],
    "wcs": {"CTYPE1": "RA---TAN", "CRPIX1": 241.0, "CRPIX2": 151.0, "CRVAL1": 299.9, "CRVAL2": 22.7},
}


def _grow(window: Window, night: Night, n: int, qtbot: QtBot, row_order: str | None = None) -> None:
    while night.no < n:
        night.add()
    night.show(sky(n), sky(1), n, row_order)
    window.live.tick()
    drawn(window.canvas, qtbot)


def _press(window: Window, qtbot: QtBot, *keys: Key, modifier: object = QtCore.Qt.KeyboardModifier.NoModifier) -> None:
    for key in keys:
        qtbot.keyClick(window, key, modifier)
        drawn(window.canvas, qtbot)


def test_a_bar_tells_the_scale_where_it_is_known(window: Window, night: Night, qtbot: QtBot) -> None:
    night.header = {"focal_mm": 480.0, "pixel_um": 3.76}
    _grow(window, night, 4, qtbot)
    window.canvas.zoom_to(2.0)
    length, label = window.marks.bar() or (0.0, "")
    assert 60 <= length <= 160
    assert label == "2′"
    assert length == pytest.approx(120 / 1.6157 * 2, rel=1e-3)
    assert window.marks.accessibleDescription() == "scale 2′"
    seen = pixels(window.canvas)
    row = seen[-30:-15, -int(length) - 20 : -22].min(axis=2).min(axis=1)
    assert row.max() > 200, "it is drawn"
    assert window.marks.arrows() is None


def test_without_a_word_on_the_telescope_there_is_none(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 4, qtbot)
    assert window.marks.bar() is None
    _press(window, qtbot, Key.Key_U)
    assert "not solved" in window.glance.advice.text()
    assert window.canvas.look.turn_deg == 0.0


@pytest.mark.parametrize("row_order", ["TOP-DOWN", "BOTTOM-UP"])
def test_u_brings_north_up_and_the_picture_fills_the_view_all_the_same(
    row_order: str, window: Window, night: Night, qtbot: QtBot
) -> None:
    night.header = SOLVED
    _grow(window, night, 4, qtbot, row_order)
    north, _ = window.marks.arrows() or (None, None)
    assert abs(north.x()) > 0.4, "it is turned"
    _press(window, qtbot, Key.Key_U)
    north, east = window.marks.arrows() or (None, None)
    assert (north.x(), north.y()) == pytest.approx((0.0, -1.0), abs=1e-6)
    assert (east.x(), east.y()) == pytest.approx((-1.0, 0.0), abs=1e-6)
    right, low = window.canvas.width() - 1, window.canvas.height() - 1
    for x, y in ((1, 1), (right, 1), (1, low), (right, low)):
        assert window.canvas.array_px_at(QtCore.QPointF(x, y)) is not None, "no corner is bare"
    _press(window, qtbot, Key.Key_U, modifier=QtCore.Qt.KeyboardModifier.ShiftModifier)
    _, east = window.marks.arrows() or (None, None)
    assert east.x() == pytest.approx(1.0, abs=1e-6), "mirrored"
    _press(window, qtbot, Key.Key_U)
    assert window.canvas.look.turn_deg == 0.0


@pytest.mark.parametrize("turn_deg", [0.0, 20.0, 90.0, 200.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_picture_keeps_its_px_where_they_are_told(
    turn_deg: float, mirrored: bool, window: Window, night: Night, qtbot: QtBot
) -> None:
    _grow(window, night, 30, qtbot)
    canvas = window.canvas
    canvas.turn(turn_deg, mirrored=mirrored)
    canvas.zoom_to(3.0)
    drawn(canvas, qtbot)
    x, y, _ = stars_of_preview(Picture(sky(30), 1.0, 1, STACK, 30, 1.0, 7.0))[0]
    canvas.look_at(QtCore.QPointF(x + 0.5, y + 0.5))
    canvas.zoom_to(3.0)
    drawn(canvas, qtbot)
    place = canvas.place_of(x, y)
    assert canvas.array_px_at(place) == pytest.approx((x, y))
    window.marks.hide()
    ratio = canvas.devicePixelRatioF()
    column, row = round(place.x() * ratio), round(place.y() * ratio)
    light = pixels(canvas).sum(axis=2).astype(float)[row - 14 : row + 15, column - 14 : column + 15]
    light -= np.median(light)
    rows, columns = np.mgrid[-14:15, -14:15]
    bright = light > 0.5 * light.max()
    assert abs(rows[bright].mean()) <= 1.5
    assert abs(columns[bright].mean()) <= 1.5


def test_a_turned_picture_is_seen_whole_or_covers_the_view() -> None:
    picture, room = (480.0, 300.0), (1280.0, 640.0)
    for turn_deg in (0.0, 17.0, 45.0, 90.0, 222.0):
        cos, sin = abs(math.cos(math.radians(turn_deg))), abs(math.sin(math.radians(turn_deg)))
        fit = 1 / filling(room, picture, turn_deg)
        high, wide = fit * (480 * sin + 300 * cos), fit * (480 * cos + 300 * sin)
        assert max(wide / 1280, high / 640) == pytest.approx(1.0), FIT
        fill = filling(picture, room, turn_deg)
        assert fill * 480 >= 1280 * cos + 640 * sin - 1e-6, FILL
        assert fill * 300 >= 1280 * sin + 640 * cos - 1e-6


def test_o_rings_the_stars_where_they_are_and_as_wide(window: Window, night: Night, qtbot: QtBot) -> None:
    night.header = SOLVED
    _grow(window, night, 30, qtbot)
    assert window.marks.stars == ()
    _press(window, qtbot, Key.Key_O)
    qtbot.waitUntil(lambda: len(window.marks.stars) > 15, timeout=120_000)
    window.canvas.zoom_to(8.0)
    drawn(window.canvas, qtbot)
    with_rings = pixels(window.canvas)
    window.marks.shown = False
    window.marks.update()
    without = pixels(window.canvas)
    assert (with_rings != without).any()
    fwhm = np.median([fwhm for _, _, fwhm in window.marks.stars])
    assert fwhm == pytest.approx(2.355 * math.sqrt(2.25), rel=0.1), "as they were drawn"
    _press(window, qtbot, Key.Key_N)
    window.set_overlays(True)
    assert pixels(window)[..., 1:].max() == 0


@pytest.mark.parametrize("step", [2, 3])
def test_a_smaller_preview_has_the_stars_of_the_stack(step: int) -> None:
    """Places and sizes in px of the stack, whatever is shown of it."""
    rng, size = np.random.default_rng(4), (600, 900)
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    data = rng.normal(0.0, 2.0, size).astype(np.float32)
    places = [(60.0 + 97 * i + 0.3 * j, 55.0 + 98 * j + 0.4 * i) for i in range(9) for j in range(6)]
    for at_x, at_y in places:
        data += 900 * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * 2.2**2))
    small = data.reshape(size[0] // step, step, size[1] // step, step).mean(axis=(1, 3))
    found = stars_of_preview(Picture(small, 1 / step, 1, STACK, 9, 1.0, 2.0))
    assert len(found) == len(places)
    nearest = [min(places, key=lambda place: math.hypot(place[0] - star[0], place[1] - star[1])) for star in found]
    np.testing.assert_allclose(found[:, :2], nearest, atol=0.2)
    assert np.median(found[:, 2]) == pytest.approx(2.355 * 2.2, rel=0.06)


def test_the_small_menu_of_a_place(window: Window, night: Night, qtbot: QtBot) -> None:
    night.header = SOLVED
    _grow(window, night, 4, qtbot)
    canvas = window.canvas
    middle = canvas.place_of(240.0, 150.0).toPoint()
    canvas.customContextMenuRequested.emit(middle)
    menu = canvas.findChild(QtWidgets.QMenu, "here")
    named = {action.text().split("\t")[0]: action for action in menu.actions()}
    assert list(named) == ["Look here at 100\u202f%", "Copy position", "Save picture as…"]
    named["Copy position"].trigger()
    copied = QtWidgets.QApplication.clipboard().text()
    assert copied.startswith("19h 59m 36")
    assert "+22° 4" in copied
    assert copied in window.glance.advice.text()
    named["Look here at 100\u202f%"].trigger()
    assert canvas.look.zoom == pytest.approx(1.0 / canvas.devicePixelRatioF())
    assert canvas.array_px_at(QtCore.QPointF(canvas.width() / 2, canvas.height() / 2)) == pytest.approx(
        (240, 150), abs=1.0
    )
    menu.close()
    _press(window, qtbot, Key.Key_C, modifier=QtCore.Qt.KeyboardModifier.ControlModifier)
    assert QtWidgets.QApplication.clipboard().text().startswith("19h")


def test_where_nothing_is_solved_the_px_is_copied(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 4, qtbot)
    _press(window, qtbot, Key.Key_C, modifier=QtCore.Qt.KeyboardModifier.ControlModifier)
    assert QtWidgets.QApplication.clipboard().text().startswith("x ")


def test_o_names_what_a_solved_picture_shows(window: Window, night: Night, qtbot: QtBot) -> None:
    night.header = SOLVED
    _grow(window, night, 30, qtbot)
    _press(window, qtbot, Key.Key_O)
    qtbot.waitUntil(lambda: bool(window.marks.names) and bool(window.marks.stars), timeout=120_000)
    first = window.marks.names[0]
    assert first.label == "M 27  Dumbbell Nebula"
    assert first.label in window.marks.accessibleDescription()
    assert first.radius_px == pytest.approx(8.0 * 60 / 1.5 / 2, rel=1e-3)
    place = window.canvas.place_of(first.x, first.y)
    assert first.radius_px * window.canvas.look.zoom > window.canvas.height() / 2, "beyond the circle is no room"
    below = place + QtCore.QPointF(0.0, 26.0)
    middle_y, middle_x = round(below.y()), round(below.x())
    letters = np.s_[middle_y - 8 : middle_y + 8, middle_x - 60 : middle_x + 60]
    window.marks.stars = ()
    window.marks.redraw()
    named = pixels(window.canvas)[letters]
    window.marks.names = ()
    window.marks.redraw()
    assert (named > 200).sum() > 3 * max(1, (pixels(window.canvas)[letters] > 200).sum()), (
        "its name is within its circle"
    )
    _press(window, qtbot, Key.Key_O)
    assert "M 27" not in window.marks.accessibleDescription()


def test_overlays_are_drawn_once_while_the_picture_below_them_changes(
    window: Window, night: Night, qtbot: QtBot
) -> None:
    _grow(window, night, 4, qtbot)
    _press(window, qtbot, Key.Key_O)
    qtbot.waitUntil(lambda: bool(window.marks.stars), timeout=10_000)
    before, layer = pixels(window.canvas), window.marks._layer
    assert layer is not None
    for _ in range(3):
        window.canvas.repaint()
    assert window.marks._layer is layer
    for change in (
        lambda: window.canvas.zoom_to(2.0),
        lambda: window.resize(1200, 800),
        lambda: window.set_night(True),
        lambda: window.set_night(False),
    ):
        change()
        drawn(window.canvas, qtbot)
        seen = pixels(window.canvas)
        assert window.marks._layer is not layer, "in its place, size and colours"
        layer = window.marks._layer
    assert seen.shape != before.shape
    _press(window, qtbot, Key.Key_O)
    assert (pixels(window.canvas) != seen).any()
