"""What a path's name alone says: its format, whether it is a frame at all, and its natural order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

PACKINGS: Final = (".fz", ".gz")
FITS_SUFFIXES: Final = tuple(f"{base}{packing}" for base in (".fits", ".fit", ".fts") for packing in ("", *PACKINGS))
IMAGE_SUFFIXES: Final = (".tif", ".tiff", ".png", ".jpg", ".jpeg")
SER_SUFFIX: Final = ".ser"
XISF_SUFFIXES: Final = (".xisf",)
# fmt: off
RAW_SUFFIXES: Final = (
    ".3fr", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dcs", ".dng", ".drf", ".erf",
    ".fff", ".gpr", ".iiq", ".k25", ".kdc", ".mdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf",
    ".pef", ".ptx", ".pxn", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
)
# fmt: on

TEMPORARY_PREFIXES: Final = (".", "~", "tmp")
PRODUCT: Final = re.compile(r"(dso[_-]|img_)?stacked(\d|[_-]|$)|img_ref|live_stack|livestack_")
SIRIL_PREFIX: Final = re.compile(
    r"^(?:(?:(?:r|bkg|db|cropped|resample|ha|oiii)_)*pp_|(?:(?:r|bkg|cropped|resample)_)+(?=(?:light|dark|bias|flat)s?_))",
    re.IGNORECASE,
)
"""Siril puts what it did before the name of a sequence: calibrated (``pp_``), registered (``r_``), …"""
THUMBNAIL: Final = re.compile(r"(_thn|_thumb|thumbnail|_thumbnail)$")
PREVIEW: Final = re.compile(r"(light|dark|flat|bias|preview)_.*_\d{8}-\d{6}.*\.jpe?g")
"""ASIAIR and Seestar write FITS, and a JPEG beside it to look at."""
THUMBNAIL_FOLDERS: Final = frozenset({"@eadir", "thumbnail", "thumbnails", "thumbs"})
NINA_PLACEHOLDER: Final = re.compile(r"\$\$[^$]+\$\$")
KIND_FOLDERS: Final = frozenset({"light", "dark", "flat", "bias"})
FRAME_NUMBER: Final = re.compile(r"\d{6,}\.ser", re.IGNORECASE)
DIGITS: Final = re.compile(r"(\d+)")

NaturalKey = tuple[str | int, ...]


def suffix_of(path: Path) -> str:
    """Return the suffix that chooses the reader, in lower case, with the packing: ``.fits``, ``.fits.fz``, ``.cr2``."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() + suffix if suffix in PACKINGS else suffix


def bare_name(path: Path) -> str:
    """Return the name without its suffix."""
    return path.name[: len(path.name) - len(suffix_of(path))]


def stem_of(path: Path) -> str:
    """Return the name without its suffix, in lower case."""
    return bare_name(path).lower()


def frame_path(video: Path, number: int) -> Path:
    """Return what a frame of a SER is called, counted from 1: as if the video were a folder of frames."""
    return video / f"{video.stem}_{number:06d}{video.suffix}"


def file_of(path: Path) -> Path:
    """Return the file that a frame is in: its own, or the SER that it is a frame of."""
    video = path.parent
    is_frame = video.suffix.lower() == SER_SUFFIX and FRAME_NUMBER.fullmatch(path.name.removeprefix(f"{video.stem}_"))
    return video if is_frame else path


def number_of(path: Path) -> int:
    """Return which frame of its SER a path is, from 1; the video itself stands for its first one."""
    return 1 if file_of(path) == path else int(path.stem.rpartition("_")[2])


def is_stray(path: Path) -> bool:
    """Whether the name marks a file that is no frame: hidden, temporary, a preview, or a program's finished stack."""
    name, stem = path.name.lower(), stem_of(path)
    return (
        name.startswith(TEMPORARY_PREFIXES)
        or NINA_PLACEHOLDER.search(path.name) is not None
        or PRODUCT.match(stem) is not None
        or THUMBNAIL.search(stem) is not None
        or PREVIEW.fullmatch(name) is not None
        or any(part.lower() in THUMBNAIL_FOLDERS for part in path.parts[:-1])
        or _is_asiair_live(path)
    )


def _is_asiair_live(path: Path) -> bool:
    """Whether the path lies in an ASIAIR ``Live`` folder, which holds stacks and masters.

    A folder that merely happens to be called Live is not enough: it must look like ASIAIR's.
    """
    folders = path.parts[:-1]
    if "Live" not in folders:
        return False
    below = folders[len(folders) - folders[::-1].index("Live") :]
    return any("asiair" in folder.lower() for folder in folders) or (
        bool(below) and (below[0].lower() in KIND_FOLDERS or "stack" in path.name.lower())
    )


def natural_key(path: Path) -> NaturalKey:
    """Return a sorting key in which ``L_2`` comes before ``L_10``: text and numbers in turn."""
    return tuple(int(part) if i % 2 else part for i, part in enumerate(DIGITS.split(str(path))))


def has_number(path: Path) -> bool:
    """Whether the name (not its suffix, ``.cr2``) holds a number that can order it."""
    return DIGITS.search(stem_of(path)) is not None
