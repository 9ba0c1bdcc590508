"""A night as lists, for other programs: all of it as JSON, its subs as CSV, its acquisitions as AstroBin reads them."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from livestack.events import MastersMatched, Record, SessionStarted, StackFounded
from livestack.sessions import night_of
from livestack.show.monitor.report import report_of
from livestack.show.monitor.write import whole_record
from livestack.show.sky import NOT_KNOWN
from livestack.show.source import engine_alive, open_source
from livestack.show.state import NightState, SubRow, catch_up, fold
from livestack.stacks.replay import Past, replay

Row = dict[str, Any]

ASTROBIN = (
    "date", "filter", "number", "duration", "binning", "gain", "sensorCooling", "darks", "flats", "flatDarks", "bias",
    "meanFwhm", "temperature",
)  # fmt: skip
"""Columns of AstroBin's form (welcome.astrobin.com/importing-acquisitions-from-csv) that a session can fill."""
_MASTERS = {"darks": "dark", "flats": "flat", "flatDarks": "darkflat", "bias": "bias"}
_MOST_BINNED = 4
_LEFT_ASIDE = ("matrix", "sha256", "seq")


def as_json(session: Path) -> str:
    """Return a session as JSON: what it is, its stacks, what was left out and why, alerts, settings, all subs.

    Raises
    ------
    SessionError
        The folder is not a session.
    """
    state, records, subs = _night(session)
    past = replay(records)
    report = report_of(state, records, {}, datetime.now(UTC), alive=engine_alive(state))
    begun = [record.event for record in records if isinstance(record.event, SessionStarted)]
    out = [sub for sub in subs if sub["state"] != "accepted"]
    facts = {
        "session": str(session),
        "night": report.night,
        "verdict": report.verdict,
        "note": report.note,
        "advice": list(report.advice),
        "folder": state.folder,
        "version": begun[-1].livestack if begun else None,
        "settings": begun[-1].settings if begun else {},
        "stacks": [_stack(founded, past, subs) for founded in past.founded.values()],
        "left_out": dict(Counter(sub["reason"] or sub["state"] for sub in out).most_common()),
        "alerts": [{"from": line.begun, "until": line.until, "sentence": line.words} for line in report.alerts],
        "acquisitions": _acquisitions(state, past),
        "subs": subs,
    }
    return json.dumps(facts, ensure_ascii=False, indent=1)


def as_csv(session: Path) -> str:
    """Return a session's subs, one a line: verdict, reason, figures.

    Raises
    ------
    SessionError
        The folder is not a session.
    """
    subs = _night(session)[2]
    return _written(list(subs[0]) if subs else ["no", "path"], subs)


def as_astrobin(session: Path) -> str:
    """Return what was stacked by night, filter, exposure and camera settings, as AstroBin's form imports it.

    AstroBin knows filters by numbers: names are ignored there, and stand here to be replaced.

    Raises
    ------
    SessionError
        The folder is not a session.
    """
    state, records, _ = _night(session)
    return _written(ASTROBIN, _acquisitions(state, replay(records)))


def _night(session: Path) -> tuple[NightState, list[Record], list[Row]]:
    source = open_source(session)
    with closing(source.journal) as journal:
        records = whole_record(journal)
        rows = journal.rows("SELECT * FROM sub ORDER BY no")
        subs = [{name: value for name, value in row.items() if name not in _LEFT_ASIDE} for row in rows]
        return catch_up(journal, fold(records), limit=0), records, subs


def _stack(founded: StackFounded, past: Past, subs: Sequence[Row]) -> Row:
    """Return the facts of a stack, and what its masters are."""
    rows = [sub for sub in subs if sub["stack"] == founded.stack and sub["state"] == "accepted"]
    matched = past.matched.get(founded.stack)
    masters = {} if matched is None else {kind: getattr(matched, kind) for kind in ("bias", "dark", "flat", "darkflat")}
    return {
        "stack": founded.stack,
        "target": founded.header.get("target"),
        "filter": founded.header.get("filter"),
        "size": list(founded.size),
        "channels": founded.channels,
        "n_subs": len(rows),
        "exposure_s": sum(sub["exposure_s"] or 0.0 for sub in rows),
        "masters": masters,
    }


def _acquisitions(state: NightState, past: Past) -> list[Row]:
    """Count stacked subs that were taken alike in a night; times of no date count by when they were stacked."""
    alike: dict[tuple[Any, ...], list[SubRow]] = {}
    for row in state.subs:
        if row.state == "accepted" and row.stack in past.founded and row.exposure_s:
            night = night_of((row.time or row.judged).astimezone())
            alike.setdefault((night, row.filter or "", row.stack, row.exposure_s), []).append(row)
    return [_acquisition(key[0], rows, state, past) for key, rows in sorted(alike.items())]


def _acquisition(night: str, rows: Sequence[SubRow], state: NightState, past: Past) -> Row:
    """Return what subs of one stack and exposure have in common; None = nobody said so."""
    stack = rows[0].stack or ""
    header, scale = past.founded[stack].header, state.grids.get(stack, NOT_KNOWN).arcsec_per_px
    binning = (header.get("binning") or (1, 1))[0]
    fwhm_px = _middle(row.fwhm_px for row in rows)
    return {
        "date": night,
        "filter": rows[0].filter or "",
        "number": len(rows),
        "duration": _rounded(rows[0].exposure_s, 4),
        "binning": binning if binning <= _MOST_BINNED else None,
        "gain": _rounded(header.get("gain"), 2),
        "sensorCooling": _rounded(_middle([*(row.gear.get("sensor_c") for row in rows), header.get("temperature_c")])),
        **_masters(past.matched.get(stack)),
        "meanFwhm": None if fwhm_px is None or not scale else _rounded(fwhm_px * scale, 2),
        "temperature": _rounded(_middle(row.air_c for row in rows), 2),
    }


def _masters(matched: MastersMatched | None) -> Row:
    """Count the files that a stack's masters are made of; of a master that is one file nobody knows."""
    counts = {name: 0 if matched is None else len(getattr(matched, kind)) for name, kind in _MASTERS.items()}
    return {name: n if n > 1 else None for name, n in counts.items()}


def _middle(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return median(known) if known else None


def _rounded(value: float | None, digits: int | None = None) -> float | None:
    return None if value is None else round(value, digits)


def _written(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    lines = csv.DictWriter(out, columns, lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
    return out.getvalue().rstrip("\n")


LISTS: Mapping[str, Callable[[Path], str]] = {"json": as_json, "csv": as_csv, "astrobin": as_astrobin}
"""A night as text, by the name of the list."""
