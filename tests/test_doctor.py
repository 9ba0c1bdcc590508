"""The doctor tells a ready machine from one that is not, and says what to do."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from livestack.commands import doctor


def test_examine_looks_at_everything_and_leaves_nothing(tmp_path: Path) -> None:
    checks = doctor.examine(tmp_path / "not" / "yet", port=_free_port())
    names = [check.name for check in checks]
    assert len(names) == len(set(names)) == 11
    assert all(check.sentence and "\n" not in check.sentence for check in checks)
    assert not list(tmp_path.iterdir())
    ready = {check.name: check for check in checks}
    for name in ("python", "raw", "kernels", "sessions", "port", "clock"):
        assert ready[name].ok, ready[name].sentence


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        check = doctor.check_port(port)
    assert not check.ok
    assert str(port) in check.sentence and "--bind" in check.sentence
    assert doctor.check_port(port).ok


def test_a_file_in_the_way_of_the_sessions_is_told(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("no folder")
    check = doctor.check_writable(tmp_path / "sessions")
    assert not check.ok and "--session" in check.sentence


def test_a_folder_that_takes_no_files_is_told() -> None:
    """Not even root may write there."""
    if not Path("/proc/self").is_dir():
        pytest.skip("there is no /proc here")
    check = doctor.check_writable(Path("/proc/livestack/sessions"))
    assert not check.ok and "--session" in check.sentence


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_space(tmp_path).ok
    monkeypatch.setattr(doctor, "LEAST_FREE_GB", 1e9)
    check = doctor.check_space(tmp_path / "not" / "yet")
    assert not check.ok and "GB free" in check.sentence


def test_few_watches_are_told_with_the_command(tmp_path: Path) -> None:
    (tmp_path / "max_user_watches").write_text("100\n")
    (tmp_path / "max_user_instances").write_text("128\n")
    check = doctor.check_watching(tmp_path)
    assert not check.ok
    assert "sudo sysctl fs.inotify.max_user_watches=" in check.sentence
    assert "instances" not in check.sentence
    (tmp_path / "max_user_watches").write_text("65536\n")
    assert doctor.check_watching(tmp_path).ok
    assert doctor.check_watching(tmp_path / "elsewhere").ok


def test_a_solver_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = doctor.check_solver()
    assert not missing.ok and "apt-get install" in missing.sentence
    (tmp_path / "solve-field").write_text("#!/bin/sh\n")
    (tmp_path / "solve-field").chmod(0o755)
    found = doctor.check_solver()
    assert found.ok and "solve-field" in found.sentence


def test_a_clock_in_the_past_is_told() -> None:
    assert doctor.check_clock().ok
    assert not doctor.check_clock(0.0).ok


def test_a_window_that_cannot_open_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a display that does not answer, Qt aborts its process; the doctor survives and says what to install."""
    if not sys.platform.startswith("linux"):
        pytest.skip("displays are named by DISPLAY on Linux only")
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    check = doctor.check_window()
    assert not check.ok
    assert ":987" in check.sentence or ".so" in check.sentence
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert doctor.check_window().ok


def test_kernels_that_cannot_be_kept_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    check = doctor.check_kernel_cache()
    assert not check.ok and "NUMBA_CACHE_DIR" in check.sentence
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    assert doctor.check_kernel_cache().ok


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
