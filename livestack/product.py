"""The stack file: honest linear data with its noise, as FITS that Siril, DS9 and astropy open with the right values."""

from __future__ import annotations

import io
import math
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from livestack.atomic import write_atomically, write_large
from livestack.frame import Array, Header
from livestack.read.bayer import in_memory
from livestack.read.fits import read_planes
from livestack.read.header import DAYLIGHT
from livestack.stack import Stack
from livestack.straight import Straight

if TYPE_CHECKING:
    from astropy.io import fits

    from livestack.events import SubAccepted

JD_OF_UNIX_EPOCH = 2440587.5
FITS_BLOCK = 2880
ROWS = 128
"""Rows of a stack that are made ready for the file at once."""


@dataclass(frozen=True, slots=True)
class Product:
    """A stack with the facts its file carries.

    Attributes
    ----------
    sky_adu : sequence of float
        Per channel: exactly what was subtracted from the founding sub; added back in the file.
    history : sequence of str
        Masters, rejection, version: one line each.
    """

    stack: Stack
    header: Header
    subs: Sequence[SubAccepted]
    sky_adu: Sequence[float]
    n_rejected_subs: int
    version: str
    history: Sequence[str]


@dataclass(frozen=True, slots=True)
class MasterFile:
    """A master with the facts its file carries.

    Attributes
    ----------
    kind : str
        bias, dark, flat or darkflat.
    data : ndarray of float32
        (H, W) or (H, W, 3), ADU.
    noise_adu : float, optional
        Of one px; None = one frame does not tell.
    calibrated : str
        CALSTAT: "B" where a pedestal was taken off.
    """

    kind: str
    data: Array
    header: Header
    n: int
    noise_adu: float | None
    version: str
    history: tuple[str, ...]
    calibrated: str = ""


def write_master(path: Path, master: MasterFile) -> None:
    """Write a master atomically, as float32 ADU with what its frames said."""
    from astropy.io import fits

    data = master.data if master.data.ndim == 2 else np.moveaxis(master.data, 2, 0)
    primary = fits.PrimaryHDU(np.ascontiguousarray(data, np.float32))
    header = master.header
    words = {"darkflat": "Master Dark Flat"}.get(master.kind, f"Master {master.kind.capitalize()}")
    facts: list[tuple[str, Any, str | None]] = [
        ("BUNIT", "adu", None),
        ("IMAGETYP", words, None),
        ("NCOMBINE", master.n, "frames in the mean"),
        ("STACKCNT", master.n, "frames in the mean"),
        ("NOISEADU", master.noise_adu, "[adu] noise of one pixel of the mean"),
        ("CALSTAT", master.calibrated or None, "B: pedestal taken off"),
        ("EXPTIME", header.exposure_s, "[s] one frame"),
        ("DATE-AVG", _iso(header.time_utc) if header.time_utc else None, "UTC, middle of the frames"),
        ("FILTER", header.filter, None),
        *_camera(header),
        ("BAYERPAT", _pattern(header), None),
        ("ROWORDER", header.row_order, None),
        *_written(master.version),
    ]
    _fill(primary.header, facts, master.history)

    def write(file: BinaryIO) -> None:
        fits.HDUList([primary]).writeto(file, output_verify="silentfix")

    write_atomically(path, write)


def _pattern(header: Header) -> str | None:
    """CFA of the top left of the picture as one sees it: in memory the rows may run upwards."""
    if header.cfa is None:
        return None
    return in_memory(header.cfa, header.size[0], bottom_up=header.row_order == "BOTTOM-UP")


def read_noise(path: Path) -> tuple[Array, Array] | None:
    """Read standard error (C, H, W) float32, ADU, and coverage (H, W) uint16 of a stack file; None if it has none."""
    if path.suffix.lower() == ".fz":
        return _read_packed_noise(path)
    read = read_planes(path, ("STDERR", "COVERAGE"), first_of=("COVERAGE",))  # that is the same for all channels
    if read is None:
        return None
    error, coverage = read["STDERR"].astype(np.float32, copy=False), read["COVERAGE"].astype(np.uint16, copy=False)
    return error[None] if error.ndim == 2 else error, coverage


def _read_packed_noise(path: Path) -> tuple[Array, Array] | None:
    """`read_noise` of a tile-compressed file."""
    from astropy.io import fits

    try:
        with fits.open(path, memmap=False) as hdus:
            error = np.asarray(hdus["STDERR"].data, np.float32)
            counts = hdus["COVERAGE"]
            coverage = np.asarray(counts.section[0] if len(counts.shape) == 3 else counts.data).astype(np.uint16)
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return error[None] if error.ndim == 2 else error, coverage


def read_part(path: Path, rows: slice, columns: slice) -> Array | None:
    """Read some px of a stack file, the sky taken off: (C, h, w) float32, ADU; None if it has none there."""
    from astropy.io import fits

    try:
        with fits.open(path, memmap=True) as hdus:
            planes, card = hdus[0].data, hdus[0].header
            planes = planes[None] if planes.ndim == 2 else planes
            part = np.array(planes[:, rows, columns], np.float32)
            sky = [card.get(f"SKYADU{c + 1}", card.get("SKYADU", 0.0)) for c in range(len(part))]
    except (OSError, TypeError, ValueError, AttributeError):
        return None
    size = rows.stop - rows.start, columns.stop - columns.start
    return part - np.array(sky, np.float32)[:, None, None] if part.shape[1:] == size else None


def write_product(path: Path, product: Product) -> None:
    """Write a stack file atomically: primary = mean, then VARIANCE, STDERR, COVERAGE, REJECTED.

    A few rows at a time: the planes of a large stack would take as much memory as its sums, and more.
    """
    shape = product.stack.shape
    headers = _headers(product)

    def write(file: Straight) -> None:
        for header, plane in zip(headers, _PLANES.values(), strict=True):
            file.write(header.tostring().encode("ascii"))
            for sky, part in _parts(product):
                file.write(_as_fits(plane(part, sky)))
            size = abs(header["BITPIX"]) // 8 * math.prod(shape)
            file.write(bytes(-size % FITS_BLOCK))

    write_large(path, write)


_PLANES: dict[str, Callable[[Stack, np.float32], Array]] = {
    "PRIMARY": lambda part, sky: part.known_mean() + sky,
    "VARIANCE": lambda part, _: part.coverage * part.squared_error(),
    "STDERR": lambda part, _: np.sqrt(part.squared_error()),
    "COVERAGE": lambda part, _: part.coverage,
    "REJECTED": lambda part, _: part.rejected,
}
"""What each part of the file holds, from rows of a stack and their sky."""


def _parts(product: Product) -> Iterator[tuple[np.float32, Stack]]:
    """Rows of a stack in the order of the file, with the sky that is added back."""
    channels, height, _ = product.stack.shape
    for c in range(channels):
        for y in range(0, height, ROWS):
            yield np.float32(product.sky_adu[c]), product.stack.part(c, slice(y, y + ROWS))


def _headers(product: Product) -> list[fits.Header]:
    """Headers of the file's parts, as astropy completes them for one px in the place of all."""
    from astropy.io import fits

    channels, height, width = product.stack.shape
    size = (width, height) if channels == 1 else (width, height, channels)
    px = [np.zeros((1,) * len(size), kind) for kind in (np.float32, np.float32, np.float32, np.uint16, np.uint16)]
    hdus = fits.HDUList([fits.PrimaryHDU(px[0])])
    _fill(hdus[0].header, _facts(product), product.history)
    for one, name in zip(px[1:], list(_PLANES)[1:], strict=True):
        hdus.append(fits.ImageHDU(one, name=name))
    hdus["VARIANCE"].header["BUNIT"] = "adu2"
    hdus["STDERR"].header["BUNIT"] = "adu"
    if product.header.row_order:
        for hdu in hdus[1:]:
            hdu.header["ROWORDER"] = product.header.row_order
    hdus.writeto(io.BytesIO(), output_verify="silentfix")
    for hdu in hdus:
        for axis, px_along in enumerate(size):
            hdu.header[f"NAXIS{axis + 1}"] = px_along
    return [hdu.header for hdu in hdus]


def _as_fits(plane: Array) -> Array:
    """Return px as FITS holds them, bytes: most significant first, and uint16 as int16 less 32768."""
    if plane.dtype == np.uint16:
        plane = plane ^ np.uint16(1 << 15)
    return plane.astype(plane.dtype.newbyteorder(">"), order="C").reshape(-1).view(np.uint8)


def _range(product: Product) -> tuple[float | None, float | None]:
    """Least and most of what the primary holds; None where that is nothing."""
    lowest, highest = math.inf, -math.inf
    for sky, part in _parts(product):
        mean = part.known_mean() + sky
        covered = mean[np.isfinite(mean)]
        if covered.size:
            lowest, highest = min(lowest, float(covered.min())), max(highest, float(covered.max()))
    return (lowest, highest) if lowest <= highest else (None, None)


def _fill(card: fits.Header, facts: Sequence[tuple[str, Any, str | None]], history: Sequence[str]) -> None:
    for name, value, comment in facts:
        written = _ascii(value) if isinstance(value, str) else value
        if written is not None and not (isinstance(written, float) and not math.isfinite(written)):
            card[name] = (written, comment)
    for line in history:
        card.add_history(_ascii(line))


def _ascii(words: str) -> str:
    """Words as FITS can hold them: letters without their accents, a question mark for what is not Latin."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", words) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "?" if c.isprintable() else " " for c in plain)


def _facts(product: Product) -> list[tuple[str, Any, str | None]]:
    """Keyword, value, comment; a value of None is left out."""
    header, subs = product.header, product.subs
    exposures = [sub.exposure_s for sub in subs if sub.exposure_s is not None]
    lowest, highest = _range(product)
    sky: list[tuple[str, Any, str | None]] = [
        (f"SKYADU{c + 1}" if len(product.sky_adu) > 1 else "SKYADU", float(level), "[adu] sky level of the first sub")
        for c, level in enumerate(product.sky_adu)
    ]
    return [
        ("BUNIT", "adu", "calibrated ADU on the scale of the first sub"),
        ("IMAGETYP", "Stacked Light", None),
        ("STACKCNT", len(subs), "subs in the stack"),
        ("NREJSUB", product.n_rejected_subs, "subs left out"),
        ("EXPTIME", float(np.median(exposures)) if exposures else None, "[s] one sub"),
        ("LIVETIME", float(sum(exposures)) if exposures else None, "[s] all subs"),
        *_times(subs),
        ("OBJECT", header.target, None),
        ("FILTER", header.filter, None),
        *_camera(header),
        ("RA", header.ra_deg, "[deg]"),
        ("DEC", header.dec_deg, "[deg]"),
        ("ROWORDER", header.row_order, None),
        *_wcs(header),
        *sky,
        *_drizzle(product.stack),
        ("DATAMIN", lowest, None),
        ("DATAMAX", highest, None),
        *_written(product.version),
    ]


def _wcs(header: Header) -> list[tuple[str, Any, str | None]]:
    """Where the stack lies on the sky: its px are those of the first sub."""
    stated = [(name, value, None) for name, value in header.wcs.items()]
    return [("WCSAXES", 2, "as stated by the first sub"), *stated] if stated else []


def _drizzle(stack: Stack) -> list[tuple[str, Any, str | None]]:
    if stack.drops is None:
        return []
    return [
        ("DRIZZLE", True, "raw px dropped, each colour for itself"),
        ("PIXFRAC", 1.0, "size of a drop, px"),
        ("NOISECOR", stack.drops.noise_of_wide, "noise of a wide box, STDERR/sqrt(px) = 1"),
    ]


def _camera(header: Header) -> list[tuple[str, Any, str | None]]:
    return [
        ("INSTRUME", header.camera, None),
        ("TELESCOP", header.telescope, None),
        ("FOCALLEN", header.focal_mm, "[mm]"),
        ("XPIXSZ", header.pixel_um, "[um] binned"),
        ("YPIXSZ", header.pixel_um, "[um] binned"),
        ("XBINNING", header.binning[0], None),
        ("YBINNING", header.binning[1], None),
        ("GAIN", header.gain, None),
        ("OFFSET", header.offset_adu, None),
        ("CCD-TEMP", header.temperature_c, "[C]"),
        ("EGAIN", header.e_per_adu, "[e-/adu]"),
        *(
            (name, factor, "makes daylight white")
            for name, factor in zip(DAYLIGHT, header.daylight or (), strict=False)
        ),
    ]


def _written(version: str) -> list[tuple[str, Any, str | None]]:
    return [
        ("PROGRAM", f"livestack {version}", None),
        ("DATE", datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", ""), "UTC, file written"),
    ]


def _times(subs: Sequence[SubAccepted]) -> list[tuple[str, Any, str | None]]:
    """Start of the first, mean, and end of the last sub."""
    start, end, middles = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), array("d")
    for sub in subs:
        if sub.time_utc is not None:
            middle, half = datetime.fromisoformat(sub.time_utc), timedelta(seconds=(sub.exposure_s or 0.0) / 2)
            start, end = min(start, middle - half), max(end, middle + half)
            middles.append(middle.timestamp())
    if not middles:
        return []
    mean = datetime.fromtimestamp(sum(middles) / len(middles), UTC)
    return [
        ("DATE-OBS", _iso(start), "UTC, start of the first sub"),
        ("DATE-AVG", _iso(mean), "UTC, mean of mid-exposures"),
        ("DATE-END", _iso(end), "UTC, end of the last sub"),
        ("EXPSTART", start.timestamp() / 86400 + JD_OF_UNIX_EPOCH, "[JD]"),
        ("EXPEND", end.timestamp() / 86400 + JD_OF_UNIX_EPOCH, "[JD]"),
    ]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
