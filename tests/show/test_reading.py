"""A window waits for no disk: journal and pictures are read beside it, and shown when they are there."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
from pytestqt.qtbot import QtBot

from livestack.frame import Picture
from livestack.show.qt.live import TICK_MS
from livestack.show.qt.reading import Following, Reading
from livestack.show.qt.window import Window
from livestack.show.source import Source, open_source
from livestack.show.state import NightState
from livestack.show.views import NOISE, STACK, Pictures
from tests.show.grab import drawn
from tests.show.night import Night, sky


def test_a_disk_that_does_not_answer_stops_no_window(night: Night, qtbot: QtBot) -> None:
    source = open_source(night.session)
    hung, answers = threading.Event(), threading.Event()

    def picture() -> Picture | None:
        if hung.is_set():
            answers.wait(30)
        return source.picture()

    night.add()
    night.show(sky(1), sky(1), 1)
    window = Window(replace(source, picture=picture))
    qtbot.addWidget(window)
    window.show()
    drawn(window.canvas, qtbot)
    assert window.live.pictures.stack is not None, "the first one is there with the window"
    hung.set()
    for _ in range(2):
        night.add()
        window.live.tick()
    assert window.live.state.n_stacked == 3
    night.show(sky(3), sky(1), 3)
    window.live.tick()
    assert window.live.pictures.stack.n_subs == 1
    answers.set()
    qtbot.waitUntil(lambda: window.live.pictures.stack.n_subs == 3, timeout=10_000)
    window.close()
    source.journal.close()


def test_a_map_is_that_of_the_view_which_asks(night: Night, qtbot: QtBot) -> None:
    source = open_source(night.session)
    night.add()
    night.show(sky(1), sky(1), 1)
    night.show_map("noise", np.ones((30, 48), np.float32))
    reading = Reading(source)
    assert reading.newest(STACK).map is None
    qtbot.waitUntil(lambda: reading.newest(NOISE).map is not None, timeout=10_000)
    assert reading.newest(STACK).map is None
    reading.close()
    source.journal.close()


def test_a_journal_that_somebody_else_has_stops_no_window(window: Window, night: Night, qtbot: QtBot) -> None:
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with window.live.source.journal._lock:  # as long as a disk takes to write
            held.set()
            let_go.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    night.add()
    qtbot.wait(3 * TICK_MS)
    assert holder.is_alive() and not window.live.state.subs, "the window goes on meanwhile"
    let_go.set()
    holder.join()
    qtbot.waitUntil(lambda: len(window.live.state.subs) == 1)


def test_pictures_are_told_with_a_state_that_knows_them(night: Night, source: Source, qtbot: QtBot) -> None:
    following, pictures = Following(source.journal), Pictures()
    night.add()
    following.ask(NightState(), pictures)
    following.ask(NightState(), Pictures())  # while it reads
    told: list[tuple[NightState, Pictures]] = []
    qtbot.waitUntil(lambda: (news := following.news()) is not None and told.append(news) is None)
    assert told[0][0].n_stacked == 1 and told[0][1] is pictures
    assert following.news() is None, "once"
    following.ask(told[0][0], pictures)
    night.add()
    state = following.at_once(told[0][0])
    assert state.n_stacked == 2 and following.news() is None, "what was asked before is of the past"
    following.close()
