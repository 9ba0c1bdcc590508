"""Stars whose colours are known: a catalogue file of the user's own, and where its stars lie on a solved stack.

Any file that Gaia's archive or VizieR hands out will do: a table with right ascension and declination in degrees, and
BP−RP or B−V. Colours are told from that of the sun on, for the sun is white.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from livestack.errors import SettingsError
from livestack.frame import Array

SUFFIXES = (".csv", ".tsv", ".fits", ".fit")
FITS_SUFFIXES = SUFFIXES[2:]
_SUN = {"bprp": 0.82, "bv": 0.65}
"""BP−RP (Casagrande and VandenBerg 2018) and B−V (Ramírez et al. 2012) of the sun."""
_RA, _DEC = ("ra", "radeg", "raj2000", "raicrs"), ("dec", "decdeg", "dej2000", "deicrs", "decj2000")
_MAGNITUDE = ("photgmeanmag", "gmag", "vmag", "mag", "magnitude", "g", "v")
_MARGIN = 0.1
"""So far beyond the frame, in its size, stars are taken to the px by distortion too."""


def read_colours(path: Path) -> Array:
    """Read a catalogue: (n, 3) float64, right ascension, declination (degrees), colour less that of the sun (mag).

    Brightest first where magnitudes are told. Rows without a number are left out.

    Raises
    ------
    SettingsError
        It cannot be read, or has no such columns.
    """
    try:
        columns = _of_fits(path) if path.suffix.lower() in FITS_SUFFIXES else _of_text(path)
    except (OSError, ValueError, csv.Error, IndexError) as error:
        raise SettingsError(f"{path} cannot be read as a catalogue of stars: {error}") from None
    ra, dec, colour = (_first(columns, names) for names in (_RA, _DEC, tuple(_SUN)))
    if ra is None or dec is None or colour is None:
        raise SettingsError(f"{path.name} needs the columns ra, dec (degrees), and bp_rp or b_v")
    told = [columns[ra], columns[dec], columns[colour] - _SUN[colour]]
    magnitude = _first(columns, _MAGNITUDE)
    known = np.isfinite(told).all(axis=0)
    if magnitude is not None:
        known &= np.isfinite(columns[magnitude])
    stars = np.stack(told, axis=1)[known]
    return stars if magnitude is None else stars[np.argsort(columns[magnitude][known], kind="stable")]


def _first(columns: Mapping[str, Array], names: Iterable[str]) -> str | None:
    return next((name for name in names if name in columns), None)


def _plain(name: str) -> str:
    """Name of a column as it is looked for: bp_rp, BP-RP and bprp are the same."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _of_fits(path: Path) -> dict[str, Array]:
    from astropy.table import Table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units that are none
        table = Table.read(path, format="fits")
    numbers = [name for name in table.colnames if table[name].dtype.kind in "fiu" and table[name].ndim == 1]
    return {_plain(name): np.ma.filled(np.ma.asarray(table[name], np.float64), np.nan) for name in numbers}


def _of_text(path: Path) -> dict[str, Array]:
    """Columns of a text with a line of names, split by commas, semicolons or tabs; what is no number is NaN."""
    lines = [line for line in path.read_text("utf-8-sig").splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise ValueError("it is empty")
    split = max("\t;,", key=lines[0].count)
    rows = list(csv.reader(lines, delimiter=split))
    names = [_plain(name) for name in rows[0]]
    wanted = [k for k, name in enumerate(names) if name in (*_RA, *_DEC, *_SUN, *_MAGNITUDE)]
    return {names[k]: np.array([_number(row[k]) if k < len(row) else np.nan for row in rows[1:]]) for k in wanted}


def _number(written: str) -> float:
    try:
        return float(written)
    except ValueError:
        return np.nan


def stars_on(stars: Array, wcs: Mapping[str, Any], shape: tuple[int, int]) -> Array:
    """Return which stars lie on a frame and where: (n, 3), y and x as shares of its height and width, and colour.

    Parameters
    ----------
    stars : (n, 3) from `read_colours`.
    wcs : world coordinates as the header of the frame states them, the first px of its array being (1, 1).
    shape : (H, W)
    """
    from astropy.wcs import WCS, FITSFixedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        sky = WCS(dict(wcs))
    seen, (h, w) = stars, shape
    for turn in (sky.wcs_world2pix, _distorted(sky)):
        with np.errstate(all="ignore"):
            x, y = np.asarray(turn(seen[:, 0], seen[:, 1], 0))
        inside = (np.abs(x / w - 0.5) < 0.5 + _MARGIN) & (np.abs(y / h - 0.5) < 0.5 + _MARGIN)
        seen, x, y = seen[inside], x[inside], y[inside]
    found = np.stack([(y + 0.5) / h, (x + 0.5) / w, seen[:, 2]], axis=1)
    return found[((found[:, :2] > 0) & (found[:, :2] < 1)).all(axis=1)]


def _distorted(sky: Any) -> Callable[..., Any]:
    return lambda ra, dec, origin: sky.all_world2pix(ra, dec, origin, quiet=True)


def colours_on(file: Path | None, wcs: Mapping[str, Any], shape: tuple[int, int]) -> tuple[Array | None, str]:
    """Return which stars of a catalogue lie on a frame, as `stars_on` does, or None and why not.

    Parameters
    ----------
    file : the catalogue; None = `stars.csv`, .tsv or .fits in the user's data folder.

    Raises
    ------
    SettingsError
        The catalogue cannot be read.
    """
    if not wcs:
        return None, "White balance by stars: the stack is not solved, so nobody knows which stars these are"
    home = platformdirs.user_data_path("livestack", appauthor=False)
    file = file or next((path for path in (home / f"stars{suffix}" for suffix in SUFFIXES) if path.is_file()), None)
    if file is None:
        return None, f"White balance by stars: there is no catalogue, {home / 'stars.csv'}"
    stars = stars_on(read_colours(file), wcs, shape)
    return (stars, "") if len(stars) else (None, f"White balance by stars: {file.name} has no stars in this field")
