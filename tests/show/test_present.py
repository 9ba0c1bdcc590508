"""The screen for all in a real Chromium: what it shows, and that nobody has to look after it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from livestack.show.source import Source
from tests.show.guest import PROJECTOR, Guest, Server, guest
from tests.show.night import Night, sky

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHOWN = "document.querySelectorAll('.shown.on img').length > 0"


def _shown(night: Night, n: int) -> None:
    night.add()
    night.add_many(n - 1)
    night.show(sky(n), sky(1), n)


def _size(one: Guest, what: str) -> float:
    return float(one.tab.evaluate(f"parseFloat(getComputedStyle(document.querySelector('{what}')).fontSize)"))


@pytest.mark.slow
def test_it_is_read_from_afar_and_nothing_can_be_pressed(chromium: Browser, server: Server, night: Night) -> None:
    _shown(night, 12)
    with guest(chromium, server.url + "present", PROJECTOR) as one:
        tab = one.tab
        one.until(SHOWN)
        assert tab.text_content("#name") == "Dumbbell Nebula"
        assert tab.text_content("#facts").startswith("12 photos")
        assert [_size(one, part) for part in ("#name", "#meaning", "#facts")] == [96, 42, 32]
        box = one.box("#told")
        assert box["x"] == 96
        assert box["y"] + box["height"] == pytest.approx(1080 - 80, abs=1)
        screen = one.box(".shown")
        assert screen["y"] + screen["height"] / 2 == pytest.approx(0.42 * 1080, abs=1), "the aim point"
        assert screen["y"] <= 0
        assert screen["y"] + screen["height"] >= 1080
        assert tab.evaluate("getComputedStyle(document.body).cursor") == "none"
        assert tab.locator("button,a,input,[tabindex]").count() == 0
        tab.set_viewport_size({"width": 1280, "height": 720})
        assert _size(one, "#name") == 64


@pytest.mark.slow
def test_a_new_photo_passes_over_and_nobody_need_look_after_it(chromium: Browser, server: Server, night: Night) -> None:
    _shown(night, 12)
    with guest(chromium, server.url + "present", PROJECTOR) as one:
        tab = one.tab
        one.until(SHOWN)
        first = tab.evaluate("document.querySelector('.shown.on img').src")
        night.add()
        night.show(sky(13), sky(1), 13)
        one.until(f"[...document.querySelectorAll('.shown.on img')].some(one => one.src != '{first}')")
        assert tab.locator(".shown").count() == 2, "one over the other"
        one.until("document.querySelectorAll('.shown').length == 1")
        server.stop()
        tab.wait_for_timeout(2000)
        assert tab.locator(".shown.on").count() == 1, "the picture stays, and no word is said"
        assert tab.text_content("#name") == "Dumbbell Nebula"
        server.again()
        night.add()
        night.show(sky(14), sky(1), 14)
        tab.locator("#facts", has_text="14 photos").wait_for()
        tab.reload()
        one.until(SHOWN)
        assert tab.text_content("#facts").startswith("14 photos")
        one.wrong.clear()  # the browser tells of each connection that was refused


@pytest.mark.slow
def test_before_the_first_photo_past_nights_are_shown(chromium: Browser, night: Night, source: Source) -> None:
    past = night.session.parent / "2026-08-19-m57"
    (past / "stack").mkdir(parents=True)
    (past / "journal.sqlite").touch()
    cv2.imwrite(str(past / "stack" / "M_57.png"), np.full((300, 480, 3), 90, np.uint8))
    server = Server(source)
    try:
        with guest(chromium, server.url + "present", PROJECTOR) as one:
            one.tab.locator("#name", has_text="Ring Nebula").wait_for()
            assert one.tab.text_content("#meaning") == "19 August 2026"
            _shown(night, 2)
            one.tab.locator("#name", has_text="Dumbbell Nebula").wait_for()
        with guest(chromium, server.url + "nowhere/at/all") as one:
            assert one.tab.text_content("h1") == "Nothing is live here."
            one.tab.locator("#nights img").wait_for()
            one.wrong.clear()
    finally:
        server.stop()


@pytest.mark.slow
def test_without_any_picture_it_says_that_it_starts_soon(chromium: Browser, server: Server, tmp_path: Path) -> None:
    with guest(chromium, server.url + "present", PROJECTOR) as one:
        one.tab.locator("#mark").wait_for()
        assert one.tab.text_content("#name") == "Starting soon"
