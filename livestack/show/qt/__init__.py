"""The live viewer: a window on a session."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from livestack.errors import SettingsError
from livestack.show.source import Source

if TYPE_CHECKING:
    from livestack.show.qt.shell import Shell

_APT = (
    "sudo apt-get install -y --no-install-recommends libgl1 libglib2.0-0 libfontconfig1 libdbus-1-3 "
    "libxkbcommon-x11-0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-xinerama0 libxcb-shape0"
)
_APT_PYSIDE = " libegl1 libxcb-cursor0"


def run_viewer(source: Source, *, screenshot: Path | None = None) -> int:
    """Show a session in a window until it is closed; ends the engine too when it runs in this process.

    Parameters
    ----------
    source : Source
        What to show.
    screenshot : Path, optional
        Write a picture of the window there (PNG) once it shows what there is, and return.

    Returns
    -------
    int
        Exit code, 0.

    Raises
    ------
    SettingsError
        There is no display, or a system library that Qt needs is missing.
    """
    check_qt()
    _draw_without_gl()
    from livestack.show.qt.shell import show_window

    return show_window(source, screenshot)


def open_shell() -> Shell:
    """Return the window in which sessions follow one another, not shown yet.

    Raises
    ------
    SettingsError
        As `run_viewer`.
    """
    check_qt()
    _draw_without_gl()
    from livestack.show.qt.shell import Shell

    return Shell()


def check_qt() -> None:
    """See whether a window can be opened. Qt itself would end the process without a word that helps.

    Raises
    ------
    SettingsError
        With what to install.
    """
    try:
        from pyqtgraph.Qt import QT_LIB, QtCore
    except ImportError as error:
        raise SettingsError(f"the viewer cannot start: {_cause(error)}. Install what is missing: {_line()}") from None
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM", "xcb") != "xcb":
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise SettingsError("the viewer needs a display and there is none here: use --serve, or --viewer none")
    info = QtCore.QLibraryInfo
    plugins = info.location(info.PluginsPath) if QT_LIB == "PyQt5" else info.path(info.LibraryPath.PluginsPath)
    plugin = Path(plugins) / "platforms" / "libqxcb.so"
    try:
        if plugin.exists():
            ctypes.CDLL(str(plugin))
    except OSError as error:
        raise SettingsError(f"the viewer cannot start: {error}. Install what is missing: {_line()}") from None


def _draw_without_gl() -> None:
    """Have Qt load no OpenGL on X11, unless it was told to: all is drawn without it, and a driver takes 60 MB."""
    os.environ.setdefault("QT_XCB_GL_INTEGRATION", "none")


def _cause(error: ImportError) -> str:
    """Return what the Qt package itself says: pyqtgraph only says that none could be imported."""
    for package in ("PyQt5.QtWidgets", "PySide6.QtWidgets"):
        try:
            __import__(package)
        except ModuleNotFoundError:
            continue
        except ImportError as real:
            return str(real)
    return str(error).splitlines()[0]


def _line() -> str:
    aarch64 = os.uname().machine == "aarch64" if hasattr(os, "uname") else False
    return _APT + (_APT_PYSIDE if aarch64 else "")
