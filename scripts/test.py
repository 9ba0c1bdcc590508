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
from typing import List

import bootstrap

PROGRAMS = {"Xvfb": "xvfb", "xauth": "xauth", "chromium": "chromium"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Return 0 when every step passed."""
    arguments = sys.argv[1:]
    install_system = bootstrap.take_flag(arguments, "--install-system")
    fast = ["-m", "not slow"] if bootstrap.take_flag(arguments, "--fast") else []
    bootstrap.ensure("test", install_system)
    ensure_programs(install_system)
    python = str(bootstrap.PYTHON)
    steps = [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [python, "-m", "pytest", *fast, *arguments],
    ]
    failed = [step for step in steps if subprocess.call(step, cwd=str(bootstrap.ROOT)) != 0]
    for step in failed:
        bootstrap.say(f"failed: {' '.join(step[2:])}")
    return 1 if failed else 0


def ensure_programs(install_system: bool) -> None:
    """See to the programs and libraries that the tests of the window and the page need."""
    if not sys.platform.startswith("linux"):
        return
    packages = missing_packages()
    if not packages:
        return
    there = bootstrap.apt_install(packages, "some tests need programs and libraries of the system", install_system)
    if not there and os.environ.get("CI") == "true":
        sys.exit(1)


def missing_packages() -> List[str]:
    """Return the Debian packages without which some tests would be skipped."""
    packages = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    if any(shutil.which(browser) for browser in BROWSERS):
        packages = [package for package in packages if package != "chromium"]
    return packages + (bootstrap.WINDOW_PACKAGES if bootstrap.window_fault() else [])


if __name__ == "__main__":
    sys.exit(main())
