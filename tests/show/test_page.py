"""The picture of the audience's page in a real Chromium, over a real server and a session that grows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.show.guest import DESKTOP, ON_ITS_SIDE, PHONE, SHORT, TABLET, Server, grown, guest
from tests.show.night import Night, sky

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def _add_large(night: Night) -> None:
    """Add a photo and show the stack, larger than any screen."""
    night.add()
    large = np.tile(sky(2, colour=False), (5, 5))
    night.show(large, large, night.no)


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, SHORT, ON_ITS_SIDE, TABLET, DESKTOP])
def test_all_that_matters_is_seen_and_reached(
    chromium: Browser, server: Server, night: Night, size: tuple[int, int]
) -> None:
    grown(night)
    with guest(chromium, server.url, size) as one:
        tab = one.tab
        tab.locator("#knob").wait_for()
        assert tab.text_content("h1") == "Dumbbell Nebula"
        assert tab.text_content("#summary") == "12 photos, 4 minutes of light"
        faces = "[...document.fonts].filter(one => one.status == 'loaded').map(one => one.weight).sort().join()"
        assert tab.evaluate(faces) == "400,500,600", "it is set in its own typeface"
        width, height = size
        head = "#ask" if size == ON_ITS_SIDE else "#levels" if size == DESKTOP else "#grab"
        for part in ("#name", "#summary", "#ribbon", "#knob", "#share", head):
            box = one.box(part)
            assert box["x"] >= 0, part
            assert box["x"] + box["width"] <= width + 0.5, part
            assert box["y"] >= 0, part
            assert box["y"] + min(box["height"], 48) <= height, part
        for part in ("#knob", "#share", *(["#play", "#slider"] if tab.locator("#play").is_visible() else [])):
            assert min(one.box(part)["width"], one.box(part)["height"]) >= 48, part
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate("document.documentElement.scrollHeight") <= height, "nothing to scroll"
        view = one.box("#view")
        share = view["width"] * view["height"] / (width * height)
        assert share >= (0.99 if size == ON_ITS_SIDE else 0.55 if size == SHORT else 0.6)


@pytest.mark.slow
def test_a_phone_gets_the_size_it_can_show_and_news_come_without_flicker(
    chromium: Browser, server: Server, night: Night
) -> None:
    night.add()
    _add_large(night)
    with guest(chromium, server.url) as one:
        one.tab.locator("#knob").wait_for()
        pictures = [path for path in one.asked if path.startswith("picture/")]
        assert {path.split(".")[0] for path in pictures} == {"picture/1280"}, "a phone at rest takes no larger one"
        one.tab.keyboard.press("w")
        before = one.light(0.5, 0.3)
        one.tab.evaluate("""() => {
            const canvas = document.getElementById("picture");
            window.seen = [];
            const look = () => {
                const data = canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 3, 40, 40).data;
                window.seen.push(data.reduce((a, b) => a + b, 0) / data.length);
                requestAnimationFrame(look);
            };
            look();
        }""")
        _add_large(night)
        one.tab.locator("#summary", has_text="3 photos").wait_for()
        one.tab.wait_for_timeout(1200)
        seen = one.tab.evaluate("window.seen")
        assert {path.split(".")[0] for path in one.asked if path.startswith("picture/")} == {"picture/1280"}
        assert min(seen) > 0.97 * seen[0], "never darker, never blank"
        assert max(seen) < 1.03 * seen[0], "never lighter"
        assert abs(one.light(0.5, 0.3) - before) < 3


@pytest.mark.slow
def test_the_wipe_follows_finger_mouse_and_keys(chromium: Browser, server: Server, night: Night) -> None:
    grown(night)
    with guest(chromium, server.url) as one:
        one.tab.locator("#knob").wait_for()
        assert one.value("#knob") == 42
        one.touch([(160.0, 200.0), (312.0, 210.0)])
        assert one.value("#knob") == 80, "anywhere on the picture"
        assert not one.tab.locator("#tag-all").is_visible(), "a side of 78 px has no tag"
        assert one.tab.text_content("#tag-one") == "1 photo"
        box = one.box("#knob")
        one.touch([(box["x"] + 24, box["y"] + 24), (117.0, box["y"])])
        assert one.value("#knob") == 30
        one.tab.focus("#knob")
        one.tab.keyboard.press("ArrowRight")
        assert one.value("#knob") == 35
        one.tab.keyboard.press("Shift+ArrowLeft")
        assert one.value("#knob") == 34
        assert one.tab.locator("#knob").get_attribute("aria-valuetext") == "one photo to stack, 34 %"
        one.tab.keyboard.press("w")
        assert one.value("#knob") == 0
        one.tab.keyboard.press("w")
        assert one.value("#knob") == 34
        half, whole = (one.tab.evaluate(f"document.getElementById('{tag}').hidden") for tag in ("tag-one", "tag-all"))
        assert (half, whole) == (False, False)


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_the_slider_goes_back_in_time_and_plays(
    chromium: Browser, server: Server, night: Night, size: tuple[int, int]
) -> None:
    grown(night)
    with guest(chromium, server.url, size) as one:
        tab = one.tab
        tab.locator("#slider").wait_for()
        tab.locator("#knob").wait_for()
        assert not any(path.startswith("buildup") for path in one.asked), "nothing is loaded before a hand asks"
        now, row = one.light(0.8, 0.3), one.box("#ribbon")
        middle, height = row["x"] + 0.5 * row["width"], row["y"] + 26
        if size == PHONE:
            one.touch([(row["x"] + row["width"] - 14, height), (middle, height)])
        else:
            tab.mouse.move(row["x"] + row["width"] - 14, height)
            tab.mouse.down()
            tab.mouse.move(middle, height, steps=4)
            tab.mouse.up()
        assert one.value("#slider") in (6, 7)
        n = one.value("#slider")
        assert re.fullmatch(rf"{n} photos, \d\d:\d\d", tab.text_content("#summary") or "")
        assert re.fullmatch(
            rf"photo {n} of 12, \d\d:\d\d", tab.locator("#slider").get_attribute("aria-valuetext") or ""
        )
        assert tab.text_content("#tag-all") == f"{n} photos"
        assert tab.locator("#at").is_visible() == (size == DESKTOP)
        one.until("performance.getEntriesByType('resource').filter(one => one.name.includes('buildup/')).length == 12")
        tab.wait_for_timeout(400)
        assert abs(one.light(0.8, 0.3) - now) < 8, "grain changes, not brightness"
        night.add()
        night.show(sky(13), sky(1), 13)
        one.until("document.getElementById('slider').getAttribute('aria-valuemax') == '13'")
        assert one.value("#slider") == n, "a new photo does not move it"
        tab.keyboard.press("Home")
        assert one.value("#slider") == 1
        tab.keyboard.press("ArrowRight")
        assert one.value("#slider") == 2
        tab.keyboard.press("ArrowLeft")
        tab.keyboard.press("Space")
        one.until("+document.getElementById('slider').getAttribute('aria-valuenow') > 4")
        assert tab.locator("#play").get_attribute("aria-label") == "Pause"
        tab.keyboard.press("Space")
        paused = one.value("#slider")
        tab.wait_for_timeout(200)
        assert one.value("#slider") == paused
        tab.click("#play")
        one.until("document.getElementById('slider').getAttribute('aria-valuenow') == '13'")
        assert tab.text_content("#summary") == "13 photos, 4 minutes of light"
        tab.keyboard.press("ArrowLeft")
        tab.keyboard.press("End")
        assert one.value("#slider") == 13


@pytest.mark.slow
def test_zoom_is_kept_when_a_photo_comes_and_tiles_make_it_sharp(
    chromium: Browser, server: Server, night: Night
) -> None:
    night.add()
    _add_large(night)
    with guest(chromium, server.url) as one:
        one.tab.locator("#knob").wait_for()
        bar = one.box("#bar")["width"] if one.tab.locator("#bar").is_visible() else None
        one.touch([(150.0, 250.0), (50.0, 250.0)], [(240.0, 250.0), (340.0, 250.0)])
        one.tab.locator("#view.zoomed").wait_for()
        one.until("performance.getEntriesByType('resource').some(one => one.name.includes('tile/'))")
        one.tab.wait_for_timeout(900)
        one.touch([(200.0, 200.0), (260.0, 240.0)])
        one.tab.wait_for_timeout(600)
        wipe = one.value("#knob")
        assert wipe == 42, "zoomed, a drag pans"
        before = one.picture()
        _add_large(night)
        one.tab.locator("#summary", has_text="3 photos").wait_for()
        one.tab.wait_for_timeout(1000)
        assert one.tab.locator("#view.zoomed").count() == 1
        assert one.picture() == before, "the same stack at the same place: the same px"
        one.tab.touchscreen.tap(200, 300)
        one.tab.touchscreen.tap(200, 300)
        one.until("!document.getElementById('view').classList.contains('zoomed')")
        one.tab.touchscreen.tap(200, 300)
        one.tab.wait_for_timeout(400)
        one.tab.keyboard.press("+")
        assert one.tab.locator("#view.zoomed").count() == 1
        one.tab.keyboard.press("0")
        assert one.tab.locator("#view.zoomed").count() == 0
        assert bar is None


@pytest.mark.slow
def test_a_wheel_zooms_about_the_pointer(chromium: Browser, server: Server, night: Night) -> None:
    grown(night)
    with guest(chromium, server.url, DESKTOP) as one:
        one.tab.locator("#knob").wait_for()
        one.tab.keyboard.press("w")
        one.tab.mouse.move(520, 450)
        for _ in range(4):
            one.tab.mouse.wheel(0, -240)
        one.tab.locator("#view.zoomed").wait_for()
        zoomed = one.light(0.5, 0.5)
        one.tab.mouse.move(300, 300)
        one.tab.mouse.down()
        one.tab.mouse.move(500, 300, steps=3)
        one.tab.mouse.up()
        assert one.light(0.5, 0.5) != zoomed, "dragged"
        one.tab.mouse.dblclick(520, 450)
        assert one.tab.locator("#view.zoomed").count() == 0
