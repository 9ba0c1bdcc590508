"""Every option in words a person understands: what it is called, what it does, how its values are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from livestack.settings import EXISTING, PRESET, REJECT, VIEWER, WEIGHT, Settings
from livestack.show.words import THIN, joined

NOW, NEXT = "Applies now", "With the next start"


@dataclass(frozen=True, slots=True)
class Words:
    """An option as a person meets it.

    Attributes
    ----------
    name : str
        As in `livestack.settings`.
    label, text : str
        What it is called, and what it does.
    choices : tuple of (value, str)
        Values to choose from, and what they are called; empty = what kind of value the option has says how it is given.
    unit, least, most, step, digits
        Of numbers, in units that are shown; `per` of them are one of the option's own (100 % = 1).
    zero : str
        What 0 is called, where it means something else than nothing.
    place : str
        ``file`` or ``folder``: it names one, or several.
    applies : str
        When a change is taken.
    why_not : str
        Why it cannot be chosen yet; empty = it can.
    """

    name: str
    label: str
    text: str
    choices: tuple[tuple[Any, str], ...] = ()
    unit: str = ""
    least: float = 0.0
    most: float = 1e5
    step: float = 1.0
    digits: int = 0
    per: float = 1.0
    zero: str = ""
    place: str = ""
    applies: str = NEXT
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of options: its name in `livestack.settings`, and what it is called."""

    name: str
    label: str
    options: tuple[Words, ...]


def _named(values: tuple[str, ...], *labels: str) -> tuple[tuple[Any, str], ...]:
    return tuple(zip(values, labels, strict=True))


STACKING = (
    Words(
        "masters",
        "Masters",
        "Folders with masters, or with raw bias, dark and flat frames. The nearest that fit are taken by themselves.",
        place="folder",
    ),
    Words("calibration", "Calibrate", "Take bias, dark and flat off each sub. Off: subs are stacked as they come."),
    Words("bias", "This bias", "Used whatever its header says, in the place of the one that fits best.", place="file"),
    Words("dark", "This dark", "Used whatever its header says, in the place of the one that fits best.", place="file"),
    Words("flat", "This flat", "Used whatever its header says, in the place of the one that fits best.", place="file"),
    Words(
        "existing",
        "Pictures already there",
        "What the start page proposes for pictures that are in the folder before the first start.",
        choices=_named(EXISTING, "Stack all", "Only new ones"),
    ),
    Words(
        "reject",
        "Take out what does not belong",
        "Satellites, aircraft and cosmic rays. Deferred looks again when more subs are there, and finds the most.",
        choices=_named(REJECT, "Deferred", "Sigma clipping", "Winsorised", "Nothing"),
    ),
    Words(
        "weight",
        "How much a sub counts",
        "Depth: by light and noise, for what is faint. Balanced: sharp subs count more. Equal: all the same.",
        choices=_named(WEIGHT, "Depth", "Balanced", "Equal"),
    ),
    Words(
        "drizzle",
        "Drizzle",
        "For a colour camera, dithered, from about 25 subs on: each colour for itself, nothing made up between.",
    ),
    Words(
        "least_transparency",
        "Left out as clouded below",
        "Share of the usual star light that must come through.",
        unit="%",
        most=99,
        step=5,
        per=100,
    ),
    Words(
        "most_elongation",
        "Left out as trailed above",
        "Length over width of the stars; 1 is round.",
        least=1.05,
        most=20,
        step=0.1,
        digits=2,
    ),
    Words(
        "most_blur",
        "Left out as blurred above",
        "Star size, in times of the usual one.",
        unit="×",
        least=1.05,
        most=20,
        step=0.1,
        digits=2,
    ),
    Words(
        "passes",
        "Look again at the end",
        "Judge every sub once more by the finished picture, when a stack of files is done.",
        choices=((1, "No"), (2, "Yes")),
    ),
)

FOLDER = (
    Words("recursive", "Subfolders too", "Camera programs make one for each target, filter or night."),
    Words(
        "poll_s",
        "Look every",
        "Seconds between looks into the folder. By itself: new files are heard of, and shares are looked at.",
        unit="s",
        most=3600,
        zero="By itself",
    ),
    Words(
        "settle_s",
        "A file is finished after",
        "So long must it stand still. Longer helps where a camera writes with pauses.",
        unit="s",
        least=0.1,
        most=600,
        step=0.5,
        digits=1,
    ),
    Words(
        "patience_s",
        "A file has ended early after",
        "One that is not whole and has not grown for so long is left out.",
        unit="s",
        least=1,
        most=3600,
        step=5,
    ),
)

MACHINE = (
    Words(
        "jobs",
        "Subs prepared at once",
        "More is faster on many cores, and takes more memory. The picture is the same.",
        most=64,
        zero="By itself",
    ),
    Words(
        "memory_mb",
        "Most memory",
        "A stack that needs more is not begun, and you are told.",
        unit="MB",
        most=4_000_000,
        step=500,
        zero="No bound",
    ),
    Words(
        "save_every_s",
        "Save the stack every",
        "At most so often while subs come; at the end in any case.",
        unit="s",
        least=1,
        most=86400,
        step=10,
    ),
)

SHOWING = (
    Words(
        "preset",
        "Develop",
        "How the picture is brought out. It is for the eye: the stack file stays as it is.",
        choices=tuple((name, name.capitalize()) for name in PRESET),
        applies=NOW,
    ),
    Words("serve", "Page for phones", "Serve the picture to whoever stands around, without internet."),
    Words(
        "bind",
        "Where the page is",
        "This computer only, or the local network: “lan”, or an address and a port.",
    ),
    Words(
        "viewer",
        "Window",
        "When a night is begun on the command line.",
        choices=_named(VIEWER, "If there is a display", "Always", "Never"),
    ),
    Words(
        "notify",
        "Alerts elsewhere",
        "Addresses that are told when something needs hands. They may hold passwords, and are not shown.",
        why_not="In the settings file, or with --notify.",
    ),
    Words(
        "wifi",
        "Wi-Fi for guests",
        "Name and password of the network that guests may join, as a code on the big screen. It is not shown here.",
        why_not="In the settings file, or with --wifi.",
    ),
    Words("quiet", "Quiet hours", "When only urgent alerts are sent: 23:30-06:00."),
)

GROUPS = (
    Group("processing", "Stacking", STACKING),
    Group("watching", "Folder", FOLDER),
    Group("running", "Machine", MACHINE),
    Group("showing", "Showing", SHOWING),
)
"""All of them, in the order in which they are shown."""

_USUAL = Settings()


def usual(group: str, words: Words) -> Any:
    """Return an option's usual value."""
    return getattr(getattr(_USUAL, group), words.name)


def value_words(words: Words, value: Any) -> str:
    """Return a value as it is shown."""
    called = dict(words.choices).get(value) if words.choices else None
    if called is not None:
        return str(called)
    if isinstance(value, bool):
        return "On" if value else "Off"
    if isinstance(value, int | float):
        if value == 0 and words.zero:
            return words.zero
        unit = words.unit if words.unit in ("×", "") else f"{THIN}{words.unit}"
        return f"{value * words.per:,.{words.digits}f}{unit}"
    if isinstance(value, tuple):
        value = joined(value)
    return str(value or "None")
