"""One sub of a session again, on the grid of its stack: for a screen, from the file and the journal alone."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from livestack.errors import FrameError
from livestack.events import MastersMatched, StackFounded, SubAccepted, SubRejected, from_dict
from livestack.frame import Array, Frame, Header, Masters, Picture
from livestack.journal import Journal
from livestack.read import file_of, open_frame
from livestack.reduce.bands import each_band
from livestack.reduce.fold import Light
from livestack.reduce.kernels import WIDEST_TILE, warp_and_normalise
from livestack.reduce.measure import measure
from livestack.reduce.normalise import sky_level
from livestack.reduce.preview import new_sketch, preview_step
from livestack.reduce.register import register
from livestack.reduce.sensor import sensor_of
from livestack.settings import Processing
from livestack.stack import Shape
from livestack.stacks.calibration import Calibration
from livestack.stacks.founding import light_of
from livestack.stacks.glance import glance
from livestack.stacks.prepare import header_from_json, is_there

Word = SubAccepted | SubRejected
_WORDS = "('SubAccepted', 'SubRejected')"


@dataclass(frozen=True, eq=False, slots=True)
class _Ground:
    """What the subs of a stack are shown by."""

    founded: StackFounded
    header: Header
    shape: Shape
    masters: Masters


@dataclass(frozen=True, slots=True)
class Shown:
    """A sub as a picture, and whether it could be laid on the grid of its stack."""

    picture: Picture
    aligned: bool


class OneSub:
    """Shows subs of a session again, one at a time; for one thread.

    Parameters
    ----------
    cache : Path
        Where the session keeps its masters.
    threads : Executor, optional
        Runs the bands of the kernels.
    """

    def __init__(self, journal: Journal, cache: Path, threads: Executor | None) -> None:
        self._journal, self._cache, self._threads = journal, cache, threads
        self._ground: _Ground | None = None
        self._stars: Array | None = None
        self._version = 0

    def show(self, no: int) -> Shown:
        """Read a sub again, calibrate it and lay it on the grid of its stack.

        Raises
        ------
        FrameError
            Its file is gone, holds other bytes by now, or cannot be read: in a sentence.
        """
        word = self._word(no)
        path = Path(word.path)
        if not file_of(path).exists():
            raise FrameError("vanished", f"{path.name} is gone: only what was stacked of it is left.")
        if isinstance(word, SubAccepted) and not is_there(word):
            raise FrameError("vanished", f"{path.name} was changed since: it is not what was stacked.")
        frame = open_frame(path)
        self._version += 1
        ground = self._ground_of(word.stack) if word.stack else None
        if ground is None or (frame.n_channels, *frame.data.shape[:2]) != ground.shape:
            return Shown(glance(frame, self._version), aligned=False)
        light = _as_journaled(word, frame, ground) if isinstance(word, SubAccepted) else self._placed(frame, ground)
        aligned = light is not None
        data = sketch_of(light or _light(frame, ground, np.eye(3)), ground.shape, self._threads)
        return Shown(self._picture(data, ground, word), aligned)

    def _word(self, no: int) -> Word:
        query = f"SELECT kind, body FROM event WHERE kind IN {_WORDS} AND json_extract(body, '$.no') = ?"
        rows = self._journal.rows(query + " ORDER BY seq DESC LIMIT 1", no)
        word = from_dict(rows[0]["kind"], json.loads(rows[0]["body"])) if rows else None
        if not isinstance(word, SubAccepted | SubRejected):
            raise FrameError("vanished", f"Nothing is known of sub {no}.")
        return word

    def _ground_of(self, stack: str) -> _Ground | None:
        """Return what a stack stands on; the last one is kept."""
        founded = self._last(StackFounded, stack)
        if not isinstance(founded, StackFounded):
            return None
        if self._ground is None or self._ground.founded != founded:
            matched = self._last(MastersMatched, stack)
            header = header_from_json(Path(founded.path), founded.header)
            height, width = founded.size
            size = (height, width) if founded.cfa or founded.channels == 1 else (height, width, founded.channels)
            masters = Masters()
            if isinstance(matched, MastersMatched):
                with contextlib.closing(Calibration(Processing(), self._cache)) as calibration:
                    masters = calibration.of(matched, header, size)
            self._stars = None
            self._ground = _Ground(founded, header, (founded.channels, height, width), masters)
        return self._ground

    def _last(self, kind: type, stack: str) -> object:
        query = "SELECT body FROM event WHERE kind = ? AND json_extract(body, '$.stack') = ? ORDER BY seq DESC LIMIT 1"
        rows = self._journal.rows(query, kind.__name__, stack)
        return from_dict(kind.__name__, json.loads(rows[0]["body"])) if rows else None

    def _placed(self, frame: Frame, ground: _Ground) -> Light | None:
        """Register a sub that was left out on the founding sub; None where that cannot be done."""
        try:
            if self._stars is None:
                self._stars = measure(open_frame(ground.header.path), ground.masters, self._threads)[0]
            stars = measure(frame, ground.masters, self._threads)[0]
            found = register(stars, self._stars, frame.data.shape[:2])
        except FrameError:
            return None
        return _light(frame, ground, found.registration.matrix)

    def _picture(self, data: Array, ground: _Ground, word: Word) -> Picture:
        data.flags.writeable = False
        return Picture(
            data=data[:, :, 0] if data.shape[2] == 1 else data,
            scale=1 / preview_step(*ground.shape[1:]),
            version=self._version,
            stack=ground.founded.stack,
            n_subs=1,
            exposure_s=word.exposure_s or 0.0,
            noise_adu=float((word.quality or {}).get("noise_adu") or 0.0),
            row_order=ground.header.row_order,
        )


def _as_journaled(sub: SubAccepted, frame: Frame, ground: _Ground) -> Light:
    sky = np.array(sub.offset).reshape(-1, 6)
    sensor = sensor_of(frame, ground.masters)
    return light_of(sensor, matrix=np.array(sub.matrix), sky=sky, scale=sub.scale, weight=sub.weight)


def _light(frame: Frame, ground: _Ground, matrix: Array) -> Light:
    """Join a sub that has no figures of its own: its sky is a level."""
    sensor = sensor_of(frame, ground.masters)
    blank = np.zeros((ground.shape[0], 6))
    light = light_of(sensor, matrix=matrix, sky=blank, scale=1.0, weight=1.0)
    return light_of(sensor, matrix=matrix, sky=sky_level(light, ground.shape), scale=1.0, weight=1.0)


def sketch_of(light: Light, shape: Shape, threads: Executor | None) -> Array:
    """Return a preview of one sub on the grid, (h, w, C) float32: a sample per px of it, so its grain is a sub's."""
    channels, height, width = shape
    step, out = preview_step(height, width), np.full_like(new_sketch(shape), np.nan)
    h, w, _ = out.shape
    half = step // 2

    def band(y0: int, y1: int) -> None:
        rows = np.arange(-(-(y0 - half) // step), -(-(y1 - half) // step))
        rows = rows[(rows >= 0) & (rows < h)]
        sample = np.empty((channels, y1 - y0, WIDEST_TILE), np.float32)
        for x0 in range(0, width, WIDEST_TILE):
            box = np.array([y0, y1, x0, min(x0 + WIDEST_TILE, width)])
            if not warp_and_normalise(light.sensor, light.pose, light.sky, light.scale, box, sample):
                continue
            columns = np.arange(max(0, -(-(x0 - half) // step)), min(w, -(-(int(box[3]) - half) // step)))
            ys, xs = rows * step + half - y0, columns * step + half - x0
            out[np.ix_(rows, columns)] = sample[:, ys[:, None], xs].transpose(1, 2, 0)

    each_band(height, threads, band)
    return out
