"""What every test stands on: no screen, a home of its own, real frames where they are."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

# Without a display Qt calls abort() and takes pytest with it: said before anything can import Qt.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

import pytest

from livestack.garbage import collect, collect_by_hand

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SLOW_TIMEOUT_S = 600
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def pytest_sessionstart() -> None:
    collect_by_hand()  # tests have windows and threads in one process


def pytest_runtest_logfinish() -> None:
    """What a test left ends here, not in a thread of another test."""
    collect()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))


@pytest.fixture(autouse=True, scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Sessions, settings and logs that tests start go to a temporary home; the numba cache stays where it is."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        (home / name.lower()).mkdir()
        os.environ[name] = str(home / name.lower())


@pytest.fixture(autouse=True)
def _signals_as_found() -> Iterator[None]:
    """What a test does to signals, every process started after it would inherit."""
    before = [signal.getsignal(number) for number in _STOPPING]
    yield
    assert [signal.getsignal(number) for number in _STOPPING] == before, "a test left a signal's handler changed"


@pytest.fixture(autouse=True)
def _settings_as_found(_own_home: None) -> Iterator[None]:
    """What a test sets in the home that all share, every session started after it would obey: it needs its own."""
    yield
    written = [str(path) for path in Path(os.environ["XDG_CONFIG_HOME"]).rglob("*.toml")]
    assert not written, f"a test left {', '.join(written)}"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real frames."""
    named = os.environ.get("LIVESTACK_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if folder.is_dir():
        return folder
    if named:
        pytest.fail(f"LIVESTACK_TEST_DATA names {named}, which is not a folder")
    pytest.skip("no real frames: set LIVESTACK_TEST_DATA")


@pytest.fixture(scope="session")
def browser() -> str:
    """The path of a Chromium."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or _absent("no browser: apt-get install chromium")


@pytest.fixture(scope="session")
def xvfb() -> str:
    """The path of Xvfb, for tests of a real window."""
    return shutil.which("Xvfb") or _absent("no virtual display: apt-get install xvfb xauth")


def _absent(what: str) -> str:
    if os.environ.get("CI") == "true" and sys.platform.startswith("linux"):
        pytest.fail(what)
    pytest.skip(what)
