"""A sound, or a sentence, by whatever this computer has to make one; nothing where it has nothing."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
import threading
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_RATE_HZ = 22_050
_NOTES_HZ, _NOTE_S, _RING_S = (660.0, 880.0), 0.18, 0.9
_LOUD = 0.35
_MOST_S = 30.0
_PLAYERS = (("pw-play",), ("paplay",), ("aplay", "-q"), ("afplay",))
_VOICES = (("spd-say", "--wait"), ("espeak-ng",), ("espeak",), ("say",))
_WINDOWS = ("powershell", "-NoProfile", "-NonInteractive", "-Command")
_WINDOWS_VOICE = (
    "Add-Type -AssemblyName System.Speech; (New-Object System.Speech.Synthesis.SpeechSynthesizer).Speak({0})"
)
_WINDOWS_SOUND = "(New-Object System.Media.SoundPlayer {0}).PlaySync()"


def chime() -> bytes:
    """Return two soft notes, a fourth apart, as a WAV file."""
    t = np.arange(int(_RATE_HZ * _RING_S)) / _RATE_HZ
    wave_form = np.zeros(len(t) + int(_RATE_HZ * _NOTE_S))
    for place, hertz in enumerate(_NOTES_HZ):
        begin = place * int(_RATE_HZ * _NOTE_S)
        note = np.sin(2 * np.pi * hertz * t) * np.minimum(t / 0.01, 1.0) * np.exp(-4.5 * t)
        wave_form[begin : begin + len(t)] += note
    wave_form *= _LOUD / np.abs(wave_form).max()
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_RATE_HZ)
        out.writeframes((32767 * wave_form).astype("<i2").tobytes())
    return file.getvalue()


def play() -> bool:
    """Let the chime be heard; returns whether there is something that plays it."""
    program = _program(_PLAYERS)
    if program is None:
        return False

    def once() -> None:
        with tempfile.TemporaryDirectory(prefix="livestack-") as folder:
            file = Path(folder) / "chime.wav"
            file.write_bytes(chime())
            _run([*program, _WINDOWS_SOUND.format(_quoted(str(file))) if program is _WINDOWS else str(file)])

    threading.Thread(target=once, name="chime", daemon=True).start()
    return True


def speak(words: str) -> bool:
    """Say words; returns whether there is something that speaks."""
    program = _program(_VOICES)
    if program is None:
        return False
    command = [*program, _WINDOWS_VOICE.format(_quoted(words)) if program is _WINDOWS else words]
    threading.Thread(target=_run, args=(command,), name="voice", daemon=True).start()
    return True


def _program(known: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    if sys.platform == "win32":
        return _WINDOWS
    return next((command for command in known if shutil.which(command[0])), None)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _run(command: list[str]) -> None:
    """Run a program to its end, without a word of it; a computer without a loudspeaker is no trouble."""
    quiet = subprocess.DEVNULL
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=_MOST_S, check=False)
