"""What Qt made ends in the window's thread: with the engine's threads at work, none of them collects garbage."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from livestack.garbage import collect, settle_objects, tell_news, unsettle_objects
from livestack.show.qt.shell import Shell


class Left:
    """Garbage that only the collector finds; notes in which thread it does."""

    def __init__(self, ended_in: list[threading.Thread]) -> None:
        self.itself = self
        self._ended_in = ended_in

    def __del__(self) -> None:
        self._ended_in.append(threading.current_thread())


@pytest.fixture
def shell(qtbot: QtBot) -> Iterator[Shell]:
    gc.enable()  # as Python begins
    shell = Shell()
    yield shell
    shell.close()
    gc.disable()
    unsettle_objects()


def in_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def ask_for_memory() -> None:
    kept = [[n] for n in range(200_000)]
    kept.clear()


def test_the_windows_thread_collects_and_no_other(shell: Shell, qtbot: QtBot) -> None:
    ended_in: list[threading.Thread] = []
    Left(ended_in)
    in_a_thread(ask_for_memory)
    assert not ended_in
    kept: list[list[int]] = []

    def is_collected() -> bool:
        kept.extend([n] for n in range(1000))  # what ends meanwhile, of other windows, counts against it
        return bool(ended_in)

    qtbot.waitUntil(is_collected, timeout=5_000)
    assert ended_in == [threading.main_thread()]


def test_what_came_with_a_look_is_settled_by_the_windows_thread(shell: Shell, qtbot: QtBot) -> None:
    settle_objects()
    ended_in: list[threading.Thread] = []
    Left(ended_in)
    came = [1]
    in_a_thread(tell_news)
    assert not ended_in and any(one is came for one in gc.get_objects())
    qtbot.waitUntil(lambda: all(one is not came for one in gc.get_objects()), timeout=5_000)
    assert ended_in == [threading.main_thread()]


def test_without_a_window_nothing_is_settled() -> None:
    unsettle_objects()
    tell_news()
    collect()
    assert gc.get_freeze_count() == 0
