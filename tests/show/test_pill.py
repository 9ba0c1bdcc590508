"""Every state of the pill is told apart by its shape and its words, also where there is no colour."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from socket import gethostname

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from livestack.events import (
    AlertRaised,
    Event,
    Held,
    MeridianFlip,
    SessionStarted,
    SessionStopped,
    SourceBack,
    SourceLost,
    SourceSilent,
    SubDropped,
)
from livestack.frame import Array
from livestack.show.qt.bars import Pill
from livestack.show.state import NightState, catch_up
from livestack.show.status import Status, status
from livestack.show.tokens import DARK, NIGHT, Palette
from tests.show.grab import pixels
from tests.show.night import STACK, Night

ICON = np.s_[8:28, 14:34]
SEEN = 3.0
"""Contrast of what is drawn with what it is drawn on."""
LONG = "No room on the disk of the session for M 27. Make room, and stacking goes on by itself. Nothing is lost so far."


def _said(*events: Event) -> Callable[[Night], None]:
    return lambda night: night.say(*events)


def _left_out(*reasons: str) -> Callable[[Night], None]:
    def add(night: Night) -> None:
        for reason in reasons:
            night.add(reason)

    return add


def _changed(**changes: object) -> Callable[[Night], NightState]:
    return lambda night: replace(catch_up(night.journal, NightState()), **changes)  # type: ignore[arg-type]


STATES: dict[str, tuple[int, Callable[[Night], object]]] = {
    "waiting": (0, _said()),
    "getting ready": (0, _changed(n_found=1)),
    "first": (1, _said()),
    "stacking": (5, _said()),
    "catching up": (6, _changed(n_found=40)),
    "behind": (6, _changed(n_found=10, seconds_per_sub=30.0)),
    "left out": (5, _left_out("trailed")),
    "nothing stacked": (0, _left_out("too_few_stars")),
    "cloud": (5, _left_out(*["clouded"] * 3)),
    "silent": (5, _said(SourceSilent(200.0, "Is it finished?"), AlertRaised("no new sub", "Is it finished?"))),
    "ended": (5, _said(SourceSilent(200.0, "The capture has ended, it seems."))),
    "folder gone": (5, _said(SourceLost("/nowhere/Captures/M 27", ""))),
    "disk trouble": (5, _said(SourceLost("/elsewhere", LONG))),
    "back": (5, _said(SourceLost("/nowhere/Captures/M 27", ""), SourceBack("/nowhere/Captures/M 27"))),
    "updating": (5, _said(SubDropped(2, STACK, "2.fits"))),
    "new target": (5, lambda night: (night.found("M_57", "M 57"), night.add())),
    "going on": (5, _said(SessionStarted("/nowhere/Captures/M 27", "0.1.0", {}, True, os.getpid(), gethostname()))),
    "after the flip": (5, _said(MeridianFlip(STACK, 5, 180.0))),
    "paused": (5, _said(Held("viewer"))),
    "alert": (5, _said(AlertRaised("disk", "The stack cannot be saved."))),
    "stopped by hand": (5, _said(SessionStopped(130, "", 5, 0))),
    "broken": (5, _said(SessionStopped(1, "Something broke.", 5, 0))),
    "finished": (5, _said(SessionStopped(0, "Done.", 5, 0))),
}


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Status]:
    found = {}
    for name, (n, change) in STATES.items():
        night = Night(tmp_path_factory.mktemp("night"))
        night.add_many(0)
        for _ in range(n):
            night.add()
        state = change(night)
        state = state if isinstance(state, NightState) else catch_up(night.journal, NightState())
        found[name] = status(state, datetime.now(UTC) + timedelta(seconds=9 if name == "nothing stacked" else 1))
        night.close()
    return found


def _light(rgb: Array) -> Array:
    """Relative luminance, as contrasts are told by it."""
    share = rgb / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722])


def _printed(light: Array) -> Array:
    """Levels of a grey print."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055) * 255


@pytest.mark.parametrize("palette", [DARK, NIGHT], ids=["dark", "night"])
def test_in_grey_no_two_states_look_alike(palette: Palette, states: dict[str, Status], qtbot: QtBot) -> None:
    pill = Pill(palette)
    qtbot.addWidget(pill)
    seen: dict[str, Array] = {}
    for name, shown in states.items():
        pill.set_status(replace(shown, detail=""))
        light = _light(pixels(pill))
        ground, icon = light[18, 40], light[ICON].max()
        assert (icon + 0.05) / (ground + 0.05) >= SEEN, f"the icon of {name} is to be seen"
        seen[name] = _printed(light)
    for one, other in combinations(seen, 2):
        both = states[one], states[other]
        if both[0].word == both[1].word and both[0].icon == both[1].icon:
            tones, details = zip(*((status.tone, status.detail.split()[0]) for status in both), strict=True)
            assert len(set(tones)) == 2 or len(set(details)) == 2, f"{one} and {other} are one and the same"
            assert both[0].advice != both[1].advice, f"the line below tells {one} from {other}"
            continue
        same = seen[one].shape == seen[other].shape
        assert not same or np.abs(seen[one] - seen[other]).max() > 60, (one, other)
        if both[0].icon != both[1].icon:
            differs = np.abs(seen[one][ICON] - seen[other][ICON])
            assert (differs > 40).sum() >= 12, f"the shapes of {one} and {other}"
