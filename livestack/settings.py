"""Every option of livestack: frozen classes, units in names, TOML in and out.

A session keeps its effective settings as ``settings.toml``. Only `Processing` decides the bits of a stack;
the other groups say how to watch, run and show.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import tomli_w

from livestack.errors import SettingsError

REJECT = ("deferred", "sigma", "winsorised", "none")
WEIGHT = ("depth", "balanced", "equal")
EXISTING = ("include", "skip")
VIEWER = ("auto", "qt", "none")
PRESET = ("auto", "galaxy", "nebula", "cluster", "wide field", "comet", "visitors")
"""Names of the recipes by which pictures are developed."""
_HOURS = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Watching:
    """How the capture folder is watched.

    Attributes
    ----------
    recursive : bool
        Subfolders too.
    poll_s : float
        Seconds between scans by polling alone; 0 = events with rescans, polling by itself on network shares.
    settle_s : float
        A file whose size and time stood still for so long may be finished.
    patience_s : float
        An incomplete file that has not grown for so long is taken as truncated.
    """

    recursive: bool = True
    poll_s: float = 0.0
    settle_s: float = 1.0
    patience_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Processing:
    """What decides the bits of a stack. Paths are absolute strings.

    A sub is left out as clouded below `least_transparency` of the usual star light, as trailed above `most_elongation`
    (a/b), as blurred above `most_blur` times the usual FWHM; the last two only where the night scatters less. `drizzle`
    drops the raw px of colour cameras onto their stacks, and leaves others as they are.
    """

    existing: str = "include"
    masters: tuple[str, ...] = ()
    bias: str | None = None
    dark: str | None = None
    flat: str | None = None
    calibration: bool = True
    reject: str = "deferred"
    weight: str = "depth"
    drizzle: bool = False
    passes: int = 1
    least_transparency: float = 0.3
    most_elongation: float = 1.8
    most_blur: float = 1.9


@dataclass(frozen=True, slots=True)
class Running:
    """How the work is done; never changes a bit of the result. memory_mb 0 = no bound; jobs 0 = by the machine."""

    jobs: int = 0
    memory_mb: int = 0
    save_every_s: float = 60.0

    @property
    def workers(self) -> int:
        """How many subs are prepared at once."""
        return self.jobs or max(1, (os.cpu_count() or 1) - 1)


@dataclass(frozen=True, slots=True)
class Showing:
    """Faces. bind is HOST:PORT or ``lan``; preset says how the picture is developed in all of them.

    `notify` are addresses that alerts go to, which may hold passwords; in the hours `quiet`, such as 23:30-06:00, only
    the urgent ones. `wifi` is NAME:PASSWORD of the network that guests may join.
    """

    viewer: str = "auto"
    serve: bool = False
    bind: str = "127.0.0.1:8577"
    notify: tuple[str, ...] = ()
    quiet: str = ""
    preset: str = "auto"
    wifi: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; build with `from_dict` or `changed`, both of which check every value."""

    watching: Watching = field(default_factory=Watching)
    processing: Processing = field(default_factory=Processing)
    running: Running = field(default_factory=Running)
    showing: Showing = field(default_factory=Showing)

    def changed(self, values: dict[str, Any]) -> Settings:
        """Return a copy with options replaced by name, in whatever group they are; None values are skipped.

        Raises
        ------
        SettingsError
            An unknown name or an unusable value, as one line.
        """
        groups: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            if value is None:
                continue
            groups.setdefault(_group_of(name), {})[name] = tuple(value) if isinstance(value, list) else value
        replaced = {group: dataclasses.replace(getattr(self, group), **options) for group, options in groups.items()}
        return _checked(dataclasses.replace(self, **replaced))

    def without_secrets(self) -> Settings:
        """Return a copy that anybody may read: for journal, session and report."""
        return dataclasses.replace(self, showing=dataclasses.replace(self.showing, notify=(), wifi=""))

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the groups as plain dicts; options that are None are left out."""
        return {
            group.name: {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in dataclasses.asdict(getattr(self, group.name)).items()
                if value is not None
            }
            for group in dataclasses.fields(self)
        }

    def to_toml(self) -> str:
        """Return the settings as TOML text."""
        return tomli_w.dumps(self.to_dict())


def from_dict(groups: dict[str, Any]) -> Settings:
    """Build settings from groups of options, as `Settings.to_dict` gives them.

    Raises
    ------
    SettingsError
        An unknown group or name, or an unusable value, as one line.
    """
    settings = Settings()
    for group, options in groups.items():
        if not isinstance(options, dict) or group not in {f.name for f in dataclasses.fields(Settings)}:
            raise SettingsError(f"settings: there is no group [{group}]")
        for name in options:
            if _group_of(name) != group:
                raise SettingsError(f"settings: {name} does not belong in [{group}]")
        settings = settings.changed(options)
    return settings


def from_toml(path: Path) -> Settings:
    """Read a settings file.

    Raises
    ------
    SettingsError
        The file cannot be read or a value cannot be used, as one line.
    """
    try:
        return from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"settings file {path} cannot be read: {_why(error)}") from None


def _why(error: Exception) -> str:
    """Say what was wrong with a file that is named already."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _group_of(name: str) -> str:
    for group in dataclasses.fields(Settings):
        factory = cast(type[Any], group.default_factory)
        if name in {f.name for f in dataclasses.fields(factory)}:
            return group.name
    raise SettingsError(f"settings: there is no option {name!r}")


def _checked(settings: Settings) -> Settings:
    for group in dataclasses.fields(settings):
        options = getattr(settings, group.name)
        for option in dataclasses.fields(options):
            _check_type(option.name, getattr(options, option.name), str(option.type))
    p, w, r = settings.processing, settings.watching, settings.running
    _check_choice("reject", p.reject, REJECT)
    _check_choice("weight", p.weight, WEIGHT)
    _check_choice("existing", p.existing, EXISTING)
    _check_choice("viewer", settings.showing.viewer, VIEWER)
    _check_choice("preset", settings.showing.preset, PRESET)
    if settings.showing.quiet and not _HOURS.fullmatch(settings.showing.quiet):
        raise SettingsError(f"quiet: must be two times such as 23:30-06:00, not {settings.showing.quiet!r}")
    _check_limits(p)
    if p.drizzle and p.reject == "winsorised":
        raise SettingsError(
            "drizzle: raw px are left out or dropped as they are: winsorised would change them, choose another --reject"
        )
    if p.passes not in (1, 2):
        raise SettingsError(f"passes: must be 1 or 2, not {p.passes}")
    for name, seconds, least in (
        ("settle_s", w.settle_s, 0.05),
        ("patience_s", w.patience_s, 1.0),
        ("poll_s", w.poll_s, 0.0),
        ("save_every_s", r.save_every_s, 1.0),
    ):
        if not least <= seconds < 1e6:
            raise SettingsError(f"{name}: must be at least {least} seconds, not {seconds}")
    if not 0 <= r.jobs <= 64:
        raise SettingsError(f"jobs: must be from 1 to 64, not {r.jobs}")
    if r.memory_mb < 0:
        raise SettingsError(f"memory: must be positive, not {r.memory_mb} MB")
    return settings


def _check_limits(p: Processing) -> None:
    if not 0 <= p.least_transparency < 1:
        raise SettingsError(f"least_transparency: must be from 0 to 1, not {p.least_transparency}")
    for name, limit in (("most_elongation", p.most_elongation), ("most_blur", p.most_blur)):
        if not limit > 1:
            raise SettingsError(f"{name}: must be above 1, not {limit}")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingsError(f"{name}: must be one of {', '.join(choices)}, not {value!r}")


def _check_type(name: str, value: Any, declared: str) -> None:
    kinds = {
        "bool": bool,
        "int": int,
        "float": (int, float),
        "str": str,
        "str | None": (str, type(None)),
        "tuple[str, ...]": tuple,
    }
    is_bool = isinstance(value, bool)
    if not isinstance(value, cast(type, kinds[declared])) or (is_bool and declared != "bool"):
        raise SettingsError(f"{name}: {value!r} is not of the right kind ({declared})")
    if isinstance(value, tuple) and not all(isinstance(item, str) for item in value):
        raise SettingsError(f"{name}: must be a list of texts")
