"""A watch from start to stop: what is there already, what is known, and a folder that comes and goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from livestack.frame import Identity
from livestack.settings import Watching
from livestack.watch import watch
from tests.watch.camera import SETTLE_S, complete, content, put, wanted, watching

OLD = 1_750_000_000
MODES = pytest.mark.parametrize("poll_s", [0.0, 0.1], ids=["events", "polling"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "captures"
    folder.mkdir()
    return folder


def put_old(path: Path, age: int = 0) -> Path:
    os.utime(put(path), (OLD - age, OLD - age))
    return path


def identity(path: Path) -> Identity:
    status = path.stat()
    return Identity(path, status.st_size, status.st_mtime_ns, status.st_ino)


def test_what_is_there_comes_as_one_batch_oldest_first(folder: Path) -> None:
    for age, name in ((1, "b/x.sub"), (3, "z.sub"), (2, "a.sub")):
        put_old(folder / name, age)
    same_time = [f"b/sub_{number}.sub" for number in range(5, 14)]
    for name in same_time:
        put_old(folder / name, 5)
    torn = put_old(folder / "torn.sub", 4)
    torn.write_bytes(content("torn")[:1000])
    os.utime(torn, (OLD - 4, OLD - 4))
    with watching(folder, settle_s=3.0) as watched:
        watched.until(lambda: watched.batches)
        assert watched.names == [*same_time, "torn.sub", "z.sub", "a.sub", "b/x.sub"]
        assert [
            name for name, arrival in zip(watched.names, watched.arrivals, strict=True) if not arrival.complete
        ] == ["torn.sub"]
        assert watched.arrivals[0].identity == identity(folder / "b/sub_5.sub")
    assert not watched.changes


def test_a_batch_is_in_the_order_that_is_asked_for(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for number in (11, 2, 30, 4):
        put(tmp_path / "new" / f"sub_{number}.sub")
    with watching(folder, oldest=lambda path: -int(path.stem[4:])) as watched:
        (tmp_path / "new").rename(folder / "new")
        watched.comes("new/sub_2.sub")
        assert [len(batch) for batch in watched.batches] == [4]
        assert watched.names == [f"new/sub_{number}.sub" for number in (30, 11, 4, 2)]


def test_known_files_never_come_again(folder: Path) -> None:
    """Not under another inode, as after a remount; not under a name they were given meanwhile."""
    here, renamed, replaced = (put_old(folder / f"{name}.sub") for name in ("here", "renamed", "replaced"))
    known = [identity(here), identity(renamed), identity(replaced)]
    known[0] = Identity(here, known[0].size, known[0].mtime_ns, known[0].inode + 1)
    renamed.rename(folder / "other name.sub")
    put(replaced)
    put(folder / "new.sub")
    with watching(folder, known=known) as watched:
        watched.only("replaced.sub", "new.sub")


def test_a_second_name_for_a_known_file_comes_for_its_content_to_be_judged(folder: Path) -> None:
    first = put_old(folder / "a.sub")
    (folder / "b.sub").hardlink_to(first)
    with watching(folder, known=[identity(first)]) as watched:
        watched.only("b.sub")


def test_a_truncated_file_comes_once_and_again_when_it_grows(folder: Path) -> None:
    data = content("a.sub")
    with watching(folder, patience_s=5 * SETTLE_S) as watched:
        (folder / "a.sub").write_bytes(data[:2000])
        watched.comes("a.sub")
        time.sleep(10 * SETTLE_S)
        assert [(arrival.complete, arrival.identity.size) for arrival in watched.arrivals] == [(False, 2000)]
        with (folder / "a.sub").open("ab") as file:
            file.write(data[2000:])
        watched.until(lambda: len(watched.arrivals) > 1)
        assert [arrival.complete for arrival in watched.arrivals] == [False, True]


def test_an_empty_file_never_comes_until_it_grows(folder: Path) -> None:
    with watching(folder, patience_s=2 * SETTLE_S) as watched:
        (folder / "a.sub").touch()
        time.sleep(5 * SETTLE_S)
        assert not watched.batches
        put(folder / "a.sub")
        watched.only("a.sub")


def test_a_file_that_is_gone_before_it_settled_does_not_come(folder: Path) -> None:
    with watching(folder) as watched:
        put(folder / "a.sub").unlink()
        watched.only()


def test_subfolders_only_when_asked(folder: Path) -> None:
    put_old(folder / "x/a.sub")
    put_old(folder / "b.sub")
    with watching(folder, recursive=False) as watched:
        put(folder / "x/c.sub")
        watched.only("b.sub")


def test_a_folder_behind_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tonight").symlink_to(folder)
    with watching(tmp_path / "tonight") as watched:
        put(folder / "x/a.sub")
        watched.comes("x/a.sub")
        assert watched.arrivals[0].identity.path == tmp_path / "tonight/x/a.sub"
        other = tmp_path / "other"
        put(other / "b.sub")
        (tmp_path / "tonight").unlink()
        (tmp_path / "tonight").symlink_to(other)
        watched.only("x/a.sub", "b.sub")


@MODES
def test_a_folder_that_does_not_exist_yet(tmp_path: Path, poll_s: float) -> None:
    folder = tmp_path / "2026-11-22" / "captures"
    with watching(folder, poll_s=poll_s) as watched:
        watched.until(lambda: watched.changes)
        assert watched.changes[0].lost
        assert watched.changes[0].sentence == f"{folder} does not exist yet."
        put(folder / "M31/a.sub")
        watched.only("M31/a.sub")
    assert [change.lost for change in watched.changes] == [True, False]


@MODES
def test_a_folder_deleted_and_made_again(folder: Path, poll_s: float) -> None:
    with watching(folder, poll_s=poll_s) as watched:
        for name in ("a.sub", "b.sub", "c.sub"):
            put(folder / "x" / name)
            watched.comes(f"x/{name}")
            shutil.rmtree(folder)
            folder.mkdir()
        watched.only("x/a.sub", "x/b.sub", "x/c.sub")


@MODES
def test_a_folder_lost_and_back(folder: Path, tmp_path: Path, poll_s: float) -> None:
    put_old(folder / "a.sub")
    with watching(folder, poll_s=poll_s) as watched:
        watched.comes("a.sub")
        folder.rename(tmp_path / "unplugged")
        put(tmp_path / "unplugged/b.sub")
        watched.until(lambda: watched.changes)
        assert watched.changes[0].lost
        assert str(folder) in watched.changes[0].sentence
        (tmp_path / "unplugged").rename(folder)
        watched.until(lambda: len(watched.changes) == 2)
        assert not watched.changes[1].lost
        watched.only("a.sub", "b.sub")
    assert len(watched.changes) == 2


def test_a_copy_of_the_folder_is_known_by_names_and_times(folder: Path, tmp_path: Path) -> None:
    put_old(folder / "a.sub")
    with watching(folder, poll_s=0.1) as watched:
        watched.comes("a.sub")
        shutil.copytree(folder, tmp_path / "copy")
        shutil.rmtree(folder)
        watched.until(lambda: watched.changes)
        (tmp_path / "copy").rename(folder)
        watched.only("a.sub")


def test_a_file_of_that_name_is_no_folder(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("not a folder")
    with watching(folder, poll_s=0.1) as watched:
        watched.until(lambda: watched.changes)
        assert "is not a folder" in watched.changes[0].sentence
        folder.unlink()
        put(folder / "a.sub")
        watched.only("a.sub")


@pytest.fixture
def disk(folder: Path) -> Iterator[Path]:
    """A disk mounted on the folder."""
    if sys.platform != "linux" or not shutil.which("mount") or os.geteuid():
        pytest.skip("only root can mount a disk")
    if subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=False, capture_output=True)


def test_an_unmounted_disk_is_a_lost_folder(disk: Path) -> None:
    put_old(disk / "a.sub")
    with watching(disk, poll_s=0.1) as watched:
        watched.comes("a.sub")
        subprocess.run(["umount", "--lazy", disk], check=True)
        watched.until(lambda: watched.changes)
        assert "unmounted" in watched.changes[0].sentence
        subprocess.run(["mount", "-t", "tmpfs", "none", disk], check=True)
        put_old(disk / "a.sub")
        put(disk / "b.sub")
        watched.only("a.sub", "b.sub")
    assert [change.lost for change in watched.changes] == [True, False]


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_without_events_for_want_of_handles_it_polls_and_says_so(folder: Path) -> None:
    """The process may open so few files that no events can be had: frames come all the same."""
    put_old(folder / "a.sub")
    program = """
import os, resource, sys, threading, time
from pathlib import Path
from tests.watch.camera import put, watching
with watching(Path(sys.argv[1])) as watched:
    pass
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    for handle in held[-2:]:
        os.close(handle)
with watching(Path(sys.argv[1])) as watched:
    watched.comes("a.sub")
    put(Path(sys.argv[1]) / "b.sub")
    watched.comes("b.sub")
print(watched.names, watched.changes)
"""
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=False)
    assert done.stdout == "['a.sub', 'b.sub'] []\n", done.stderr
    assert "limit of watched folders is reached" in done.stderr
    assert "Traceback" not in done.stderr


@MODES
def test_a_watch_leaves_no_thread_behind(folder: Path, poll_s: float) -> None:
    before = set(threading.enumerate())
    put_old(folder / "a.sub")
    told = watch(
        folder,
        wanted=wanted,
        complete=complete,
        oldest=str,
        known=[],
        settings=Watching(poll_s=poll_s),
        stop=threading.Event(),
    )
    assert isinstance(next(told), list)
    told.close()
    assert set(threading.enumerate()) == before


def test_a_stopped_watch_tells_nothing(folder: Path) -> None:
    put_old(folder / "a.sub")
    stop = threading.Event()
    stop.set()
    assert not list(
        watch(folder, wanted=wanted, complete=complete, oldest=str, known=[], settings=Watching(), stop=stop)
    )


def test_stop_ends_the_first_look_at_a_big_folder(folder: Path) -> None:
    """`stop` is set while the first of many files is asked whether it is complete: the others are not asked."""
    for number in range(50):
        put_old(folder / f"{number}.sub")
    stop, asked = threading.Event(), []

    def slow(path: Path) -> bool:
        asked.append(path)
        stop.set()
        return True

    assert not list(watch(folder, wanted=wanted, complete=slow, oldest=str, known=[], settings=Watching(), stop=stop))
    assert len(asked) == 1
