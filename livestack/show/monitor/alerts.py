"""Which alerts stand: raised, told again while they stand, cleared. Pure functions over what was and what is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from livestack.show.monitor.course_rules import COURSE_RULES
from livestack.show.monitor.flow_rules import FLOW_RULES
from livestack.show.monitor.scene import Finding, Rule, Scene
from livestack.show.monitor.silence_rules import SILENCE_RULES
from livestack.show.state import Word
from livestack.show.words import about, clock

RULES = (*FLOW_RULES, *SILENCE_RULES, *COURSE_RULES)
REMINDED = timedelta(minutes=30)
"""When an alert that stands is told again; then after twice as long, and so on."""
MOST_REMINDERS = 3
SAME = timedelta(minutes=30)
"""What comes again so soon is the same trouble once more, and counted."""

RAISED, REMIND, CLEARED = "raised", "reminded", "cleared"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that stands.

    Attributes
    ----------
    raised, said : datetime
        When it came, and when it was told last.
    reminders : int
        How often it was told again.
    times : int
        How often it has come, with little between.
    """

    rule: Rule
    finding: Finding
    raised: datetime
    said: datetime
    reminders: int = 0
    times: int = 1

    @property
    def sentence(self) -> str:
        """What is wrong, and how often it came."""
        again = f" {self.times} times since {clock(self.finding.since)}." if self.times > 1 else ""
        return self.finding.sentence + again


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an alert: raised, reminded or cleared, and how that is said."""

    kind: str
    alert: Alert
    sentence: str


@dataclass(frozen=True, slots=True)
class Standing:
    """All alerts that stand, and those that did last: rule → the alert and when it was over."""

    alerts: tuple[Alert, ...] = ()
    before: Mapping[str, tuple[Alert, datetime]] = field(default_factory=dict)


def standing_of(words: Sequence[Word], rules: Sequence[Rule] = RULES) -> Standing:
    """Return the alerts that a journal left standing: not to be told once more, and cleared when they are over."""
    known = {rule.name: rule for rule in rules if rule.written}
    return Standing(
        tuple(
            Alert(known[word.rule], Finding(word.sentence, word.time), word.time, word.time)
            for word in words
            if word.rule in known
        )
    )


def step(was: Standing, scene: Scene, rules: Sequence[Rule] = RULES) -> tuple[Standing, tuple[Change, ...]]:
    """Return what stands at a moment, and what changed."""
    up = {alert.rule.name: alert for alert in was.alerts}
    before, changes, alerts = dict(was.before), list[Change](), list[Alert]()
    for rule in rules:
        alert = up.get(rule.name)
        finding = rule.look(scene, alert is not None)
        if finding is None:
            if alert is not None:
                before[rule.name] = alert, scene.now
                changes += [] if rule.passing else [Change(CLEARED, alert, _over(alert, scene.now))]
            continue
        if alert is None:
            alert = _raised(rule, finding, before.get(rule.name), scene.now)
            changes.append(Change(RAISED, alert, alert.sentence))
        else:
            alert = replace(alert, finding=finding)
            is_known = rule.passing or alert.reminders >= MOST_REMINDERS
            if not is_known and scene.now - alert.said >= REMINDED * 2**alert.reminders:
                alert = replace(alert, said=scene.now, reminders=alert.reminders + 1)
                changes.append(Change(REMIND, alert, f"Still so after {_lasted(alert, scene.now)}: {alert.sentence}"))
        alerts.append(alert)
    return Standing(tuple(alerts), before), tuple(changes)


def _raised(rule: Rule, finding: Finding, before: tuple[Alert, datetime] | None, now: datetime) -> Alert:
    times = 1
    if before is not None and now - before[1] < SAME and not rule.passing:
        times, finding = before[0].times + 1, replace(finding, since=before[0].finding.since)
    return Alert(rule, finding, now, now, times=times)


def _lasted(alert: Alert, now: datetime) -> str:
    return about((now - alert.finding.since).total_seconds())


def _over(alert: Alert, now: datetime) -> str:
    return f"{alert.rule.title}: over at {clock(now)}, after {_lasted(alert, now)}."
