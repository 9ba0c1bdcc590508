"""Nights without a telescope: the demo, and frames for other programs."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from livestack.commands.engine_room import Faces, run
from livestack.commands.faces import stop_on_signals
from livestack.engine.plans import watch_plan
from livestack.errors import SettingsError
from livestack.sessions import Home
from livestack.settings import Settings
from livestack.simulate import NightOptions, write_night

PATIENCE_S = 6.0
"""The camera of the demo writes without pauses: a torn file is known as such after so long."""


def night_options(options: dict[str, Any]) -> NightOptions:
    """Return a night with the options that were given: n_lights, seed, size, mono.

    Raises
    ------
    SettingsError
        As one line.
    """
    chosen: dict[str, Any] = {"seed": options["seed"]} if options.get("seed") is not None else {}
    if options.get("mono"):
        chosen["cfa"] = None
    if options.get("size"):
        chosen["size"] = size_of(options["size"])
    night = NightOptions(**chosen)
    return night.lasting(options["n_lights"]) if options.get("n_lights") is not None else night


def size_of(words: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT; returns (H, W).

    Raises
    ------
    SettingsError
        As one line.
    """
    try:
        width, height = (int(part) for part in words.lower().split("x"))
    except ValueError:
        raise SettingsError(f"--size: {words!r} is not WIDTHxHEIGHT, such as 1200x900") from None
    return height, width


def simulate_night(folder: Path, night: NightOptions, pace_s: float | None) -> int:
    """Write a synthetic night into a folder; returns the exit code."""
    stop = threading.Event()
    with stop_on_signals(stop.set):
        files = write_night(folder, night, pace_s=pace_s, stop=stop)
    print(f"{len(files)} frames written to {folder}")
    return 130 if stop.is_set() else 0


def run_demo(night: NightOptions, pace_s: float, settings: Settings, faces: Faces, idle_s: float | None) -> int:
    """Let a synthetic camera write a night's frames, and watch them; returns the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="livestack-demo-"))
    captures = folder / "captures"
    captures.mkdir()
    patience_s = min(settings.watching.patience_s, PATIENCE_S)
    settings = replace(settings, watching=replace(settings.watching, patience_s=patience_s))
    try:
        with _camera(captures, night, pace_s):
            return run(Home(folder / "session"), watch_plan(captures, settings, idle_s), settings, faces)
    finally:
        print(f"The demo's frames and session are in {folder}", flush=True)


@contextmanager
def _camera(captures: Path, night: NightOptions, pace_s: float) -> Iterator[None]:
    """Have a camera write into a folder, beside what else is done."""
    stop = threading.Event()
    options = {"pace_s": pace_s, "stop": stop, "chunk_pause_s": 0.01}
    camera = threading.Thread(target=write_night, args=(captures, night), kwargs=options, name="camera")
    camera.start()
    try:
        yield
    finally:
        stop.set()
        camera.join()
