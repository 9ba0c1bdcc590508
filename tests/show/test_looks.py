"""One look on all faces: what the chain makes of the preview, by the preset of the session."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from livestack.develop.chain import PRESETS, develop
from livestack.develop.live import plate_of_preview, whole
from livestack.develop.plate import picture_of
from livestack.frame import Array
from livestack.settings import Settings
from livestack.show.monitor.pictures import packed
from livestack.show.qt.window import Window
from livestack.show.rendition import jpeg
from livestack.show.source import Source, open_source
from livestack.show.web.feed import Feed
from livestack.show.web.public import Around
from tests.show.grab import drawn, pixels, rendition
from tests.show.night import STACK, Night, sky


def _grow(night: Night, n: int, *, colour: bool = True) -> None:
    while night.no < n:
        night.add()
    night.show(sky(n, colour=colour), sky(1, colour=colour), n)


def _made(source: Source, preset: str) -> Array:
    picture = source.picture()
    assert picture is not None
    made = picture_of(develop(plate_of_preview(picture), whole(PRESETS[preset])).plate)
    return np.asarray(255 * made, dtype=np.float64)


def _decoded(data: bytes) -> Array:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return np.asarray(image if image.ndim == 2 else image[..., ::-1], dtype=np.float64)


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("preset", ["auto", "cluster", "visitors"])
def test_window_page_and_report_show_what_the_chain_makes(
    preset: str, colour: bool, night: Night, qtbot: QtBot
) -> None:
    (night.session / "settings.toml").write_text(Settings().changed({"preset": preset}).to_toml())
    _grow(night, 12, colour=colour)
    source = open_source(night.session)
    made = _made(source, preset)
    window = Window(source)
    qtbot.addWidget(window)
    window.live.tick()
    assert np.abs(rendition(window.canvas, qtbot) - made).max() <= 1
    feed = Feed(source, Around())
    feed.refresh()
    assert feed.sight is not None
    for image in (jpeg(feed.sight.image), packed(source, [STACK], 400_000)[STACK]):
        shown = _decoded(image)
        assert np.abs(shown - made).mean() < 3, "but for what JPEG loses"
        assert np.abs(np.median(shown[:, 20:], axis=(0, 1)) - np.median(made[:, 20:], axis=(0, 1))).max() <= 1
    window.close()
    source.journal.close()


def test_a_session_that_says_nothing_of_it_is_shown_as_usual(night: Night) -> None:
    for text in (None, "not toml", "[showing]\npreset = 'of tomorrow'"):
        if text is not None:
            (night.session / "settings.toml").write_text(text)
        source = open_source(night.session)
        assert source.preset == "auto"
        source.journal.close()
    source = open_source(night.session, "nebula")
    assert source.preset == "nebula"
    source.journal.close()


def test_the_sky_stays_while_the_stack_grows(night: Night, source: Source, qtbot: QtBot, window: Window) -> None:
    """On screen and on the page alike; the picture is never away."""
    feed, levels = Feed(source, Around()), []
    for n in range(8, 17):
        _grow(night, n)
        window.live.tick()
        assert n == 8 or window.canvas.is_shown
        drawn(window.canvas, qtbot)
        feed.refresh()
        assert feed.sight is not None
        on_page = np.median(_decoded(jpeg(feed.sight.image))[20:280, 20:120])
        levels.append((np.median(pixels(window.canvas)[60:, 40:240]), on_page))
    steps = np.abs(np.diff(levels, axis=0))
    assert steps.max() <= 3
    assert np.delete(steps, [12 - 9, 16 - 9], axis=0).max() <= 1, "between milestones"
