"""The picture as it grew, as a film: evenly in √N, as its grain goes, with what it is and how much light below it."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from livestack.atomic import write_atomically
from livestack.develop.chain import Recipe
from livestack.develop.live import Settled, steady
from livestack.engine.buildup import Step, read_step, steps
from livestack.errors import SettingsError
from livestack.frame import Array, Picture
from livestack.show.caption import captioned
from livestack.show.card import name_of
from livestack.show.guests import summary
from livestack.show.rendition import developed
from livestack.show.rim import Rim, rim_of, without
from livestack.show.source import Source
from livestack.show.state import NightState

SUFFIXES = (".webm", ".gif", ".webp")
GROWS_S, RESTS_S = 10.5, 1.5
"""So long the picture grows, and then stays as it is now."""
FPS = 10
_LEAST_S = 1 / FPS
"""A moment stays at least so long; those that are closer are left out."""
_COLOURS = 256
_STRIP_PX = 44
"""Of the strip of words: they are to be read in a small film, too."""
_LONGEST_PX, _GIF_PX = 960, 480
_WEBP_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Film:
    """What film is wished for.

    Attributes
    ----------
    stack : str, optional
        Which; by default the one that is shown.
    longest_px : int
        Of the picture; 0 = 960, of a GIF half of that.
    title : str, optional
        Instead of the target's name.
    """

    stack: str | None = None
    longest_px: int = 0
    title: str | None = None


@dataclass(frozen=True, slots=True)
class _Grown:
    """The moments of a film, and how they are shown."""

    moments: tuple[Step | Picture, ...]
    now: Picture
    rim: Rim
    settled: Settled
    longest_px: int
    title: str
    state: NightState

    def at_s(self, k: int) -> float:
        """When a moment comes."""
        first, root, last = (math.sqrt(self.moments[each].n_subs) for each in (0, k, -1))
        return GROWS_S * (root - first) / (last - first)

    def scenes(self) -> list[tuple[int, float, float]]:
        """Return which moments are seen, from when on and until when, s; those that would only flash are left out."""
        chosen = [0]
        for k in range(1, len(self.moments) - 1):
            if min(self.at_s(k) - self.at_s(chosen[-1]), GROWS_S - self.at_s(k)) >= _LEAST_S:
                chosen.append(k)
        chosen.append(len(self.moments) - 1)
        times = [*map(self.at_s, chosen), GROWS_S + RESTS_S]
        return list(zip(chosen, times[:-1], times[1:], strict=True))

    def _image(self, k: int) -> Array:
        """Return a moment developed, (H, W, 3) uint8; one that was deleted meanwhile is as the present."""
        moment = self.moments[k]
        picture = (read_step(moment) or self.now) if isinstance(moment, Step) else moment
        picture = replace(without(picture, self.rim), noise_adu=self.now.noise_adu)
        image = developed(picture, self.settled, self.longest_px)
        return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)

    def frame(self, k: int) -> Array:
        """Return a moment with a strip below it, both sides even: what it is, and how much light that was."""
        image, moment = self._image(k), self.moments[k]
        height, width = (side // 2 * 2 for side in image.shape[:2])
        words = summary(replace(self.state, n_stacked=moment.n_subs, exposure_s=moment.exposure_s))
        strip = captioned(np.zeros((0, width, 3), np.float32), self.title, words, _STRIP_PX)
        strip = np.rint(255 * strip[: strip.shape[0] // 2 * 2]).astype(np.uint8)
        return np.concatenate([image[:height, :width], strip])


def write_film(source: Source, state: NightState, recipe: Recipe, out: Path, film: Film) -> None:
    """Write how a stack grew as WebM, GIF or WebP, by the name of the file.

    Parameters
    ----------
    recipe : Recipe
        By which the newest picture is developed, and all others with what that settled.

    Raises
    ------
    SettingsError
        There is no build-up, or the file cannot be written.
    """
    grown = _grown(source, state, recipe, film, out.suffix.lower())
    try:
        if out.suffix.lower() == ".webm":
            _write_webm(out, grown)
        else:
            _write_frames(out, grown, out.suffix.lower())
    except OSError as error:
        raise SettingsError(f"{out} cannot be written: {error.strerror or error}") from None


def _grown(source: Source, state: NightState, recipe: Recipe, film: Film, suffix: str) -> _Grown:
    shown = source.picture()
    name = film.stack or (shown.stack if shown is not None else state.stack) or ""
    found = steps(source.session, name)
    now = shown if shown is not None and shown.stack == name else read_step(found[-1]) if found else None
    if now is not None:
        found = tuple(step for step in found if step.n_subs < now.n_subs)
    if now is None or not found:
        raise SettingsError(f"{source.session} did not keep how {name or 'a stack'} grew: its cache is empty, or older")
    stacks = now.parts or (name,)
    target = next((row.target for row in state.subs if row.stack in stacks and row.target), state.target or "")
    title = name_of(target) if film.title is None else film.title
    longest_px = film.longest_px or (_GIF_PX if suffix == ".gif" else _LONGEST_PX)
    rows = [row for row in state.subs if row.state == "accepted" and row.stack in stacks[:1]]
    rim = rim_of(rows, tuple(round(n / now.scale) for n in now.data.shape[:2]))  # that guests do not see either
    return _Grown((*found, now), now, rim, steady(None, without(now, rim), recipe), longest_px, title, state)


def _write_webm(out: Path, grown: _Grown) -> None:
    temporary = out.with_name(f".{out.stem}.tmp.webm")  # its kind is told by its name
    writer = None
    try:
        for k, begin_s, end_s in grown.scenes():
            frame = cv2.cvtColor(grown.frame(k), cv2.COLOR_RGB2BGR)
            if writer is None:
                writer = _vp8(temporary, frame.shape[1], frame.shape[0])
            for _ in range(round(begin_s * FPS), round(end_s * FPS)):
                writer.write(frame)  # what does not change costs nothing
        if writer is not None:
            writer.release()
        temporary.replace(out)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _vp8(path: Path, width: int, height: int) -> cv2.VideoWriter:
    """Begin a video. What OpenCV says by itself of a container without tags is no user's business."""
    sys.stderr.flush()
    told, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), FPS, (width, height))
    finally:
        os.dup2(told, 2)
        os.close(told)
        os.close(nowhere)
    if not writer.isOpened():
        raise OSError("this OpenCV cannot; name a .webp or .gif")
    return writer


def _write_frames(out: Path, grown: _Grown, suffix: str) -> None:
    scenes = grown.scenes()
    durations = [round(1000 * end_s) - round(1000 * begin_s) for _, begin_s, end_s in scenes]
    images: Iterator[Image.Image] = (Image.fromarray(grown.frame(k)) for k, *_ in scenes)
    options: dict[str, int] = {"quality": _WEBP_QUALITY}
    if suffix == ".gif":
        images, options = map(_in_few_colours, images), {}
    first = next(images)
    write_atomically(
        out,
        lambda file: first.save(
            file, suffix[1:].upper(), save_all=True, append_images=images, duration=durations, loop=0, **options
        ),
    )


def _in_few_colours(image: Image.Image) -> Image.Image:
    """Return a frame of a GIF. A median cut spends its colours on the sky, and leaves steps in what shines."""
    palette = image.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE)
    return image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
