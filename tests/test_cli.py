"""The command line without a night: what it says of itself, and one line for whatever is wrong."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from livestack.commands import cli
from livestack.commands.batch import parse_out
from livestack.commands.options import effective_settings, megabytes, settings_of
from livestack.engine.plans import find_files, is_wanted
from livestack.errors import NothingStacked, SettingsError
from livestack.sessions import Home, check_home
from livestack.settings import Settings
from livestack.version import VERSION

COMMANDS = cli.main.list_commands(click.Context(cli.main))


def livestack(*arguments: object, **environment: str) -> tuple[int, str, str]:
    """Run a command; returns exit code, standard output and standard error."""
    command = [sys.executable, "-m", "livestack", *map(str, arguments)]
    env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env | environment)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def refused(*arguments: object, code: int = 2, **environment: str) -> str:
    """Run a command that must end with this code and one line on standard error, nothing else."""
    ended, said, sentence = livestack(*arguments, **environment)
    assert (ended, said) == (code, ""), sentence
    assert sentence.startswith("livestack: ") and sentence.count("\n") == 1, sentence
    return sentence


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_could_be_typed(command: str) -> None:
    text = cli.main.commands[command].help or ""
    (example,) = re.findall(r"Example: livestack (.+)", text)
    words = example.split()
    assert words[0] == command
    cli.main.commands[command].make_context(command, words[1:]).close()


def test_help_and_version() -> None:
    assert livestack("--version") == (0, f"livestack, version {VERSION}\n", "")
    code, said, _ = livestack("watch", "--help")
    assert code == 0
    for option in re.findall(r"`(--[a-z-]+)", OPTIONS):
        assert option in said
    code, said, _ = livestack("stack", "-h")
    assert {"--out", "--passes", "--order", "--jobs", "--session"} <= set(re.findall(r"--[a-z]+", said))


OPTIONS = """`--session` `--existing` `--masters` `--bias` `--dark` `--flat` `--no-calibration` `--reject` `--weight`
`--viewer` `--serve` `--bind` `--notify` `--recursive` `--poll` `--settle` `--jobs` `--memory` `--save-every`
`--settings` `--until-idle` `--json`"""


@pytest.mark.parametrize(
    ("arguments", "telling"),
    [
        (("wtach", "x"), "wtach"),
        (("watch",), "FOLDER"),
        (("watch", ""), "empty"),
        (("watch", "/tmp", "--foo"), "--foo"),
        (("watch", "/tmp", "--jobs", "0"), "--jobs"),
        (("watch", "/tmp", "--jobs", "many"), "--jobs"),
        (("watch", "/tmp", "--reject", "all"), "--reject"),
        (("watch", "/tmp", "--until-idle", "nan"), "--until-idle"),
        (("watch", "/tmp", "--settle", "soon"), "soon"),
        (("watch", "/tmp", "--settle", "0.001"), "settle_s"),
        (("watch", "/tmp", "--memory", "lots"), "lots"),
        (("watch", "/tmp", "--settings", "/no/such.toml"), "/no/such.toml is not there"),
        (("watch", __file__), "is a file"),
        (("stack", "/tmp"), "--out"),
        (("stack", "--out", "x.fits"), "PATHS"),
        (("stack", "/tmp", "--out", "x.png"), "x.png"),
        (("drop", "/no/session"), "SUBS"),
        (("simulate", "/tmp/x", "--size", "big"), "big"),
        (("demo", "--lights", "0"), "--lights"),
    ],
)
def test_wrong_arguments_are_one_line(arguments: tuple[str, ...], telling: str) -> None:
    assert telling in refused(*arguments)


@pytest.mark.parametrize(
    "command",
    [
        "watch {}",
        "watch {}/c --session {}",
        "watch {}/c --settings {}",
        "watch {}/c --masters {}",
        "stack {} --out {}.fits",
        "master {} --out {}/",
        "develop {}.fits {}.png",
        "export {} {}.png",
        "report {}",
        "drop {} 1",
        "serve {}",
    ],
)
@pytest.mark.parametrize("why", ["long", "locked"])
def test_a_path_that_cannot_even_be_asked_for(tmp_path: Path, command: str, why: str) -> None:
    """Python does not say of such a path that it is not there: it raises."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0)
    try:
        if why == "locked" and os.access(locked, os.X_OK):
            pytest.skip("this user may enter it all the same")
        path = tmp_path / ("x" * 300) if why == "long" else locked / "in"
        said = refused(*command.replace("{}", str(path)).split(), XDG_DATA_HOME=str(tmp_path / "data"))
        assert str(path) in said
    finally:
        locked.chmod(0o700)


@pytest.mark.parametrize("command", [("view",), ("serve",), ("drop", 1), ("restore", 1)])
def test_what_is_no_session(tmp_path: Path, command: tuple[object, ...]) -> None:
    name, *more = command
    assert f"{tmp_path} is not a livestack session" in refused(name, tmp_path, *more)


def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0)
    try:
        if os.access(locked, os.R_OK):
            pytest.skip("this user may read it all the same")
        assert f"{locked} cannot be used: Permission denied" in refused("stack", locked, "--out", tmp_path / "x.fits")
    finally:
        locked.chmod(0o700)


@pytest.mark.parametrize("name", ["settings.toml", "report.html", "stack/m31.fits"])
def test_a_folder_of_other_files_is_no_session(tmp_path: Path, name: str) -> None:
    """A session would write over them."""
    captures, session = tmp_path / "captures", tmp_path / "mine"
    captures.mkdir()
    mine = session / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    said = refused("watch", captures, "--session", session, "--viewer", "none", "--until-idle", "1")
    assert f"{session} is no session and holds {mine.relative_to(session).parts[0]}" in said
    assert [path for path in session.rglob("*") if path.is_file()] == [mine]
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("left", [(), ("engine.lock", "log/livestack.log"), ("cache/picture.npy", ".DS_Store")])
def test_a_folder_that_a_session_began_in_is_one(tmp_path: Path, left: tuple[str, ...]) -> None:
    captures, home = tmp_path / "captures", Home(tmp_path / "session")
    captures.mkdir()
    home.make()
    for name in left:
        (home.path / name).touch()
    check_home(home, str(captures), [captures])


def test_without_a_command_and_without_a_display_it_explains_itself() -> None:
    code, said, wrong = livestack(QT_QPA_PLATFORM="xcb")
    assert code == 2 and "watch" in said + wrong and "Usage" in said + wrong
    assert "display" in refused("view", QT_QPA_PLATFORM="xcb")


def test_what_a_user_has_set_holds_where_no_option_says_otherwise(tmp_path: Path) -> None:
    settings = tmp_path / "config" / "livestack" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('[processing]\ndark = "none.fits"\n')
    watch = ("watch", tmp_path / "captures", "--viewer", "none", "--until-idle", "0.1")
    named = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}
    assert f"{settings.parent / 'none.fits'} is not there" in refused(*watch, **named)
    assert "other.fits is not there" in refused(*watch, "--dark", tmp_path / "other.fits", **named)
    settings.write_text("[processing]\nrejekt = 1\n")
    assert str(settings) in refused(*watch, **named)


def test_a_window_that_cannot_be(tmp_path: Path) -> None:
    watch = ("watch", tmp_path / "captures", "--viewer", "qt")
    assert "display" in refused(*watch, QT_QPA_PLATFORM="xcb", XDG_DATA_HOME=str(tmp_path))


@pytest.mark.parametrize("option", ["--masters", "--bias", "--dark", "--flat"])
def test_calibration_that_is_not_there(tmp_path: Path, option: str) -> None:
    watch = ("watch", tmp_path / "captures", "--viewer", "none", option, tmp_path / "none.fits")
    said = refused(*watch, XDG_DATA_HOME=str(tmp_path / "data"))
    assert option in said and "none.fits is not there" in said
    assert not (tmp_path / "data").exists()


def test_sessions_when_there_are_none(tmp_path: Path) -> None:
    code, said, _ = livestack("sessions", XDG_DATA_HOME=str(tmp_path))
    assert code == 0 and "livestack watch FOLDER" in said
    assert livestack("sessions", "--json", XDG_DATA_HOME=str(tmp_path)) == (0, "", "")


LOADING = """
import builtins, os, signal
load = builtins.__import__
def interrupted(name, *more):
    if name == "click":
        os.kill(os.getpid(), signal.SIGINT)
    return load(name, *more)
builtins.__import__ = interrupted
from livestack.__main__ import main
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
def test_a_ctrl_c_while_it_is_loaded_is_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_a_closed_pipe_is_no_fault(tmp_path: Path) -> None:
    reader, writer = socket.socketpair()
    reader.close()
    with writer:
        done = subprocess.run(
            [sys.executable, "-m", "livestack", "sessions"],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_settings_file_holds_every_option(tmp_path: Path) -> None:
    named = {"masters": (tmp_path / "m",), "dark": tmp_path / "d.fits", "weight": "equal", "no_calibration": True}
    more = {"recursive": False, "poll_s": 2.0, "save_every_s": 5.0, "jobs": 3, "memory": "2G", "bind": "lan"}
    settings = effective_settings(Settings(), {**named, **more, "viewer": "none", "notify": ("http://x",)})
    (tmp_path / "all.toml").write_text(settings.to_toml())
    assert settings_of(tmp_path / "all.toml") == settings
    assert settings.showing.serve and settings.running.memory_mb == 2000 and not settings.processing.calibration
    assert effective_settings(settings, {"weight": "depth", "reject": None}).processing.weight == "depth"


def test_paths_in_a_settings_file_are_beside_it(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('[processing]\ndark = "dark.fits"\nmasters = ["m", "/abs"]\n')
    processing = settings_of(tmp_path / "s.toml").processing
    assert processing.dark == str(tmp_path / "dark.fits")
    assert processing.masters == (str(tmp_path / "m"), "/abs")


@pytest.mark.parametrize(
    "text", ["x =", "[foo]\na = 1", "[watching]\nfoo = 1", "[watching]\nsettle_s = 'a'", "[processing]\nreject = 'all'"]
)
def test_a_bad_settings_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"^settings file .*bad\.toml") as refusal:
        settings_of(tmp_path / "bad.toml")
    assert str(refusal.value).count("bad.toml") == 1


@pytest.mark.parametrize(("size", "mb"), [("2G", 2000), ("1500M", 1500), ("0.5 GiB", 500), ("3000000", 3)])
def test_sizes(size: str, mb: int) -> None:
    assert megabytes(size) == mb


@pytest.mark.parametrize("size", ["", "0", "-1G", "2X", "G"])
def test_what_is_no_size(size: str) -> None:
    with pytest.raises(SettingsError):
        megabytes(size)


def test_out_is_a_file_or_a_folder(tmp_path: Path) -> None:
    assert not parse_out(f"{tmp_path}/a.fits").is_folder
    assert parse_out(f"{tmp_path}/a.fits/").is_folder
    assert parse_out(str(tmp_path)).is_folder
    assert parse_out(f"{tmp_path}/not/yet/").is_folder
    with pytest.raises(SettingsError):
        parse_out(f"{tmp_path}/a.tif")


@pytest.mark.parametrize(
    ("copy", "original"),
    [
        ("a.jpg", "a.CR2"),
        ("a.JPEG", "a.nef"),
        ("a.png", "a.fits"),
        ("a.tif", "a.dng"),
        ("a.fits.fz", "a.fits"),
        ("a.jpg", "a.tif"),
        ("a.xisf", "a.fits"),
        ("a.jpg", "a.xisf"),
    ],
)
def test_a_second_format_is_not_a_frame_of_its_own(tmp_path: Path, copy: str, original: str) -> None:
    (tmp_path / copy).write_bytes(b"x")
    assert is_wanted(tmp_path / copy)
    assert find_files([tmp_path], "given") == [tmp_path / copy]
    (tmp_path / original).write_bytes(b"x")
    assert not is_wanted(tmp_path / copy)
    assert is_wanted(tmp_path / original)
    assert find_files([tmp_path], "given") == [tmp_path / original]
    # named by hand, it is what is wanted
    assert find_files([tmp_path / copy], "given") == [tmp_path / copy]


def test_files_are_found_once_in_the_order_asked_for(tmp_path: Path) -> None:
    for name in ("L_10.fits", "L_2.fits", "L_1.fits", ".hidden.fits", "notes.txt", "Stacked_3.fits"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".thumbs").mkdir()
    (tmp_path / ".thumbs" / "L_3.fits").write_bytes(b"x")
    given = find_files([tmp_path / "L_10.fits", tmp_path], "given")
    assert [path.name for path in given] == ["L_10.fits", "L_1.fits", "L_2.fits"]
    assert [path.name for path in find_files([tmp_path], "oldest")] == ["L_1.fits", "L_2.fits", "L_10.fits"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingStacked):
        find_files([tmp_path / "empty"], "oldest")
