"""However a file gets into the folder, it comes once, whole, under its last name."""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.watch.camera import SETTLE_S, Watched, content, is_whole, put, watching

PIECES = 5
PAUSE_S = SETTLE_S / 2

Arrive = Callable[[Path, Path, Watched], list[str]]
ROWS: list[Arrive] = []


def row(arrive: Arrive) -> Arrive:
    """Count a function among the ways to arrive: it gets the folder, one beside it, the watch; it returns the names."""
    ROWS.append(arrive)
    return arrive


def pieces(data: bytes) -> list[bytes]:
    size = -(-len(data) // PIECES)
    return [data[start : start + size] for start in range(0, len(data), size)]


@row
def copied(folder: Path, outside: Path, watched: Watched) -> list[str]:
    shutil.copy(put(outside / "a.sub"), folder)
    return ["a.sub"]


@row
def copied_with_its_old_time(folder: Path, outside: Path, watched: Watched) -> list[str]:
    os.utime(put(outside / "a.sub"), (1e9, 1e9))
    shutil.copy2(outside / "a.sub", folder)
    return ["a.sub"]


@row
def written_slowly(folder: Path, outside: Path, watched: Watched) -> list[str]:
    with (folder / "a.sub").open("wb") as file:
        for piece in pieces(content("a.sub")):
            file.write(piece)
            file.flush()
            time.sleep(PAUSE_S)
    return ["a.sub"]


@row
def opened_and_closed_for_each_piece(folder: Path, outside: Path, watched: Watched) -> list[str]:
    for piece in pieces(content("a.sub")):
        with (folder / "a.sub").open("ab") as file:
            file.write(piece)
        time.sleep(PAUSE_S)
    return ["a.sub"]


@row
def stalled_in_the_middle(folder: Path, outside: Path, watched: Watched) -> list[str]:
    for piece in pieces(content("a.sub")):
        with (folder / "a.sub").open("ab") as file:
            file.write(piece)
        time.sleep(1.5 * SETTLE_S)
    return ["a.sub"]


@row
def preallocated_then_filled(folder: Path, outside: Path, watched: Watched) -> list[str]:
    data = content("a.sub")
    with (folder / "a.sub").open("wb") as file:
        file.truncate(len(data))
        for piece in pieces(data):
            file.write(piece)
            file.flush()
            time.sleep(1.5 * SETTLE_S)
    return ["a.sub"]


@row
def written_through_memory(folder: Path, outside: Path, watched: Watched) -> list[str]:
    data = content("a.sub", 3 * mmap.PAGESIZE)
    with (folder / "a.sub").open("w+b") as file:
        file.truncate(len(data))
        mapped = mmap.mmap(file.fileno(), len(data))
    for start in range(0, len(data), mmap.PAGESIZE):
        mapped[start : start + mmap.PAGESIZE] = data[start : start + mmap.PAGESIZE]
        time.sleep(1.5 * SETTLE_S)
    mapped.close()
    return ["a.sub"]


@row
def renamed_when_done(folder: Path, outside: Path, watched: Watched) -> list[str]:
    put(folder / "a.sub.tmp").rename(folder / "a.sub")
    (folder / ".b.sub").write_bytes(content("b.sub"))
    time.sleep(2 * SETTLE_S)
    (folder / ".b.sub").rename(folder / "b.sub")
    return ["a.sub", "b.sub"]


@row
def renamed_at_once_from_a_name_that_is_wanted_too(folder: Path, outside: Path, watched: Watched) -> list[str]:
    with (folder / "$$TEMPERATURE$$.sub").open("wb") as file:
        file.write(content("a.sub"))
        Path(file.name).rename(folder / "a_-10C.sub")
    return ["a_-10C.sub"]


@row
def renamed_after_it_had_come(folder: Path, outside: Path, watched: Watched) -> list[str]:
    put(folder / "$$TEMPERATURE$$.sub")
    watched.comes("$$TEMPERATURE$$.sub")
    (folder / "$$TEMPERATURE$$.sub").rename(folder / "a_-10C.sub")
    time.sleep(3 * SETTLE_S)
    return ["$$TEMPERATURE$$.sub"]


@row
def numbers_moved_up_by_one(folder: Path, outside: Path, watched: Watched) -> list[str]:
    """latest.sub becomes previous.sub, and a new latest.sub comes: one frame more, not two."""
    put(folder / "latest.sub")
    watched.comes("latest.sub")
    (folder / "latest.sub").rename(folder / "previous.sub")
    (folder / "latest.sub").write_bytes(content("another", 5000))
    watched.until(lambda: watched.names.count("latest.sub") == 2)
    return ["latest.sub", "latest.sub"]


@row
def moved_in(folder: Path, outside: Path, watched: Watched) -> list[str]:
    put(outside / "a.sub").rename(folder / "a.sub")
    return ["a.sub"]


@row
def linked_in(folder: Path, outside: Path, watched: Watched) -> list[str]:
    (folder / "a.sub").hardlink_to(put(outside / "a.sub"))
    (folder / "b.sub").symlink_to(put(outside / "b.sub"))
    return ["a.sub", "b.sub"]


@row
def folder_made_and_filled_at_once(folder: Path, outside: Path, watched: Watched) -> list[str]:
    names = [f"2026-11-22/M 31/Ha/sub_{number}.sub" for number in range(3)]
    for name in names:
        put(folder / name)
    return names


@row
def folder_made_long_before(folder: Path, outside: Path, watched: Watched) -> list[str]:
    (folder / "x/y/z").mkdir(parents=True)
    time.sleep(3 * SETTLE_S)
    put(folder / "x/y/z/a.sub")
    return ["x/y/z/a.sub"]


@row
def folder_moved_in(folder: Path, outside: Path, watched: Watched) -> list[str]:
    put(outside / "M31/Ha/a.sub")
    put(outside / "M31/b.sub")
    (outside / "M31").rename(folder / "M31")
    return ["M31/Ha/a.sub", "M31/b.sub"]


@row
def folder_renamed_after_all_had_come(folder: Path, outside: Path, watched: Watched) -> list[str]:
    put(folder / "night/a.sub")
    watched.comes("night/a.sub")
    (folder / "night").rename(folder / "2026-11-22")
    put(folder / "2026-11-22/b.sub")
    return ["night/a.sub", "2026-11-22/b.sub"]


@row
def overwritten(folder: Path, outside: Path, watched: Watched) -> list[str]:
    put(folder / "a.sub")
    watched.comes("a.sub")
    (folder / "a.sub").write_bytes(content("another"))
    watched.until(lambda: watched.names.count("a.sub") == 2)
    return ["a.sub", "a.sub"]


@row
def touched(folder: Path, outside: Path, watched: Watched) -> list[str]:
    put(folder / "a.sub")
    watched.comes("a.sub")
    (folder / "a.sub").touch()
    watched.until(lambda: watched.names.count("a.sub") == 2)
    return ["a.sub", "a.sub"]


@row
def read_by_us(folder: Path, outside: Path, watched: Watched) -> list[str]:
    put(folder / "a.sub")
    watched.comes("a.sub")
    for _ in range(20):
        assert is_whole(folder / "a.sub")
    time.sleep(3 * SETTLE_S)
    return ["a.sub"]


@row
def among_other_files(folder: Path, outside: Path, watched: Watched) -> list[str]:
    for name in (".a.sub", "a.txt", "a_thn.jpg", ".git/b.sub"):
        put(folder / name)
    (folder / "empty.sub").touch()
    put(folder / "a.sub")
    return ["a.sub"]


@pytest.mark.parametrize("poll_s", [0.0, 0.05], ids=["events", "polling"])
@pytest.mark.parametrize("arrive", ROWS, ids=lambda arrive: arrive.__name__)
def test_it_comes_once_and_whole(tmp_path: Path, arrive: Arrive, poll_s: float) -> None:
    folder, outside = tmp_path / "captures", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    with watching(folder, poll_s=poll_s) as watched:
        watched.only(*arrive(folder, outside, watched))


def test_a_scan_brings_nothing_that_events_had_brought(tmp_path: Path) -> None:
    """All at once, with events, until a scan was made: no event comes from behind a link to a folder."""
    folder = tmp_path / "captures"
    for name in ("captures", "behind"):
        (tmp_path / name).mkdir()
    (folder / "link").symlink_to(tmp_path / "behind")
    with watching(folder) as watched:
        names = []
        for arrive in (copied, moved_in, linked_in, renamed_when_done, folder_moved_in, folder_made_and_filled_at_once):
            where, outside = folder / arrive.__name__, tmp_path / f"{arrive.__name__}_outside"
            where.mkdir()
            outside.mkdir()
            names += [f"{arrive.__name__}/{name}" for name in arrive(where, outside, watched)]
        watched.comes(*names)
        put(folder / "link/last.sub")
        watched.comes("link/last.sub")
        assert sorted(watched.names) == sorted([*names, "link/last.sub"])
        assert not watched.torn


def test_many_small_files_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    with watching(folder) as watched:
        names = [f"{number % 7}/sub_{number}.sub" for number in range(2000)]
        for name in names:
            put(folder / name)
        watched.only(*names)


def test_slow_cameras_side_by_side(tmp_path: Path) -> None:
    """Three programs write shuffled frames in 20 pieces each, each in its own way, with other files between."""
    sources = [put(tmp_path / "frames" / f"sub_{number}.sub") for number in range(9)]
    folder = tmp_path / "captures"
    program = Path(__file__).parents[1] / "night" / "slow_camera.py"
    ways = {"in-place": "text,half,empty", "preallocate": "hidden,thumbnail,text", "append": "empty,half,hidden"}
    with watching(folder) as watched:
        cameras = []
        for seed, (way, junk) in enumerate(ways.items()):
            options = ["--shuffle", str(seed), "--pause", "0.01", "--way", way, "--junk", junk]
            command = [sys.executable, str(program), str(folder / way), *map(str, sources), *options]
            cameras.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        expected = [f"{way}/{source.name}" for way in ways for source in sources]
        watched.only(*expected)
        assert [camera.wait() for camera in cameras] == [0, 0, 0]
