"""Camera software: names, headers, and files that grow on disk under their final name."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from livestack.errors import SettingsError, SourceError
from livestack.simulate.fits import Value, fits_bytes
from livestack.simulate.night import Night
from livestack.simulate.options import NightOptions
from livestack.simulate.truth import time_of

_CHUNKS = 6
_TORN_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Shot:
    """One file of the night. kind is light, dark, flat or bias; name is relative to the capture folder."""

    name: str
    kind: str
    no: int
    copy: bool = False


def shots(options: NightOptions) -> list[Shot]:
    """Return the files of the night in the order they are written: calibration first, then the lights."""
    return [
        *(Shot(_name(options, kind, no), kind, no) for kind, n in _calibration(options) for no in range(n)),
        *(shot for no in range(options.n_lights) for shot in _light_shots(options, no)),
    ]


def header(options: NightOptions, kind: str, no: int) -> dict[str, Value]:
    """Return the keywords camera software writes to a frame."""
    start, exposure_s = _start(options, kind, no), _exposure_s(options, kind)
    cards: dict[str, Value] = {
        "IMAGETYP": kind.upper(),
        "EXPOSURE": exposure_s,
        "EXPTIME": exposure_s,
        "DATE-OBS": start.isoformat(timespec="milliseconds").removesuffix("+00:00"),
        "XBINNING": 1,
        "YBINNING": 1,
        "GAIN": options.gain,
        "OFFSET": options.offset_adu,
        "EGAIN": options.e_per_adu,
        "XPIXSZ": options.pixel_um,
        "YPIXSZ": options.pixel_um,
        "INSTRUME": options.camera,
        "SET-TEMP": options.temperature_c,
        "CCD-TEMP": options.temperature_c,
    }
    if options.cfa is not None:
        cards |= {"BAYERPAT": _bayerpat(options), "XBAYROFF": 0, "YBAYROFF": 0}
    cards |= {"TELESCOP": options.telescope, "FOCALLEN": options.focal_mm}
    if options.filter is not None and kind in ("light", "flat"):
        cards["FILTER"] = options.filter
    if kind == "light":
        flipped = options.flip_at is not None and no >= options.flip_at
        cards |= {"OBJECT": options.target, "RA": options.ra_deg, "DEC": options.dec_deg}
        cards["PIERSIDE"] = "West" if flipped else "East"
    return cards | {"ROWORDER": options.row_order, "EQUINOX": 2000.0, "SWCREATE": "Synthetic Camera"}


def write_night(
    folder: Path,
    options: NightOptions,
    *,
    pace_s: float | None = None,
    stop: threading.Event | None = None,
    chunk_pause_s: float = 0.0,
) -> list[Path]:
    """Write a night as camera software does: final names in place, in chunks, sub after sub.

    The truth goes to ``<folder>.truth.json`` beside the capture folder, before the first frame.

    Parameters
    ----------
    folder : Path
        The capture folder: new, or empty.
    options : NightOptions
        What happens in the night.
    pace_s : float, optional
        Seconds from one light's start to the next one's; None = as fast as they are made. Calibration is never paced.
    stop : threading.Event, optional
        Set it to stop after the file in hand.
    chunk_pause_s : float
        Seconds between the chunks of a file.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    SettingsError
        The folder holds something already.
    SourceError
        The disk does not take the files.
    """
    stop = stop or threading.Event()
    night = Night(options)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SettingsError(f"{folder} is not empty: give a new folder, nothing is ever written among your files")
        truth = json.dumps(truth_of(night), indent=1)
        folder.with_name(folder.name + ".truth.json").write_text(truth + "\n", encoding="utf-8")
        return list(_written(folder, night, pace_s, stop, chunk_pause_s))
    except OSError as error:
        raise SourceError(f"the night cannot be written to {folder}: {error.strerror or error}") from None


def truth_of(night: Night) -> dict[str, object]:
    """Return what there is to know about a night as JSON values: options, lights, files."""
    options = dataclasses.asdict(night.options)
    options["start_utc"] = night.options.start_utc.isoformat()
    return {
        "options": options,
        "lights": [night.truth(no).to_dict() for no in range(night.options.n_lights)],
        "files": [dataclasses.asdict(shot) for shot in shots(night.options)],
    }


def _written(
    folder: Path, night: Night, pace_s: float | None, stop: threading.Event, chunk_pause_s: float
) -> Iterator[Path]:
    due = time.monotonic()
    for shot in shots(night.options):
        if shot.kind == "light" and not shot.copy and pace_s is not None:
            stop.wait(max(0.0, due - time.monotonic()))
            due = max(due, time.monotonic() - pace_s) + pace_s
        if stop.is_set():
            return
        path = folder / shot.name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_slowly(path, _file_bytes(night, shot), stop, chunk_pause_s)
        yield path


def _file_bytes(night: Night, shot: Shot) -> bytes:
    take = {"light": night.light, "dark": night.dark, "flat": night.flat, "bias": night.bias}[shot.kind]
    whole = fits_bytes(take(shot.no), header(night.options, shot.kind, shot.no))
    torn = shot.kind == "light" and shot.no == night.options.torn_at
    return whole[: round(_TORN_SHARE * len(whole))] if torn else whole


def _write_slowly(path: Path, content: bytes, stop: threading.Event, pause_s: float) -> None:
    step = -(-len(content) // _CHUNKS)
    with path.open("wb") as file:
        for start in range(0, len(content), step):
            if start and pause_s:
                stop.wait(pause_s)
            file.write(content[start : start + step])
            file.flush()


def _light_shots(options: NightOptions, no: int) -> list[Shot]:
    name = _name(options, "light", no)
    again = [Shot(name.replace(".fits", " - Copy.fits"), "light", no, copy=True)] if no == options.duplicate_at else []
    return [Shot(name, "light", no), *again]


def _calibration(options: NightOptions) -> list[tuple[str, int]]:
    return [("bias", options.n_bias), ("dark", options.n_darks), ("flat", options.n_flats)]


def _exposure_s(options: NightOptions, kind: str) -> float:
    return {"bias": 0.0, "dark": options.exposure_s, "flat": options.flat_exposure_s, "light": options.exposure_s}[kind]


def _start(options: NightOptions, kind: str, no: int) -> datetime:
    """When a frame is exposed: bias three hours before the lights, darks two, flats one."""
    if kind == "light":
        return time_of(options, no)
    hours = {"bias": 3, "dark": 2, "flat": 1}[kind]
    each_s = _exposure_s(options, kind) + options.interval_s
    return options.start_utc - timedelta(hours=hours) + timedelta(seconds=no * each_s)


def _name(options: NightOptions, kind: str, no: int) -> str:
    start = _start(options, kind, no)
    parts = [f"{start:%Y-%m-%d_%H-%M-%S}", *([options.filter] if options.filter else [])]
    parts += [f"{options.temperature_c:.2f}", f"{_exposure_s(options, kind):.2f}s", f"{no + 1:04d}"]
    return f"{kind.upper()}/{'_'.join(parts)}.fits"


def _bayerpat(options: NightOptions) -> str:
    """Pattern as it is seen with the top row first, whatever the order of rows in the file."""
    cfa = options.cfa or ""
    return cfa if options.row_order == "TOP-DOWN" else cfa[2:] + cfa[:2]
