"""Facts are not lost in silence, the latest picture is what is shown, and a slow reader holds up nobody."""

from __future__ import annotations

import threading

from livestack.bus import Mailbox, Slot


def test_facts_arrive_in_order() -> None:
    box: Mailbox[int] = Mailbox()
    for k in range(5):
        box.put(k)
    assert box.take() == ([0, 1, 2, 3, 4], 0)
    assert box.take() == ([], 0)


def test_a_full_mailbox_drops_the_oldest_and_counts() -> None:
    box: Mailbox[int] = Mailbox(size=3)
    for k in range(10):
        box.put(k)
    assert box.take() == ([7, 8, 9], 7)
    box.put(10)
    assert box.take() == ([10], 0), "the count is of what was lost since the last look"


def test_a_reader_waits_until_something_comes() -> None:
    box: Mailbox[str] = Mailbox()
    taken: list[tuple[list[str], int]] = []
    reader = threading.Thread(target=lambda: taken.append(box.take(30.0)))
    reader.start()
    box.put("news")
    reader.join(30.0)
    assert taken == [(["news"], 0)]
    assert box.take(0.01) == ([], 0)


def test_many_writers_lose_nothing_that_is_not_counted() -> None:
    box: Mailbox[tuple[int, int]] = Mailbox(size=50)
    n = 500

    def write(name: int) -> None:
        for k in range(n):
            box.put((name, k))

    writers = [threading.Thread(target=write, args=(name,)) for name in range(3)]
    for writer in writers:
        writer.start()
    items: list[tuple[int, int]] = []
    lost = 0
    while any(writer.is_alive() for writer in writers):
        new, missed = box.take(0.001)
        items += new
        lost += missed
    new, missed = box.take()
    items += new
    assert len(items) + lost + missed == 3 * n
    for name in range(3):
        mine = [k for writer, k in items if writer == name]
        assert mine == sorted(mine)
        assert len(set(mine)) == len(mine)


def test_a_slot_holds_the_latest() -> None:
    slot: Slot[str] = Slot()
    assert slot.get() is None
    slot.put("first")
    slot.put("second")
    assert slot.get() == "second"
    assert slot.get() == "second"


def test_a_slot_that_nobody_asks_holds_nothing() -> None:
    slot: Slot[str] = Slot(asked=False)
    slot.put("first")
    assert slot.get() is None
