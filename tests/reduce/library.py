"""A library of calibration frames in memory, and the light that they are for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from livestack.frame import Array, Frame, Header
from livestack.reduce.matching import Chosen

SIZE = (120, 160)
LIGHT = Header(
    Path("light.fits"), SIZE, exposure_s=120.0, gain=100.0, temperature_c=-10.0, filter="Ha", camera="ASI2600", cfa=None
)


def header(kind: str, name: str | None = None, **changes: object) -> Header:
    return dataclasses.replace(LIGHT, kind=kind, path=Path(name or f"{kind}.fits"), **changes)


class Library:
    """Frames by path, as files would give them."""

    def __init__(self) -> None:
        self.frames: dict[Path, Frame] = {}

    def put(self, name: str, data: Array, cfa: str | None = None) -> Path:
        path = Path(name)
        self.frames[path] = Frame(data, Header(path, (data.shape[0], data.shape[1]), cfa=cfa))
        return path

    def read(self, path: Path) -> Frame:
        return self.frames[path]


def paths_of(chosen: Chosen) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(p.name for p in getattr(chosen, kind)) for kind in ("bias", "dark", "flat"))
