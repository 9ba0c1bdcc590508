"""The page of the audience in a real Chromium, over a real server and a session that grows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from livestack.buildup import Moment, folder_of, write_step
from livestack.events import SessionStopped
from livestack.frame import Picture
from livestack.show.source import Source
from livestack.show.web import shell
from tests.show.guest import DESKTOP, ON_ITS_SIDE, PHONE, PROJECTOR, SHORT, TABLET, Server, chromium_of, guest
from tests.show.night import EXPOSURE_S, STACK, Night, sky

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

STATIC = Path(shell.__file__).with_name("static")
SMALL_KB = {"js": 45, "css": 20, "all": 150}


def test_a_page_is_light() -> None:
    """What a phone on a field must load before the picture."""
    files = {path: len(data) for path, (data, _) in shell.files().items()}
    aside = ("/present", "/lost", "/icon", "/favicon", "/manifest")
    own = {path: size for path, size in files.items() if not path.startswith(aside)}
    assert sum(size for path, size in own.items() if path.endswith(".js")) <= 1000 * SMALL_KB["js"]
    assert sum(size for path, size in own.items() if path.endswith(".css")) <= 1000 * SMALL_KB["css"]
    assert sum(own.values()) <= 1000 * SMALL_KB["all"]


def test_pages_need_nothing_from_elsewhere_and_no_script_of_their_own_text() -> None:
    for path, (data, kind) in shell.files().items():
        if kind.startswith(("image", "font")):
            continue
        text = data.decode().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text.replace("^https?:\\/\\/", ""), path
        assert "https://" not in text, path
        if kind == "text/html":
            assert " style=" not in text, path
            assert not re.search(r"<script(?![^>]*src=)", text), path
            assert not re.search(r"\son\w+=", text), path
            assert '<html lang="en">' in text, path
            assert "$" not in text, path


def test_scripts_are_written_for_phones_of_five_years_ago_in_the_words_of_one_table() -> None:
    words, said = shell.words(), set()
    for path in STATIC.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        if path.name not in {name.strip("/") for name in shell.files()} or path.name in ("operator.js", "login.js"):
            continue
        assert not re.search(r"\?\.\w|\?\?|\.at\(|\.replaceAll\(|structuredClone|#\w+\s*=", text), path.name
        said |= set(re.findall(r'say\("(\w+)"', text))
    assert said <= set(words), said - set(words)
    pages = "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.html"))
    scripts = "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    unsaid = [key for key in words if f"${key}" not in pages and f'"{key}"' not in scripts]
    assert not unsaid, "a word nobody says"


@pytest.fixture(scope="module")
def chromium(browser: str) -> Iterator[Browser]:
    with chromium_of(browser) as running:
        yield running


@pytest.fixture
def server(source: Source) -> Iterator[Server]:
    server = Server(source)
    yield server
    server.stop()


def _grown(night: Night, n: int = 12) -> None:
    """So many photos, and how the stack grew."""
    night.add()
    night.add_many(n - 1)
    for k in range(1, n):
        time = (night.start + timedelta(seconds=22 * k)).isoformat()
        picture = Picture(sky(k), 1.0, k, STACK, k, k * EXPOSURE_S, 40 / k**0.5)
        write_step(folder_of(night.session / "cache", STACK), Moment(picture, time, "founder"))
    night.show(sky(n), sky(1), n)


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, SHORT, ON_ITS_SIDE, TABLET, DESKTOP])
def test_all_that_matters_is_seen_and_reached(
    chromium: Browser, server: Server, night: Night, size: tuple[int, int]
) -> None:
    _grown(night)
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
    night.add()
    large = np.tile(sky(2, colour=False), (5, 5))
    night.show(large, large, 2)
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
        night.add()
        night.show(large, large, 3)
        one.tab.locator("#summary", has_text="3 photos").wait_for()
        one.tab.wait_for_timeout(1200)
        seen = one.tab.evaluate("window.seen")
        assert {path.split(".")[0] for path in one.asked if path.startswith("picture/")} == {"picture/1280"}
        assert min(seen) > 0.97 * seen[0], "never darker, never blank"
        assert max(seen) < 1.03 * seen[0], "never lighter"
        assert abs(one.light(0.5, 0.3) - before) < 3


@pytest.mark.slow
def test_the_wipe_follows_finger_mouse_and_keys(chromium: Browser, server: Server, night: Night) -> None:
    _grown(night)
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
    _grown(night)
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
    night.add()
    large = np.tile(sky(2, colour=False), (5, 5))
    night.show(large, large, 2)
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
        night.add()
        night.show(large, large, 3)
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
    _grown(night)
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


@pytest.mark.slow
def test_the_card_is_a_sheet_that_opens_by_touch_and_its_level_is_kept(
    chromium: Browser, server: Server, night: Night
) -> None:
    _grown(night)
    with guest(chromium, server.url) as one:
        tab = one.tab
        tab.locator("#knob").wait_for()
        assert one.box("#card")["y"] == pytest.approx(844 - 156, abs=1)
        one.touch([(195.0, 710.0), (195.0, 300.0)])
        tab.locator("body.open").wait_for()
        one.until("document.getElementById('card').getBoundingClientRect().top === 180")
        assert not tab.locator("#knob").is_visible()
        assert tab.locator("#facts").is_visible()
        assert one.light(0.5, 0.1) > 5, "the picture stays live behind"
        if tab.locator("#levels").is_visible():
            tab.click("text=Child")
            tab.keyboard.press("ArrowLeft")
            assert tab.locator('[data-level="expert"]').get_attribute("aria-checked") == "true"
            tab.reload()
            tab.locator("#knob").wait_for()
            assert tab.locator('[data-level="expert"]').get_attribute("aria-checked") == "true"
            tab.click("#grab")
        tab.click("#grab")
        one.until("!document.body.classList.contains('open')")
        tab.locator("#knob").wait_for()
        tab.focus("#grab")
        tab.keyboard.press("Enter")
        tab.locator("body.open").wait_for()
        tab.keyboard.press("Escape")
        one.until("!document.body.classList.contains('open')")


@pytest.mark.slow
def test_what_is_shared_is_the_picture_the_address_and_the_code(
    chromium: Browser, server: Server, night: Night
) -> None:
    _grown(night)
    with guest(chromium, server.url) as one:
        tab = one.tab
        tab.locator("#knob").wait_for()
        tab.click("#share")
        tab.locator("#sheet").wait_for()
        with tab.expect_download() as saved:
            tab.click("#save")
        assert saved.value.suggested_filename == "livestack.png"
        one.until("document.getElementById('sheet').hidden")
        session = one.context.new_cdp_session(tab)
        session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": 100, "y": 200}]})
        tab.locator("#sheet").wait_for()
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert tab.locator("#show-code").is_visible() == bool(_state(tab)["address"])
        tab.click("#copy")
        tab.locator("#copy-words", has_text="Address copied").wait_for()
        places = [tab.evaluate("document.activeElement.id")]
        for _ in range(6):
            tab.keyboard.press("Tab")
            places.append(tab.evaluate("document.activeElement.id"))
        assert set(places) <= {"save", "copy", "show-code", "close"}, "the focus stays on the sheet"
        tab.keyboard.press("Escape")
        assert tab.locator("#sheet").is_hidden()


@pytest.mark.slow
@pytest.mark.parametrize("without", ["WebSocket", "EventSource"])
def test_where_no_socket_gets_through_news_come_all_the_same(
    chromium: Browser, server: Server, night: Night, without: str
) -> None:
    gone = "delete window.WebSocket;" + ("delete window.EventSource;" if without == "EventSource" else "")
    night.add()
    night.show(sky(1), sky(1), 1)
    with guest(chromium, server.url, before=gone) as one:
        one.tab.locator("#summary", has_text="1 photo").wait_for()
        night.add()
        night.show(sky(2), sky(1), 2)
        one.tab.locator("#summary", has_text="2 photos").wait_for()
        assert ("events" in one.asked) == (without == "WebSocket")


@pytest.mark.slow
def test_a_lost_connection_is_told_in_one_line_and_forgotten_when_it_is_back(
    chromium: Browser, server: Server, night: Night
) -> None:
    _grown(night)
    with guest(chromium, server.url) as one:
        tab = one.tab
        tab.locator("#knob").wait_for()
        one.touch([(160.0, 200.0), (234.0, 210.0)])
        tab.focus("#slider")
        tab.keyboard.press("Home")
        tab.keyboard.press("+")
        tab.keyboard.press("+")
        tab.wait_for_timeout(600)
        before = one.picture()
        server.stop()
        tab.locator("#lost").wait_for()
        assert re.fullmatch(r"Reconnecting, picture from \d\d:\d\d", tab.text_content("#lost") or "")
        assert one.picture() == before, "the picture stays"
        server.again()
        one.until("document.getElementById('lost').hidden")
        night.add()
        night.show(sky(13), sky(1), 13)
        one.until("document.getElementById('slider').getAttribute('aria-valuemax') == '13'")
        assert (one.value("#knob"), one.value("#slider")) == (60, 1)
        assert tab.locator("#view.zoomed").count() == 1
        one.wrong.clear()  # the browser tells of each connection that was refused


@pytest.mark.slow
def test_before_the_first_photo_at_the_end_and_at_another_target(
    chromium: Browser, server: Server, night: Night
) -> None:
    with guest(chromium, server.url) as one:
        tab = one.tab
        one.until("document.getElementById('words').textContent === 'The first photo is on its way.'")
        assert tab.text_content("h1") == "Getting the telescope ready"
        assert not tab.locator("#slider").is_visible()
        below = one.box("#card")["y"]
        _grown(night)
        tab.locator("#knob").wait_for()
        assert one.box("#card")["y"] == below
        tab.keyboard.press("+")
        night.found("M_57", "M 57")
        night.add()
        night.add()
        tab.locator("h1", has_text="Ring Nebula").wait_for()
        night.say(SessionStopped(0, "", 3, 1))
        tab.locator("#live-short", has_text="Ended").wait_for()
        assert tab.locator("#lost").is_hidden()


@pytest.mark.slow
def test_nothing_moves_for_who_wants_it_still(chromium: Browser, server: Server, night: Night) -> None:
    _grown(night)
    with guest(chromium, server.url, reduced_motion="reduce") as one:
        one.tab.locator("#knob").wait_for()
        one.tab.click("#grab")
        assert one.box("#card")["y"] == 180, "at once"


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_at_twice_the_text_nothing_is_lost(
    chromium: Browser, server: Server, night: Night, size: tuple[int, int]
) -> None:
    _grown(night)
    with guest(chromium, server.url, size) as one:
        tab = one.tab
        tab.locator("#knob").wait_for()
        tab.evaluate("document.documentElement.style.fontSize = '200%'")
        tab.wait_for_timeout(200)
        assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
        tab.evaluate("window.scrollTo(0, 1e4)")
        for part in ("#summary", "#ends"):
            box = one.box(part)
            top = one.box("#card")["y"] if size == PHONE else size[1]
            assert box["y"] + box["height"] <= top + 1, part


@pytest.mark.slow
def test_no_barrier_is_serious(chromium: Browser, server: Server, night: Night) -> None:
    """By axe-core's rules; and text has the contrast of 7:1."""
    _grown(night)
    for size, path, opened in (
        (PHONE, "", False),
        (PHONE, "", True),
        (DESKTOP, "", False),
        (ON_ITS_SIDE, "", True),
        (PROJECTOR, "present", False),
        (PHONE, "nowhere", False),
    ):
        with guest(chromium, server.url, size) as one:
            one.tab.goto(server.url + path)
            one.tab.wait_for_timeout(700)
            if opened:
                one.tab.click("#ask" if size == ON_ITS_SIDE else "#grab")
                one.tab.wait_for_timeout(300)
            found = _barriers(one.tab)
            assert not found, (size, path, found)
            one.wrong.clear() if path == "nowhere" else None


def _barriers(tab: Tab) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    rules = {"color-contrast-enhanced": {"enabled": True}}
    found = Axe().run(tab, options={"rules": rules}).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in serious]


def _state(tab: Tab) -> dict[str, Any]:
    return dict(json.loads(tab.evaluate("fetch('state.json').then(answer => answer.text())")))
