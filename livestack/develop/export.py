"""Pictures into files that other programs show as meant: colour profile, who took it, of what, and how."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final
from xml.sax.saxutils import escape, quoteattr

import cv2
import numpy as np
from PIL import Image, ImageCms, features

from livestack.atomic import write_atomically
from livestack.develop.jpeg import jpeg_of
from livestack.errors import SettingsError
from livestack.frame import Array

QUALITY = 92
SIXTEEN: Final = (".png", ".tif", ".tiff")
"""What may hold 16 bits a colour."""
FLOAT_TIFF: Final = 32


@dataclass(frozen=True, slots=True)
class About:
    """What a picture says of itself; what is empty is left out.

    Attributes
    ----------
    taken : str
        When, as EXIF wants it: 2026:08:20 23:14:05.
    """

    title: str = ""
    description: str = ""
    taken: str = ""
    camera: str = ""
    software: str = ""
    exposure_s: float | None = None
    focal_mm: float | None = None


@dataclass(frozen=True, slots=True)
class How:
    """How a picture is encoded.

    Attributes
    ----------
    bits : int
        8, 16, or 32 for TIFF with floats.
    """

    bits: int = 8
    quality: int = QUALITY
    threads: Executor | None = None


Writer = Callable[[BinaryIO, Array, About, How], None]


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """ICC profile of sRGB; always the same bytes, so it is no younger than a date."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    profile[84:100] = bytes(16)  # its digest, which may be left out
    return bytes(profile)


def write_png(path: Path, picture: Array) -> None:
    """Write (H, W) or (H, W, 3) RGB uint8 or uint16 atomically as PNG, and nothing about it."""
    write_atomically(path, lambda file: file.write(_png(picture, path.name)))


def write_image(
    path: Path, picture: Array, bits: int, about: About, quality: int = QUALITY, threads: Executor | None = None
) -> None:
    """Write a picture (H, W) or (H, W, 3), 0…1 as of sRGB, atomically; the suffix of the path says how.

    Parameters
    ----------
    bits : int
        8, 16, or 32 for TIFF with floats.

    Raises
    ------
    SettingsError
        As `writer_of`.
    """
    writer = writer_of(path, bits)
    write_atomically(path, lambda file: writer(file, picture, about, How(bits, quality, threads)))


def writer_of(path: Path, bits: int) -> Writer:
    """Return what writes such a picture.

    Raises
    ------
    SettingsError
        No such format, or not with so many bits.
    """
    suffix = path.suffix.lower()
    writer = WRITERS.get(suffix)
    if writer is None:
        raise SettingsError(f"{path.name}: pictures are written as {', '.join(sorted(WRITERS))}")
    if bits != 8 and suffix not in SIXTEEN:
        raise SettingsError(f"{path.name}: {suffix} holds 8 bits a colour; take .png or .tif for more")
    if bits == FLOAT_TIFF and suffix == ".png":
        raise SettingsError(f"{path.name}: a PNG holds 8 or 16 bits a colour; take .tif for floats")
    return writer


def in_bits(picture: Array, bits: int) -> Array:
    """Return 0…1 as uint8 or uint16, rounded; or as it is, float32."""
    if picture.ndim == 3 and not picture.flags.c_contiguous:  # planes, one after another
        return np.asarray(cv2.merge([in_bits(plane, bits) for plane in np.moveaxis(picture, 2, 0)]))
    if bits == FLOAT_TIFF:
        return np.ascontiguousarray(picture, np.float32)
    kind, most = (cv2.CV_8U, 255.0) if bits == 8 else (cv2.CV_16U, 65535.0)
    rows = np.ascontiguousarray(picture, np.float32).reshape(len(picture), -1)
    # a saturating cast, which rounds: NaN becomes 0
    return np.asarray(cv2.addWeighted(rows, most, rows, 0.0, 0.0, dtype=kind)).reshape(picture.shape)


def _png(picture: Array, name: str) -> bytes:
    bgr = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", bgr)
    if not done:
        raise OSError(f"{name} could not be encoded as PNG")
    return bytes(encoded.tobytes())


def _save_png(file: BinaryIO, picture: Array, about: About, how: How) -> None:
    """PNG by OpenCV, the only one here that writes 16 bits; what it cannot say is put behind its first chunk."""
    data = _png(in_bits(picture, how.bits), "picture")
    head = 8 + 25  # signature, IHDR
    # sRGB's profile is one of colours: a grey picture is said to have its curve
    profile = _chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(srgb_profile()))
    chunks = [profile if picture.ndim == 3 else _chunk(b"sRGB", b"\0")]
    words = {"Title": about.title, "Description": about.description, "Software": about.software}
    chunks += [_chunk(b"iTXt", key.encode() + b"\0\0\0\0\0" + said.encode()) for key, said in words.items() if said]
    chunks += [
        _chunk(b"eXIf", _exif(about).tobytes().removeprefix(b"Exif\0\0")),
        _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _xmp(about)),
    ]
    file.write(data[:head] + b"".join(chunks) + data[head:])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _save_tiff(file: BinaryIO, picture: Array, about: About, how: How) -> None:
    import tifffile

    extra = [(700, 1, None, _xmp(about), True)]
    if picture.ndim == 3:  # of a grey picture it would be the wrong kind
        extra.append((34675, 7, None, srgb_profile(), True))
    if about.camera:
        extra.append((272, 2, None, _ascii(about.camera).encode(), True))
    tifffile.imwrite(
        file,
        in_bits(picture, how.bits),
        photometric="rgb" if picture.ndim == 3 else "minisblack",
        compression="zlib",
        predictor=how.bits != FLOAT_TIFF,  # floats need another package for that
        description=_ascii(". ".join(filter(None, (about.title, about.description)))),
        software=about.software or None,
        datetime=about.taken or None,
        extratags=extra,
        metadata=None,
    )


def _ascii(words: str) -> str:
    return words.encode("ascii", "replace").decode()


def _save_jpeg(file: BinaryIO, picture: Array, about: About, how: How) -> None:
    """JPEG by OpenCV, strip by strip; what it cannot say is Pillow's."""

    def rows(y0: int, y1: int) -> Array:
        some = in_bits(picture[y0:y1], 8)
        return some if some.ndim == 2 else np.asarray(cv2.cvtColor(some, cv2.COLOR_RGB2BGR))

    said = _by_pillow(np.zeros((8, 8, *picture.shape[2:]), np.uint8), "JPEG", about, how.quality)
    file.writelines(jpeg_of(picture.shape, rows, how.quality, said, how.threads))


def _by_pillow(picture: Array, kind: str, about: About, quality: int, **options: object) -> bytes:
    buffer = BytesIO()
    words = {"icc_profile": srgb_profile() if picture.ndim == 3 else None, "xmp": _xmp(about)}
    Image.fromarray(picture).save(buffer, kind, quality=quality, exif=_exif(about).tobytes(), **words, **options)
    return buffer.getvalue()


def _pillows(kind: str, **options: object) -> Writer:
    def save(file: BinaryIO, picture: Array, about: About, how: How) -> None:
        file.write(_by_pillow(in_bits(picture, 8), kind, about, how.quality, **options))

    return save


WRITERS: Final[dict[str, Writer]] = {
    ".png": _save_png,
    ".tif": _save_tiff,
    ".tiff": _save_tiff,
    ".jpg": _save_jpeg,
    ".jpeg": _save_jpeg,
    ".webp": _pillows("WEBP", method=4),
    **({".avif": _pillows("AVIF")} if features.check("avif") else {}),
}
"""What writes a picture, by suffix."""


def _exif(about: About) -> Image.Exif:
    exif = Image.Exif()
    tags = {270: ". ".join(filter(None, (about.title, about.description))), 305: about.software, 272: about.camera}
    tags[306] = about.taken
    for tag, said in tags.items():
        if said:
            exif[tag] = _ascii(said)
    inner = exif.get_ifd(0x8769)
    if about.taken:
        inner[36867] = about.taken
    if about.exposure_s:
        inner[33434] = about.exposure_s
    if about.focal_mm:
        inner[37386] = about.focal_mm
    return exif


def _xmp(about: About) -> bytes:
    """Title and words in XMP, which holds letters of any language; and what a TIFF has no other place for."""
    lines = [
        f"<dc:{key}><rdf:Alt><rdf:li xml:lang='x-default'>{escape(said)}</rdf:li></rdf:Alt></dc:{key}>"
        for key, said in (("title", about.title), ("description", about.description))
        if said
    ]
    date, _, clock = about.taken.partition(" ")
    facts = {
        "xmp:CreatorTool": about.software,
        "exif:DateTimeOriginal": about.taken and f"{date.replace(':', '-')}T{clock}",
        "exif:ExposureTime": _ratio(about.exposure_s),
        "exif:FocalLength": _ratio(about.focal_mm),
    }
    said = "".join(f" {key}={quoteattr(value)}" for key, value in facts.items() if value)
    return (
        "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about=''"
        " xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/'"
        f" xmlns:exif='http://ns.adobe.com/exif/1.0/'{said}>"
        f"{''.join(lines)}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    ).encode()


def _ratio(value: float | None) -> str:
    """Write a number as XMP wants it, to a thousandth."""
    return f"{round(1000 * value)}/1000" if value else ""
