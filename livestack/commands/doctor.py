"""Is this machine ready for a night? Each check says what it found and, where something is missing, what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PORT = 8577
PYTHONS = ((3, 11), (3, 13))
LEAST_FREE_GB = 5.0
LEAST_WATCHES = 8192
LEAST_INSTANCES = 32
LONGEST_START_S = 60.0

WINDOW_PACKAGES = (
    "libgl1 libegl1 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 "
    "libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-xinerama0 libxcb-shape0"
)
SOLVERS = ("astap_cli", "astap", "solve-field")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Attributes
    ----------
    name : str
        What was looked at, in a word or two.
    ok : bool
        False = something will not work as it is.
    sentence : str
        What was found; when not `ok`, what to do.
    """

    name: str
    ok: bool
    sentence: str


def examine(folder: Path, *, port: int = PORT) -> list[Check]:
    """Look at everything a session needs.

    Parameters
    ----------
    folder : Path
        Where sessions are kept; it need not exist yet. Nothing is left in it.
    port : int
        The page's.

    Returns
    -------
    list of Check
        In a fixed order; a check that cannot be made itself is not ok.
    """
    checks: tuple[Callable[[], Check], ...] = (
        check_python,
        check_display,
        check_window,
        check_raw,
        check_kernel_cache,
        lambda: check_writable(folder),
        lambda: check_space(folder),
        check_watching,
        lambda: check_port(port),
        check_solver,
        check_clock,
    )
    with ThreadPoolExecutor() as threads:  # some of them wait for a process of their own
        return list(threads.map(lambda check: check(), checks))


def check_python() -> Check:
    """Say whether every dependency has been built for this Python."""
    here = sys.version_info[:2]
    found = f"Python {sys.version.split()[0]}"
    if PYTHONS[0] <= here <= PYTHONS[1]:
        return Check("python", True, found)
    return Check("python", False, f"{found}: livestack needs 3.11, 3.12 or 3.13; run scripts/livestack.py with one")


def check_display() -> Check:
    """Say whether there is a screen; either is fine."""
    if _has_display():
        return Check("display", True, "a display: watch opens a window")
    return Check("display", True, "no display here: watch --serve shows the stack in any browser")


def check_window() -> Check:
    """Say whether Qt can open a window or, without a display, draw in memory."""
    display = _has_display()
    program = (  # without pyqtgraph, which hides the name of a missing library
        "import importlib as i, importlib.util as u; qt = 'PyQt5' if u.find_spec('PyQt5') else 'PySide6'; "
        "i.import_module(f'{qt}.QtWidgets').QApplication([])"
    )
    platform = os.environ.get("QT_QPA_PLATFORM") or ("" if display else "offscreen")
    fault = _fault(program, {"QT_QPA_PLATFORM": platform} if platform else {})
    if fault is None:
        return Check("window", True, "Qt opens a window" if display else "Qt loads (no window without a display)")
    if "connect to display" in fault:
        todo = "see that DISPLAY names the screen you sit at"
    elif sys.platform.startswith("linux"):
        todo = f"sudo apt-get install -y {WINDOW_PACKAGES}"
    else:
        todo = "run scripts/livestack.py again to repair the installation"
    needed = "" if display else " (needed only with a display)"
    return Check("window", not display, f"Qt cannot open a window{needed}: {fault}; {todo}")


def check_raw() -> Check:
    """Say whether the decoder of camera RAW files loads."""
    fault = _fault("import rawpy; rawpy.libraw_version")
    if fault is None:
        return Check("raw", True, "camera RAW files can be read")
    return Check("raw", False, f"camera RAW files cannot be read: {fault}; run scripts/livestack.py again to repair it")


def check_kernel_cache() -> Check:
    """Say whether compiled kernels can be kept; otherwise every start compiles them again."""
    from livestack.reduce import kernel_cache

    folder = kernel_cache()
    if _why_not_writable(folder) is None:
        return Check("kernels", True, f"compiled kernels are kept in {folder}")
    return Check("kernels", False, f"{folder} cannot be written: set NUMBA_CACHE_DIR to a folder of yours")


def check_writable(folder: Path) -> Check:
    """Say whether sessions can be written."""
    fault = _why_not_writable(folder)
    if fault is None:
        return Check("sessions", True, f"sessions go to {folder}")
    return Check("sessions", False, f"{folder} cannot be written ({fault}): choose another with --session")


def check_space(folder: Path) -> Check:
    """Say whether there is room for a night's stacks and checkpoint."""
    free_gb = shutil.disk_usage(_nearest(folder)).free / 1e9
    found = f"{free_gb:.1f} GB free for sessions"
    if free_gb >= LEAST_FREE_GB:
        return Check("space", True, found)
    return Check(
        "space", False, f"{found}, {LEAST_FREE_GB:.0f} GB are wanted: make room or choose a --session elsewhere"
    )


def check_watching(settings: Path = Path("/proc/sys/fs/inotify")) -> Check:
    """Say whether enough folders can be watched (Linux sets a limit)."""
    if not settings.is_dir():
        return Check("watching", True, "the system tells of new files without a limit to set")
    few = []
    for name, least in (("max_user_watches", LEAST_WATCHES), ("max_user_instances", LEAST_INSTANCES)):
        value = int((settings / name).read_text())
        if value < least:
            few.append(f"sudo sysctl fs.inotify.{name}={4 * least}")
    if few:
        return Check("watching", False, f"few folders can be watched, new files are found by polling: {'; '.join(few)}")
    return Check("watching", True, "the system tells of new files at once")


def check_port(port: int = PORT) -> Check:
    """Say whether the page's port is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as door:
        if os.name != "nt":  # as servers do: a port left a moment ago is free
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError:
            todo = f"stop the other program or serve with --bind 127.0.0.1:{port + 1 if port < 65535 else PORT}"
            return Check("port", False, f"port {port} is in use, perhaps by another livestack: {todo}")
    return Check("port", True, f"port {port} is free for the page")


def check_solver() -> Check:
    """Say whether there is a plate solver; it gives the stack coordinates and object names."""
    found = [path for path in map(shutil.which, SOLVERS) if path]
    if found:
        return Check("solver", True, f"plate solving by {found[0]}")
    todo = "sudo apt-get install -y astrometry.net astrometry-data-tycho2-10-19, or install ASTAP with a star database"
    return Check("solver", False, f"no plate solver, so no coordinates and no object names: {todo}")


def check_clock(now_s: float | None = None) -> Check:
    """Say whether the clock tells a time that can be; small computers without one wake up in the past."""
    now = time.time() if now_s is None else now_s
    told = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    written = Path(__file__).stat().st_mtime  # the program cannot be newer than now
    if now + 86400 >= written:
        return Check("clock", True, f"the clock says {told}")
    return Check("clock", False, f"the clock says {told}, before this program was written: set it (sudo timedatectl)")


def _has_display() -> bool:
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def _fault(program: str, environment: dict[str, str] | None = None) -> str | None:
    """Run a few words of Python in a process of their own, for they may crash it; return the last line of trouble."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            check=False,
            capture_output=True,
            text=True,
            timeout=LONGEST_START_S,
            env={**os.environ, **(environment or {})},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    telling = [line for line in lines if ".so" in line or "could not" in line.lower()]
    return (telling or lines[-1:] or [f"it ended with {done.returncode}"])[0]


def _nearest(folder: Path) -> Path:
    """Return the folder, or the closest one above it that exists."""
    folder = folder.absolute()
    return next(above for above in (folder, *folder.parents) if above.is_dir())


def _why_not_writable(folder: Path) -> str | None:
    try:
        if folder.exists() and not folder.is_dir():
            return "it is a file"
        with tempfile.TemporaryFile(dir=_nearest(folder)):
            return None
    except OSError as error:
        return error.strerror or str(error)
