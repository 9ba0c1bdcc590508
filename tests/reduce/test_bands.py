"""Work in parts: in order, by any threads, also by those that wait for nothing else."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from livestack.reduce.bands import beside, each_part


def test_parts_come_in_order_whoever_does_them() -> None:
    wanted = [(begin, min(begin + 7, 100)) for begin in range(0, 100, 7)]
    assert each_part(100, 7, None, lambda *part: part) == wanted
    with ThreadPoolExecutor(3) as threads:
        assert each_part(100, 7, threads, lambda *part: part) == wanted


def test_a_thread_of_the_pool_may_ask_for_parts() -> None:
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(each_part, 20, 2, threads, lambda begin, _: each_part(begin, 3, threads, max))
        assert len(asked.result(5)) == 10


def test_the_caller_does_all_of_it_where_nobody_is_free() -> None:
    over = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        threads.submit(over.wait)
        mine = each_part(10, 1, threads, lambda *_: threading.current_thread())
        over.set()
    assert set(mine) == {threading.current_thread()}


@pytest.mark.parametrize("bad", [0, 9])
def test_what_goes_wrong_is_heard_when_no_part_is_under_way(bad: int) -> None:
    busy = []

    def work(begin: int, _: int) -> None:
        busy.append(begin)
        try:
            if begin == bad:
                raise ValueError("a part")
        finally:
            busy.remove(begin)

    with ThreadPoolExecutor(2) as threads, pytest.raises(ValueError, match="a part"):
        try:
            each_part(10, 1, threads, work)
        finally:
            assert not busy


def test_work_beside_is_done_by_who_asks_where_nobody_is_free() -> None:
    over = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        threads.submit(over.wait)
        mine = beside(threads, threading.current_thread)
        assert mine() is threading.current_thread()
        over.set()
    assert beside(None, threading.current_thread)() is threading.current_thread()


def test_work_beside_is_done_once_and_what_goes_wrong_in_it_is_heard() -> None:
    begun, done = threading.Event(), []

    def work() -> None:
        begun.set()
        done.append(threading.current_thread())
        raise ValueError("beside")

    with ThreadPoolExecutor(1) as threads:
        result = beside(threads, work)
        assert begun.wait(5)
        with pytest.raises(ValueError, match="beside"):
            result()
    assert len(done) == 1
    assert done[0] is not threading.current_thread()


@pytest.mark.parametrize(
    "ask", [lambda pool, work: each_part(4, 1, pool, work), lambda pool, work: beside(pool, lambda: work(0, 1))()]
)
def test_nothing_holds_what_the_work_held_while_a_busy_pool_has_it_in_line(
    ask: Callable[[ThreadPoolExecutor, Callable[[int, int], int]], object],
) -> None:
    is_over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(is_over.wait)
        plane = np.ones((64, 64), np.float32)
        gone = weakref.ref(plane)
        ask(pool, lambda begin, end, plane=plane: int(plane[begin:end].sum()))
        del plane
        try:
            assert gone() is None
        finally:
            is_over.set()
        assert busy.result()
