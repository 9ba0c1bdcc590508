"""What is heard: two notes, by whatever plays them, and only where that was chosen."""

from __future__ import annotations

import io
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from livestack.events import SessionStopped
from livestack.show import sound
from livestack.show.alarm import CHIME, VOICE
from livestack.show.qt.window import Window
from tests.show.night import Night


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer whose player and voice write down what they get."""
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("pw-play", "spd-say"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nfor last; do :; done\nhead -c 4 "$last" 2>/dev/null >> "{tmp_path}/heard"\n'
                           f'echo "{name} $last" >> "{tmp_path}/heard"\n')  # fmt: skip
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "heard"


def _said(heard: Path) -> str:
    for _ in range(100):
        if heard.exists() and heard.read_text().endswith("\n"):
            return heard.read_text()
        time.sleep(0.05)
    return ""


def test_the_chime_is_two_soft_notes_a_fourth_apart() -> None:
    with wave.open(io.BytesIO(sound.chime())) as file:
        rate, data = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(data, "<i2").astype(float)
    assert len(samples) / rate < 1.5
    assert np.abs(samples).max() < 0.4 * 32768, "nobody is to be startled"
    assert abs(samples[0]) < 400
    assert abs(samples[-1]) < 400, "no click"
    light = np.abs(np.fft.rfft(samples))
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    strongest = {round(float(hertz[place])) for place in np.argsort(light)[-6:]}
    assert any(abs(each - 660) < 8 for each in strongest)
    assert any(abs(each - 880) < 8 for each in strongest)


def test_a_player_gets_a_sound_file_and_a_voice_gets_words(heard: Path) -> None:
    assert sound.play()
    assert _said(heard).startswith("RIFFpw-play")
    heard.unlink()
    assert sound.speak("Folder gone. since 01:12")
    assert _said(heard) == "spd-say Folder gone. since 01:12\n"


def test_a_computer_without_either_stays_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not sound.play()
    assert not sound.speak("Stopped")


@pytest.mark.parametrize(("chosen", "what"), [(0, ""), (1, "pw-play"), (2, "spd-say Stopped. session safe")])
def test_only_what_was_chosen_is_heard(
    chosen: int, what: str, heard: Path, window: Window, night: Night, qtbot: QtBot
) -> None:
    window.menu.aboutToShow.emit()
    sounds = next(action.menu() for action in window.menu.actions() if action.menu() is not None)
    sounds.actions()[chosen].trigger()
    if what:
        assert _said(heard), "what is chosen is heard at once"
        heard.unlink()
    assert window.audience.ticks.sound in ("off", CHIME, VOICE)
    night.add()
    window.live.tick()
    night.say(SessionStopped(1, "Something broke at sub 2.", 1, 0))
    window.live.tick()
    window.live.tick()
    if what:
        said = _said(heard)
        assert what in said
        assert said.count("\n") == 1, "once"
    else:
        qtbot.wait(100)
        assert not heard.exists()
