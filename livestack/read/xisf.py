"""XISF files into frames: monolithic XISF 1.0, as PixInsight and N.I.N.A. write it.

A signature, an XML header, and blocks of bytes. The format is specified by Pleiades Astrophoto:
https://pixinsight.com/doc/docs/XISF-1.0-spec/XISF-1.0-spec.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from livestack.errors import FrameError
from livestack.frame import Array, Frame, Header
from livestack.read import bayer
from livestack.read.blocks import COMMENTARY, parse_value
from livestack.read.files import WHITE_ADU, check_size, make_frame, opened, to_adu
from livestack.read.header import make_header
from livestack.read.keywords import number, shown, text
from livestack.read.streams import read_rows
from livestack.read.xisf_block import Damaged, attachments, local_name, opened_block, whole_numbers

SIGNATURE: Final = b"XISF0100"
PREAMBLE_BYTES: Final = 16
"""Signature, length of the header, and four bytes of nothing."""
MAX_HEADER_BYTES: Final = 1 << 25
SAMPLES: Final = {"UInt8": "u1", "UInt16": "u2", "UInt32": "u4", "Float32": "f4", "Float64": "f8"}
COLOURS: Final = {"Gray": 1, "RGB": 3}

PROPERTIES: Final = {
    "Instrument:ExposureTime": "EXPTIME",
    "Instrument:Filter:Name": "FILTER",
    "Instrument:Camera:Name": "INSTRUME",
    "Instrument:Camera:Gain": "EGAIN",
    "Instrument:Camera:ISOSpeed": "ISOSPEED",
    "Instrument:Camera:ReadoutNoise": "RDNOISE",
    "Instrument:Camera:XBinning": "XBINNING",
    "Instrument:Camera:YBinning": "YBINNING",
    "Instrument:Sensor:Temperature": "CCD-TEMP",
    "Instrument:Sensor:TargetTemperature": "SET-TEMP",
    "Instrument:Sensor:XPixelSize": "XPIXSZ",
    "Instrument:Telescope:Name": "TELESCOP",
    "Instrument:Telescope:FocalLength": "FLENGTH",
    "Observation:Object:Name": "OBJECT",
    "Observation:Object:RA": "RA",
    "Observation:Object:Dec": "DEC",
    "Observation:Time:Start": "DATE-OBS",
    "Observation:Time:End": "DATE-END",
}
"""Property → the FITS keyword that means the same, in the same unit; keywords of the file win."""


@dataclass(frozen=True, slots=True)
class Image:
    """The image of a file.

    Attributes
    ----------
    shape : tuple of int
        As stored: (channels, H, W) planar, (H, W, channels) normal.
    dtype : dtype
        As stored, with the byte order.
    normalised : bool
        Floats from 0, black, to 1, white.
    """

    element: Element
    size: tuple[int, int]
    shape: tuple[int, ...]
    planar: bool
    colour: bool
    dtype: np.dtype[Any]
    normalised: bool

    @property
    def n_bytes(self) -> int:
        """How many bytes its pixels are."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def data_shape(self) -> tuple[int, ...]:
        """Of the frame: (H, W) or (H, W, 3)."""
        return (*self.size, 3) if self.colour else self.size


def read_frame(path: Path) -> Frame:
    """Read the first image of an XISF file.

    Returns
    -------
    Frame
        data (H, W), or (H, W, 3) RGB; further channels (transparency) are left out. uint16 where the file holds it,
        else float32. Floats whose bounds are 0 and 1 come as ADU of 16 bits.

    Raises
    ------
    FrameError
        unreadable, truncated, or mismatched (a cube, another colour space, pixels in another file).
    """
    with opened(path) as (stream, size):
        image = _find_image(_read_xml(stream, path.name, size), path.name)
        header = _header(path, image)
        with opened_block(stream, path.name, image.element, image.n_bytes) as (block, shuffle):
            data = _read(block, image) if shuffle == 1 else _read_shuffled(block, image, shuffle)
    return make_frame(to_adu(data) if image.dtype.kind == "f" and not image.normalised else data, header)


def read_header(path: Path) -> Header:
    """Read the XML header alone; the data may still be missing.

    Raises
    ------
    FrameError
        As `read_frame`.
    """
    with opened(path) as (stream, size):
        return _header(path, _find_image(_read_xml(stream, path.name, size), path.name))


def is_complete(path: Path) -> bool | None:
    """Whether every block that the header names lies inside the file; None where it is no XISF file."""
    with opened(path) as (stream, size):
        try:
            root = _read_xml(stream, path.name, size)
        except FrameError as error:
            return False if error.reason == "truncated" else None
        return all(end <= size for _, end in attachments(root))


class _Tree(ElementTree.TreeBuilder):
    """Refuses a document type, for that could define entities that unfold without end."""

    def doctype(self, name: str, _public: str | None, _system: str | None) -> None:
        raise Damaged(f"its header declares the document type {name}")


def _read_xml(stream: BinaryIO, name: str, size: int) -> Element:
    preamble = stream.read(PREAMBLE_BYTES)
    if not any(preamble):
        raise FrameError("truncated", f"{name} begins with zeros: it was reserved but not written; copy it again.")
    if not SIGNATURE.startswith(preamble[: len(SIGNATURE)]):
        raise FrameError("unreadable", f"{name} is not an XISF file: it does not begin with XISF0100.")
    length = int.from_bytes(preamble[8:12], "little")
    if len(preamble) < PREAMBLE_BYTES or PREAMBLE_BYTES + length > size:
        raise FrameError("truncated", f"{name} ends inside its header; copy it again when it is finished.")
    if length > MAX_HEADER_BYTES:
        raise FrameError(
            "unreadable",
            f"{name} has a header of {length} bytes: it is damaged, or holds its pixels as text; save them as a block.",
        )
    xml = stream.read(length).rstrip(b"\0")
    try:
        if not xml:
            raise FrameError("truncated", f"{name} has a header that was not written yet; copy it again.")
        return ElementTree.fromstring(xml, ElementTree.XMLParser(target=_Tree()))
    except (ElementTree.ParseError, Damaged, LookupError, ValueError) as error:
        raise FrameError("unreadable", f"{name} has a damaged header ({shown(error)}); copy it again.") from error


def _find_image(root: Element, name: str) -> Image:
    element = next((child for child in root if local_name(child) == "Image"), None)
    if element is None:
        raise FrameError("unreadable", f"{name} holds no picture.")
    geometry = element.get("geometry", "")
    try:
        *axes, n_channels = whole_numbers(geometry, geometry.count(":") + 1)
    except Damaged as error:
        raise FrameError("unreadable", f"{name} is damaged ({shown(error)}); copy it again.") from error
    if len(axes) != 2:
        raise FrameError(
            "mismatched", f"{name} holds {shown(geometry)} samples, not one picture; save its frames singly."
        )
    width, height = axes
    samples, space = element.get("sampleFormat", ""), element.get("colorSpace", "Gray")
    if samples not in SAMPLES or space not in COLOURS:
        raise FrameError(
            "mismatched", f"{name} holds {shown(f'{space} {samples}')} samples; save it as 16 bit or 32-bit float."
        )
    if n_channels < COLOURS[space]:
        raise FrameError("unreadable", f"{name} is damaged: {n_channels} channels of {space}; copy it again.")
    check_size(name, (height, width), n_channels)
    planar = element.get("pixelStorage", "Planar").lower() != "normal"
    order = ">" if element.get("byteOrder", "little").lower() == "big" else "<"
    return Image(
        element=element,
        size=(height, width),
        shape=(n_channels, height, width) if planar else (height, width, n_channels),
        planar=planar,
        colour=space == "RGB",
        dtype=np.dtype(order + SAMPLES[samples]),
        normalised=samples.startswith("Float")
        and [number(bound) for bound in element.get("bounds", "").split(":")] == [0, 1],
    )


def _header(path: Path, image: Image) -> Header:
    keywords = _keywords(image.element)
    return make_header(
        path, keywords, image.size, image.colour, None if image.colour else _pattern(path, image.element)
    )


def _keywords(element: Element) -> dict[str, Any]:
    """Return the FITS keywords of an image, and what its properties say where they are silent."""
    keywords: dict[str, Any] = {}
    for child in element:
        key, value = child.get("name", "").strip().upper(), child.get("value", "")
        if local_name(child) != "FITSKeyword":
            continue
        if key in COMMENTARY:
            note = value.strip() or child.get("comment", "").strip()
            keywords[key] = f"{keywords[key]}\n{note}" if key in keywords else note
        else:
            # outside quotes a slash is text here, for the comment is an attribute of its own
            keywords.setdefault(key, value if "/" in value and value.lstrip()[:1] != "'" else parse_value(value))
    for child in element:
        meant = PROPERTIES.get(child.get("id", "")) if local_name(child) == "Property" else None
        if meant and "location" not in child.attrib and (said := child.get("value", child.text or "")):
            keywords.setdefault(meant, said)
    if kind := element.get("imageType"):
        keywords["IMAGETYP"] = kind
    # In memory the first row is the top one, whatever the file once was that this one was made from.
    keywords["ROWORDER"] = "TOP-DOWN"
    return keywords


def _pattern(path: Path, element: Element) -> str | None:
    """Return the CFA that an image says it has; None leaves it to its keywords."""
    array = next((child for child in element if local_name(child) == "ColorFilterArray"), None)
    if array is None:
        return None
    width, height = (text(array.get(name)) or "2" for name in ("width", "height"))
    pattern = bayer.clean_pattern(array.get("pattern", ""))
    side = str(math.isqrt(len(pattern)))
    if not bayer.is_pattern(pattern) or (width, height) != (side, side):
        raise FrameError(
            "mismatched",
            f"{path.name}: its {shown(width)}x{shown(height)} colour pattern cannot be debayered; save it as RGB.",
        )
    return pattern


def _read(block: BinaryIO, image: Image) -> Array:
    """Read samples that lie one after another."""
    data = np.empty(image.data_shape, np.uint16 if image.dtype.str[1:] == "u2" else np.float32)
    for rows, samples in _rows(block, image, image.dtype, data):
        rows[...] = _physical(samples, image)
    return data


def _read_shuffled(block: BinaryIO, image: Image, shuffle: int) -> Array:
    """Read samples of which the first byte of all comes first, then the second of all."""
    if shuffle != image.dtype.itemsize:
        raise Damaged(f"bytes shuffled by {shuffle} where a sample has {image.dtype.itemsize}")
    stored = np.empty(image.data_shape, image.dtype)
    places = stored.view(np.uint8).reshape(*stored.shape, shuffle)
    for place in range(shuffle):
        for rows, samples in _rows(block, image, np.dtype(np.uint8), places[..., place]):
            rows[...] = samples
    if not stored.dtype.isnative:
        stored = stored.byteswap(inplace=True).view(stored.dtype.newbyteorder("="))
    return _physical(stored, image)


def _rows(block: BinaryIO, image: Image, dtype: np.dtype[Any], data: Array) -> Iterator[tuple[Array, Array]]:
    """Read all rows of an image; gives (where they belong in the data, samples) of the channels that are colours."""
    for channel in range(image.shape[0]) if image.planar else (0,):
        for rows, samples in read_rows(block, image.shape[int(image.planar) :], dtype):
            if not image.planar:
                yield data[rows], samples[..., :3] if image.colour else samples[..., 0]
            elif channel < (3 if image.colour else 1):
                yield data[rows, ..., channel] if image.colour else data[rows], samples


def _physical(stored: Array, image: Image) -> Array:
    """Return uint16, or float32 in ADU.

    Parameters
    ----------
    stored : ndarray
        Native byte order; may be overwritten.
    """
    if stored.dtype == np.uint16:
        return stored
    with np.errstate(over="ignore", invalid="ignore"):
        values: Array = stored.astype(np.float32, copy=False)
        if image.normalised:
            values *= np.float32(WHITE_ADU)
    return values
