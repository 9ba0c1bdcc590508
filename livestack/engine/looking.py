"""Looks at the subs of a session's stacks: what they find goes to the journal, and who does not hold leaves."""

from __future__ import annotations

from livestack.allocation import return_free, return_heap
from livestack.engine.session import Session
from livestack.errors import FrameError, SourceError
from livestack.events import SubAccepted
from livestack.garbage import tell_news
from livestack.stacks.growth import Growth, Look
from livestack.stacks.refold import refold
from livestack.stacks.verdicts import looked, rejected_again


def look_if_due(session: Session) -> None:
    """Look at the subs of the stack that took the last one, if it is time: whoever calls need not hold that."""
    growth, session.due = session.due, None
    if growth is not None:
        return_heap()
        tell_news()
        look(session, growth)


def look(session: Session, growth: Growth) -> None:
    """Judge the subs of a stack anew; those whose file is gone or changed are left out, their disk is waited for."""
    captures = session.captures
    gone = captures.gone(growth.subs)
    if not gone:
        try:
            found = growth.look(captures.read)
        except FrameError:  # it went after it was there, or holds other bytes of the same age
            gone = captures.gone(growth.subs, by_content=True)
        except SourceError as error:
            captures.wait(str(error))
        else:
            if found.event.final:  # nothing that comes needs as much
                return_free()
            settle(session, growth, found)
            return
    if gone:
        vanish(session, gone)
    left = [sub for sub in growth.subs if sub not in gone]
    fresh, looks = captures.until_read(lambda: refold(growth, left, captures.read))
    session.swap(growth, fresh)
    if gone:
        session.append(*(word for look in looks for word in looked(look, fresh.subs, growth.founding.header)))
    else:
        settle(session, fresh, looks[-1])


def settle(session: Session, growth: Growth, look: Look) -> None:
    """Journal a look with what it found; a sub that is lines all over goes, and the rest is folded again."""
    subs = [sub for sub in growth.subs if sub.no in look.folded]
    ruined = look.ruined(subs)
    sentence = "Its stars are lines all over the picture: was the tracking on?"
    told = looked(look, [sub for sub in subs if sub not in ruined], growth.founding.header)
    session.append(*told, *(rejected_again(sub, "trailed", sentence) for sub in ruined))
    if ruined:
        left = [sub for sub in growth.subs if sub not in ruined]
        fresh, _ = session.captures.until_read(lambda: refold(growth, left, session.captures.read))
        session.swap(growth, fresh)


def vanish(session: Session, subs: list[SubAccepted]) -> None:
    """Leave out subs whose files are gone or changed."""
    sentence = "The file is gone or was changed before its second look. Keep subs until the night is over."
    session.append(*(rejected_again(sub, "vanished", sentence) for sub in subs))
