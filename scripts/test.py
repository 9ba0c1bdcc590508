"""Install what the tests need and run them: ruff, mypy, then pytest (which runs the import contracts too).

    python3 scripts/test.py            everything
    python3 scripts/test.py --fast     without the tests marked slow
    python3 scripts/test.py tests/law -k doors      other arguments go to pytest

A missing browser or virtual display is an error under ``CI=true`` and a named skip elsewhere.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List

import bootstrap

NEEDED = {"Xvfb": "xvfb", "xauth": "xauth", "chromium": "chromium"}
CATALOGUE = "/usr/share/astrometry/index-tycho2-{}.littleendian.fits"
NIGHT = {  # another program's camera under real stars, and a plate solver; their tests are slow, and skipped without
    "indiserver": "indi-bin",
    "solve-field": "astrometry.net",
    CATALOGUE.format("07"): "astrometry-data-tycho2-07",
    CATALOGUE.format("10"): "astrometry-data-tycho2-10-19",
}
BESIDE = ("tests/night",)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Return 0 when every step passed."""
    arguments = sys.argv[1:]
    install_system = bootstrap.take_flag(arguments, "--install-system")
    fast = bootstrap.take_flag(arguments, "--fast")
    bootstrap.ensure("test", install_system)
    ensure_programs(install_system, fast)
    python = str(bootstrap.PYTHON)
    steps = [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [python, "-m", "livestack", "doctor", "--warm"],  # compiled once here, not within a test's time limit
    ]
    failed = [step for step in steps if subprocess.call(step, cwd=str(bootstrap.ROOT)) != 0]
    failed += run_tests([python, "-m", "pytest", *(["-m", "not slow"] if fast else [])], arguments)
    for step in failed:
        bootstrap.say(f"failed: {' '.join(step[2:])}")
    return 1 if failed else 0


def run_tests(pytest: List[str], arguments: List[str]) -> List[List[str]]:
    """Run the tests: whole nights, which wait for clocks and processes, beside all others.

    Returns what failed. Arguments choose the tests, and then there is one run of them.
    """
    if arguments:
        step = [*pytest, *arguments]
        return [step] if subprocess.call(step, cwd=str(bootstrap.ROOT)) != 0 else []
    beside, others = [*pytest, *BESIDE], [*pytest, *(f"--ignore={folder}" for folder in BESIDE)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(beside, cwd=str(bootstrap.ROOT), stdout=said, stderr=subprocess.STDOUT)
        codes = subprocess.call(others, cwd=str(bootstrap.ROOT)), process.wait()
        said.seek(0)
        shutil.copyfileobj(said, sys.stdout.buffer)
        sys.stdout.flush()
    return [step for step, code in zip((others, beside), codes) if code != 0]


def ensure_programs(install_system: bool, fast: bool) -> None:
    """See to the programs and libraries of the system that tests use."""
    if not sys.platform.startswith("linux"):
        return
    needed = missing(NEEDED) + (bootstrap.WINDOW_PACKAGES if bootstrap.window_fault() else [])
    if any(shutil.which(browser) for browser in BROWSERS):
        needed = [package for package in needed if package != "chromium"]
    there = not needed or bootstrap.apt_install(needed, "tests of the window and the page need these", install_system)
    if not there and os.environ.get("CI") == "true":
        sys.exit(1)
    night = [] if fast else missing(NIGHT)
    if night:
        bootstrap.apt_install(night, "tests of whole nights use these", install_system)


def missing(packages: Dict[str, str]) -> List[str]:
    """Return the Debian packages whose program or file is not there."""
    return [package for name, package in packages.items() if not (shutil.which(name) or Path(name).exists())]


if __name__ == "__main__":
    sys.exit(main())
