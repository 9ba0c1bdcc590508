"""Whether who uses this computer has asked for less motion on its screens."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from typing import Any

_ANIMATES = 0x1042  # SPI_GETCLIENTAREAANIMATION
_LINUX = ("gsettings", "get", "org.gnome.desktop.interface", "enable-animations"), "false"
_MAC = ("defaults", "read", "com.apple.universalaccess", "reduceMotion"), "1"
_MOST_S = 2.0


def wants_less_motion() -> bool:
    """Ask the system; False where it does not say. Takes some ten milliseconds."""
    if sys.platform == "win32":
        animates = ctypes.c_int(1)
        user: Any = ctypes.windll.user32
        return bool(user.SystemParametersInfoW(_ANIMATES, 0, ctypes.byref(animates), 0)) and not animates.value
    command, said = _MAC if sys.platform == "darwin" else _LINUX
    if shutil.which(command[0]) is None:
        return False
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_MOST_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == said
