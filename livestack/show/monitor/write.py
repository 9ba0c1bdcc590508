"""Where the report is made: from a session's journal and pictures to ``report.html`` in its folder."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from livestack.atomic import write_atomically
from livestack.errors import SessionError
from livestack.events import Record
from livestack.journal import Journal
from livestack.show.monitor.page import page
from livestack.show.monitor.pictures import grain_pictures, joined, packed
from livestack.show.monitor.report import Report, report_of
from livestack.show.monitor.shown_subs import shown_subs
from livestack.show.monitor.strip import strip_of
from livestack.show.source import Source, engine_alive, open_source
from livestack.show.state import NightState, SubRow, catch_up, fold

NAME = "report.html"
MOST_BYTES = 2_000_000
_AS_TEXT = 4 / 3
"""A picture in a page takes so many bytes for each of its own."""


def write_report(session: Path) -> Path:
    """Write the report of a session, running or not, and return its path. Only ever reads the session otherwise.

    Raises
    ------
    SessionError
        The folder is not a session, or it cannot be written to.
    """
    source = open_source(session)
    with closing(source.journal):
        data = as_page(source, datetime.now(UTC)).encode(errors="replace")
    file = session / NAME
    try:
        write_atomically(file, lambda out: out.write(data))
    except OSError as error:
        raise SessionError(f"{file} cannot be written: {error.strerror}") from None
    return file


def as_page(source: Source, now: datetime) -> str:
    """Return the report of a session as a page of at most `MOST_BYTES`."""
    records = whole_record(source.journal)
    state = catch_up(source.journal, fold(records), limit=0)
    report = report_of(state, records, grain_pictures(source), now, alive=engine_alive(state))
    subs = shown_subs(_rows_of(state, report), source.preset)
    strip = () if report.empty else strip_of(source.session, report.sections[0].stack, source.preset)
    bare = len(page(report, {}, subs=subs, strip=strip).encode(errors="replace"))
    stacks = [] if report.empty else [section.stack for section in report.sections]
    together = joined(source) if len(stacks) > 1 else None
    shown = [together, *stacks] if together else stacks
    return page(report, packed(source, shown, int((MOST_BYTES - bare) / _AS_TEXT) - 1000), together, subs, strip)


def _rows_of(state: NightState, report: Report) -> list[SubRow]:
    """Return the subs of the first stack, and those that went into none."""
    if report.empty:
        return []
    return [row for row in state.subs if row.stack in (report.sections[0].stack, None)]


def whole_record(journal: Journal) -> list[Record]:
    """Return every event of a journal."""
    records: list[Record] = []
    while more := journal.follow(records[-1].seq if records else 0):
        records += more
    return records
