"""A guest with a browser: a page of a real server in a real Chromium, and what went wrong in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from livestack.engine.buildup import Moment, folder_of, write_step
from livestack.frame import Picture
from livestack.show.source import Source
from livestack.show.web import Page, serve
from tests.show.night import EXPOSURE_S, STACK, Night, sky

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext
    from playwright.sync_api import Page as Tab

CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, SHORT, ON_ITS_SIDE, TABLET, DESKTOP, PROJECTOR = (
    (390, 844),
    (360, 640),
    (844, 390),
    (820, 1180),
    (1440, 900),
    (1920, 1080),
)


@contextmanager
def chromium_of(browser: str) -> Iterator[Browser]:
    """Run a Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=list(CHROMIUM))
        try:
            yield chromium
        finally:
            chromium.close()


@dataclass
class Server:
    """A session's page, which can be ended and begun again at the same address."""

    source: Source
    page: Page = field(init=False)

    def __post_init__(self) -> None:
        self.page = serve(self.source, "127.0.0.1", 0, threading.Event())

    @property
    def url(self) -> str:
        return self.page.url

    def stop(self) -> None:
        self.page.close()

    def again(self) -> None:
        self.page = serve(self.source, "127.0.0.1", self.page.port, threading.Event(), exact=True)


@dataclass
class Guest:
    """A tab. `wrong` is what the browser said of errors."""

    tab: Tab
    context: BrowserContext
    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def box(self, what: str) -> dict[str, float]:
        """Where an element is."""
        found = self.tab.locator(what).bounding_box()
        assert found is not None, what
        return dict(found)

    def heard(self, kind: str, text: str) -> None:
        """Take in what the console says; of what could not be loaded the address is known elsewhere."""
        if kind == "error" and not text.startswith("Failed to load resource"):
            self.wrong.append(text)

    def until(self, script: str) -> None:
        """Wait for something to be so; the page's own policy lets no text become a script."""
        for _ in range(1200):
            if self.tab.evaluate(script):
                return
            self.tab.wait_for_timeout(50)
        raise AssertionError(f"never so: {script}")

    def value(self, what: str) -> int:
        """Of a slider."""
        return int(self.tab.locator(what).get_attribute("aria-valuenow") or "-1")

    def light(self, x: float, y: float) -> float:
        """Mean light of the picture about a place of it, 0…1 of its width and height."""
        script = """([x, y]) => {
            const canvas = document.getElementById("picture"), pen = canvas.getContext("2d");
            const data = pen.getImageData(x * canvas.width - 20, y * canvas.height - 20, 40, 40).data;
            let sum = 0;
            for (let i = 0; i < data.length; i += 4) sum += (data[i] + data[i + 1] + data[i + 2]) / 3;
            return sum / (data.length / 4);
        }"""
        return float(self.tab.evaluate(script, [x, y]))

    def picture(self) -> bytes:
        """The px of the canvas, as they are now."""
        return bytes(self.tab.evaluate("document.getElementById('picture').toDataURL()"), "ascii")

    def touch(self, *strokes: list[tuple[float, float]], steps: int = 6) -> None:
        """Draw with as many fingers as there are strokes, each from its first place to its last."""
        session = self.context.new_cdp_session(self.tab)

        def send(kind: str, places: list[tuple[float, float]]) -> None:
            points = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(places)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        send("touchStart", [stroke[0] for stroke in strokes])
        for step in range(1, steps + 1):
            part = step / steps
            places = [tuple(a + (b - a) * part for a, b in zip(s[0], s[-1], strict=True)) for s in strokes]
            send("touchMove", places)  # type: ignore[arg-type]
        send("touchEnd", [])
        session.detach()


@contextmanager
def guest(chromium: Browser, url: str, size: tuple[int, int] = PHONE, **options: Any) -> Iterator[Guest]:
    """Open a page; at its end nothing may have gone wrong in it."""
    options = {"has_touch": min(size) < 700, "device_scale_factor": 2 if min(size) < 700 else 1, **options}
    before = options.pop("before", None)
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, **options)
    try:
        tab = context.new_page()
        tab.set_default_timeout(60_000)
        one = Guest(tab, context)
        tab.on("console", lambda said: one.heard(said.type, said.text))
        tab.on("response", lambda got: one.wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        tab.on("pageerror", lambda error: one.wrong.append(str(error)))
        tab.on("request", lambda asked: one.asked.append(asked.url.removeprefix(url)))
        if before:
            tab.add_init_script(before)
        tab.goto(url)
        yield one
        assert not one.wrong, one.wrong
    finally:
        context.close()


def grown(night: Night, n: int = 12) -> None:
    """So many photos, and how the stack grew."""
    night.add()
    night.add_many(n - 1)
    for k in range(1, n):
        time = (night.start + timedelta(seconds=22 * k)).isoformat()
        picture = Picture(sky(k), 1.0, k, STACK, k, k * EXPOSURE_S, 40 / k**0.5)
        write_step(folder_of(night.session / "cache", STACK), Moment(picture, time, "founder"))
    night.show(sky(n), sky(1), n)
