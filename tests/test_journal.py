"""The record: in order, whole, and on disk before anyone hears; read by other processes while it is written."""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import typing
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livestack import events
from livestack.errors import SessionError
from livestack.events import AlertCleared, AlertRaised, Event, Held, Resumed, SourceBack, StackSaved
from livestack.frame import Identity
from livestack.journal import SCHEMA_VERSION, Journal
from tests.nights import Told, expose, take

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_NUMBER = st.floats(allow_nan=False, allow_infinity=False)
_WHOLE = st.integers(-(2**53), 2**53)
_JSON = st.dictionaries(_TEXT, st.one_of(st.none(), st.booleans(), _WHOLE, _NUMBER, _TEXT), max_size=3)
_VALUES: dict[str, st.SearchStrategy[object]] = {
    "str": _TEXT, "int": _WHOLE, "float": _NUMBER, "bool": st.booleans(), "Json": _JSON,
    "list[str]": st.lists(_TEXT, max_size=3), "list[int]": st.lists(_WHOLE, max_size=3),
    "list[float]": st.lists(_NUMBER, max_size=9),
    "list[list[float]]": st.lists(st.lists(_NUMBER, max_size=3), max_size=3),
    "dict[str, float]": st.dictionaries(_TEXT, _NUMBER, max_size=3),
    "Mapping[str, Any]": _JSON,
    "Sequence[float]": st.lists(_NUMBER, max_size=9),
    "Sequence[Sequence[float]]": st.lists(st.lists(_NUMBER, max_size=3), max_size=3),
}  # fmt: skip


def _events() -> st.SearchStrategy[Event]:
    """Any event of any kind."""

    def value(declared: str) -> st.SearchStrategy[object]:
        kinds = [kind.strip() for kind in declared.split("|")]
        return st.one_of(*(st.none() if kind == "None" else _VALUES[kind] for kind in kinds))

    return st.one_of(
        *(
            st.builds(kind, **{f.name: value(str(f.type)) for f in dataclasses.fields(kind)})
            for kind in events.KINDS.values()
        )
    )


@pytest.fixture
def journal(tmp_path: Path) -> typing.Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite", create=True)
    yield opened
    opened.close()


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def test_every_kind_has_an_example() -> None:
    """The generator below knows how to fill every field there is."""
    for kind in events.KINDS.values():
        for field in dataclasses.fields(kind):
            assert all(part.strip() in (*_VALUES, "None") for part in str(field.type).split("|")), (kind, field.name)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(_events(), min_size=1, max_size=6))
def test_any_event_comes_back_as_it_was(written: list[Event], journal: Journal) -> None:
    before = journal.follow()
    records = journal.append(*written)
    after = before[-1].seq if before else 0
    found = journal.follow(after)
    assert [record.event for record in found] == written
    assert found == records
    assert [record.seq for record in found] == list(range(found[0].seq, found[0].seq + len(written)))
    for event in written:
        assert events.from_dict(type(event).__name__, json.loads(json.dumps(events.to_dict(event)))) == event


def test_what_is_appended_is_on_disk(journal: Journal, tmp_path: Path) -> None:
    (record,) = journal.append(Held("operator"))
    assert _rows(tmp_path / "journal.sqlite", "SELECT seq, kind FROM event") == [(record.seq, "Held")]
    assert record.kind == "Held"


def test_a_transaction_is_whole_or_not_at_all(journal: Journal) -> None:
    """A number that JSON cannot hold in the second event: the first is not there either."""
    journal.append(Held("a"))
    with pytest.raises(ValueError, match="JSON"):
        journal.append(Held("b"), events.SourceSilent(float("nan"), "no"))
    journal.append(Held("c"))
    assert [record.event for record in journal.follow()] == [Held("a"), Held("c")]


def test_follow_goes_on_from_a_seq_and_stops_at_a_limit(journal: Journal) -> None:
    records = journal.append(*(SourceBack(str(k)) for k in range(10)))
    assert journal.follow(records[3].seq) == records[4:]
    assert journal.follow(limit=4) == records[:4]
    assert journal.follow(records[-1].seq) == []


def test_requests_are_answered_once_and_in_order(journal: Journal, tmp_path: Path) -> None:
    reader = Journal(tmp_path / "journal.sqlite")
    first, second = reader.ask("drop", {"no": [3]}), reader.ask("hold", {})
    waiting = journal.requests()
    assert [(r.id, r.kind, r.body) for r in waiting] == [(first, "drop", {"no": [3]}), (second, "hold", {})]
    (record,) = journal.answer(waiting[0], Held("drop"))
    assert journal.follow()[-1] == record
    assert [r.id for r in reader.requests()] == [second]
    assert journal.answer(waiting[1]) == []
    assert journal.requests() == []
    done = _rows(tmp_path / "journal.sqlite", "SELECT id, done_seq FROM request ORDER BY id")
    assert done == [(first, record.seq), (second, 0)]
    reader.close()


def test_an_answer_that_fails_leaves_the_request(journal: Journal) -> None:
    journal.ask("drop", {"no": [3]})
    (request,) = journal.requests()
    with pytest.raises(ValueError, match="JSON"):
        journal.answer(request, events.SourceSilent(float("inf"), "no"))
    assert journal.requests() == [request]
    assert journal.follow() == []


def test_files_are_numbered_in_the_order_found(journal: Journal) -> None:
    found = [
        (Identity(Path(f"/captures/{k}.fits"), 10 + k, 1_700_000_000_123_456_789 + k, k), k != 1) for k in range(4)
    ]
    assert journal.arrive(found[:3]) == [1, 2, 3]
    assert journal.arrive(found[3:]) == [4]
    assert journal.arrive([]) == []
    assert journal.arrivals() == [(no, identity, use) for no, (identity, use) in enumerate(found, 1)]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")
def test_a_name_that_is_no_text_is_kept(journal: Journal) -> None:
    path = Path(os.fsdecode(b"/captures/Andr\xe9.fits"))
    journal.arrive([(Identity(path, 1, 2, 3), True)])
    assert journal.arrivals()[0][1].path == path


def test_kinds_and_fields_of_a_newer_version_are_passed_over(journal: Journal, tmp_path: Path) -> None:
    journal.append(Held("a"))
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db:
        insert = "INSERT INTO event(time_utc, kind, body) VALUES ('2027-01-01T00:00:00+00:00', ?, ?)"
        db.execute(insert, ("Teleported", "{}"))
        db.execute(insert, ("Resumed", '{"v": 1, "by": "b", "mood": "good"}'))
        db.commit()
    assert [record.event for record in journal.follow()] == [Held("a"), Resumed("b")]


def test_fields_that_came_later_have_their_defaults() -> None:
    old = events.to_dict(events.MastersMatched("s", [], [], [], [], [], "id"))
    del old["id"]
    assert events.from_dict("MastersMatched", old) == events.MastersMatched("s", [], [], [], [], [])
    with pytest.raises(KeyError):
        events.from_dict("Teleported", {})


def test_what_is_no_journal_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with pytest.raises(SessionError, match=r"is not a livestack session: it has no journal\.sqlite"):
        Journal(path)
    path.write_bytes(b"")
    with pytest.raises(SessionError, match="has not started yet"):
        Journal(path)
    path.write_bytes(b"SQLite? Not at all. " * 100)
    for create in (False, True):
        with pytest.raises(SessionError, match="cannot be used as a journal"):
            Journal(path, create=create)


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path, create=True).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    for create in (False, True):
        with pytest.raises(SessionError, match="newer livestack"):
            Journal(path, create=create)


def test_opening_again_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first = Journal(path, create=True)
    first.append(Held("a"))
    first.close()
    again = Journal(path, create=True)
    assert [record.seq for record in [*again.follow(), *again.append(Held("b"))]] == [1, 2]
    again.close()


def test_views_tell_the_present_state(tmp_path: Path) -> None:
    """Of a real session: accepted, left out, dropped and restored subs; counts and exposure of each stack."""
    captures = take(tmp_path / "captures", n_lights=4)
    other = expose(tmp_path / "ha.fits", keywords={"FILTER": "Ha"})
    told = Told(tmp_path / "session").see(*captures[:3], other)
    (torn := tmp_path / "torn.fits").write_bytes(captures[3].read_bytes()[:9000])
    told.see(torn)
    journal, name = told.journal, "Demo Galaxy"
    journal.append(events.SubDropped(2, name, str(captures[1])))
    rows = journal.rows("SELECT * FROM sub")
    assert [(row["no"], row["state"], row["reason"]) for row in rows] == [
        (1, "accepted", None), (2, "dropped", None), (3, "accepted", None), (4, "accepted", None),
        (5, "rejected", "truncated"),
    ]  # fmt: skip
    assert rows[0]["path"] == str(captures[0])
    assert rows[0]["weight"] == 1.0
    assert rows[0]["n_stars"] > 5
    assert rows[0]["fwhm_px"] > 1
    assert json.loads(rows[0]["matrix"]) == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert rows[3]["filter"] == "Ha"
    stacks = {row["stack"]: row for row in journal.rows("SELECT * FROM stack")}
    assert (stacks[name]["n_subs"], stacks[name]["exposure_s"]) == (2, 120.0)
    assert stacks[f"{name}_Ha"]["n_subs"] == 1
    journal.append(events.SubRestored(2, name, str(captures[1])))
    assert journal.rows("SELECT state FROM sub WHERE no = 2") == [{"state": "accepted"}]
    assert journal.rows("SELECT n_subs FROM stack WHERE stack = ?", name) == [{"n_subs": 3}]


def test_alerts_are_raised_and_cleared(journal: Journal) -> None:
    journal.append(AlertRaised("silent", "No sub for 10 min."), AlertRaised("disk", "2 GB are left."))
    journal.append(AlertCleared("silent"), AlertRaised("silent", "No sub for 5 min."))
    rows = journal.rows("SELECT rule, sentence, cleared_utc FROM alert ORDER BY seq")
    assert [(row["rule"], row["cleared_utc"] is None) for row in rows] == [
        ("silent", False), ("disk", True), ("silent", True),
    ]  # fmt: skip


WRITER = """
import sys
from pathlib import Path
from livestack.events import StackSaved
from livestack.journal import Journal
journal = Journal(Path(sys.argv[1]), create=True)
print("ready", flush=True)
for n in range(0, 150, 3):
    journal.append(*(StackSaved("s", "f", n + k) for k in range(3)))
"""


def test_another_process_follows_while_it_is_written(tmp_path: Path) -> None:
    """Every event once, in order, three by three as they were written; and its requests get through."""
    path = tmp_path / "journal.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    assert writer.stdout.readline() == "ready\n"
    reader, seen, sizes = Journal(path), [], set()
    deadline = time.monotonic() + 30
    while len(seen) < 150 and time.monotonic() < deadline:
        new = reader.follow(seen[-1].seq if seen else 0)
        sizes.add(len(new) % 3)
        seen += new
        reader.ask("caption", {"text": str(len(seen))})
    assert writer.wait(30) == 0
    writer.stdout.close()
    assert [record.event for record in seen] == [StackSaved("s", "f", n) for n in range(150)]
    assert sizes == {0}, "never a part of a transaction"
    assert len(reader.requests()) > 1
    reader.close()


def test_threads_share_a_journal(journal: Journal) -> None:
    def write(name: str) -> None:
        for k in range(40):
            journal.append(SourceBack(f"{name}{k}"))
            journal.follow(limit=3)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = journal.follow()
    assert [record.seq for record in records] == list(range(1, 121))
    for name in "abc":
        mine = [r.event for r in records if isinstance(r.event, SourceBack) and r.event.folder.startswith(name)]
        assert mine == [SourceBack(f"{name}{k}") for k in range(40)]
