"""The morning report: what it says, that nothing in it can harm, and how a browser shows it."""

from __future__ import annotations

import re
import shutil
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from livestack.engine.buildup import Moment, folder_of, write_step
from livestack.events import Looked, SessionStopped
from livestack.show.monitor.page import page
from livestack.show.monitor.report import Report, report_of
from livestack.show.monitor.write import MOST_BYTES, write_report
from livestack.show.noise_words import NoiseWords
from livestack.show.source import open_source
from livestack.show.state import fold
from livestack.show.words import clock
from livestack.simulate import write_night
from tests.night import sessions
from tests.night.small import N_LIGHTS, NIGHT, STACK, one_line, small_night
from tests.show.guest import CHROMIUM
from tests.show.night import CADENCE_S, Night, sky

HOSTILE = '<script>alert("1")</script> & <img src=x onerror=alert(2)>'
DATA = re.compile(r"data:[\w/-]+;base64,[\w+/=]+")


class _Text(HTMLParser):
    """The words of a page, the tags in it, and the words of its first heading."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.heading = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)
        if "h1" in self.open:
            self.heading += data

    def __str__(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words).replace("\u202f", " "))


def _read(session: Path) -> tuple[str, _Text]:
    file = session / "report.html"
    html = file.read_text(encoding="utf-8")
    assert len(html.encode()) <= MOST_BYTES
    assert not [left.name for left in session.iterdir() if left.suffix == ".tmp"]
    rest = DATA.sub("", html)
    assert "//" not in rest, "it needs nothing from elsewhere"
    assert "url(" not in rest.replace('url("")', "")
    return html, _Text(html)


def _of(night: Night) -> tuple[str, _Text]:
    write_report(night.session)
    return _read(night.session)


def _large(html: str) -> int:
    """How many pictures it has that are not those of the strip."""
    return html.count("data:image/jpeg") - html.count('alt="The stack of ')


def _facts(night: Night) -> Report:
    records = night.journal.follow()
    return report_of(fold(records), records, {}, night.start, alive=False)


@pytest.fixture
def long_night(night: Night) -> Night:
    """Thirty subs, among them a cloud, two bumps and three satellites."""
    night.start = datetime(2026, 8, 20, 22, 31, tzinfo=UTC)
    for no in range(1, 31):
        night.add("clouded" if 10 <= no < 14 else "trailed" if no in (20, 25) else None)
    for no in (3, 8, 28):
        night.cross(no, (0.0, 0.0, 300.0, 400.0))
    night.match_masters()
    night.show(sky(24), sky(1), 24)
    night.say(SessionStopped(0, "Done. 24 subs stacked, 6 left out.", 24, 6))
    return night


def test_a_night_in_words(long_night: Night) -> None:
    html, text = _of(long_night)
    assert text.heading == "M 27"
    first, last = long_night.start, long_night.start + timedelta(seconds=29 * CADENCE_S)
    said = str(text)
    assert re.search(rf"Night of \d+ \w+ \d{{4}}, {clock(first)} to {clock(last)}", said)
    told = "24 of 30 subs were stacked, one short cloud passed, and three satellites were taken out."
    assert f"A fair night. {told} The grain is " in said
    assert "24 of 30 subs 80 %" in said
    assert "8 min 20 s per sub" in said
    assert "Left out: 6 subs" in said
    assert "10–13" in said
    assert "Cloud: 38 % of the usual light." in said
    assert "sub 3, 500 px long" in said
    assert "Dark: 20 frames. Flat: 25 frames." in said
    assert "Two trailed subs: check wind, cables and guiding." in said
    assert "still goes on" not in said
    assert html.count("data:image/jpeg") == 1
    order = (
        "The night",
        "Star size (FWHM)",
        "Transparency",
        "Sky brightness",
        "Left out: 6",
        "Satellites",
        "Calibration",
        "Next",
    )
    places = [said.index(words) for words in order]
    assert places == sorted(places)


def test_nothing_from_a_file_can_harm(night: Night) -> None:
    night.target = HOSTILE
    night.folder = f"/nowhere/{HOSTILE}"
    for reason in (None, None, None, "not a reason <b>"):
        night.add(reason)
    night.say(SessionStopped(4, f"The folder {HOSTILE} is not there.", 3, 1))
    _, text = _of(night)
    assert text.heading == HOSTILE
    assert "Not a reason <b>" in str(text)
    assert f"The folder {HOSTILE} is not there." in str(text)
    assert not {"script", "b"} & set(text.tags)
    assert "img" not in text.tags, "there is no picture here"


def test_without_a_target_the_folder_names_the_night(night: Night) -> None:
    night.target = None
    night.add()
    assert _facts(night).title == "M 27"
    night.folder = "/elsewhere/Dumbbell"
    night.add()
    assert _facts(night).title == "M 27", "the session's own folder"


def test_a_night_that_still_runs(night: Night) -> None:
    for _ in range(3):
        night.add()
    said = str(_of(night)[1])
    assert "The night still goes on" in said
    assert "So far 3 of 3 subs were stacked." in said


def test_several_stacks(night: Night) -> None:
    for _ in range(4):
        night.add()
    night.found("M_57", "M 57")
    for reason in (None, None, "trailed"):
        night.add(reason)
    night.show(sky(4), sky(1), 4)
    report = _facts(night)
    assert report.title == "M 27 and M 57"
    assert [(one.stack, one.n_left_out) for one in report.sections] == [("M_27", 0), ("M_57", 1)]
    assert len(report.subs) == 7, "the ribbon is of the whole night"
    text = _of(night)[1]
    assert str(text).count("Star size (FWHM)") == 2
    assert text.tags.count("h1") == 1
    assert "6 of 7 subs were stacked in two stacks" in str(text)


def test_a_long_night_with_a_loud_picture_stays_small(night: Night) -> None:
    night.journal._db.execute("PRAGMA synchronous=OFF")
    for no in range(700):
        night.add("trailed" if no % 3 == 1 else None)
    loud = np.random.default_rng(1).normal(0.0, 50.0, (1700, 2200, 3)).astype(np.float32)
    night.show(loud, loud, 1)
    html, text = _of(night)
    assert html.count("data:image/jpeg") == 1
    assert "and 83 more" in str(text)


def test_how_it_grew_is_a_row_of_pictures(long_night: Night) -> None:
    picture = open_source(long_night.session).picture()
    assert picture is not None
    for n in (1, 2, 3, 5, 9, 17, 24):
        step = replace(picture, n_subs=n, data=sky(n)[:120, :160].astype(np.float32))
        write_step(folder_of(long_night.session / "cache", "M_27"), Moment(step, None, "f"))
    html, text = _of(long_night)
    assert "How it grew 1 sub 2 subs 3 subs" in str(text) and "17 subs 24 subs" in str(text)
    assert html.count('alt="The stack of ') == 7 and _large(html) == 1
    shutil.rmtree(long_night.session / "cache" / "buildup")
    assert "How it grew" not in str(_of(long_night)[1])


def test_the_best_and_the_worst_subs_are_shown_where_their_files_are(night: Night, tmp_path: Path) -> None:
    night.folder = str(tmp_path / "captures")
    for no in range(1, 13):
        night.add("clouded" if no == 5 else "trailed" if no == 9 else None)
    assert "Best subs" not in str(_of(night)[1]), "there are no files"
    frames = write_night(tmp_path / "frames", replace(NIGHT, n_lights=12))
    Path(night.folder).mkdir()
    for no, frame in enumerate(frames, 1):
        shutil.copyfile(frame, Path(night.folder) / f"M27_{no:04}.fits")
    html, text = _of(night)
    assert html.count('alt="The middle of ') == 6
    said = str(text)
    assert re.search(r"Best subs Sub \d+.* weight 100 %.* Worst subs Sub 5.* Cloud.* Sub 9.* Trailed", said), said


def test_where_the_noise_comes_from(long_night: Night) -> None:
    """Told from the first look on: here as a sensor with 16 % pattern, which no dither spreads, has it."""
    assert "noise comes from" not in str(_of(long_night)[1])
    long_night.say(Looked("M_27", 12, True, "k", {}, 1.0, 0, {"sub_adu": 12.0, "random_adu": 11.0}))
    html, text = _of(long_night)
    said = str(text)
    assert "Where the noise comes from One sub The stack Part One sub Stack Noise" in said
    assert "Light and camera 84 % 18 % 11.0 ADU Fixed pattern 16 % 82 % 4.80 ADU" in said
    assert "dither more, or take darks and flats" in said
    assert said.index("Bias frames tell") < said.index("Next time")
    assert html.count("flex-grow:0.8403") == 1
    name, rows = "Camera <b>", (("Sky", 0.998, 1.0, "31 e⁻"), ("Camera <b>", 0.002, 0.0, "1 e⁻"))
    report = _facts(long_night)
    section = replace(report.sections[0], noise=NoiseWords(rows))
    shown = page(replace(report, sections=(section,)), {})
    assert f"{name} < 1 % 0 % 1 e⁻" in str(_Text(shown))
    assert "Camera &lt;b&gt;" in shown


def test_a_folder_that_is_no_session(tmp_path: Path) -> None:
    said = one_line(sessions.run("report", tmp_path, code=2))
    assert "is not a livestack session" in said
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small night on disk."""
    folder = tmp_path_factory.mktemp("night") / "captures"
    small_night(folder)
    return folder


@pytest.mark.slow
def test_a_session_leaves_its_report(frames: Path, tmp_path: Path) -> None:
    session = tmp_path / "s"
    sessions.run("stack", frames, "--out", tmp_path / "x.fits", "--session", session)
    html, text = _read(session)
    assert text.heading == STACK
    assert f"{N_LIGHTS} of {N_LIGHTS} subs were stacked" in str(text)
    assert _large(html) == 1
    (session / "report.html").unlink()
    shutil.rmtree(session / "cache")
    assert one_line(sessions.run("report", session)) == str(session / "report.html")
    assert _read(session)[0].count("data:image/jpeg") == 1, "the preview beside the stack file serves too"


@pytest.mark.slow
def test_a_report_that_cannot_be_written_changes_nothing(frames: Path, tmp_path: Path) -> None:
    session = tmp_path / "s"
    process = sessions.start("stack", frames, "--out", tmp_path / "x.fits", "--session", session)
    sessions.wait_for(session, "(SELECT count(*) FROM event WHERE kind = 'SubAccepted') > 0")
    (session / "report.html" / "mine").mkdir(parents=True)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert (tmp_path / "x.fits").exists()
    assert "the report could not be written" in (session / "log" / "livestack.log").read_text()
    assert "cannot be written" in one_line(sessions.run("report", session, code=2))


@pytest.mark.slow
def test_a_report_in_the_middle_of_a_night(frames: Path, tmp_path: Path) -> None:
    session = tmp_path / "s"
    process = sessions.start("watch", frames, "--viewer", "none", "--session", session)
    sessions.wait_for(session, f"(SELECT count(*) FROM event WHERE kind = 'SubAccepted') = {N_LIGHTS}")
    sessions.run("report", session)
    assert "The night still goes on" in str(_read(session)[1])
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "The night still goes on" not in str(_read(session)[1]), "written again at the end"


@pytest.mark.slow
def test_a_night_with_nothing_to_stack(tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    for no in range(2):
        (tmp_path / "captures" / f"{no}.fits").write_bytes(b"no picture at all" * 300)
    session = tmp_path / "s"
    sessions.run("stack", tmp_path / "captures", "--out", tmp_path / "x.fits", "--session", session, code=3)
    _, text = _read(session)
    said = str(text)
    assert text.heading == "captures"
    assert "No sub could be stacked." in said
    assert "By cause Could not be read 2" in said
    assert "What to do Two unreadable subs: check the camera's disk and cable." in said
    assert "img" not in text.tags


@pytest.mark.slow
def test_two_targets_of_a_real_night(frames: Path, tmp_path: Path) -> None:
    other = write_night(tmp_path / "two", replace(NIGHT, seed=5).lasting(3))
    for path in other:
        path.write_bytes(path.read_bytes().replace(b"'Demo Galaxy'", b"'Other Field'"))
    shutil.copytree(frames, tmp_path / "two" / "one")
    session = tmp_path / "s"
    sessions.run("stack", tmp_path / "two", "--out", f"{tmp_path}/both/", "--session", session)
    html, text = _read(session)
    assert text.heading == "Demo Galaxy and Other Field"
    assert _large(html) == 2


@pytest.mark.slow
@pytest.mark.parametrize("width", [1200, 390])
def test_in_a_browser(long_night: Night, browser: str, width: int) -> None:
    from playwright.sync_api import sync_playwright

    write_report(long_night.session)
    wrong: list[str] = []
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=list(CHROMIUM))
        try:
            tab = chromium.new_page(viewport={"width": width, "height": 844})
            tab.on("console", lambda message: wrong.append(message.text))
            tab.on("pageerror", lambda error: wrong.append(str(error)))
            tab.on("request", lambda ask: wrong.append(ask.url[:80]) if ask.url[:5] not in ("file:", "data:") else None)
            tab.goto((long_night.session / "report.html").as_uri())
            tab.evaluate("document.fonts.ready")
            assert tab.evaluate("[...document.fonts].every(font => font.status === 'loaded')")
            assert tab.evaluate("document.querySelector('.hero img').naturalWidth") == 480
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            shown = tab.locator("body").inner_text()
            assert "24 of 30 subs were stacked" in shown
            assert "Next time" in shown
            assert tab.locator(".ribbon svg:visible").count() == 1
            assert tab.locator(".ribbon svg:visible .bar").count() == 24
            assert tab.locator(".ribbon svg:visible .cloud").count() == 1
            box = tab.locator(".hero img").bounding_box()
            assert box and box["width"] == width
            tab.emulate_media(media="print")
            body = tab.evaluate("getComputedStyle(document.body).backgroundColor")
            assert body == "rgb(255, 255, 255)"
            part = "document.querySelector('.hero img').clientWidth / document.querySelector('main').clientWidth"
            assert tab.evaluate(part) == pytest.approx(0.6, abs=0.01)
            assert tab.pdf(format="A4").startswith(b"%PDF")
            assert wrong == []
        finally:
            chromium.close()


@pytest.mark.slow
def test_a_hostile_name_stays_a_name_in_a_browser(night: Night, browser: str) -> None:
    from playwright.sync_api import sync_playwright

    night.target = HOSTILE + "M" * 300
    for reason in (None, None, None, "x" * 300):
        night.add(reason)
    write_report(night.session)
    wrong: list[str] = []
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=list(CHROMIUM))
        try:
            tab = chromium.new_page(viewport={"width": 390, "height": 844})
            tab.on("console", lambda message: wrong.append(message.text))
            tab.on("dialog", lambda dialog: wrong.append(dialog.message))
            tab.goto((night.session / "report.html").as_uri())
            assert tab.text_content("h1") == night.target
            assert tab.title().startswith(night.target)
            assert tab.locator("script, main img").count() == 0
            assert tab.evaluate("document.documentElement.scrollWidth") <= 390
            assert wrong == []
        finally:
            chromium.close()
