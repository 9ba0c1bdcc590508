"""What the commands have in common: options, and values as users type them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from livestack.settings import PRESET, REJECT, VIEWER, WEIGHT, Settings

Command = TypeVar("Command", bound=Callable[..., Any])
BIND = "127.0.0.1:8577"


def path(value: str) -> Path:
    """Return a path as the user means it, absolute: ~ and .. resolved, links as they were named."""
    if not value:
        raise click.BadParameter("a path must not be empty")
    if value.startswith("="):  # the level of a bias, no file
        return Path(value)
    return Path(os.path.abspath(Path(value).expanduser()))  # noqa: PTH100 - Path.absolute keeps ..


def seconds(value: str) -> float:
    """Return a time that passes."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise click.BadParameter(f"{value!r} is no time: give a number of seconds above 0")
    return number


PROCESSING = (
    click.option(
        "--masters", type=path, multiple=True, help="Folder or file: masters, or raw bias, dark, flat frames."
    ),
    click.option("--bias", type=path, help="This bias, or a level in ADU such as =500, whatever the headers say."),
    click.option("--dark", type=path, help="This dark, whatever the headers say."),
    click.option("--flat", type=path, help="This flat, whatever the headers say."),
    click.option("--no-calibration", is_flag=True, help="Stack the frames as they come."),
    click.option("--reject", type=click.Choice(REJECT), help="How outliers are found (deferred)."),
    click.option("--weight", type=click.Choice(WEIGHT), help="How much a sub counts (depth)."),
    click.option(
        "--drizzle/--no-drizzle",
        default=None,
        help="Drop the raw px of a colour camera onto the stack, no debayering: for 25 dithered subs or more.",
    ),
    click.option("--session", type=path, metavar="DIR", help="Session folder."),
    click.option("--settings", "settings_file", type=path, metavar="FILE.toml", help="Options win over it."),
    click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="Workers that prepare subs."),
    click.option("--memory", metavar="SIZE", help="Bound on memory, such as 2G."),
    click.option("--json", "as_json", is_flag=True, help="Every event as one JSON line."),
)
LOOK = click.option("--preset", type=click.Choice(PRESET), help="How the picture is developed (auto).")
ALERTS = (
    click.option(
        "--notify",
        metavar="URL",
        multiple=True,
        envvar="LIVESTACK_NOTIFY",
        help="Where alerts go: ntfy://topic, https://…, mailto:…, desktop:, exec:COMMAND; LIVESTACK_NOTIFY too.",
    ),
    click.option("--quiet", metavar="HH:MM-HH:MM", help="Hours in which only urgent alerts go."),
)
WIFI = click.option(
    "--wifi",
    metavar="NAME:PASSWORD",
    envvar="LIVESTACK_WIFI",
    help="The Wi-Fi that guests may join, shown to them as a code; LIVESTACK_WIFI too.",
)
SHOWING = (
    click.option("--viewer", type=click.Choice(VIEWER), help="auto: a window where there is a display."),
    click.option("--serve", "serve_page", is_flag=True, help="The page too."),
    click.option("--bind", metavar="HOST:PORT|lan", help=f"Where the page is ({BIND}); implies --serve."),
    WIFI,
    *ALERTS,
    LOOK,
)

DEVELOPING = (
    click.option("--recipe", type=path, metavar="R.toml", help="Steps from a file."),
    click.option("--preset", help=f"Steps by name: {', '.join(PRESET)}."),
    click.option("--palette", help="Of several filters: RGB, LRGB, HOO, SHO, HaRGB, or R=0.6*R+0.4*Ha, G=G, B=B."),
    click.option("--star-colours", type=path, metavar="FILE", help="Catalogue by which white is told: ra, dec, bp_rp."),
    click.option("--bits", type=click.Choice(("8", "16", "32")), default="8", help="16 in PNG, 32 in TIFF (8)."),
    click.option("--size", metavar="PX", help="Of the longer side, or hd, 4k, a5, a4, a3, a2 (300 px an inch)."),
    click.option("--quality", type=click.IntRange(1, 100), default=92, help="Of JPEG, WebP and AVIF (92)."),
    click.option("--caption", is_flag=True, help="A strip below the picture says what it is."),
    click.option("--title", metavar="WORDS", help="What it is called, instead of the target in the file."),
)


def with_options(*groups: tuple[Callable[[Any], Any], ...]) -> Callable[[Command], Command]:
    """Add groups of options to a command."""

    def decorate(command: Command) -> Command:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorate


def settings_given(options: dict[str, Any]) -> Settings:
    """Return the settings of a file, else the user's own, and over them the options given."""
    from livestack.commands.options import effective_settings, settings_of, usual_settings

    given = {name: value for name, value in options.items() if name != "settings_file"}
    named = options.get("settings_file")
    return effective_settings(settings_of(named) if named else usual_settings(), given)
