"""What an operator made for guests: what they are shown, the draft that they do not see yet, and how it is taken back.

Facts and pure functions; kept in the session as ``outreach.json``, so that a restart changes nothing for anybody.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from livestack.atomic import write_atomically
from livestack.errors import SettingsError
from livestack.events import Json
from livestack.show.web.look import Look, changed_look

FILE = "outreach.json"
_LONGEST = {"name": 60, "also": 80, "meaning": 140, "caption": 400}
_MOST_BACK = 40
_SAME_S = 3.0
"""Who turns a knob bit by bit changes one thing."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Words:
    """The operator's own words; "" = those that livestack finds."""

    name: str = ""
    also: str = ""
    meaning: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What guests get: how the picture looks, and what is told of it."""

    look: Look = field(default_factory=Look)
    words: Words = field(default_factory=Words)


@dataclass(frozen=True, slots=True)
class Screen:
    """What the presenter's screen does."""

    zoom: bool = True
    fade: bool = True
    slideshow: bool = True
    wifi: bool = True


@dataclass(frozen=True, slots=True)
class Back:
    """What was before a change, and what was changed: which thing, when (s), and which subs were asked for."""

    what: str
    time_s: float
    shown: Offer
    draft: Offer
    since: str = ""
    asked: str = ""
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outreach:
    """All of it.

    Attributes
    ----------
    shown, draft : Offer
        What guests get; what the operator makes of it.
    since : str
        Clock time since when the draft differs; "" = it does not.
    held : bool
        The picture stays as it is until the operator lets it go.
    approves : bool
        A new picture waits until the operator has seen it.
    seq : int
        Of the last record that guests are told of while the picture is held, or a new one waits.
    back : tuple of Back
        What can be taken back, the newest last.
    """

    shown: Offer = field(default_factory=Offer)
    draft: Offer = field(default_factory=Offer)
    screen: Screen = field(default_factory=Screen)
    since: str = ""
    held: bool = False
    approves: bool = False
    seq: int = 0
    back: tuple[Back, ...] = ()

    @property
    def n_changes(self) -> int:
        """How many things differ between the draft and what is shown."""
        pairs = ((self.shown.look, self.draft.look), (self.shown.words, self.draft.words))
        return sum(
            getattr(one, each.name) != getattr(other, each.name)
            for one, other in pairs
            for each in dataclasses.fields(one)
        )


def with_look(outreach: Outreach, change: Json, now_s: float, clock: str) -> Outreach:
    """Return it with a draft that looks otherwise. Raises SettingsError as `changed_look`."""
    look = changed_look(outreach.draft.look, change)
    return _drafted(outreach, replace(outreach.draft, look=look), ",".join(sorted(change)), now_s, clock)


def with_words(outreach: Outreach, change: Json, now_s: float, clock: str) -> Outreach:
    """Return it with a draft of other words.

    Raises
    ------
    SettingsError
        There are no such words, or they are too long.
    """
    for name, value in change.items():
        if name not in _LONGEST:
            raise SettingsError("there are no such words")
        if not isinstance(value, str) or len(value) > _LONGEST[name]:
            raise SettingsError(f"{name} is text of at most {_LONGEST[name]} letters")
    clean = {name: " ".join("".join(c if c.isprintable() else " " for c in v).split()) for name, v in change.items()}
    words = replace(outreach.draft.words, **clean)
    return _drafted(outreach, replace(outreach.draft, words=words), ",".join(sorted(change)), now_s, clock)


def published(outreach: Outreach, now_s: float) -> Outreach:
    """Return it with the draft shown to guests."""
    return replace(_kept(outreach, "publish", now_s), shown=outreach.draft, since="")


def with_screen(outreach: Outreach, change: Json) -> Outreach:
    """Return it with another choice for the presenter's screen.

    Raises
    ------
    SettingsError
        There is no such choice.
    """
    return replace(outreach, screen=_replaced(outreach.screen, change, bool))


def asked(outreach: Outreach, kind: str, numbers: tuple[int, ...], now_s: float) -> Outreach:
    """Return it with a request about subs as the newest thing that can be taken back."""
    return _kept(outreach, kind, now_s, asked=kind, numbers=numbers)


def taken_back(outreach: Outreach) -> tuple[Outreach, Back | None]:
    """Return it as it was before the last change, and what that was; None where there is nothing to take back."""
    if not outreach.back:
        return outreach, None
    last = outreach.back[-1]
    rest = replace(outreach, back=outreach.back[:-1])
    if last.asked:
        return rest, last
    return replace(rest, shown=last.shown, draft=last.draft, since=last.since), last


def read(session: Path, preset: str) -> Outreach:
    """Read what a session has; a new one, developed by a preset, where there is none or it cannot be read."""
    usual = Offer(Look(preset))
    new = Outreach(usual, usual)
    try:
        body = json.loads((session / FILE).read_text(encoding="utf-8"))
        made: Outreach = _built(Outreach, {**asdict(new), **body})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, SettingsError):
        return new
    return made


def write(session: Path, outreach: Outreach) -> None:
    """Keep it in the session, whole or not at all. Raises OSError where the disk is full or away."""
    text = json.dumps(asdict(outreach), ensure_ascii=False, indent=1)
    write_atomically(session / FILE, lambda file: file.write(text.encode()))


def _drafted(outreach: Outreach, draft: Offer, what: str, now_s: float, clock: str) -> Outreach:
    if draft == outreach.draft:
        return outreach
    new = replace(_kept(outreach, what, now_s), draft=draft)
    return replace(new, since="" if draft == outreach.shown else outreach.since or clock)


def _kept(outreach: Outreach, what: str, now_s: float, asked: str = "", numbers: tuple[int, ...] = ()) -> Outreach:
    last = outreach.back[-1] if outreach.back else None
    if last is not None and not asked and last.what == what != "publish" and 0 <= now_s - last.time_s < _SAME_S:
        return replace(outreach, back=(*outreach.back[:-1], replace(last, time_s=now_s)))
    step = Back(what, now_s, outreach.shown, outreach.draft, outreach.since, asked, numbers)
    return replace(outreach, back=(*outreach.back[1 - _MOST_BACK :], step))


def _replaced(facts: T, change: Json, kind: type) -> T:
    known = {each.name for each in dataclasses.fields(facts)}  # type: ignore[arg-type]
    for name, value in change.items():
        if name not in known:
            raise SettingsError("there is no such choice")
        if not isinstance(value, kind):
            raise SettingsError(f"{name} is yes or no")
    return replace(facts, **change)  # type: ignore[type-var]


def _built(kind: Any, body: Any) -> Any:
    """Build frozen facts of what `dataclasses.asdict` made of them; what is not known is left out."""
    made = {}
    for one in dataclasses.fields(kind):
        if one.name not in body:
            continue
        value = body[one.name]
        if one.name in ("shown", "draft"):
            value = Offer(changed_look(Look(), value["look"]), _text(Words, value["words"]))
        elif one.name == "screen":
            value = _replaced(Screen(), value, bool)
        elif one.name == "back":
            value = tuple(_built(Back, each) for each in value)
        elif one.name == "numbers":
            value = tuple(int(no) for no in value)
        elif type(value).__name__ not in (one.type, "int"):
            raise ValueError(one.name)
        made[one.name] = value
    return kind(**made)


def _text(kind: type[Words], body: Json) -> Words:
    return kind(**{name: str(body[name])[:most] for name, most in _LONGEST.items() if name in body})
