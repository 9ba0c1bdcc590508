"""What a window does without: a driver of OpenGL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

OPENS = """
from livestack.show.qt import open_shell
shell = open_shell()
shell.show()
print([line.split()[-1] for line in open("/proc/self/maps") if "glx-integration" in line or "_dri.so" in line])
"""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="what is loaded is told by Linux")
@pytest.mark.usefixtures("xvfb")
def test_a_window_loads_no_driver_of_opengl() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
    command = ["xvfb-run", "-a", sys.executable, "-c", OPENS]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
