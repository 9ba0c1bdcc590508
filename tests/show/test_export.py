"""What leaves a session for others: how the picture grew, as a film; the page of guests, as files."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from livestack.commands.exporting import export_session, form_of
from livestack.engine.buildup import Moment, folder_of, write_step
from livestack.errors import SettingsError
from livestack.frame import Picture
from tests.show.guest import DESKTOP, PHONE, chromium_of, guest
from tests.show.night import EXPOSURE_S, STACK, Night, sky

N = 20
OPTIONS = {
    "form": None, "only": None, "recipe": None, "preset": None, "palette": None, "star_colours": None, "bits": "8",
    "size": None, "quality": 92, "caption": False, "title": None,
}  # fmt: skip


@pytest.fixture
def grown(night: Night) -> Night:
    """A night of twenty photos, and the steps of its build-up."""
    for n in range(1, N + 1):
        night.add()
        data = sky(n)
        picture = Picture(data, 1.0, n, STACK, n, n * EXPOSURE_S, 40 / n**0.5)
        if n < N:
            time = (night.start + timedelta(seconds=22 * n)).isoformat()
            write_step(folder_of(night.session / "cache", STACK), Moment(picture, time, "first"))
    night.show(sky(N), sky(1), N)
    return night


def _grain(frame: np.ndarray) -> float:
    """Scatter of the sky between neighbours, in the upper half, where the nebula is not."""
    sky_px = frame[20:80, 20:-20].astype(float)
    return float(np.abs(np.diff(sky_px, axis=1)).clip(0, 40).mean())


@pytest.mark.parametrize("name", ["film.webm", "grown.gif", "film.webp"])
def test_a_film_shows_the_grain_go(grown: Night, tmp_path: Path, name: str) -> None:
    """Twelve seconds, evenly in √N; the sky stays as bright as it is today; a strip below says what it is."""
    said: list[str] = []
    assert export_session(grown.session, str(tmp_path / name), OPTIONS | {"size": "400"}, said.append) == 0
    assert said == [f"Written {tmp_path / name}"]
    assert [path.name for path in tmp_path.glob("*film*")] == ([name] if "film" in name else [])
    frames, times_s = _frames(tmp_path / name)
    assert times_s[-1] == pytest.approx(12.0, abs=0.1)
    height, width = frames[0].shape[:2]
    assert (width, 250 < height < 300, height % 2) == (400, True, 0)
    grains = [_grain(frame) for frame in frames]
    assert grains[0] > 2 * grains[-1]
    assert grains[0] > grains[len(grains) // 2] > 0.9 * grains[-1]
    middle = [float(np.median(frame[20:80, 20:-20])) for frame in frames]
    assert max(middle[len(middle) // 3 :]) - min(middle[len(middle) // 3 :]) < 8
    strips = [frame[height - 24 :].astype(int) for frame in frames]
    assert strips[0].max() > 180, "letters"
    assert np.abs(strips[0] - strips[-1]).max() > 60, "other numbers"
    half = next(time for frame, time in zip(frames, times_s, strict=True) if _grain(frame) < grains[0] / 2)
    assert 1.0 < half < 9.0


def _frames(path: Path) -> tuple[list[np.ndarray], list[float]]:
    """Return the frames of a film, and until when each is seen."""
    frames, ends = [], [0.0]
    if path.suffix == ".webm":
        video = cv2.VideoCapture(str(path))
        fps = video.get(cv2.CAP_PROP_FPS)
        while (read := video.read())[0]:
            frames.append(read[1])
            ends.append(ends[-1] + 1 / fps)
    else:
        with Image.open(path) as image:
            assert image.info["loop"] == 0
            for k in range(getattr(image, "n_frames", 1)):
                image.seek(k)
                frames.append(np.asarray(image.convert("RGB")))
                ends.append(ends[-1] + image.info["duration"] / 1000)
    return frames, ends[1:]


def test_what_was_not_kept_is_said_in_one_line(night: Night, tmp_path: Path) -> None:
    night.add()
    night.show(sky(1), sky(1), 1)
    for out, why in (("film.webm", "did not keep how"), ("film.mp4", "a film is .webm, .gif, .webp")):
        with pytest.raises(SettingsError, match=why) as error:
            export_session(night.session, str(tmp_path / out), OPTIONS | {"form": "film"}, print)
        assert "\n" not in str(error.value)
        assert not list(tmp_path.glob("*film*"))


def test_a_site_is_whole_and_says_nothing_of_where_it_is(grown: Night, tmp_path: Path) -> None:
    site = tmp_path / "out" / "site"
    assert export_session(grown.session, f"{site}/", OPTIONS, lambda _: None) == 0
    state = json.loads((site / "state.json").read_text("utf-8"))
    assert (state["static"], state["ended"], state["photos"]) == (True, True, N)
    assert (state["coming"], state["address"], state["slides"]) == (None, "", [])
    there = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    asked = {f"{kind}/{size}.jpg" for kind in ("picture", "one") for size in state["picture"]["sizes"]}
    asked |= {f"buildup/{one['n']}.jpg" for one in state["buildup"]} | {"index.html", "save.png", "sky.svg"}
    asked |= {f"grain/{k}.jpg" for k in range(len(state["card"]["grain"]))}
    assert asked <= there
    assert [one["n"] for one in state["buildup"]] == [*range(1, N + 1)]
    assert len(state["card"]["grain"]) == 3
    assert not any(name.startswith(("present", "operator", "login", "lost")) for name in there)
    for name in there:
        data = (site / name).read_bytes()
        for secret in (grown.folder, str(tmp_path), "M27_00", "0001.fits"):
            assert secret.encode() not in data, (name, secret)
        if name.endswith((".css", ".js", ".html", ".json")):
            assert not re.search(r"""(?:src|href|url\(|from|fetch\()[="' (]*/(?!/)""", data.decode()), f"{name}: a root"


@contextmanager
def _host(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


@pytest.mark.slow
def test_a_site_works_on_any_host(grown: Night, tmp_path: Path, browser: str) -> None:
    """In a folder of it, without a server of our own: slider, wipe, card; a film plays in the same browser."""
    export_session(grown.session, str(tmp_path / "nights" / "site") + "/", OPTIONS, lambda _: None)
    export_session(grown.session, str(tmp_path / "nights" / "film.webm"), OPTIONS, lambda _: None)
    with _host(tmp_path) as url, chromium_of(browser) as chromium:
        with guest(chromium, f"{url}nights/site/", PHONE) as one:
            one.tab.locator("#knob").wait_for()
            assert one.tab.text_content("h1") == "Dumbbell Nebula"
            assert one.tab.text_content("#summary") == f"{N} photos, 7 minutes of light"
            now = one.picture()
            one.tab.focus("#slider")
            one.tab.keyboard.press("Home")
            one.tab.wait_for_function(f"document.getElementById('slider').ariaValueText.startsWith('photo 1 of {N}')")
            one.tab.wait_for_timeout(800)
            assert one.picture() != now
            assert one.value("#knob") == 42
            one.tab.focus("#knob")
            one.tab.keyboard.press("ArrowRight")
            assert one.value("#knob") > 42
            said = one.tab.text_content("#live-short") or ""
            assert "Live" not in said
            assert not any(path.startswith(("ws", "events", "qr")) for path in one.asked)
        with guest(chromium, f"{url}nights/site/", DESKTOP) as one:
            one.tab.locator("#map").wait_for()
            one.tab.wait_for_function("document.getElementById('map').naturalWidth > 0")
            assert "about 1,250 light-years" in (one.tab.text_content("#facts") or "")
            assert one.tab.locator("#patches img").count() == 3
        tab = chromium.new_page()
        tab.goto(f"{url}nights/site/icon.svg")  # a page of the host, but no page
        duration = tab.evaluate(
            """(src) => new Promise((done, fail) => {
                const video = document.createElementNS("http://www.w3.org/1999/xhtml", "video");
                video.muted = true;
                video.onended = () => done(video.duration);
                video.onerror = () => fail(new Error(video.error.message));
                video.playbackRate = 16;
                video.src = src;
                video.play();
            })""",
            f"{url}nights/film.webm",
        )
        assert duration == pytest.approx(12.0, abs=0.1)


def test_a_name_says_what_is_wanted(tmp_path: Path) -> None:
    names = ("a.webm", "a.gif", "film.webp", "a.webp", "a.png", "a.fits", "site/", "pictures/", str(tmp_path))
    assert [form_of(name) for name in names] == ["film"] * 3 + ["stacks"] * 3 + ["site"] + ["stacks"] * 2
