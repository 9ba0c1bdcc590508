"""The typeface of the faces: Livestack Sans, IBM Plex Sans cut down to what is written here (OFL.txt)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path

from livestack.show.tokens import FONTS

WEIGHTS = {400: "Regular", 500: "Medium", 600: "SemiBold"}


def truetype(name: str) -> Path:
    """Return the file of a weight, unpacked: what draws no page reads no WOFF2."""
    return Path(__file__).with_name(f"LivestackSans-{name}.ttf")


def faces(url: Callable[[str], str] | None = None, weights: Mapping[int, str] = WEIGHTS) -> str:
    """Return the typeface as CSS.

    Parameters
    ----------
    url : callable, optional
        Where a weight is found, by its name; None = in the CSS itself, which then needs no other file.
    weights : mapping of int to str
        Which ones.
    """
    return "".join(
        f'@font-face{{font-family:"{FONTS[0]}";font-weight:{weight};font-display:block;'
        f'src:url("{(url or _inline)(name)}") format("woff2")}}'
        for weight, name in weights.items()
    )


def woff2(name: str) -> bytes:
    """Return the file of a weight."""
    return Path(__file__).with_name(f"LivestackSans-{name}.woff2").read_bytes()


def _inline(name: str) -> str:
    return f"data:font/woff2;base64,{b64encode(woff2(name)).decode()}"
