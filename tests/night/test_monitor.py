"""A night with somebody who watches over it: real engines, real messages, and a death in the middle."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.night import sessions
from tests.nights import take
from tests.show import courier

SECRET = "s3cr3t-t0pic"


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts commands that end with the test, however that goes."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: object) -> subprocess.Popen[str]:
        started.append(sessions.start(*arguments))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _holding(secret: str, folder: Path) -> list[Path]:
    """Files below a folder that hold a secret, in whatever they are packed."""
    return [file for file in folder.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]


@pytest.mark.slow
def test_a_camera_that_falls_silent_is_told_elsewhere_and_no_secret_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    lights = take(tmp_path / "night", n_lights=9, size=(240, 320), n_stars=400, exposure_s=2.0)
    captures, session = tmp_path / "captures", tmp_path / "s"
    captures.mkdir()
    with courier.web() as place:
        address = f"http://me:{SECRET}@127.0.0.1:{place.port}/{SECRET}"
        monkeypatch.setenv("LIVESTACK_NOTIFY", f"{address} http://127.0.0.1:1/{SECRET}")
        engine = start("watch", captures, "--session", session, "--viewer", "none", "--settle", 0.2)
        sessions.wait_for(session, "EXISTS (SELECT 1 FROM event WHERE kind = 'SessionStarted')")
        for n, light in enumerate(lights[:8], 1):
            shutil.copy2(light, captures)
            sessions.wait_for(session, f"(SELECT count(*) FROM sub) >= {n}")
            time.sleep(1.5)
        place.wait(1, 60)
        told = json.loads(place.came[0].body)
        assert told["rule"] == "no new sub" and "usually one comes every" in told["message"]
        assert told["picture"].startswith("data:image/jpeg")
        shutil.copy2(lights[8], captures)
        place.wait(2, 60)
        assert json.loads(place.came[1].body)["kind"] == "cleared"
        sessions.wait_for(session, "EXISTS (SELECT 1 FROM alert WHERE cleared_utc IS NOT NULL)")
        engine.send_signal(signal.SIGINT)
        said = engine.communicate(timeout=120)[0]
    assert engine.returncode == 130, said
    assert said.count("Alerts do not reach http://127.0.0.1:1/…") == 1
    kinds = [row["kind"] for row in sessions.rows(session, "SELECT kind FROM event WHERE kind GLOB '*Silent'")]
    assert kinds == ["SourceSilent"]
    assert [row["rule"] for row in sessions.rows(session, "SELECT rule FROM alert")] == ["no new sub"]
    assert not _holding(SECRET, session) and SECRET not in said
    assert (session / "report.html").is_file() and (session / "settings.toml").is_file()


@pytest.mark.slow
def test_an_engine_that_is_killed_is_told_by_who_watches_over_it_elsewhere(tmp_path: Path, start: Start) -> None:
    (light,) = take(tmp_path / "night", n_lights=1, size=(240, 320), n_stars=400)
    captures, session = tmp_path / "captures", tmp_path / "s"
    captures.mkdir()
    shutil.copy2(light, captures)
    engine = start("watch", captures, "--session", session, "--viewer", "none", "--settle", 0.2)
    sessions.wait_for(session, "(SELECT count(*) FROM sub) >= 1")
    with courier.web() as place:
        monitor = start("monitor", session, "--notify", f"http://127.0.0.1:{place.port}/{SECRET}", "--json")
        time.sleep(3)
        assert monitor.poll() is None and not place.came
        before = sessions.rows(session, "SELECT count(*) AS n FROM event")
        engine.send_signal(signal.SIGKILL)
        engine.communicate()
        place.wait(1, 30)
        told = json.loads(place.came[0].body)
        assert told["rule"] == "stopped" and told["urgent"] and "without a word" in told["message"]
        assert sessions.rows(session, "SELECT count(*) AS n FROM event") == before
        assert "livestack stopped at" in sessions.run("monitor", session, "--once")
        monitor.send_signal(signal.SIGINT)
        said = monitor.communicate(timeout=60)[0]
    assert monitor.returncode == 130, said
    assert json.loads(said.splitlines()[0])["rule"] == "stopped" and SECRET not in said
    assert not _holding(SECRET, session)


@pytest.mark.slow
def test_a_test_message_is_sent_and_said_for_each_address(tmp_path: Path) -> None:
    with courier.web() as place:
        good, bad = f"http://127.0.0.1:{place.port}/{SECRET}", f"http://127.0.0.1:1/{SECRET}"
        said = sessions.run("monitor", "--test", "--notify", good, "--notify", bad, code=4)
        assert "delivered" in said.splitlines()[0] and "not delivered: connection refused" in said.splitlines()[1]
        assert SECRET not in said
        assert json.loads(place.came[0].body)["kind"] == "test"
        elsewhere = f"json://me:{SECRET}@127.0.0.1:1/{SECRET}"
        assert SECRET not in sessions.run("monitor", "--test", "--notify", elsewhere, code=4)
        assert "needs an address" in sessions.run("monitor", "--test", code=2)
        assert "name a SESSION" in sessions.run("monitor", code=2)
        watching = ("watch", tmp_path, "--session", f"{tmp_path}-s", "--viewer", "none")
        assert "is no address such as" in sessions.run(*watching, "--notify", SECRET, code=2)
