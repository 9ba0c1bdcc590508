"""The page over real sockets."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import cv2
import numpy as np
import pytest

from livestack.errors import SettingsError
from livestack.events import SessionStopped
from livestack.show.source import Source
from livestack.show.web import Page, parse_bind, serve, shell
from tests.show.night import Night, sky


@pytest.fixture
def page(source: Source) -> Iterator[Page]:
    page = serve(source, "127.0.0.1", 0, threading.Event())
    yield page
    page.close()


def _get(page: Page, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    try:
        with urlopen(Request(page.url + path, headers=headers), timeout=5) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def _state(page: Page, photos: int, after: object = 0) -> dict[str, Any]:
    """Wait until so many photos are told and shown, and return the state."""
    for _ in range(600):
        state = json.loads(_get(page, "state.json")[1])
        if state["photos"] == photos and state["version"] not in (0, after):
            return dict(state)
        threading.Event().wait(0.05)
    raise AssertionError(f"{photos} photos were never told, only {state['photos']}")


def test_the_page_and_all_it_needs_come_from_here(page: Page) -> None:
    status, html, headers = _get(page, "")
    assert status == 200
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert b"$" not in html, "every token is filled in"
    for path in shell.files():
        status, data, headers = _get(page, path[1:])
        assert status == 200
        if headers["content-type"].startswith("text/"):
            text = data.decode().replace("http://www.w3.org/2000/svg", "")
            assert "http://" not in text
            assert "https://" not in text
    status, html, _ = _get(page, "nowhere")
    assert (status, b"Nothing is live here" in html) == (404, True)


def test_pictures_may_be_kept_for_good_and_each_version_has_its_own_address(page: Page, night: Night) -> None:
    assert _get(page, "picture/480.jpg")[0] == 404
    night.add()
    night.add()
    night.show(sky(2), sky(1), 2)
    state = _state(page, 2)
    version = state["version"]
    status, data, headers = _get(page, f"picture/480.jpg?v={version}")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert (status, image.shape) == (200, (300, 480, 3))
    assert 20 < np.median(image) < 50
    assert "immutable" in headers["cache-control"]
    assert _get(page, "one/480.jpg")[0] == 200
    night.add()
    night.show(sky(3), sky(1), 3)
    newer = _state(page, 3, after=version)
    assert newer["version"] > version
    status, data, headers = _get(page, f"picture/480.jpg?v={version}")
    assert (status, headers["cache-control"]) == (200, "no-store"), "the newest instead, never kept as the old one"
    assert data == _get(page, f"picture/480.jpg?v={newer['version']}")[1]


def test_guests_are_told_in_plain_words_and_nothing_they_should_not_know(page: Page, night: Night) -> None:
    for reason in (None, None, "trailed", None):
        night.add(reason)
    night.show(sky(3), sky(1), 3)
    state = _state(page, 3)
    assert state["name"] == "Dumbbell Nebula"
    assert state["also"] == "M 27, a planetary nebula"
    assert state["summary"] == "3 photos, 1 minute of light", "60 s"
    text = json.dumps(state)
    for secret in (night.folder, "nowhere", ".fits", str(night.session), socket.gethostname()):
        assert secret not in text
    night.say(SessionStopped(0, "", 3, 1))
    for _ in range(100):
        if json.loads(_get(page, "state.json")[1])["ended"]:
            break
        threading.Event().wait(0.05)
    assert json.loads(_get(page, "state.json")[1])["line"] == "This night has ended. The picture stays."


def test_a_huge_picture_is_served_small(page: Page, night: Night) -> None:
    night.add()
    large = np.tile(sky(1, colour=False), (5, 5))
    night.show(large, large, 1)
    state = _state(page, 1)
    assert state["picture"]["sizes"] == [640, 1280, 1920]
    for size in (640, 1280, 1920):
        image = cv2.imdecode(np.frombuffer(_get(page, f"picture/{size}.jpg")[1], np.uint8), cv2.IMREAD_UNCHANGED)
        assert max(image.shape) == size


def test_a_taken_port_is_passed_over_unless_it_was_asked_for(source: Source) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {taken} is in use"):
            serve(source, "127.0.0.1", taken, threading.Event(), exact=True)
        page = serve(source, "127.0.0.1", taken, threading.Event())
        try:
            assert page.port > taken
            assert page.said == f"Port {taken} is taken, using {page.port}."
            assert _get(page, "health")[0] == 200
        finally:
            page.close()


def test_it_stops_though_someone_listens(source: Source, night: Night) -> None:
    from websockets.sync.client import connect

    stop = threading.Event()
    page = serve(source, "127.0.0.1", 0, stop)
    with connect(page.url.replace("http", "ws") + "ws") as socket_:
        assert json.loads(socket_.recv(timeout=5))["photos"] == 0
        night.add()
        while json.loads(socket_.recv(timeout=5))["photos"] != 1:
            pass
        stop.set()
        page.thread.join(timeout=2)
        assert not page.thread.is_alive()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", page.port))


def test_where_to_serve_is_read_from_text() -> None:
    assert parse_bind("127.0.0.1:8577") == ("127.0.0.1", 8577, True)
    assert parse_bind("0.0.0.0") == ("0.0.0.0", 8577, False)
    assert parse_bind("[::1]:90") == ("::1", 90, True)
    host, port, exact = parse_bind("lan")
    assert socket.inet_aton(host)
    assert (port, exact) == (8577, False)
    for wrong in ("", ":80", "host:", "host:port", "host:70000"):
        with pytest.raises(SettingsError, match="bind"):
            parse_bind(wrong)
    with pytest.raises(SettingsError, match="cannot be served"):
        serve(None, "192.0.2.77", 8577, threading.Event())  # type: ignore[arg-type]
