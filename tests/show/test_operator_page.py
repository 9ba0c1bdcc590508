"""The operator's page in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from livestack.events import AlertRaised
from livestack.show.source import Source
from livestack.show.web import Page, serve
from tests.show.asker import Asker
from tests.show.guest import PHONE, SHORT, TABLET, chromium_of, guest
from tests.show.night import Night, sky

pytestmark = pytest.mark.slow


@pytest.fixture
def page(source: Source, night: Night) -> Iterator[Page]:
    for reason in (None, None, None, "trailed", None):
        night.add(reason)
    night.show(sky(4), sky(1), 4)
    night.say(AlertRaised("focus", "Focus drifted: star size 4.3 → 6.1″ since 23:40, 3 °C colder. Refocus."))
    page = serve(source, "127.0.0.1", 0, threading.Event())
    Asker(page).photos(4)
    yield page
    page.close()


def test_an_evening_is_operated_from_a_phone_in_red(page: Page, night: Night, browser: str) -> None:
    asker = Asker(page)
    with chromium_of(browser) as chromium, guest(chromium, page.operator_url, PHONE) as one:
        tab = one.tab
        tab.wait_for_selector("#draft:not([hidden])")
        assert page.token not in tab.url
        assert tab.text_content("#guest-count") == "1 guest"
        assert tab.is_disabled("#publish")
        seen = asker.get("picture/480.jpg")[1]
        for _ in range(20):
            tab.press("#slider-brightness", "ArrowRight")
        tab.wait_for_selector("text=1 change not shown yet")
        assert asker.get("picture/480.jpg")[1] == seen
        tab.click("#tab-words")
        tab.fill("[data-word=name]", "Our <b>first</b> light")
        tab.wait_for_selector("text=2 changes not shown yet")
        assert tab.input_value("[data-word=name]") == "Our <b>first</b> light"
        tab.click("#publish")
        tab.wait_for_selector("text=Guests see all of it")
        asker.state(lambda state: bool(state["name"] == "Our <b>first</b> light"))
        assert asker.get("picture/480.jpg")[1] != seen
        tab.click("#undo")
        tab.wait_for_selector("text=2 changes not shown yet")
        asker.state(lambda state: bool(state["name"] == "Dumbbell Nebula"))
        assert asker.get("picture/480.jpg")[1] == seen
        tab.click("#tab-picture")
        tab.click("#hold")
        tab.wait_for_selector("text=Let it go")
        asker.state(lambda state: bool(state["held"]))
        tab.click("#drop-last")
        tab.wait_for_selector("text=Sub 5 is taken out")
        tab.click("#tab-subs")
        tab.click("text=Put back")
        tab.wait_for_timeout(300)
        assert [(each.kind, each.body["no"]) for each in night.journal.requests()] == [("drop", [5]), ("restore", [4])]
        tab.click("#tab-alerts")
        assert "Refocus" in (tab.text_content("#alerts") or "")
        tab.click("#quiet")
        tab.wait_for_selector("#tab-alerts:text-is('Alerts')")
        shot = np.asarray(Image.open(BytesIO(tab.screenshot())).convert("RGB"))
        assert shot[..., 1:].max() == 0, "not one px is anything but red"
        tab.click("#open-menu")
        tab.click("#sign-out")
        tab.wait_for_selector("#token")
        assert asker.get("operator/state.json")[0] == 401
        one.wrong = [said for said in one.wrong if "401" not in said]


def test_all_of_it_is_reached_on_small_and_large_screens(page: Page, browser: str) -> None:
    with chromium_of(browser) as chromium:
        for size in (PHONE, SHORT, TABLET):
            with guest(chromium, page.operator_url, size) as one:
                tab = one.tab
                tab.wait_for_selector("#draft:not([hidden])")
                assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
                for part in ("#publish", "#undo", "#hold", "#drop-last", "#open-menu"):
                    tab.locator(part).scroll_into_view_if_needed()
                    box = one.box(part)
                    assert min(box["width"], box["height"]) >= 44, part
                for part in ("#publish", "#undo", "#preview", "#tab-picture"):
                    tab.evaluate("scrollTo(0, 0)")
                    assert one.box(part)["y"] + one.box(part)["height"] <= size[1] + 1, part


def test_a_token_that_is_wrong_is_told_and_the_right_one_opens(page: Page, browser: str) -> None:
    with chromium_of(browser) as chromium, guest(chromium, f"{page.url}operator", PHONE) as one:
        tab = one.tab
        assert tab.text_content("#why") == "This page needs the operator's link."
        tab.fill("#token", "guess")
        tab.press("#token", "Enter")
        tab.wait_for_selector("text=That is not the token")
        tab.fill("#token", page.token)
        tab.press("#token", "Enter")
        tab.wait_for_selector("#draft:not([hidden])")
        one.wrong = [said for said in one.wrong if "401" not in said]


def test_no_barrier_is_serious(page: Page, browser: str) -> None:
    """By axe-core's rules; red on black has the contrast of 4.5:1 that it can have."""
    from axe_playwright_python.sync_playwright import Axe

    with chromium_of(browser) as chromium, guest(chromium, page.operator_url, PHONE) as one:
        one.tab.wait_for_selector("#draft:not([hidden])")
        for tab in ("picture", "words", "subs", "alerts"):
            one.tab.click(f"#tab-{tab}")
            found = Axe().run(one.tab).response["violations"]
            serious = [each for each in found if each["impact"] in ("serious", "critical")]
            assert [(each["id"], each["nodes"][0]["html"][:100]) for each in serious] == [], tab
