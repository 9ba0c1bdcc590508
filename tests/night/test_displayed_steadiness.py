"""What a window shows of a real night: a sky that holds still, and a brightness that never jumps."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore
from pytestqt.qtbot import QtBot

from livestack.engine.drawing import stack_picture
from livestack.frame import Array
from livestack.picture import write_picture
from livestack.show.qt.window import Window
from livestack.show.source import open_source
from tests.nights import Told
from tests.show.grab import drawn, pixels

pytestmark = pytest.mark.slow

PATCH = 32
LOOKED_AT = 6
"""So many subs have been looked at three times: what one of them had alone is out by then."""
SKY_LEVELS, SKY_LEVELS_PER_100_MS, MEAN = 1.0, 2.0, 0.01
SLACK = 1.05
"""A fade looks at squares of its own, and its steps are whole ms."""
EDGE = 2


@pytest.mark.parametrize("sequence", ["A_arp186_asi290_altaz", "A_hatp32_microobs"])
def test_no_frame_that_is_shown_jumps(sequence: str, real_data: Path, tmp_path: Path, qtbot: QtBot) -> None:
    settings = QtCore.QSettings
    settings.setPath(settings.Format.IniFormat, settings.Scope.UserScope, str(tmp_path / "taste"))
    frames = [path for path in (real_data / sequence).iterdir() if path.suffix.lower() in (".fit", ".fits")]
    told = Told(tmp_path / "told")
    source = replace(open_source(told.home), is_on_disk=False)
    window = Window(source)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    canvas, before, n_glides = window.canvas, None, 0
    for version, file in enumerate(sorted(frames, key=_numbers), 1):
        told.see(file)
        growth = told.session.latest
        assert growth is not None
        write_picture(told.home / "cache" / "picture.npy", stack_picture(growth, None, version))
        canvas._glided.stop()  # each glide at once: subs come faster than they did
        acts = canvas._acts
        with qtbot.waitSignal(canvas.drew, timeout=30_000):
            window.live.tick()
        glides, fade = canvas._acts is not acts, canvas.fade
        drawn(canvas, qtbot)
        lasts_ms, step_ms = fade.this_ms, fade.step_ms
        after = pixels(canvas)
        if before is not None:
            n_glides += glides
            mean = abs(after.mean() / before.mean() - 1)
            print(version, glides, _moved(before, after, 2 * PATCH))
            assert mean * step_ms / lasts_ms <= SLACK * MEAN
            assert _moved(before, after, PATCH) * 100 / lasts_ms <= SLACK * SKY_LEVELS_PER_100_MS
            if version > LOOKED_AT and not glides:
                assert _moved(before, after, 2 * PATCH) <= SKY_LEVELS
        before = after
    source.journal.close()
    assert n_glides


def _numbers(path: Path) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", path.name)]


def _moved(before: Array, after: Array, size: int) -> float:
    """Return by how much the dark patches, so many px wide, of what is shown moved, levels of 255."""
    one, other = _patches(before, size), _patches(after, size)
    dark = one <= np.median(one)
    return float(np.abs(one - other)[dark].max())


def _patches(image: Array, size: int) -> Array:
    """Means of the patches of a picture, levels of 255, without those at its edge."""
    height, width = (side // size * size for side in image.shape[:2])
    boxes = image[:height, :width].reshape(height // size, size, width // size, size, -1)
    means: Array = boxes.mean(axis=(1, 3, 4))[EDGE:-EDGE, EDGE:-EDGE]
    return means
