"""The record of a session: every event, in order, in one SQLite file (WAL).

An event is committed before anyone hears of it. Readers in other processes follow by seq and leave requests; only the
engine writes events. Views ``sub``, ``stack`` and ``alert`` show the present state in SQL.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from livestack import events
from livestack.errors import SessionError
from livestack.events import Event, Json, Record, Request
from livestack.frame import Identity

SCHEMA_VERSION = 1

BUSY_S = 30.0
"""So long SQLite itself waits for who else writes."""
PATIENT_BUSY_S = 5.0
"""The same where it is tried again after that."""
CACHED_KB = 512
"""Of the file in each connection's memory: what is written is hardly read again, and the system keeps it, too."""
DOUBTFUL_S = 60.0
"""So long after a failure of the disk a broken journal is not believed."""

T = TypeVar("T")

_SAFE_AND_LEAN = f"PRAGMA synchronous=FULL; PRAGMA cache_size=-{CACHED_KB};"
_TABLES = """
CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time_utc TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time_utc TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
    done_seq INTEGER);
CREATE TABLE IF NOT EXISTS arrival (
    no INTEGER PRIMARY KEY, path TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL, use INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS event_no ON event(json_extract(body, '$.no')) WHERE json_extract(body, '$.no') IS NOT NULL;
"""

_LAST_WORD = """
SELECT e.*, json_extract(e.body, '$.no') AS no FROM event e
WHERE e.kind IN ('SubAccepted', 'SubRejected')
  AND e.seq = (SELECT max(f.seq) FROM event f WHERE json_extract(f.body, '$.no') = json_extract(e.body, '$.no')
               AND f.kind IN ('SubAccepted', 'SubRejected'))
"""

_VIEWS = f"""
CREATE VIEW IF NOT EXISTS sub AS SELECT
    w.no AS no,
    json_extract(w.body, '$.path') AS path,
    json_extract(w.body, '$.sha256') AS sha256,
    json_extract(w.body, '$.stack') AS stack,
    json_extract(w.body, '$.target') AS target,
    json_extract(w.body, '$.filter') AS filter,
    json_extract(w.body, '$.time_utc') AS time_utc,
    json_extract(w.body, '$.exposure_s') AS exposure_s,
    CASE WHEN w.kind = 'SubRejected' THEN 'rejected'
         WHEN (SELECT kind FROM event d WHERE d.kind IN ('SubDropped', 'SubRestored')
               AND json_extract(d.body, '$.no') = w.no ORDER BY d.seq DESC LIMIT 1) = 'SubDropped' THEN 'dropped'
         ELSE 'accepted' END AS state,
    json_extract(w.body, '$.reason') AS reason,
    json_extract(w.body, '$.sentence') AS sentence,
    json_extract(w.body, '$.weight') AS weight,
    json_extract(w.body, '$.scale') AS scale,
    json_extract(w.body, '$.matrix') AS matrix,
    json_extract(w.body, '$.registration.rms_px') AS rms_px,
    json_extract(w.body, '$.registration.n_matches') AS n_matches,
    json_extract(w.body, '$.quality.n_stars') AS n_stars,
    json_extract(w.body, '$.quality.fwhm_px') AS fwhm_px,
    json_extract(w.body, '$.quality.hfr_px') AS hfr_px,
    json_extract(w.body, '$.quality.eccentricity') AS eccentricity,
    json_extract(w.body, '$.quality.background_adu') AS background_adu,
    json_extract(w.body, '$.quality.noise_adu') AS noise_adu,
    json_extract(w.body, '$.quality.transparency') AS transparency,
    w.seq AS seq
FROM ({_LAST_WORD}) w ORDER BY w.no;
CREATE VIEW IF NOT EXISTS stack AS SELECT
    json_extract(e.body, '$.stack') AS stack,
    json_extract(e.body, '$.target') AS target,
    json_extract(e.body, '$.filter') AS filter,
    json_extract(e.body, '$.camera') AS camera,
    json_extract(e.body, '$.path') AS founding_path,
    (SELECT count(*) FROM sub WHERE sub.stack = json_extract(e.body, '$.stack') AND sub.state = 'accepted') AS n_subs,
    (SELECT sum(exposure_s) FROM sub
      WHERE sub.stack = json_extract(e.body, '$.stack') AND sub.state = 'accepted') AS exposure_s,
    e.seq AS seq
FROM event e WHERE e.kind = 'StackFounded'
  AND NOT EXISTS (SELECT 1 FROM event r WHERE r.kind = 'StackFounded' AND r.seq > e.seq
                  AND json_extract(r.body, '$.stack') = json_extract(e.body, '$.stack'));
CREATE VIEW IF NOT EXISTS alert AS SELECT
    json_extract(r.body, '$.rule') AS rule,
    json_extract(r.body, '$.sentence') AS sentence,
    r.time_utc AS raised_utc,
    (SELECT min(c.time_utc) FROM event c WHERE c.kind = 'AlertCleared' AND c.seq > r.seq
      AND json_extract(c.body, '$.rule') = json_extract(r.body, '$.rule')) AS cleared_utc,
    r.seq AS seq
FROM event r WHERE r.kind = 'AlertRaised';
"""


def _raise(_: sqlite3.DatabaseError) -> bool:
    return False


class Journal:
    """One session's record. Safe to use from several threads; one connection per object.

    Parameters
    ----------
    path : Path
        ``journal.sqlite`` of a session.
    create : bool
        Make it when it is not there (the engine); otherwise it must exist (a reader).
    refused : callable
        Asked when the disk does not take a transaction, after which nothing of it is there: whether to try it again.

    Raises
    ------
    SessionError
        Not there, not a journal, or written by a newer livestack.
    """

    def __init__(
        self, path: Path, *, create: bool = False, refused: Callable[[sqlite3.DatabaseError], bool] = _raise
    ) -> None:
        if not create and not path.is_file():
            raise SessionError(f"{path.parent} is not a livestack session: it has no {path.name}")
        self._lock = threading.RLock()
        self._path = path
        self._refused = refused
        self._last_seq = 0
        self._failed_s = -DOUBTFUL_S
        try:
            self._db = self._connect("rwc" if create else "rw")
            self._open(create)
        except sqlite3.DatabaseError as error:
            raise SessionError(f"{path} cannot be used as a journal: {error}") from None

    def _connect(self, mode: str) -> sqlite3.Connection:
        db = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}",
            uri=True,
            check_same_thread=False,
            timeout=BUSY_S if self._refused is _raise else PATIENT_BUSY_S,
            isolation_level=None,
        )
        db.text_factory = lambda text: text.decode("utf-8", "surrogatepass")
        return db

    def _open(self, create: bool) -> None:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise SessionError(
                f"the session was written by a newer livestack (journal version {version}); please update"
            )
        if create and version == 0:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(f"BEGIN;{_TABLES}{_VIEWS}PRAGMA user_version={SCHEMA_VERSION};COMMIT;")
        elif version == 0:
            raise SessionError("the session has not started yet: its journal is empty")
        self._db.executescript(_SAFE_AND_LEAN)

    def append(self, *new: Event) -> list[Record]:
        """Write events in one transaction, committed and on disk when this returns."""
        now = _now()
        records = self._write(lambda: [self._insert(now, event) for event in new])
        self._last_seq = max([self._last_seq, *(record.seq for record in records)])
        return records

    def _write(self, work: Callable[[], T]) -> T:
        """Do some writing in one transaction."""

        def whole() -> T:
            with self._transaction():
                return work()

        return self._until_done(whole)

    def _read(self, query: str, *values: object) -> list[Any]:
        return self._until_done(lambda: self._db.execute(query, values).fetchall())

    def _until_done(self, work: Callable[[], T]) -> T:
        """Do some work; again, where the disk does not take or give it and that is to be waited for."""
        while True:
            try:
                with self._lock:
                    return work()
            except sqlite3.DatabaseError as error:
                if not self._is_of_the_disk(error) or not self._refused(error):
                    raise
            with self._lock, contextlib.suppress(sqlite3.Error):
                self._open_again()

    def _is_of_the_disk(self, error: sqlite3.DatabaseError) -> bool:
        """Whether the disk is to blame; a connection that saw it fail may take a sound journal for a broken one."""
        if isinstance(error, sqlite3.OperationalError):
            self._failed_s = time.monotonic()
            return True
        just_failed = time.monotonic() - self._failed_s < DOUBTFUL_S
        return just_failed and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT

    def _open_again(self) -> None:
        """Connect anew: a disk that was gone and is back has another handle. Never to a journal that knows less."""
        fresh = self._connect("rw")
        try:
            fresh.executescript(_SAFE_AND_LEAN)
            known = int(fresh.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0])
        except sqlite3.Error:
            fresh.close()
            raise
        if known < self._last_seq:
            fresh.close()
            return
        self._db.close()
        self._db = fresh

    def _insert(self, now: str, event: Event) -> Record:
        kind = type(event).__name__
        cursor = self._db.execute(
            "INSERT INTO event(time_utc, kind, body) VALUES (?, ?, ?)",
            (now, kind, json.dumps(events.to_dict(event), separators=(",", ":"), allow_nan=False)),
        )
        return Record(int(cursor.lastrowid or 0), now, event)

    def follow(self, after_seq: int = 0, limit: int = 100_000) -> list[Record]:
        """Return the events after a seq, oldest first. Kinds of a newer version are skipped."""
        rows = self._read(
            "SELECT seq, time_utc, kind, body FROM event WHERE seq > ? ORDER BY seq LIMIT ?", after_seq, limit
        )
        return [
            Record(seq, time_utc, events.from_dict(kind, json.loads(body)))
            for seq, time_utc, kind, body in rows
            if kind in events.KINDS
        ]

    def arrive(self, found: Iterable[tuple[Identity, bool]]) -> list[int]:
        """Give files their numbers, in the order they were found finished; ``use`` False = listed, never stacked."""
        files = [
            (_storable(identity.path), identity.size, identity.mtime_ns, identity.inode, int(use))
            for identity, use in found
        ]

        def insert() -> list[int]:
            first = int(self._db.execute("SELECT coalesce(max(no), 0) + 1 FROM arrival").fetchone()[0])
            numbers = list(range(first, first + len(files)))
            rows = [(no, *file) for no, file in zip(numbers, files, strict=True)]
            self._db.executemany("INSERT INTO arrival VALUES (?, ?, ?, ?, ?, ?)", rows)
            return numbers

        return self._write(insert)

    def arrivals(self) -> list[tuple[int, Identity, bool]]:
        """Return every file found so far: number, identity, whether it is used."""
        rows = self._read("SELECT no, path, size, mtime_ns, inode, use FROM arrival ORDER BY no")
        return [(no, Identity(_path(path), size, mtime, ino), bool(use)) for no, path, size, mtime, ino, use in rows]

    def ask(self, kind: str, body: Json) -> int:
        """Leave a request for the engine; returns its id."""
        with self._lock:
            cursor = self._db.execute(
                "INSERT INTO request(time_utc, kind, body) VALUES (?, ?, ?)", (_now(), kind, json.dumps(body))
            )
            return int(cursor.lastrowid or 0)

    def requests(self) -> list[Request]:
        """Return the requests not yet answered, oldest first."""
        rows = self._read("SELECT id, time_utc, kind, body FROM request WHERE done_seq IS NULL ORDER BY id")
        return [Request(number, time_utc, kind, json.loads(body)) for number, time_utc, kind, body in rows]

    def answer(self, request: Request, *answers: Event) -> list[Record]:
        """Write the events that answer a request and mark it done, in one transaction."""
        now = _now()

        def insert() -> list[Record]:
            records = [self._insert(now, event) for event in answers]
            last = records[-1].seq if records else 0
            self._db.execute("UPDATE request SET done_seq = ? WHERE id = ?", (last, request.id))
            return records

        return self._write(insert)

    def rows(self, query: str, *values: object) -> list[Json]:
        """Run a SELECT and return rows as dicts: for screens and reports."""

        def select() -> list[Json]:
            cursor = self._db.execute(query, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        return self._until_done(select)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._db.close()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK when an exception leaves the block."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:  # a disk that is full or fails has rolled back already
                self._db.execute("ROLLBACK")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _storable(path: Path) -> str | bytes:
    """Text, or the bytes of a name that is not text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return str(path)


def _path(stored: str | bytes) -> Path:
    return Path(os.fsdecode(stored))
