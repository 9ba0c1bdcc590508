"""The system is kept from sleeping while a session runs, and let go of however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from livestack.engine.awake import kept_awake

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the program that is asked is Linux's")

PROGRAM = """#!/bin/sh
echo "$@" > "{folder}/asked"
while [ "${{1#--}}" != "$1" ]; do shift; done
"$@"
touch "{folder}/let_go"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program that holds nothing, but tells what it was asked and when it was let go of."""
    program = tmp_path / "systemd-inhibit"
    program.write_text(PROGRAM.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def _comes(path: Path) -> bool:
    for _ in range(200):
        if path.exists():
            return True
        time.sleep(0.05)
    return False


def test_it_is_asked_for_while_it_is_needed_and_no_longer(folder: Path) -> None:
    with kept_awake():
        assert _comes(folder / "asked")
        assert not (folder / "let_go").exists()
    assert (folder / "let_go").exists()
    assert "sleep" in (folder / "asked").read_text()


def test_a_session_that_is_killed_lets_go_too(folder: Path) -> None:
    code = "import time; from livestack.engine.awake import kept_awake\nwith kept_awake(): time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code]) as killed:
        assert _comes(folder / "asked")
        assert not (folder / "let_go").exists()
        killed.send_signal(signal.SIGKILL)
    assert _comes(folder / "let_go")


def test_where_there_is_no_such_program_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with kept_awake():
        pass


def test_one_that_refuses_is_no_error(folder: Path) -> None:
    (folder / "systemd-inhibit").write_text("#!/bin/sh\nexit 1\n")
    with kept_awake():
        time.sleep(0.1)
