"""What leaves a session for others: its stacks as files, how they grew as a film, and the page of guests as a site."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from livestack.atomic import write_atomically
from livestack.commands.developing import Say, Wanted, chosen, develop_files, plate_of_frame, stack_in
from livestack.develop.chain import Recipe
from livestack.develop.live import whole
from livestack.errors import SettingsError
from livestack.product import read_noise
from livestack.sessions import Home, folder_of
from livestack.show.source import Source, open_source
from livestack.show.state import NightState, catch_up
from livestack.version import VERSION

CHUNK = 1 << 20


def form_of(out: str) -> str:
    """Return what a name says is wanted: a folder called site, a film, else stacks."""
    path = Path(out)
    if path.suffix.lower() in (".webm", ".gif") or (path.suffix.lower() == ".webp" and path.stem == "film"):
        return "film"
    return "site" if path.name == "site" and _is_folder(out) else "stacks"


def export_session(session: Path, out: str, options: Mapping[str, Any], say: Say) -> int:
    """Write a session for others; returns the exit code.

    Parameters
    ----------
    out : str
        A file or, ending in / or there already, a folder. Of stacks: .fits and .xisf are one as it is, with its noise;
        any picture is developed; a folder gets all of them as they are and as JPEG.
    options : mapping
        ``form``: stacks, film, site, or None, then as the name says; ``only``, the name of a stack; and how it is
        developed, as `chosen` reads it.

    Raises
    ------
    SettingsError
        There is no such stack, there are several for one file, nothing was kept of how it grew, or it cannot be
        written.
    """
    home = Home(session)
    if folder_of(home) is None:
        raise SettingsError(f"{session} is not a livestack session")
    form = options["form"] or form_of(out)
    recipe, wanted = chosen(options)
    if form == "stacks":
        return _export_stacks(home, out, options["only"], recipe, wanted, say)
    source = open_source(session)
    with closing(source.journal):
        if form == "film":
            is_chosen = options["preset"] is not None or options["recipe"] is not None
            _export_film(source, out, options["only"], whole(recipe) if is_chosen else None, wanted)
        else:
            from livestack.show.web.site import write_site

            _made(Path(out))
            write_site(source, Path(out))
    say(f"Written {out}")
    return 0


def _export_film(source: Source, out: str, only: str | None, recipe: Recipe | None, wanted: Wanted) -> None:
    """Write how a stack grew; without a recipe as guests see it."""
    from livestack.show.timelapse import SUFFIXES, Film, write_film
    from livestack.show.web.look import recipe_of
    from livestack.show.web.outreach import read

    target = Path(out)
    if target.suffix.lower() not in SUFFIXES:
        raise SettingsError(f"{out}: a film is {', '.join(SUFFIXES)}")
    _made(target.parent)
    state = NightState()
    while (after := catch_up(source.journal, state)).seq != state.seq:
        state = after
    if recipe is None:
        recipe = recipe_of(read(source.session, source.preset).shown.look)
    write_film(source, state, recipe, target, Film(only, wanted.longest_px, wanted.title))


def _export_stacks(home: Home, out: str, only: str | None, recipe: Recipe, wanted: Wanted, say: Say) -> int:
    session = home.path
    stacks = {path.stem: path for path in sorted(home.stack.glob("*.fits"))}
    if only is not None:
        stacks = {name: path for name, path in stacks.items() if name == only}
    if not stacks:
        raise SettingsError(f"{session} has no stack{f' {only}' if only else ''} yet")
    target = Path(out)
    if wanted.palette is not None and not _is_folder(out):
        _made(target.parent)
        develop_files(list(stacks.values()), target, recipe, wanted, say, timed=False)
        say(f"Written {target}")
        return 0
    for to, path in _targets(stacks, out, session).items():
        _export(path, to, recipe, wanted, say)
        say(f"Written {to}")
    return 0


def _is_folder(out: str) -> bool:
    return out.endswith(("/", os.sep)) or Path(out).is_dir()


def _targets(stacks: Mapping[str, Path], out: str, session: Path) -> dict[Path, Path]:
    """Which file is written of which stack."""
    target = Path(out)
    if _is_folder(out):
        _made(target)
        return {target / f"{name}{suffix}": path for name, path in stacks.items() for suffix in (".fits", ".jpg")}
    if len(stacks) > 1:
        raise SettingsError(
            f"{session} has the stacks {', '.join(stacks)}: choose one with --stack, join them with --palette, "
            "or name a folder"
        )
    _made(target.parent)
    return {target: next(iter(stacks.values()))}


def _export(path: Path, to: Path, recipe: Recipe, wanted: Wanted, say: Say) -> None:
    """Write a stack file as its new name says."""
    if to.exists() and to.samefile(path):
        raise SettingsError(f"{to} is the session's own stack: name another file")
    if to.suffix.lower() in (".fits", ".fit", ".fts"):
        _copied(path, to)
    elif to.suffix.lower() == ".xisf":
        _as_xisf(path, to)
    else:
        develop_files([path], to, recipe, dataclasses.replace(wanted, palette=None), say, timed=False)


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be made: {error.strerror}") from None


def _copied(path: Path, to: Path) -> None:
    try:
        with path.open("rb") as source:
            write_atomically(to, lambda file: shutil.copyfileobj(source, file, CHUNK))
    except OSError as error:
        raise SettingsError(f"{to} cannot be written: {error.strerror}") from None


def _as_xisf(path: Path, to: Path) -> None:
    from livestack.xisf_file import write_xisf

    frame = stack_in(path)
    plate = plate_of_frame(frame, read_noise(path))
    noise = {} if plate.noise is None else {"stderr": plate.noise}
    try:
        write_xisf(to, {"mean": plate.data, **noise}, frame.header.raw, VERSION)
    except OSError as error:
        raise SettingsError(f"{to} cannot be written: {error.strerror}") from None
