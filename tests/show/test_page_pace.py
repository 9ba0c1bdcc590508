"""Guests get new pictures as fast as it costs the stacker little."""

from __future__ import annotations

import time

from livestack.show.web.pace import APART_S, MOST_S, Beside, Pace


def _after(pace: Pace, seconds: float) -> bool:
    pace._shown_at_s = time.monotonic() - seconds
    return pace.is_due()


def test_a_dear_picture_is_followed_later_and_no_later_than_a_while() -> None:
    pace = Pace(share=0.04)
    assert pace.is_due(), "the first at once"
    pace.shown()
    pace.took(100.0)
    assert not _after(pace, 0.9 * APART_S)
    assert _after(pace, APART_S), "what loads all others is not counted"
    pace.shown()
    cost_s = 3.0 * pace._allowed
    pace.took(cost_s)
    assert not _after(pace, 2.9)
    assert _after(pace, 3.1)
    pace.took(1000.0)
    assert not _after(pace, 0.9 * MOST_S)
    assert _after(pace, MOST_S)
    pace.shown()
    assert _after(pace, APART_S), "each pays for itself"


def test_it_counts_the_processors_of_what_is_done_and_not_the_waiting() -> None:
    pace = Pace()
    pace.shown()
    pace.shown()
    threads = Beside("test", pace)

    def work() -> None:
        time.sleep(0.2)
        began_s = time.thread_time()
        while time.thread_time() - began_s < 0.05:
            pass

    threads.submit(work).result()
    threads.shutdown()
    assert 0.05 <= pace._spent_s < 0.2
