"""The views of the stack beside its picture: what changed, how noisy each px is, how many subs cover it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore
from pytestqt.qtbot import QtBot

from livestack.events import SessionStopped
from livestack.frame import Array
from livestack.product import read_noise
from livestack.show.qt.window import Window
from livestack.show.source import open_source
from livestack.show.views import VIEWS
from tests.night.sessions import products, start, wait_for
from tests.night.small import N_LIGHTS, small_night
from tests.show.grab import drawn, pixels, rendition
from tests.show.night import Night, sky

Key = QtCore.Qt.Key
KEYS = (Key.Key_A, Key.Key_Space, Key.Key_E, Key.Key_V, Key.Key_C, Key.Key_M)
HALF = 240  # of the picture's width


def _grow(window: Window, night: Night, n: int, row_order: str | None = None) -> None:
    while night.no < n:
        night.add()
    night.show(sky(n), sky(1, seed=n), n, row_order)
    window.live.tick()


def _press(window: Window, qtbot: QtBot, key: Key) -> None:
    qtbot.keyClick(window, key)
    drawn(window.canvas, qtbot)


def _tag(window: Window) -> str:
    return str(window.tag.accessibleName()) if window.tag.isVisible() else ""


def _two_halves(left: float, right: float) -> Array:
    data = np.full((300, 480), left, np.float32)
    data[:, HALF:] = right
    data[:, :6] = np.nan
    return data


def test_each_view_has_a_key_and_a_place_in_the_switcher(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 12)
    window.switcher.appear()
    assert [button.text() for button in window.switcher.buttons.values()] == [
        "Stack", "Last sub", "Difference", "Noise", "Coverage", "Removed",
    ]  # fmt: skip
    assert (window.switcher.width(), window.switcher.height()) == (560, 40)
    for (name, _, _), key in zip(VIEWS, KEYS, strict=True):
        _press(window, qtbot, key)
        assert window.live.view == name
        assert window.switcher.buttons[name].isChecked()
    for name, button in window.switcher.buttons.items():
        button.click()
        assert window.live.view == name
    qtbot.waitUntil(lambda: not window.switcher.isVisible(), timeout=5000)


@pytest.mark.parametrize("row_order", ["TOP-DOWN", "BOTTOM-UP"])
def test_the_difference_shows_what_only_the_last_sub_has(
    row_order: str, window: Window, night: Night, qtbot: QtBot
) -> None:
    for _ in range(12):
        night.add()
    stack = sky(12)
    last = stack.copy()
    last[40:60, 100:160] += 150.0
    last[200:220, 100:160] -= 150.0
    night.show(stack, last, 12, row_order)
    window.live.tick()
    _press(window, qtbot, Key.Key_E)
    seen = rendition(window.canvas, qtbot).astype(float)
    if row_order == "BOTTOM-UP":
        seen = seen[::-1]
    more, less, same = (np.median(seen[rows, 100:160]) for rows in (slice(40, 60), slice(200, 220), slice(100, 150)))
    assert more > same > less
    assert more - same == pytest.approx(same - less, abs=2), "as far up as down"
    assert seen[:, :4].max() == 0, "what nobody knows is black"
    text, ends = _tag(window).split(": ")
    assert text == "Last sub minus stack"
    assert ends.startswith("−")
    assert ends.endswith("ADU")


def test_a_map_is_asked_for_once_a_stack_and_only_while_it_is_looked_at(
    window: Window, night: Night, qtbot: QtBot
) -> None:
    _grow(window, night, 8)
    stack = rendition(window.canvas, qtbot)
    assert night.journal.requests() == []
    _press(window, qtbot, Key.Key_V)
    for _ in range(3):
        window.live.tick()
    assert [(wish.kind, wish.body) for wish in night.journal.requests()] == [("map", {"of": "noise"})]
    assert _tag(window) == "Noise comes in a moment"
    assert np.array_equal(rendition(window.canvas, qtbot), stack), "the picture stays until it is there"
    night.show_map("noise", _two_halves(8.0, 16.0))
    window.live.tick()
    seen = rendition(window.canvas, qtbot).astype(float)
    assert np.median(seen[:, HALF:]) > np.median(seen[:, 6:HALF]) + 50
    assert seen[:, :6].max() == 0
    assert _tag(window) == "Noise of each pixel of the stack: 8.0 to 16.0\u202fADU"
    _grow(window, night, 9)
    assert len(night.journal.requests()) == 1, "of the next stack too"
    assert np.array_equal(rendition(window.canvas, qtbot), seen), "meanwhile the one before is shown"
    _press(window, qtbot, Key.Key_A)
    _grow(window, night, 10)
    window.live.tick()
    assert len(night.journal.requests()) == 1, "nobody looks any more"


def test_coverage_counts_subs(window: Window, night: Night, qtbot: QtBot) -> None:
    _grow(window, night, 8)
    _press(window, qtbot, Key.Key_C)
    night.show_map("coverage", np.nan_to_num(_two_halves(4.0, 8.0)))
    window.live.tick()
    seen = rendition(window.canvas, qtbot).astype(float)
    assert np.median(seen[:, 6:HALF]) == pytest.approx(np.median(seen[:, HALF:]) / 2, abs=1)
    assert seen[:, :6].max() == 0
    assert _tag(window) == "Subs that cover each pixel: 0 to 8\u202fsubs"
    _press(window, qtbot, Key.Key_N)
    assert pixels(window)[..., 1:].max() == 0


def test_what_cannot_be_known_yet_is_said(window: Window, night: Night, qtbot: QtBot) -> None:
    _press(window, qtbot, Key.Key_V)
    assert _tag(window) == "", "before the first sub the steps are shown, whatever was asked for"
    _grow(window, night, 1)
    assert _tag(window) == "Noise is known from the second sub on"
    _press(window, qtbot, Key.Key_E)
    assert _tag(window) == "One sub so far"
    night.say(SessionStopped(0, "", 1, 0))
    window.live.tick()
    _press(window, qtbot, Key.Key_C)
    qtbot.waitUntil(lambda: "no stack was saved" in _tag(window), timeout=5000)
    assert [wish.body for wish in night.journal.requests()] == [{"of": "noise"}], "nothing is asked of who is not there"


@pytest.mark.slow
def test_maps_come_from_the_session_of_another_process_and_later_from_its_file(tmp_path: Path, qtbot: QtBot) -> None:
    captures, session = tmp_path / "captures", tmp_path / "session"
    small_night(captures)
    engine = start("watch", captures, "--session", session, "--viewer", "none")
    try:
        wait_for(session, f"(SELECT count(*) FROM event WHERE kind = 'SubAccepted') = {N_LIGHTS}")
        source = open_source(session)
        window = Window(source)
        qtbot.addWidget(window)
        window.show()
        qtbot.waitUntil(lambda: window.live.picture is not None, timeout=20_000)
        assert not (session / "cache" / "noise.npy").exists(), "nobody asked"
        assert not (session / "cache" / "coverage.npy").exists()
        for name, text in (("noise", "Noise of each pixel"), ("coverage", "Subs that cover each pixel: 0 to 7")):
            window.set_view(name)
            qtbot.waitUntil(lambda text=text: _tag(window).startswith(text), timeout=20_000)
    finally:
        engine.terminate()
        engine.communicate(timeout=60)
    error, coverage = read_noise(products(session)[0]) or (None, None)
    noise, counts = source.noise(), source.coverage()
    assert noise is not None
    assert counts is not None
    np.testing.assert_allclose(noise.data, error[0], rtol=1e-5)
    assert np.array_equal(counts.data, coverage)
    for name in ("noise", "coverage"):
        (session / "cache" / f"{name}.npy").unlink()
    again = open_source(session)
    later = Window(again)
    qtbot.addWidget(later)
    later.live.tick()
    later.set_view("noise")
    qtbot.waitUntil(lambda: later.live._map is not None, timeout=20_000)
    np.testing.assert_allclose(later.live._map.data, error[0], rtol=1e-5)
    for each in (source, again):
        each.journal.close()
    assert engine.returncode == 130
