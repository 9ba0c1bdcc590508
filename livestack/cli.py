"""The commands: wiring only."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from livestack.errors import LivestackError, NothingStacked, SourceError
from livestack.settings import EXISTING, REJECT, VIEWER, WEIGHT, Settings, from_toml
from livestack.version import VERSION

Command = TypeVar("Command", bound=Callable[..., Any])
PATH = click.Path(path_type=Path)

PROCESSING = (
    click.option(
        "--masters", type=PATH, multiple=True, help="Folder or file: masters, or raw bias, dark, flat frames."
    ),
    click.option("--bias", type=PATH, help="This bias, whatever the headers say."),
    click.option("--dark", type=PATH, help="This dark, whatever the headers say."),
    click.option("--flat", type=PATH, help="This flat, whatever the headers say."),
    click.option("--no-calibration", is_flag=True, help="Stack the frames as they come."),
    click.option("--reject", type=click.Choice(REJECT), help="How outliers are found (deferred)."),
    click.option("--weight", type=click.Choice(WEIGHT), help="How much a sub counts (depth)."),
    click.option("--session", type=PATH, help="Session folder."),
    click.option("--settings", "settings_file", type=PATH, help="Settings from a TOML file; options win over it."),
    click.option("--jobs", type=int, help="Workers that prepare subs."),
    click.option("--memory", help="Bound on memory, such as 2G."),
    click.option("--json", "as_json", is_flag=True, help="Every event as one JSON line."),
)
SHOWING = (
    click.option("--viewer", type=click.Choice(VIEWER), help="auto: a window where there is a display."),
    click.option("--serve", "serve_page", is_flag=True, help="The page too."),
    click.option("--bind", help="HOST:PORT or lan (127.0.0.1:8577); implies --serve."),
    click.option("--notify", multiple=True, help="Where alerts go."),
)


def with_options(*groups: tuple[Callable[[Any], Any], ...]) -> Callable[[Command], Command]:
    """Add groups of options to a command."""

    def decorate(command: Command) -> Command:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorate


class Cli(click.Group):
    """Every known error is one line and an exit code; never a traceback at a user."""

    def invoke(self, context: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(context)
        except LivestackError as error:
            _end(error)


def _end(error: LivestackError) -> NoReturn:
    from livestack.show.console import complain

    complain(str(error))
    sys.exit(4 if isinstance(error, SourceError) else 3 if isinstance(error, NothingStacked) else 2)


@click.group(cls=Cli, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="livestack")
def main() -> None:
    """Watch a folder, and the stack grows out of the noise.

    Example: livestack watch ~/captures
    """


@main.command()
@click.argument("folder", type=PATH)
@with_options(PROCESSING, SHOWING)
@click.option("--existing", type=click.Choice(EXISTING), help="Frames that are there at the first start (include).")
@click.option("--recursive/--no-recursive", default=None, help="Subfolders too (yes).")
@click.option("--poll", "poll_s", type=float, help="Scan every so many seconds instead of listening.")
@click.option("--settle", "settle_s", type=float, help="Seconds a file must stand still (1).")
@click.option("--save-every", "save_every_s", type=float, help="Stack file at most every so many seconds (60).")
@click.option("--until-idle", "idle_s", type=float, help="Finish when no new frame came for so many seconds.")
def watch(folder: Path, idle_s: float | None, session: Path | None, as_json: bool, **options: Any) -> None:
    """Watch FOLDER and stack what the camera software writes.

    Example: livestack watch ~/captures --masters ~/masters --serve
    """
    from livestack.engine_room import run_with_faces
    from livestack.plans import watch_plan
    from livestack.sessions import Home, check_folder, default_home

    settings = _settings(options)
    folder = folder.expanduser().absolute()
    home = Home(session.expanduser().absolute()) if session else default_home(folder, settings, datetime.now())
    check_folder(home, str(folder))
    plan = watch_plan(folder, settings, is_new=not home.journal.exists(), idle_s=idle_s)
    sys.exit(run_with_faces(home, plan, settings, as_json=as_json))


@main.command()
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--out", required=True, help="A .fits file, or a folder (ending in /) for one file per stack.")
@with_options(PROCESSING)
@click.option("--passes", type=click.IntRange(1, 2), default=2, help="2: judge every sample by the final stack (2).")
@click.option("--order", type=click.Choice(("oldest", "given")), default="oldest", help="Of the subs (oldest).")
def stack(paths: tuple[Path, ...], out: str, order: str, session: Path | None, as_json: bool, **options: Any) -> None:
    """Stack frames that are already there.

    Example: livestack stack ~/captures/M27 --out m27.fits
    """
    from livestack.engine_room import run_batch
    from livestack.plans import files_plan
    from livestack.sessions import Home, check_folder

    settings = _settings({**options, "viewer": "none"})
    plan = files_plan([path.expanduser().absolute() for path in paths], order)
    with tempfile.TemporaryDirectory(prefix="livestack-") as temporary:
        home = Home(session.expanduser().absolute() if session else Path(temporary))
        check_folder(home, plan.folder)
        sys.exit(run_batch(home, plan, settings, out, as_json=as_json))


@main.command()
@click.argument("session", type=PATH)
def view(session: Path) -> None:
    """Open the live viewer on a session that runs elsewhere, or ran.

    Example: livestack view ~/.local/share/livestack/sessions/2026-08-20-captures
    """
    from livestack.show.qt import run_viewer
    from livestack.show.source import open_source

    sys.exit(run_viewer(open_source(session.expanduser())))


@main.command("serve")
@click.argument("session", type=PATH)
@click.option("--bind", default="127.0.0.1:8577", help="HOST:PORT or lan.")
def serve_session(session: Path, bind: str) -> None:
    """Serve the page of a session that runs elsewhere, or ran.

    Example: livestack serve ~/.local/share/livestack/sessions/2026-08-20-captures --bind lan
    """
    from livestack.engine_room import serve_until_stopped
    from livestack.show.source import open_source

    sys.exit(serve_until_stopped(open_source(session.expanduser()), bind))


@main.command()
@click.argument("session", type=PATH)
@click.argument("subs", nargs=-1, required=True)
def drop(session: Path, subs: tuple[str, ...]) -> None:
    """Take subs (numbers or names) out of the stack; they can be put back.

    Example: livestack drop ~/sessions/m27 82 Light_0083.fits
    """
    from livestack.engine_room import ask_for_subs

    click.echo(ask_for_subs(session.expanduser(), "drop", subs))


@main.command()
@click.argument("session", type=PATH)
@click.argument("subs", nargs=-1, required=True)
def restore(session: Path, subs: tuple[str, ...]) -> None:
    """Put dropped subs back.

    Example: livestack restore ~/sessions/m27 82
    """
    from livestack.engine_room import ask_for_subs

    click.echo(ask_for_subs(session.expanduser(), "restore", subs))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def sessions(as_json: bool) -> None:
    """List the sessions of this user, newest first.

    Example: livestack sessions
    """
    from livestack.engine_room import list_sessions

    for line in list_sessions(as_json=as_json):
        click.echo(line)


@main.command()
@click.argument("folder", type=PATH)
@click.option("--lights", "n_lights", type=int, help="How many subs.")
@click.option("--seed", type=int, help="Another night.")
@click.option("--size", help="WIDTHxHEIGHT in px.")
@click.option("--mono", is_flag=True, help="A mono camera.")
@click.option("--pace", "pace_s", type=float, help="Seconds from sub to sub; otherwise as fast as they are made.")
def simulate(folder: Path, **options: Any) -> None:
    """Write a synthetic night into FOLDER, as camera software would.

    Example: livestack simulate /tmp/night --lights 20 --pace 2
    """
    from livestack.engine_room import simulate_night

    simulate_night(folder.expanduser().absolute(), options)


@main.command()
@click.option("--lights", "n_lights", type=int, help="How many subs.")
@click.option("--seed", type=int, help="Another night.")
@click.option("--pace", "pace_s", type=float, default=1.5, help="Seconds from sub to sub (1.5).")
@click.option("--until-idle", "idle_s", type=float, help="Finish when no new frame came for so many seconds.")
@with_options(SHOWING)
def demo(idle_s: float | None, **options: Any) -> None:
    """See it work: a synthetic camera, the live stack, no telescope needed.

    Example: livestack demo
    """
    from livestack.engine_room import run_demo

    night = {name: options.pop(name) for name in ("n_lights", "seed", "pace_s")}
    sys.exit(run_demo(night, _settings(options), idle_s))


@main.command()
@click.option("--warm", is_flag=True, help="Compile the kernels now, so that the first sub need not wait.")
def doctor(warm: bool) -> None:
    """Look whether this machine is ready for a night.

    Example: livestack doctor --warm
    """
    from livestack.engine_room import examine_machine

    sys.exit(examine_machine(warm=warm))


def _settings(options: dict[str, Any]) -> Settings:
    """Settings file first, then the options given."""
    from livestack.options import effective_settings

    options = dict(options)
    named = options.pop("settings_file", None)
    return effective_settings(from_toml(named.expanduser()) if named else Settings(), options)
