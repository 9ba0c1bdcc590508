"""What a scan finds on a real file system."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from livestack.watch import scan
from livestack.watch.scan import Tree, is_being_written, is_remote, look, natural

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes a file")


def tree(top: Path, recursive: bool = True) -> Tree:
    return Tree(str(top), recursive, lambda path: path.endswith(".sub"))


def names(found: Iterator[tuple[str, object]], top: Path) -> list[str]:
    return sorted(os.path.relpath(path, top) for path, _ in found)


def make(path: Path, content: bytes = b"light") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_wanted_files_of_visible_folders(tmp_path: Path) -> None:
    for name in ("a.sub", "M 31/Ha/b.sub", "Ω/c.sub", "d.txt", ".hidden/e.sub", "M 31/@eaDir/f.sub"):
        make(tmp_path / name)
    (tmp_path / "g.sub").mkdir()
    os.mkfifo(tmp_path / "h.sub")
    (tmp_path / "i.sub").symlink_to(tmp_path / "nothing")
    assert names(tree(tmp_path).scan(thorough=True), tmp_path) == ["M 31/Ha/b.sub", "a.sub", "Ω/c.sub"]
    assert names(tree(tmp_path, recursive=False).scan(thorough=True), tmp_path) == ["a.sub"]


def test_what_a_scan_finds_is_found_under_its_path_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a.sub", "x/y/b.sub", "x/.z/c.sub", "x/d.txt"):
        make(tmp_path / name)
    one = tree(tmp_path)
    for where, expected in {
        "a.sub": ["a.sub"],
        "x": ["x/y/b.sub"],
        "x/y": ["x/y/b.sub"],
        "x/.z": [],
        "x/.z/c.sub": [],
        "x/d.txt": [],
        "gone": [],
    }.items():
        assert names(one.under(str(tmp_path / where)), tmp_path) == expected, where
    assert names(tree(tmp_path, recursive=False).under(str(tmp_path / "x/y/b.sub")), tmp_path) == []


def test_links_to_folders_are_followed_once_and_never_in_circles(tmp_path: Path) -> None:
    make(tmp_path / "captures/night/a.sub")
    make(tmp_path / "elsewhere/b.sub")
    top = tmp_path / "captures"
    (top / "again").symlink_to(top / "night")
    (top / "night/up").symlink_to(tmp_path)
    (top / "other").symlink_to(tmp_path / "elsewhere")
    assert names(tree(top).scan(thorough=True), top) == ["night/a.sub", "other/b.sub"]


def test_a_quick_scan_passes_quiet_folders_over_and_misses_no_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "QUIET_S", 0.05)
    make(tmp_path / "night_1/a.sub")
    make(tmp_path / "night_2/b.sub")
    one = tree(tmp_path)
    assert names(one.scan(thorough=False), tmp_path) == ["night_1/a.sub", "night_2/b.sub"]
    time.sleep(0.06)
    assert names(one.scan(thorough=False), tmp_path) == ["night_1/a.sub", "night_2/b.sub"], (
        "listed once more when quiet"
    )
    assert names(one.scan(thorough=False), tmp_path) == []
    make(tmp_path / "night_2/c.sub")
    make(tmp_path / "night_3/deep/d.sub")
    assert names(one.scan(thorough=False), tmp_path) == ["night_2/b.sub", "night_2/c.sub", "night_3/deep/d.sub"]
    assert len(names(one.scan(thorough=True), tmp_path)) == 4


def test_a_folder_that_goes_away_is_no_error(tmp_path: Path) -> None:
    make(tmp_path / "x/a.sub")
    one = tree(tmp_path / "x")
    assert len(list(one.scan(thorough=True))) == 1
    (tmp_path / "x/a.sub").unlink()
    (tmp_path / "x").rmdir()
    assert list(one.scan(thorough=True)) == []


def test_a_look_sees_regular_files_only(tmp_path: Path) -> None:
    path = make(tmp_path / "a.sub")
    status = path.stat()
    assert look(str(path)) == look(str(path), fresh=True) == (5, status.st_mtime_ns, status.st_ino)
    assert look(str(tmp_path)) is None
    assert look(str(tmp_path / "gone"), fresh=True) is None


@LINUX
def test_a_file_is_being_written_until_the_last_writer_lets_go(tmp_path: Path) -> None:
    path = make(tmp_path / "a.sub")
    with path.open("rb"):
        assert not is_being_written(str(path)), "readers do not matter"
    with path.open("r+b") as file:
        assert is_being_written(str(path))
        mapped = mmap.mmap(file.fileno(), 0)
    assert is_being_written(str(path)), "still mapped"
    mapped.close()
    assert not is_being_written(str(path))
    assert not is_being_written(str(tmp_path / "gone"))


@LINUX
def test_asking_does_not_disturb_a_writer(tmp_path: Path) -> None:
    """A writer opens the file thousands of times while it is asked about; neither is hurt or refused."""
    path = make(tmp_path / "a.sub")
    program = "import sys\nfor _ in range(3000): open(sys.argv[1], 'ab').close()\nprint('done')"
    writer = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    while writer.poll() is None:
        is_being_written(str(path))
    assert writer.communicate()[0] == "done\n"
    assert not is_being_written(str(path))


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:40 / /mnt/nas rw - nfs4 nas:/export rw
24 22 0:41 / /mnt/my\\040share rw shared:1 - cifs //pc/captures rw
25 23 8:1 / /mnt/nas/usb rw - exfat /dev/sda1 rw
26 22 0:42 / /home/me/scope rw - fuse.sshfs me@scope:/ rw
27 22 0:43 / /media/stick rw - fuseblk /dev/sdb1 rw
28 22 0:44 / /media/host rw - vboxsf host rw
"""


@pytest.mark.parametrize(
    ("folder", "remote"),
    [
        ("/captures", False),
        ("/mnt/nas", True),
        ("/mnt/nas/2026/M31", True),
        ("/mnt/nasty", False),
        ("/mnt/nas/usb/M31", False),
        ("/mnt/my share/M31", True),
        ("/home/me/scope/x", True),
        ("/media/stick", False),
        ("/media/host", True),
        ("\\\\pc\\captures", True),
    ],
)
def test_network_shares_are_told_by_their_file_system(tmp_path: Path, folder: str, remote: bool) -> None:
    table = make(tmp_path / "mountinfo", MOUNTS.encode())
    assert is_remote(folder, table) is remote


def test_without_a_table_of_mounts_a_folder_is_local(tmp_path: Path) -> None:
    assert not is_remote("/captures", tmp_path / "none")


def test_natural_order() -> None:
    shuffled = ["sub_10", "sub_9", "Sub_9", "sub", "9", "sub_9_2", "sub_009"]
    assert sorted(shuffled, key=natural)[:2] == ["9", "Sub_9"]
    assert natural("sub_9") < natural("sub_10") < natural("sub_10b")
