"""The commands: wiring only."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from livestack.commands.cli_exit import Cli
from livestack.commands.cli_options import (
    ALERTS,
    BIND,
    DEVELOPING,
    LOOK,
    PROCESSING,
    SHOWING,
    WIFI,
    path,
    seconds,
    settings_given,
    with_options,
)
from livestack.errors import SettingsError
from livestack.settings import EXISTING, Settings
from livestack.version import VERSION

if TYPE_CHECKING:
    from livestack.commands.engine_room import Faces
    from livestack.commands.starting import Desk


@click.group(
    cls=Cli,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="livestack")
@click.pass_context
def main(context: click.Context) -> int:
    """Watch a folder, and the stack grows out of the noise. Without a command: the window's start page.

    Example: livestack watch ~/captures
    """
    if context.invoked_subcommand is not None:
        return 0
    from livestack.commands.faces import can_open_window

    if not can_open_window("auto"):
        raise click.exceptions.NoArgsIsHelpError(context)
    from livestack.commands.starting import Desk

    return Desk().begin()


@main.command()
@click.argument("folder", type=path)
@with_options(PROCESSING, SHOWING)
@click.option("--existing", type=click.Choice(EXISTING), help="Frames that are there at the first start (include).")
@click.option("--recursive/--no-recursive", default=None, help="Subfolders too (yes).")
@click.option("--poll", "poll_s", type=seconds, metavar="S", help="Scan every so many seconds instead of listening.")
@click.option("--settle", "settle_s", type=seconds, metavar="S", help="Seconds a file must stand still (1).")
@click.option(
    "--save-every", "save_every_s", type=seconds, metavar="S", help="Stack file at most every so many seconds (60)."
)
@click.option(
    "--until-idle", "idle_s", type=seconds, metavar="S", help="Finish when no new frame came for so many seconds."
)
def watch(folder: Path, idle_s: float | None, session: Path | None, as_json: bool, **options: Any) -> int:
    """Watch FOLDER and stack what the camera software writes.

    Example: livestack watch ~/captures --masters ~/masters --serve
    """
    from livestack.commands.starting import Desk, watch_folder
    from livestack.sessions import Home, default_home

    settings, desk = settings_given(options), Desk()
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder} is a file: watch the folder it is in, or use livestack stack")
    home = Home(session) if session else default_home(folder, settings, datetime.now())
    faces = _faces(settings, options, f"watching {folder}", desk, as_json=as_json)
    return desk.go_on(watch_folder(home, folder, settings, faces, idle_s))


@main.command()
@click.argument("paths", nargs=-1, required=True, type=path)
@click.option("--out", required=True, help="A .fits file, or a folder (ending in /) for one file per stack.")
@with_options(PROCESSING)
@click.option("--passes", type=click.IntRange(1, 2), default=2, help="2: judge every sample by the final stack (2).")
@click.option("--order", type=click.Choice(("oldest", "given")), default="oldest", help="Of the subs (oldest).")
def stack(paths: tuple[Path, ...], out: str, order: str, session: Path | None, as_json: bool, **options: Any) -> int:
    """Stack frames that are already there.

    Example: livestack stack ~/captures/M27 --out m27.fits
    """
    from livestack.commands.batch import parse_out, stack_files
    from livestack.sessions import Home

    settings = settings_given({**options, "viewer": "none"})
    target = parse_out(out)
    with tempfile.TemporaryDirectory(prefix="livestack-") as temporary:
        home = Home(session or Path(temporary) / "session")
        return stack_files(home, list(paths), order, settings, target, as_json=as_json)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=path)
@click.option("--out", required=True, help="A .fits file, or a folder (ending in /) for one file per master.")
@click.option("--kind", type=click.Choice(("bias", "dark", "flat", "darkflat")), help="What all the files are.")
def master(paths: tuple[Path, ...], out: str, kind: str | None) -> int:
    """Make masters of bias, dark, flat and dark-flat frames: one for each set that was taken alike.

    Example: livestack master ~/darks ~/flats ~/biases --out ~/masters/
    """
    from livestack.commands.batch import parse_out
    from livestack.commands.mastering import make_masters

    return make_masters(list(paths), kind, parse_out(out), click.echo)


@main.command()
@click.argument("stack_files", metavar="FITS...", nargs=-1, required=True, type=path)
@click.argument("out", type=path)
@with_options(DEVELOPING)
@click.option("--keep-recipe", "kept", type=path, metavar="R.toml", help="Write the steps that were taken.")
def develop(stack_files: tuple[Path, ...], out: Path, kept: Path | None, **options: Any) -> int:
    """Make a picture of a stack, or of several filters' with --palette: gradient and grain off, what is faint lifted.

    Example: livestack develop m27.fits m27.jpg --preset nebula
    """
    from livestack.commands.developing import chosen, develop_files, keep_recipe

    recipe, wanted = chosen(options)
    if kept is not None:
        keep_recipe(kept, recipe)
    return develop_files(stack_files, out, recipe, wanted, click.echo)


@main.command()
@click.argument("session", type=path)
@click.argument("out")
@click.option("--stack", "only", metavar="NAME", help="Which, where the session has several.")
@click.option("--as", "form", type=click.Choice(("stacks", "film", "site")), help="Whatever its name says.")
@with_options(DEVELOPING)
def export(session: Path, out: str, **options: Any) -> int:
    """Write a session for others: .fits, .xisf as it is, .png, .jpg developed; film.webm, film.gif; site/, the page.

    Example: livestack export ~/sessions/m27 ~/pictures/m27.png --bits 16
    """
    from livestack.commands.exporting import export_session

    return export_session(session, out, options, click.echo)


@main.command()
@click.argument("session", type=path, required=False)
@with_options((LOOK,))
def view(session: Path | None, preset: str | None) -> int:
    """Open the live viewer on a session that runs elsewhere, or ran; without SESSION the start page.

    Example: livestack view ~/.local/share/livestack/sessions/2026-08-20-captures
    """
    from livestack.commands.starting import Desk

    return Desk().look_at(session, preset) if session else Desk().begin()


@main.command("serve")
@click.argument("session", type=path)
@click.option("--bind", metavar="HOST:PORT|lan", help=f"Where the page is ({BIND}).")
@with_options((WIFI, LOOK))
def serve_session(session: Path, bind: str | None, preset: str | None, wifi: str | None) -> int:
    """Serve the page of a session that runs elsewhere, or ran.

    Example: livestack serve ~/.local/share/livestack/sessions/2026-08-20-captures --bind lan
    """
    from livestack.commands.faces import serve_until_stopped
    from livestack.show.rendition import LONGEST_PX
    from livestack.show.source import open_source

    source = open_source(session, preset, LONGEST_PX)
    return serve_until_stopped(source, bind or BIND, exact=bind is not None, wifi=wifi or "")


@main.command()
@click.argument("session", type=path, required=False)
@with_options(ALERTS)
@click.option("--test", "is_test", is_flag=True, help="Send a test message, and say for each address whether it went.")
@click.option("--once", is_flag=True, help="Look once and end.")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
def monitor(session: Path | None, is_test: bool, once: bool, as_json: bool, **options: Any) -> int:
    """Watch over a session that runs elsewhere: says what needs hands, and sends it with --notify.

    Example: livestack monitor ~/sessions/m27 --notify ntfy://my-secret-topic
    """
    from livestack.commands.monitoring import monitor_session, send_test

    showing = settings_given(options).showing
    if is_test:
        return send_test(showing.notify, click.echo, as_json=as_json)
    if session is None:
        raise SettingsError("monitor: name a SESSION, or --test. See livestack sessions")
    return monitor_session(session, showing.notify, showing.quiet, click.echo, once=once, as_json=as_json)


@main.command()
@click.argument("session", type=path)
@click.argument("subs", nargs=-1, required=True)
def drop(session: Path, subs: tuple[str, ...]) -> int:
    """Take subs (numbers or names) out of the stack; they can be put back.

    Example: livestack drop ~/sessions/m27 82 Light_0083.fits
    """
    from livestack.commands.asking import ask_for_subs

    return ask_for_subs(session, "drop", subs)


@main.command()
@click.argument("session", type=path)
@click.argument("subs", nargs=-1, required=True)
def restore(session: Path, subs: tuple[str, ...]) -> int:
    """Put subs back that were dropped, or left out as clouded, trailed or blurred.

    Example: livestack restore ~/sessions/m27 82
    """
    from livestack.commands.asking import ask_for_subs

    return ask_for_subs(session, "restore", subs)


@main.command()
@click.argument("session", type=path)
def restack(session: Path) -> int:
    """Fold a session's stacks again from their subs, each sample judged by the final stack: better than live.

    Example: livestack restack ~/sessions/m27
    """
    from livestack.commands.asking import ask_to_restack

    return ask_to_restack(session)


@main.command()
@click.argument("session", type=path)
@click.option("--json", "listed", flag_value="json", help="Print it as JSON instead: stacks, subs, alerts, settings.")
@click.option("--csv", "listed", flag_value="csv", help="Print the subs with verdicts and figures instead, as CSV.")
@click.option("--astrobin", "listed", flag_value="astrobin", help="Print what AstroBin's form imports instead, as CSV.")
def report(session: Path, listed: str | None) -> None:
    """Write the report of a night into its session: one page to keep, to print or to pass on.

    Example: livestack report ~/.local/share/livestack/sessions/2026-08-20-captures
    """
    from livestack.show.monitor.lists import LISTS
    from livestack.show.monitor.write import write_report

    click.echo(LISTS[listed](session) if listed else write_report(session))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, one session a line.")
@click.option("--totals", is_flag=True, help="What they have of each target and filter together.")
def sessions(as_json: bool, totals: bool) -> None:
    """List the sessions of this user, newest first.

    Example: livestack sessions
    """
    from livestack.commands.listing import add_up, list_sessions

    if totals:
        add_up(click.echo, as_json=as_json)
    else:
        list_sessions(click.echo, as_json=as_json)


@main.command()
@click.argument("folder", type=path)
@click.option("--lights", "n_lights", type=click.IntRange(min=0), metavar="N", help="How many subs.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Another night.")
@click.option("--size", metavar="WxH", help="Of the frames, px.")
@click.option("--mono", is_flag=True, help="A mono camera.")
@click.option(
    "--pace", "pace_s", type=seconds, metavar="S", help="Seconds from sub to sub; otherwise as fast as they are made."
)
def simulate(folder: Path, pace_s: float | None, **options: Any) -> int:
    """Write a synthetic night into FOLDER, as camera software would.

    Example: livestack simulate /tmp/night --lights 20 --pace 2
    """
    from livestack.commands.demo import night_options, simulate_night

    return simulate_night(folder, night_options(options), pace_s)


@main.command()
@click.option("--lights", "n_lights", type=click.IntRange(min=1), metavar="N", help="How many subs.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Another night.")
@click.option("--pace", "pace_s", type=seconds, metavar="S", default=1.5, help="Seconds from sub to sub (1.5).")
@click.option(
    "--until-idle", "idle_s", type=seconds, metavar="S", help="Finish when no new frame came for so many seconds."
)
@with_options(SHOWING)
def demo(n_lights: int | None, seed: int | None, pace_s: float, idle_s: float | None, **options: Any) -> int:
    """See it work: a synthetic camera, the live stack, no telescope needed.

    Example: livestack demo
    """
    from livestack.commands.demo import night_options, run_demo
    from livestack.commands.starting import Desk

    settings, desk = settings_given(options), Desk()
    faces = _faces(settings, options, "a synthetic camera writes a night", desk)
    if not options["notify"]:  # nobody's phone rings by itself for a night that is none
        faces = dataclasses.replace(faces, alerts=None)
    if faces.window is None and faces.bind is None:
        faces = dataclasses.replace(faces, bind=settings.showing.bind)
    if idle_s is None and faces.window is None and not sys.stdout.isatty():
        idle_s = 15.0
    return desk.go_on(run_demo(night_options({"n_lights": n_lights, "seed": seed}), pace_s, settings, faces, idle_s))


@main.command()
@click.option("--size", metavar="WxH", default="6248x4176", help="Of the frames, px (6248x4176).")
@click.option("--mono", is_flag=True, help="A mono camera.")
@click.option("--lights", "n_lights", type=click.IntRange(min=1), metavar="N", default=18, help="How many subs (18).")
@click.option("--json", "into", type=path, metavar="FILE", help="The figures as JSON too.")
def bench(size: str, mono: bool, n_lights: int, into: Path | None) -> int:
    """Measure how fast this machine stacks, and how right: a synthetic night, stacked by a livestack of its own.

    Example: livestack bench --size 4656x3520
    """
    from livestack.bench.frames import Frames
    from livestack.bench.quick import run_bench
    from livestack.commands.demo import size_of

    return run_bench(Frames(size_of(size), None if mono else "RGGB", n_lights), click.echo, into)


@main.command()
@click.option("--warm", is_flag=True, help="Compile the kernels now, so that the first sub need not wait.")
@click.option(
    "--service",
    "served",
    is_flag=False,
    flag_value="",
    metavar="[FOLDER]",
    help="Have the watch of FOLDER (the last one watched) start by itself with the computer.",
)
def doctor(warm: bool, served: str | None) -> None:
    """Look whether this machine is ready for a night.

    Example: livestack doctor --warm
    """
    if served is not None:
        from livestack.commands.service import set_up
        from livestack.own import recent_folders

        folder = Path(served) if served else next(iter(recent_folders()), None)
        if folder is None:
            raise SettingsError("--service: no folder was watched yet; name it, as in doctor --service ~/captures")
        click.echo("\n".join(set_up(folder.absolute(), Path.home())))
        return
    from livestack.commands.doctor import examine
    from livestack.sessions import sessions_folder

    for check in examine(sessions_folder()):
        click.echo(f"{'ok     ' if check.ok else 'look at'}  {check.name}: {check.sentence}")
    if warm:
        from livestack.commands.compiling import are_compiled, compile_all

        if not are_compiled():
            click.echo("Getting ready: a minute or two, once.")
        if are_compiled() or compile_all():
            click.echo("Ready.")
        else:
            click.echo("The kernels could not be kept: each start compiles them again.")


def _faces(settings: Settings, options: dict[str, Any], opening: str, desk: Desk, *, as_json: bool = False) -> Faces:
    """Return what shows a session that is watched."""
    from livestack.commands.engine_room import Alerts, Faces
    from livestack.commands.faces import can_open_window
    from livestack.show.console import say_json, say_line

    showing = settings.showing
    return Faces(
        say=say_json if as_json else say_line,
        window=desk.show if can_open_window(showing.viewer) else None,
        bind=showing.bind if showing.serve else None,
        exact=options.get("bind") is not None or showing.bind != BIND,
        opening=opening,
        alerts=Alerts(showing.notify, showing.quiet),
        wifi=showing.wifi,
    )
