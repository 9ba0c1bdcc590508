"""Facts about one frame. Frozen; arrays in them are read-only.

Axis order is (H, W) or (H, W, 3), y down, and the centre of the first pixel is (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SkyMatrix = tuple[float, float, float, float]
"""(a, b, c, d): a step of (dx, dy) px leads a·dx + b·dy degrees to the east and c·dx + d·dy to the north."""

STAR_DTYPE = np.dtype(
    [
        ("x", "f8"),
        ("y", "f8"),
        ("flux", "f8"),
        ("peak", "f8"),
        ("fwhm", "f8"),
        ("hfr", "f8"),
        ("eccentricity", "f8"),
        ("elongation", "f8"),
        ("snr", "f8"),
    ]
)
"""One star: x, y, fwhm, hfr in px of the full frame; flux and peak in ADU above the sky; elongation is a/b."""


XTRANS = "GBGGRGRGRBGBGBGGRGGRGGBGBGBRGRGRGGBG"
"""The 6 × 6 cell of every Fujifilm X-Trans sensor, row by row, from one of its corners."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which bytes a path held when it was found finished."""

    path: Path
    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Header:
    """What the camera software said of a frame. None = it did not say.

    Attributes
    ----------
    kind : str
        light, bias, dark, flat, darkflat, master_bias, master_dark, master_flat, master_darkflat or stack.
    time_utc : datetime, optional
        Middle of the exposure, timezone-aware.
    temperature_c, air_c : float, optional
        Of the sensor; at the focuser or in the air around.
    cfa : str, optional
        Colours of the first cell of the array as it is in memory, row by row: four of a Bayer sensor, such as
        ``"RGGB"``, or 36 of X-Trans; row order and offsets are already applied.
    row_order : str, optional
        ``TOP-DOWN`` or ``BOTTOM-UP`` as the file says; rows in memory are as in the file.
    size : tuple of int
        (H, W) in px.
    pedestal_adu : float, optional
        What another program added so that nothing is negative; to be subtracted before anything is divided.
    calibrated : frozenset of str
        Which of bias, dark and flat another program applied already.
    sky_matrix : SkyMatrix, optional
        How the array lies on the sky, at the middle of the field.
    wcs : dict
        The world coordinates that a FITS file states, keyword → value; empty where they are not complete.
    daylight : tuple of float, optional
        What red, green and blue are multiplied with to make daylight white, as the camera is known for; green 1.
    note : str, optional
        What the user should know of frames such as this one.
    raw : dict
        All keywords of the file, as read.
    """

    path: Path
    size: tuple[int, int]
    kind: str = "light"
    time_utc: datetime | None = None
    exposure_s: float | None = None
    gain: float | None = None
    offset_adu: float | None = None
    pedestal_adu: float | None = None
    e_per_adu: float | None = None
    read_noise_e: float | None = None
    saturation_adu: float | None = None
    temperature_c: float | None = None
    air_c: float | None = None
    filter: str | None = None
    cfa: str | None = None
    binning: tuple[int, int] = (1, 1)
    camera: str | None = None
    telescope: str | None = None
    target: str | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    focal_mm: float | None = None
    pixel_um: float | None = None
    row_order: str | None = None
    sky_matrix: SkyMatrix | None = None
    wcs: dict[str, Any] = field(default_factory=dict)
    calibrated: frozenset[str] = frozenset()
    daylight: tuple[float, float, float] | None = None
    note: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frame:
    """Pixels and header.

    Attributes
    ----------
    data : ndarray of uint16 or float32
        (H, W) mono or CFA, (H, W, 3) colour; ADU. uint16 stays uint16: it halves the memory of a sub in hand.
    mask : ndarray of bool, optional
        (H, W), True = bad. None = every pixel is good. Non-finite data are bad too.
    """

    data: Array
    header: Header
    mask: Array | None = None

    @property
    def n_channels(self) -> int:
        """Channels of the stack this frame folds into: 1 mono, 3 CFA or colour."""
        return 3 if self.data.ndim == 3 or self.header.cfa else 1


@dataclass(frozen=True)
class Masters:
    """Calibration for one camera geometry; any part may be missing.

    Attributes
    ----------
    pedestal : ndarray of float32, optional
        (H, W), ADU: the dark (bias included), or else the bias; what is subtracted.
    gain : ndarray of float32, optional
        (H, W), what a px is multiplied with: 1 / flat, which is 1 on average per CFA colour; not finite where the flat
        has no signal.
    hot : ndarray of int64, optional
        Px that are hot or hold no number, y · width + x, ascending: replaced from neighbours of the same colour.
    provenance : dict
        kind → where it came from, from how many frames, how noisy it is.
    n_frames, noise_adu : dict
        kind → frames in its mean, and the noise of one px of that; only where there are several.
    """

    pedestal: Array | None = None
    gain: Array | None = None
    hot: Array | None = None
    provenance: dict[str, str] = field(default_factory=dict)
    n_frames: dict[str, int] = field(default_factory=dict)
    noise_adu: dict[str, float] = field(default_factory=dict)

    @cached_property
    def bad(self) -> Array:
        """Px that nothing can be said of, y · width + x, ascending int64, found once."""
        known = [self.hot] if self.hot is not None else []
        for plane in (self.pedestal, self.gain):
            if plane is not None:
                finite = np.isfinite(plane)
                known.append(np.flatnonzero(~(finite if finite.ndim == 2 else finite.all(axis=2))))
        return np.unique(np.concatenate(known)) if known else np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a sub is. fwhm, hfr, eccentricity, elongation are medians over its stars; px of the full frame, ADU."""

    n_stars: int
    fwhm_px: float
    hfr_px: float
    eccentricity: float
    elongation: float
    background_adu: float
    noise_adu: float
    transparency: float | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """Where a sub lies on the grid of its stack. `matrix` is (3, 3) float64, sub px → grid px."""

    matrix: Array
    n_matches: int
    rms_px: float
    dx: float
    dy: float
    rotation_deg: float
    scale: float
    meridian_flip: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sub is stacked. weight 1 = typical."""

    accepted: bool
    weight: float
    reason: str | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A linear preview for the screens.

    Attributes
    ----------
    data : ndarray of float32
        (H, W) or (H, W, 3), ADU above the sky, at most about 4 Mpx; NaN = no sub covers it.
    scale : float
        Preview px per stack px (1, 1/2, 1/3, …).
    version : int
        Rises with each new picture.
    stack : str
        Which stack it shows.
    row_order : str, optional
        As `Header.row_order`.
    parts : tuple of str
        The stacks it is joined of, where it is of several.
    """

    data: Array
    scale: float
    version: int
    stack: str
    n_subs: int
    exposure_s: float
    noise_adu: float
    row_order: str | None = None
    parts: tuple[str, ...] = ()
