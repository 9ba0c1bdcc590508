"""Running livestack as a user does, and comparing what came out."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

LIVESTACK = [sys.executable, "-m", "livestack"]
FIGURES = "no, state, reason, weight, scale, matrix, sha256"


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start a command in the background."""
    return subprocess.Popen(
        [*LIVESTACK, *(str(a) for a in arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run(*arguments: object, code: int = 0, timeout_s: float = 300) -> str:
    """Run a command to its end; it must end with this exit code and never with a traceback."""
    done = subprocess.run(
        [*LIVESTACK, *(str(a) for a in arguments)], capture_output=True, text=True, timeout=timeout_s, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said, said
    return said


def rows(session: Path, query: str) -> list[dict[str, Any]]:
    """Rows of a query over a session's journal."""
    db = sqlite3.connect(session / "journal.sqlite", timeout=30)
    db.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in db.execute(query)]
    finally:
        db.close()


def subs(session: Path) -> list[dict[str, Any]]:
    """Rows of the `sub` view, in the order found."""
    return rows(session, "SELECT * FROM sub ORDER BY no")


def accepted(session: Path) -> list[dict[str, Any]]:
    """Those that are in a stack."""
    return [sub for sub in subs(session) if sub["state"] == "accepted"]


def products(session: Path) -> list[Path]:
    """Stack files of a session."""
    return sorted((session / "stack").glob("*.fits"))


def planes(product: Path) -> dict[str, np.ndarray]:
    """Arrays of a stack file by HDU name."""
    with fits.open(product, memmap=False) as hdus:
        return {hdu.name: np.array(hdu.data) for hdu in hdus}


def assert_equal_sessions(one: Path, other: Path) -> None:
    """Equal means equal: the same bits in every plane, the same figures of every sub (by content)."""
    assert [p.name for p in products(one)] == [p.name for p in products(other)]
    for mine, yours in zip(products(one), products(other), strict=True):
        a, b = planes(mine), planes(yours)
        assert list(a) == list(b)
        for name in a:
            assert a[name].tobytes() == b[name].tobytes(), f"{mine.name} {name} differs"
    assert figures(one) == figures(other)


def figures(session: Path) -> dict[str, tuple[Any, ...]]:
    """State, reason, weight, scale and matrix of each picture, by content."""
    return {
        sub["sha256"] or sub["path"]: (sub["state"], sub["reason"], sub["weight"], sub["scale"], sub["matrix"])
        for sub in subs(session)
        if sub["reason"] != "duplicate"
    }


def wait_for(session: Path, condition: str, timeout_s: float = 120) -> None:
    """Wait until a count of events is there, as SQL over the journal."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if rows(session, f"SELECT {condition} AS yes")[0]["yes"]:
                return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not within {timeout_s} s: {condition}")


def events(session: Path, kind: str) -> list[dict[str, Any]]:
    """Bodies of the events of one kind."""
    found = rows(session, f"SELECT body FROM event WHERE kind = '{kind}' ORDER BY seq")
    return [json.loads(row["body"]) for row in found]
