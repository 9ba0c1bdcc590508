"""When is a file finished? Any history of a file, with a clock that is only a number."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from livestack.watch.scan import Stamp
from livestack.watch.settle import Patience, State, Track, judge, observe

PATIENCE = Patience(settle_s=1.0, patience_s=10.0)
SIZE = 4


@dataclass
class Look:
    """What a look at the file shows, `after_s` the look before."""

    after_s: float
    size: int
    mtime_ns: int
    open: bool

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.size, self.mtime_ns, 1)


LOOKS = st.lists(
    st.builds(
        Look,
        after_s=st.sampled_from([0.01, 0.25, 0.5, 0.99, 1.0, 3.0, 9.0, 11.0]),
        size=st.integers(0, SIZE),
        mtime_ns=st.integers(0, 1),
        open=st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


def states(looks: list[Look], declared: bool) -> list[tuple[float, State]]:
    """Time and state of every look; the file is all there at SIZE, if it declares a length at all."""
    now_s, track, out = 0.0, None, []
    for look in looks:
        now_s += look.after_s
        track = observe(track, look.stamp, now_s) if track else Track(look.stamp, now_s)
        complete = (look.size == SIZE) if declared else None
        track, state = judge(track, now_s, PATIENCE, lambda complete=complete: complete, lambda look=look: look.open)
        out.append((now_s, state))
    return out


def still_s(looks: list[Look], index: int) -> float:
    """How long the file has shown the same size and time, by the looks alone."""
    first = index
    while first and looks[first - 1].stamp == looks[index].stamp:
        first -= 1
    return sum(look.after_s for look in looks[first + 1 : index + 1])


@given(LOOKS, st.booleans())
def test_nothing_is_decided_before_it_stood_still(looks: list[Look], declared: bool) -> None:
    for index, (_, state) in enumerate(states(looks, declared)):
        if state is State.FINISHED:
            assert still_s(looks, index) >= PATIENCE.settle_s - 1e-9
        elif state is not State.WAIT:
            assert still_s(looks, index) >= PATIENCE.patience_s - 1e-9


@given(LOOKS, st.booleans())
def test_each_decision_is_true_of_what_was_seen(looks: list[Look], declared: bool) -> None:
    for look, (_, state) in zip(looks, states(looks, declared), strict=True):
        assert (look.size == 0) == (state is State.EMPTY) or state is State.WAIT
        if state is State.FINISHED:
            assert look.size == SIZE or not declared
        elif state is State.TRUNCATED:
            assert declared
            assert look.size < SIZE


@given(LOOKS, st.booleans())
def test_an_open_file_is_waited_for_but_not_for_ever(looks: list[Look], declared: bool) -> None:
    for index, (_, state) in enumerate(states(looks, declared)):
        if looks[index].open and still_s(looks, index) < PATIENCE.patience_s - 1e-9:
            assert state is State.WAIT
        if still_s(looks, index) >= PATIENCE.patience_s + 1e-9:
            assert state is not State.WAIT


@given(LOOKS, st.booleans())
def test_whatever_went_before_a_file_that_stands_still_is_decided(looks: list[Look], declared: bool) -> None:
    last = looks[-1]
    looks = [*looks, Look(0.25, last.size, last.mtime_ns, False), Look(10.0, last.size, last.mtime_ns, False)]
    whole = last.size == SIZE or not declared
    assert states(looks, declared)[-1][1] is (
        State.EMPTY if last.size == 0 else State.FINISHED if whole else State.TRUNCATED
    )


def test_a_closed_whole_file_is_finished_as_soon_as_it_settled() -> None:
    looks = [Look(0.25, SIZE, 0, False) for _ in range(6)]
    assert [state for _, state in states(looks, declared=True)] == [State.WAIT] * 4 + [State.FINISHED] * 2


def test_an_incomplete_file_is_asked_only_when_it_may_have_changed() -> None:
    asked = []
    track = Track(Stamp(2, 0, 1), 0.0)
    for quarter in range(45):
        track, state = judge(track, quarter / 4, PATIENCE, lambda: bool(asked.append(1)), lambda: False)  # type: ignore[func-returns-value]
        assert state is (State.TRUNCATED if quarter >= 40 else State.WAIT)
    assert len(asked) == 1 + 5


def test_a_file_that_cannot_be_asked_is_asked_again_until_patience_ends() -> None:
    def refuse() -> bool:
        raise PermissionError(13, "the writer keeps it to itself")

    track = Track(Stamp(2, 0, 1), 0.0)
    for now_s, expected in ((1.0, State.WAIT), (5.0, State.WAIT), (10.0, State.TRUNCATED)):
        same, state = judge(track, now_s, PATIENCE, refuse, lambda: False)
        assert (same, state) == (track, expected)
    assert judge(track, 5.5, PATIENCE, lambda: True, lambda: False)[1] is State.FINISHED
