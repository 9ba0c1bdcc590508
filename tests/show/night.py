"""A session folder as an engine would have left it: a journal with plausible records, and pictures."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from astropy.io import fits

from livestack.events import (
    Event,
    Json,
    Looked,
    MastersBuilt,
    MastersMatched,
    SessionStarted,
    StackFounded,
    SubAccepted,
    SubRejected,
    TrailFound,
)
from livestack.frame import Array, Identity, Picture
from livestack.journal import Journal
from livestack.picture import write_picture

STACK = "M_27"
CADENCE_S = 22.0
EXPOSURE_S = 20.0
SENTENCES = {
    "trailed": "Stars are 1.9× longer than wide. Wind or a bump. Nothing to do.",
    "clouded": "Cloud: 38 % of the usual light. Stacking resumes by itself.",
    "too_few_stars": "3 stars match, 6 are needed. Cloud, dew or another target?",
}


@dataclass
class Night:
    """Writes a session bit by bit; `start` is the time of the first exposure."""

    session: Path
    start: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(minutes=12))
    folder: str = "/nowhere/Captures/M 27"
    target: str | None = "M 27"
    stack: str = STACK
    header: Json = field(default_factory=dict)
    filter: str | None = None
    cfa: str | None = "RGGB"
    no: int = 0
    version: int = 0

    def __post_init__(self) -> None:
        (self.session / "cache").mkdir(parents=True, exist_ok=True)
        self.journal = Journal(self.session / "journal.sqlite", create=True)
        self.say(SessionStarted(self.folder, "0.1.0", {}, False, os.getpid(), socket.gethostname()))

    def say(self, *events: Event) -> None:
        self.journal.append(*events)

    def close(self) -> None:
        self.journal.close()

    def match_masters(self) -> None:
        self.say(MastersMatched(STACK, [], ["d.fits"] * 20, ["f.fits"] * 25, [], []))

    def add(self, reason: str | None = None) -> None:
        """One more sub: stacked, or left out for a reason."""
        self.no += 1
        no, path = self.no, f"{self.folder}/M27_{self.no:04}.fits"
        self.journal.arrive([(Identity(Path(path), 1, no, no), True)])
        if no == 1:
            self.found(self.stack, self.target)
        self.say(self._rejected(path, reason) if reason else self._accepted(path))

    def add_many(self, n: int) -> None:
        """So many more subs, all of them stacked, written at a few times."""
        for begin in range(0, n, 500):
            accepted = []
            for _ in range(min(500, n - begin)):
                self.no += 1
                accepted.append(self._accepted(f"/x/{self.no}.fits"))
            self.say(*accepted)

    def found(self, stack: str, target: str | None) -> None:
        """A stack that subs go into from now on."""
        self.stack, self.target = stack, target
        path = f"{self.folder}/M27_{self.no:04}.fits"
        founded = StackFounded(stack, target, self.filter, "ASI224MC", [976, 1304], self.cfa, self.no, path, "0" * 64)
        self.say(replace(founded, header=self.header))

    def _facts(self, path: str) -> dict[str, object]:
        time = self.start + timedelta(seconds=CADENCE_S * (self.no - 1))
        return {
            "no": self.no,
            "stack": self.stack,
            "path": path,
            "sha256": f"{self.no:064x}",
            "size": 2_500_000,
            "mtime_ns": self.no,
            "time_utc": time.isoformat(),
            "exposure_s": EXPOSURE_S,
            "target": self.target,
            "filter": self.filter,
        }

    def _quality(self) -> dict[str, float]:
        swing = np.sin(1.3 * self.no)
        return {
            "n_stars": int(200 + 12 * swing),
            "fwhm_px": 3.3 + 0.15 * swing,
            "hfr_px": 1.9,
            "eccentricity": 0.38,
            "elongation": 1.1,
            "background_adu": 612.0 - self.no,
            "noise_adu": 54.0,
            "transparency": 0.97,
        }

    def _accepted(self, path: str) -> SubAccepted:
        return SubAccepted(
            **self._facts(path),  # type: ignore[arg-type]
            matrix=np.eye(3).tolist(),
            quality=self._quality(),
            registration={"rms_px": 0.12, "n_matches": 120},
            weight=1.0 + 0.12 * float(np.sin(2.1 * self.no)),
            scale=1.0,
            offset=[0.0, 0.0, 0.0],
            rejected_fraction=0.0004,
            seconds={"read": 0.1, "fold": 0.4},
        )

    def _rejected(self, path: str, reason: str) -> SubRejected:
        sentence = SENTENCES.get(reason, "Left out.")
        return SubRejected(**self._facts(path), reason=reason, sentence=sentence, quality=self._quality())  # type: ignore[arg-type]

    def cross(self, no: int, *ends: tuple[float, float, float, float], angle_deg: float | None = None) -> None:
        """Trails in a sub; ends are x0, y0, x1, y1 in px of the stack."""
        time = (self.start + timedelta(seconds=CADENCE_S * (no - 1))).isoformat()
        path = f"{self.folder}/M27_{no:04}.fits"
        self.say(*(TrailFound(STACK, no, path, *line, 12.0, 3.4, time, angle_deg) for line in ends))

    def look(self) -> None:
        """All subs so far are judged again."""
        fractions = {str(no): 0.001 for no in range(1, self.no + 1)}
        self.say(Looked(STACK, self.no, False, "knowledge", fractions, 1.0))

    def tell_noise(self) -> None:
        """Frames without light, and a look: what the budget of the noise is made of."""
        self.say(
            MastersBuilt("bias", 16, ["b.fits"], "id", 0.75),
            MastersBuilt("dark", 16, ["d.fits"], "id", 1.0),
            MastersMatched(STACK, [], ["d.fits"] * 16, [], ["no flat"], [], "id"),
            Looked(STACK, self.no, True, "k", {}, 1.0, 0, {"sub_adu": 10.5, "random_adu": 10.0}),
        )

    def show_removed(self, data: Array, row_order: str | None = None, stack: str = STACK) -> None:
        """Publish what was removed, at half the scale of the stack."""
        self.version += 1
        picture = Picture(data, 0.5, self.version, stack, self.no, 0.0, 0.0, row_order)
        write_picture(self.session / "cache" / "removed.npy", picture)

    def show_map(self, name: str, data: Array, row_order: str | None = None) -> None:
        """Answer a wish for a map of the stack."""
        self.version += 1
        picture = Picture(data, 1.0, self.version, STACK, self.no, 0.0, 0.0, row_order)
        write_picture(self.session / "cache" / f"{name}.npy", picture)
        for request in self.journal.requests():
            self.journal.answer(request)

    def show(self, stack: Array, last: Array, n_subs: int, row_order: str | None = None) -> None:
        """Publish both pictures."""
        self.version += 1
        facts = (1.0, self.version, STACK)
        write_picture(
            self.session / "cache" / "last.npy", Picture(last, *facts, 1, EXPOSURE_S, _grain(last), row_order)
        )
        picture = Picture(stack, *facts, n_subs, n_subs * EXPOSURE_S, _grain(stack), row_order)
        write_picture(self.session / "cache" / "picture.npy", picture)


def _grain(data: Array) -> float:
    steps = np.diff(data[::3], axis=1)
    return float(1.4826 * np.nanmedian(np.abs(steps)) / np.sqrt(2.0))


def sky(n_subs: int, *, colour: bool = True, size: tuple[int, int] = (300, 480), seed: int = 1) -> Array:
    """A made-up picture: stars and a nebula over a sky whose grain falls as 1/√N, with a bare border."""
    light = _light(size)
    noise = np.random.default_rng(seed + n_subs).normal(0.0, 40.0 / np.sqrt(n_subs), light.shape)
    data = np.asarray(light + noise + np.float32([30, 50, -10]), dtype=np.float32)
    data[:, :6] = np.nan
    return data if colour else np.ascontiguousarray(data[..., 1])


@lru_cache(maxsize=2)
def _light(size: tuple[int, int]) -> Array:
    rng = np.random.default_rng(7)
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    light = np.zeros((*size, 3), np.float32)
    for _ in range(70):
        at_y, at_x = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        star = np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / 4.5)
        light += star[..., None] * (60.0 * rng.pareto(0.9) + 60.0) * rng.uniform(0.7, 1.3, 3).astype(np.float32)
    glow = np.exp(-(((x - 0.5 * size[1]) / 60) ** 2 + ((y - 0.5 * size[0]) / 45) ** 2))
    light += glow[..., None] * np.float32([90, 140, 170])
    return light


def dumbbell(data: Path) -> tuple[Array, list[Array]]:
    """Stack six real subs of M 27 crudely; returns the stack and the aligned subs, (H, W, 3) ADU, row 0 at the top."""
    subs, first = [], None
    for path in sorted((data / "A_m27_asi224_osc").glob("*.fits")):
        raw = fits.getdata(path).astype(np.uint16)
        for y, x in ((520, 311), (690, 495)):  # hot pixels
            raw[y, x] = raw[y - 2, x]
        rgb = cv2.cvtColor(raw, cv2.COLOR_BayerRGGB2RGB).astype(np.float32)
        stars = _stars(rgb)
        first = stars if first is None else first
        (dx, dy), _ = cv2.phaseCorrelate(first, stars, cv2.createHanningWindow(stars.shape[::-1], cv2.CV_32F))
        move = np.float32([[1, 0, -dx], [0, 1, -dy]])
        size = stars.shape[::-1]
        subs.append(cv2.warpAffine(rgb, move, size, flags=cv2.INTER_CUBIC, borderValue=(np.nan,) * 3))
    seen = np.sum(np.isfinite(subs), axis=0)
    mean = np.nansum(subs, axis=0) / np.maximum(seen, 1)
    return np.where(seen > 0, mean, np.nan).astype(np.float32), subs


def _stars(rgb: Array) -> Array:
    grey = rgb.mean(axis=2)
    level = np.median(grey)
    sigma = 1.4826 * np.median(np.abs(grey - level))
    return np.clip(grey - level - 4 * sigma, 0, 60 * sigma).astype(np.float32)
