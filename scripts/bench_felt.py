"""How soon a hand sees what it does: ms from a slider's step, or a move of the wipe's line, until it is painted.

    xvfb-run -s "-screen 0 3840x2160x24" python -m scripts.bench_felt

Run from the project's folder, where scripts/livestack.py does not hide the package, on ``$DISPLAY`` or else offscreen.
The window shows the preview of a 26 MP colour stack (2082 × 1392 px). Told are medians of 100 moves: of the midtone
where the curve is all that is done, of the same in the automatic recipe, which takes sky glow and grain off, and of the
line between one sub and the stack; beside them what it takes to stretch the whole of 26 MP by NumPy, and pyqtgraph to
show that.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtWidgets

from livestack.develop.chain import PRESETS
from livestack.develop.live import whole
from livestack.develop.tone import Mtf
from livestack.journal import Journal
from livestack.show.qt.compare import WIPE
from livestack.show.qt.shell import Shell
from livestack.show.qt.window import Window
from livestack.show.source import open_source
from livestack.show.taste import MIDTONE
from scripts.bench_viewer import SIZE, begin, some_pictures, update

WINDOWS = (1920, 1080), (3840, 2160)
MOVES, WARM = 100, 10
_FULL_TIMES, _MIDTONE = 3, np.float32(0.13)


def main() -> None:
    """Measure, and print one line for each size."""
    with tempfile.TemporaryDirectory() as folder:
        session = Path(folder) / "session"
        (session / "cache").mkdir(parents=True)
        ini, scope = QtCore.QSettings.Format.IniFormat, QtCore.QSettings.Scope.UserScope
        QtCore.QSettings.setPath(ini, scope, str(Path(folder) / "taste"))
        journal = Journal(session / "journal.sqlite", create=True)
        begin(journal)
        pictures = some_pictures()
        for no in range(1, 41):
            update(session, journal, no, pictures)
        source = open_source(session)
        shell = Shell()
        viewer = shell._show_viewer(source)
        for wide, high in WINDOWS:
            shell.resize(wide, high)
            shell.show()
            print(json.dumps({"window": f"{wide}×{high}", **_felt(viewer), "whole_ms": _whole(wide, high)}), flush=True)
        print(json.dumps({"stretch_ms": _stretch()}))
        shell.close()
        source.journal.close()
        journal.close()


def _felt(viewer: Window) -> dict[str, float]:
    """Return the medians of all moves in a window, ms."""
    _rest(viewer)
    viewer.set_compare(WIPE)
    _rest(viewer)
    found = {"wipe_ms": _median(lambda k: viewer.canvas.wipe_to(0.5 + 0.4 * np.sin(k / 5)))}
    viewer.set_compare("")
    viewer.set_develop(True)
    auto, midtone = whole(PRESETS["auto"]), viewer.develop.rows[MIDTONE].slider
    for name, recipe in (("curve_ms", tuple(step for step in auto if isinstance(step, Mtf))), ("auto_ms", auto)):
        viewer.develop._change(recipe)
        _rest(viewer)
        found[name] = _median(lambda k: midtone.setValue(300 + 3 * k), until=viewer.canvas.drew)
    viewer.develop.reset()
    viewer.set_develop(False)
    return found


def _median(move: Callable[[int], object], until: QtCore.SignalInstance | None = None) -> float:
    app, took = QtWidgets.QApplication.instance(), []
    for k in range(MOVES + WARM):
        began = time.perf_counter()
        move(k)
        if until is not None:
            loop = QtCore.QEventLoop()
            until.connect(loop.quit)
            loop.exec()
            until.disconnect(loop.quit)
        app.processEvents()  # it is painted
        took.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(took[WARM:]), 1)


def _rest(viewer: Window) -> None:
    app, until = QtWidgets.QApplication.instance(), time.monotonic() + 1.0
    while time.monotonic() < until or viewer.canvas.is_busy:
        app.processEvents()
        time.sleep(0.002)


def _whole(wide: int, high: int) -> float:
    """Return what it takes to hand over all px of a stack as they are to be shown, and to paint them, ms."""
    app, view = QtWidgets.QApplication.instance(), pg.GraphicsLayoutWidget()
    item = pg.ImageItem()
    view.addViewBox().addItem(item)
    view.resize(wide, high)
    view.show()
    pixels, took = np.random.default_rng(1).integers(0, 255, (*SIZE, 3), np.uint8), []
    for _ in range(_FULL_TIMES):
        app.processEvents()
        began = time.perf_counter()
        item.setImage(pixels, levels=(0, 255))
        app.processEvents()
        took.append(1000 * (time.perf_counter() - began))
    view.close()
    return round(statistics.median(took), 1)


def _stretch() -> float:
    """Return what the curve of a midtone takes for all px of a stack, to be shown, ms."""
    light = np.random.default_rng(1).random((*SIZE, 3), np.float32)
    began = time.perf_counter()
    (255 * (_MIDTONE - 1) * light / ((2 * _MIDTONE - 1) * light - _MIDTONE)).astype(np.uint8)
    return round(1000 * (time.perf_counter() - began), 1)


if __name__ == "__main__":
    main()
