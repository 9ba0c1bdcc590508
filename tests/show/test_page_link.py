"""How the audience's page hears what is new, when nothing comes, and when it is another night."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest

from livestack.events import SessionStopped
from livestack.show.source import Source
from livestack.show.web import serve
from livestack.show.web.patience import Limits
from livestack.show.web.server import How
from tests.show.guest import Server, grown, guest
from tests.show.night import Night, sky

if TYPE_CHECKING:
    from playwright.sync_api import Browser


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
def test_where_there_is_no_room_for_one_more_socket_it_asks(chromium: Browser, source: Source, night: Night) -> None:
    night.add()
    night.show(sky(1), sky(1), 1)
    page = serve(source, "127.0.0.1", 0, threading.Event(), how=How(limits=Limits(sockets=0)))
    try:
        with guest(chromium, page.url) as one:
            one.tab.locator("#summary", has_text="1 photo").wait_for()
            night.add()
            night.show(sky(2), sky(1), 2)
            one.tab.locator("#summary", has_text="2 photos").wait_for(timeout=12_000)
            one.tab.wait_for_timeout(4500)
            assert one.tab.locator("#lost").is_hidden()
            one.wrong.clear()  # the browser tells of the events that were refused
    finally:
        page.close()


@pytest.mark.slow
def test_a_lost_connection_is_told_in_one_line_and_forgotten_when_it_is_back(
    chromium: Browser, server: Server, night: Night
) -> None:
    grown(night)
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
        grown(night)
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
