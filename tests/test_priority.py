"""Threads that give way come after the window's, and so do those that they begin."""

from __future__ import annotations

import os
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from livestack.priority import come_at_once, give_way, take_short_turns
from livestack.show.darkroom import Darkroom

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nobody gives way elsewhere")


def _nice() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_thread_and_those_it_begins_give_way_and_the_others_do_not() -> None:
    before = _nice()

    def work() -> list[int]:
        give_way()
        with ThreadPoolExecutor(1, initializer=give_way) as mine:
            return [_nice(), mine.submit(_nice).result()]

    with ThreadPoolExecutor(1) as other:
        assert other.submit(work).result() == [min(before + 10, 19)] * 2, "once, also where it is said twice"
    assert _nice() == before


def test_pictures_are_developed_by_threads_that_give_way() -> None:
    room = Darkroom()
    try:
        nice = room.run(lambda threads: (_nice(), threads.submit(_nice).result())).result()
    finally:
        room.close()
    assert nice == (min(_nice() + 10, 19),) * 2


def test_who_waits_for_the_interpreter_asks_for_it_sooner_where_there_is_a_window() -> None:
    before = sys.getswitchinterval()
    try:
        sys.setswitchinterval(0.005)  # the interpreter's own
        take_short_turns()
        assert sys.getswitchinterval() <= 0.0005
    finally:
        sys.setswitchinterval(before)


def test_a_window_asks_for_short_whiles_and_nobody_that_it_begins_does() -> None:
    if (plain := _slice_ns()) is None:
        pytest.skip("this kernel does not tell how long a thread has a core for")

    def asked() -> tuple[int | None, int | None, int]:
        come_at_once()
        with ThreadPoolExecutor(1) as begun:
            return _slice_ns(), begun.submit(_slice_ns).result(), _nice()

    with ThreadPoolExecutor(1) as window:
        mine, of_begun, nice = window.submit(asked).result()
    if mine == plain:
        pytest.skip("this kernel gives all threads the same")
    assert mine is not None and mine < plain
    assert of_begun == plain and nice == _nice()


def _slice_ns() -> int | None:
    """Return for how long this thread has a core before others do, as the kernel tells."""
    if not (told_of := Path("/proc/thread-self/sched")).exists():
        return None
    told = re.search(r"^se\.slice\s*:\s*(\d+)", told_of.read_text(), re.MULTILINE)
    return None if told is None else int(told[1])
