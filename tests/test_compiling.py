"""A start compiles what is not there yet, and no start waits twice for the same."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from livestack.commands import compiling


def test_a_start_waits_once_for_what_the_first_sub_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that end before everything is compiled do not make the next one wait again."""
    monkeypatch.setattr(compiling, "MARK", tmp_path / "all")
    monkeypatch.setattr(compiling, "FIRST_MARK", tmp_path / "first")
    monkeypatch.setattr(compiling, "NEXT_MARK", tmp_path / "next")
    ready, fluent, stop, said = threading.Event(), threading.Event(), threading.Event(), list[str]()
    ready.set()
    fluent.set()
    with compiling.compiled(ready, fluent, stop, said.append):
        assert len(said) == 1
        assert ready.wait(120)
        assert fluent.wait(120)
    assert (tmp_path / "first").exists()
    assert (tmp_path / "next").exists()
    with compiling.compiled(ready, fluent, stop, said.append):
        assert ready.is_set()
        assert fluent.is_set()
    assert len(said) == 1


def test_drizzle_is_compiled_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MARK", "FIRST_MARK", "NEXT_MARK", "DRIZZLE_MARK"):
        monkeypatch.setattr(compiling, name, tmp_path / name)
        (tmp_path / name).touch()
    (tmp_path / "DRIZZLE_MARK").unlink()
    events, said = [threading.Event() for _ in range(3)], list[str]()
    with compiling.compiled(*events, said.append):
        assert not said
    with compiling.compiled(*events, said.append, drizzle=True):
        assert said == ["drizzle is compiled beside the first subs, once"]
    compiling.DRIZZLE["drizzle"]()
    with compiling.compiled(*events, said.append, drizzle=True):
        assert len(said) == 1


def test_a_stop_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MARK", tmp_path / "all")
    monkeypatch.setattr(compiling, "FIRST_MARK", tmp_path / "first")
    monkeypatch.setattr(compiling, "NEXT_MARK", tmp_path / "next")
    ready, fluent, stop = threading.Event(), threading.Event(), threading.Event()
    with compiling.compiled(ready, fluent, stop, lambda _: None):
        assert not ready.is_set()
        stop.set()
        assert ready.wait(20)
    assert not (tmp_path / "first").exists()


def test_another_copy_of_the_program_has_nothing_compiled(tmp_path: Path) -> None:
    """What is kept is found by where the program lies: a mark of another copy's kernels would be no truth."""
    sources = Path(compiling.__file__).parents[1]
    shutil.copytree(sources, tmp_path / "livestack", ignore=shutil.ignore_patterns("__pycache__"))
    asked = "from livestack.reduce import MARK; print(MARK)"
    marks = {
        subprocess.run(
            [sys.executable, "-P", "-c", asked], env={**os.environ, "PYTHONPATH": str(folder)}, text=True, check=True,
            capture_output=True,
        ).stdout
        for folder in (sources.parent, tmp_path)
    }  # fmt: skip
    assert len(marks) == 2


def test_kernels_of_versions_that_are_used_no_more_are_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was used within three months stays, and so does what is not ours."""
    marks = {
        name: tmp_path / name / "all" for name in ("kernels-now", "kernels-lately", "kernels-long-ago", "pictures")
    }
    for name, mark in marks.items():
        mark.parent.mkdir()
        mark.touch()
        if name != "kernels-lately":
            os.utime(mark, (1e9, 1e9))
    monkeypatch.setattr(compiling, "MARK", marks["kernels-now"])
    monkeypatch.setattr(compiling, "FIRST_MARK", marks["kernels-now"])
    for _ in range(2):
        with compiling.compiled(threading.Event(), threading.Event(), threading.Event(), lambda _: None):
            pass
    assert {name for name, mark in marks.items() if mark.exists()} == set(marks) - {"kernels-long-ago"}
    assert marks["kernels-now"].stat().st_mtime > 1.7e9  # it is in use


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_what_compiles_ends_with_a_session_that_was_killed(tmp_path: Path) -> None:
    """A service that crashes and starts again would have more of them each time."""
    command = [sys.executable, "-c", _COMPILES]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as session:
        assert session.stdout is not None
        worker = int(session.stdout.readline())
        session.kill()
    end_s = time.monotonic() + 60
    while _lives(worker) and time.monotonic() < end_s:
        time.sleep(0.1)
    lived = _lives(worker)
    if lived:
        os.kill(worker, signal.SIGKILL)
    assert not lived


_COMPILES = """
import time
from livestack.commands import compiling
with compiling._at_work(["night"]) as workers:
    print(workers[0].pid, flush=True)
    time.sleep(600)
"""


def _lives(pid: int) -> bool:
    """Whether a process computes; what is a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
