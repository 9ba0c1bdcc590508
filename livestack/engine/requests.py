"""What screens ask of a session, done between two subs and answered with events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from livestack import events
from livestack.engine.publish import Publisher
from livestack.engine.restack import Restacks
from livestack.engine.resume import drop, put_back, start_over, take_in
from livestack.engine.session import Session
from livestack.events import Event, Record, Request, SubDropped, SubRestored


@dataclass(slots=True)
class Requests:
    """Answers the requests in a session's journal; for the thread that integrates.

    Attributes
    ----------
    tell : callable
        Hears of events after they are in the journal.
    held : bool
        Whether the user wants subs to wait.
    """

    session: Session
    restacks: Restacks
    publisher: Publisher
    tell: Callable[[list[Record]], None]
    held: bool = False

    def answer(self) -> bool:
        """Answer what was asked since the last call, and do the work it causes; whether there was anything."""
        journal = self.session.journal
        requests = journal.requests()
        if requests:
            self.publisher.let_go()
        for request in requests:
            answers = self._answers(request)
            records = journal.answer(request, *answers)
            self.session.tally.hear(answers)
            self.tell(records)
            self._follow_up(request, answers)
        return bool(requests)

    def save_all(self) -> None:
        """Save every stack that changed, and say so."""
        if saved := self.publisher.save_all(self.session):
            self.tell(self.session.journal.append(*saved))

    def _answers(self, request: Request) -> list[Event]:
        """Events that answer a request, before the work it causes."""
        match request.kind:
            case "hold":
                self.held = True
                return [events.Held("user")]
            case "go":
                self.held = False
                return [events.Resumed("user")]
            case "drop":
                return drop(self.session, _numbers(request))
            case "restore":
                return put_back(self.session, _numbers(request))
            case _:
                return []

    def _follow_up(self, request: Request, answers: list[Event]) -> None:
        session = self.session
        if request.kind in ("drop", "restore"):
            self._restack(request, answers)
        elif request.kind == "restack":
            for growth in session.growths():
                self.restacks.begin(growth.name, request.kind)
        elif request.kind == "start_over":
            self.restacks.finish()
            self.save_all()
            start_over(session)
        elif request.kind == "save":
            self.save_all()
        elif request.kind == "map" and session.latest is not None and session.latest.subs:
            self.publisher.show_map(session.latest, request.body.get("of", ""))

    def _restack(self, request: Request, answers: list[Event]) -> None:
        """Begin to fold the stacks again whose subs were taken out or put back."""
        wanted = _numbers(request)
        if request.kind == "restore":
            take_in(self.session, wanted, self.restacks.look_if_due)
        for stack in sorted({answer.stack for answer in answers if isinstance(answer, SubDropped | SubRestored)}):
            self.restacks.begin(stack, f"{request.kind} {', '.join(str(no) for no in wanted)}")
        if request.kind == "restore" or not self.restacks.are_under_way:
            self.publisher.show_latest(self.session)


def _numbers(request: Request) -> list[int]:
    """Subs that a request is about, ascending."""
    numbers = request.body.get("no", [])
    return [numbers] if isinstance(numbers, int) else sorted({int(no) for no in numbers})
