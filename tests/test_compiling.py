"""A start compiles what is not there yet, and no start waits twice for the same."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from livestack import compiling


def test_a_start_waits_once_for_what_the_first_sub_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that end before everything is compiled do not make the next one wait again."""
    monkeypatch.setattr(compiling, "MARK", tmp_path / "all")
    monkeypatch.setattr(compiling, "FIRST_MARK", tmp_path / "first")
    ready, stop, said = threading.Event(), threading.Event(), list[str]()
    ready.set()
    with compiling.compiled(ready, stop, said.append):
        assert len(said) == 1
        assert ready.wait(120)
    assert (tmp_path / "first").exists()
    with compiling.compiled(ready, stop, said.append):
        assert ready.is_set()
    assert len(said) == 1


def test_a_stop_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MARK", tmp_path / "all")
    monkeypatch.setattr(compiling, "FIRST_MARK", tmp_path / "first")
    ready, stop = threading.Event(), threading.Event()
    with compiling.compiled(ready, stop, lambda _: None):
        assert not ready.is_set()
        stop.set()
        assert ready.wait(20)
    assert not (tmp_path / "first").exists()
