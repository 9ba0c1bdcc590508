"""Stars for the INDI camera simulator, which asks a program named ``gsc`` for them: answers from the Tycho-2 stars.

They come from Debian's astrometry-data-tycho2 (`stars_near`). Needs nothing but Python. As a program, with a list that
`write_stars` wrote::

    python tests/night/gsc.py STARS -c RA DEC -r ARCMIN -m BRIGHTEST FAINTEST -n MOST
"""

from __future__ import annotations

import argparse
import math
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

INDEX = Path("/usr/share/astrometry/index-tycho2-07.littleendian.fits")

Star = tuple[float, float, float]
"""Right ascension, declination (°), magnitude."""

_BLOCK, _CARD = 2880, 80


def stars_near(ra_deg: float, dec_deg: float, radius_deg: float) -> list[Star]:
    """Return the Tycho-2 stars of a circle on the sky, in the order of the index."""
    columns = _columns(INDEX)
    corner = array("d", columns["kdtree_range_stars"])
    x0, y0, z0, scale = (*corner[:3], corner[6])
    steps = array("I", columns["kdtree_data_stars"])
    magnitudes = array("f", columns["MAG_VT"])
    magnitudes.byteswap()
    a, b, c = _direction(ra_deg, dec_deg)
    least = math.cos(math.radians(radius_deg))
    near = []
    for u, v, w, magnitude in zip(steps[0::3], steps[1::3], steps[2::3], magnitudes, strict=True):
        x, y, z = x0 + u / scale, y0 + v / scale, z0 + w / scale
        if a * x + b * y + c * z > least:
            near.append((math.degrees(math.atan2(y, x)) % 360, math.degrees(math.asin(max(-1, min(z, 1)))), magnitude))
    return near


def write_stars(path: Path, stars: list[Star]) -> None:
    """Write a list of stars that the program answers from, brightest first."""
    rows = (f"{ra:.6f} {dec:.6f} {magnitude:.2f}\n" for ra, dec, magnitude in sorted(stars, key=lambda star: star[2]))
    path.write_text("".join(rows))


def _direction(ra_deg: float, dec_deg: float) -> tuple[float, float, float]:
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    return math.cos(ra) * math.cos(dec), math.sin(ra) * math.cos(dec), math.sin(dec)


def _columns(path: Path) -> dict[str, bytes]:
    """Read the one-column tables of a little-endian astrometry.net index; their bytes by name."""
    columns = {}
    with path.open("rb") as file:
        while header := _header(file):
            size = int(header.get("NAXIS1", 0)) * int(header.get("NAXIS2", 0)) if int(header["NAXIS"]) else 0
            content = file.read(size)
            file.seek(-size % _BLOCK, 1)
            columns[header.get("TTYPE1", "")] = content
    return columns


def _header(file: BinaryIO) -> dict[str, str]:
    header: dict[str, str] = {}
    while block := file.read(_BLOCK):
        for start in range(0, _BLOCK, _CARD):
            card = block[start : start + _CARD].decode("ascii")
            if card.startswith("END "):
                return header
            header[card[:8].strip()] = card[10:].split("/")[0].strip(" '")
    return header


def _answer(options: argparse.Namespace) -> Iterator[str]:
    """Rows as the Guide Star Catalogue's client prints them."""
    towards = _direction(*options.c)
    left = options.n
    for number, row in enumerate(options.stars.read_text().splitlines()):
        ra, dec, magnitude = map(float, row.split())
        along = sum(a * b for a, b in zip(towards, _direction(ra, dec), strict=True))
        arcmin = math.degrees(math.acos(min(along, 1.0))) * 60
        if left and arcmin <= options.r and options.m[0] <= magnitude <= options.m[1]:
            left -= 1
            yield f"{number:010d} {ra:10.6f} {dec:+10.6f}  0.2 {magnitude:5.2f} 0.40 1 0 T2ca FF {arcmin:6.2f}   0"


def main() -> None:
    """Answer one question."""
    parser = argparse.ArgumentParser(
        description="Stars round a place, as the Guide Star Catalogue's client prints them."
    )
    parser.add_argument("stars", type=Path)
    parser.add_argument("-c", type=float, nargs=2, required=True, metavar=("RA", "DEC"))
    parser.add_argument("-r", type=float, default=30.0, metavar="ARCMIN")
    parser.add_argument("-m", type=float, nargs=2, default=(0.0, 17.0), metavar=("BRIGHTEST", "FAINTEST"))
    parser.add_argument("-n", type=int, default=3000, metavar="MOST")
    for row in _answer(parser.parse_args()):
        print(row)


if __name__ == "__main__":
    main()
