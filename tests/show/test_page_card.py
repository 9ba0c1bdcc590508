"""What lies around the picture of the audience's page: the card, the share sheet; and that nobody is kept out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.show.guest import DESKTOP, ON_ITS_SIDE, PHONE, PROJECTOR, Server, grown, guest
from tests.show.night import Night

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab


@pytest.mark.slow
def test_the_card_is_a_sheet_that_opens_by_touch_and_its_level_is_kept(
    chromium: Browser, server: Server, night: Night
) -> None:
    grown(night)
    with guest(chromium, server.url) as one:
        tab = one.tab
        tab.locator("#knob").wait_for()
        assert one.box("#card")["y"] == pytest.approx(844 - 156, abs=1)
        tab.wait_for_timeout(300)
        assert not [path for path in one.asked if path.startswith("grain")], "what nobody sees is not fetched"
        one.touch([(195.0, 710.0), (195.0, 300.0)])
        tab.locator("body.open").wait_for()
        one.until("document.getElementById('card').getBoundingClientRect().top === 180")
        assert not tab.locator("#knob").is_visible()
        assert tab.locator("#facts").is_visible()
        one.until("[...document.querySelectorAll('#patches img')].filter(one => one.naturalWidth).length === 3")
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
    grown(night)
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
def test_nothing_moves_for_who_wants_it_still(chromium: Browser, server: Server, night: Night) -> None:
    grown(night)
    with guest(chromium, server.url, reduced_motion="reduce") as one:
        one.tab.locator("#knob").wait_for()
        one.tab.click("#grab")
        assert one.box("#card")["y"] == 180, "at once"


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_at_twice_the_text_nothing_is_lost(
    chromium: Browser, server: Server, night: Night, size: tuple[int, int]
) -> None:
    grown(night)
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
    grown(night)
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
