"""Nights for whoever watches over them: the records a session would write, with what happened in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from livestack.events import Event, MeridianFlip, Record, SessionStarted, StackFounded, SubAccepted, SubRejected
from livestack.show.monitor.alerts import RULES, Change, Standing, step
from livestack.show.monitor.scene import Disk, Scene, Trends
from livestack.show.state import NightState, advance

BEGIN = datetime(2026, 8, 20, 21, 0, tzinfo=UTC)
STACK, SIZE = "M_27", (1304, 1976)
LOOKED_S = 20.0


@dataclass(frozen=True)
class Sub:
    """What a sub is like; `reason` = it is left out."""

    at: datetime
    fwhm_px: float
    transparency: float
    background_adu: float
    eccentricity: float
    shift_px: tuple[float, float]
    air_c: float
    sensor_c: float
    turned: bool = False
    reason: str | None = None
    hour_angle_h: float | None = None
    airmass: float | None = None
    pier: str | None = None


@dataclass(frozen=True)
class Weather:
    """What happens in a night, by the time a sub is taken."""

    focus: Callable[[datetime], float] = lambda at: 1.0  # times the star size
    clear: Callable[[datetime], float] = lambda at: 1.0  # times the light
    glow: Callable[[datetime], float] = lambda at: 1.0  # times the sky
    eccentricity: Callable[[datetime], float | None] = lambda at: None
    drift_px: Callable[[datetime], float] = lambda at: 0.0
    sensor_c: Callable[[datetime], float] = lambda at: -10.0
    clock_s: Callable[[datetime], float] = lambda at: 0.0
    flips: datetime | None = None
    gap: tuple[datetime, datetime] | None = None
    reason: Callable[[datetime], str | None] = lambda at: None
    pier: Callable[[float], str | None] = lambda hour: None
    sun_deg: Callable[[datetime], float | None] = lambda at: None
    work_s: Callable[[datetime], float] = lambda at: 0.4
    focuses: bool = True  # each hour
    # what the engine says besides, what waits in line, the disks, and whether the engine is alive
    said: tuple[tuple[datetime, Event], ...] = ()
    waiting: Callable[[datetime], int] = lambda at: 0
    disks: Callable[[datetime], tuple[Disk, ...]] = lambda at: ()
    alive: Callable[[datetime], bool] = lambda at: True


QUIET = Weather()


def at(clock: str) -> datetime:
    """A time of this night."""
    hours, minutes = map(int, clock.split(":"))
    time = BEGIN.replace(hour=hours, minute=minutes)
    return time if hours > 12 else time + timedelta(days=1)


def subs(weather: Weather, seed: int, *, hours: float = 7.5, exposure_s: float = 120.0) -> Iterator[Sub]:
    """A night as nights are: seeing that comes and goes, an altitude, gusts, dither, focus runs each hour."""
    draw = np.random.default_rng(seed)
    now, seeing, haze, focused = BEGIN, 0.0, 0.0, BEGIN
    transit = BEGIN + timedelta(hours=draw.uniform(2.0, 4.5))
    base, sky = draw.uniform(2.2, 3.6), draw.uniform(300, 2500)
    while now < BEGIN + timedelta(hours=hours):
        hour = (now - transit).total_seconds() / 3600
        airmass = 1.0 / math.sin(math.radians(80.0 - 9.0 * abs(hour)))
        seeing = 0.93 * seeing + 0.02 * draw.standard_normal()  # 5 % over half an hour
        haze = 0.95 * haze + 0.008 * draw.standard_normal()
        gust = draw.random() < 1 / 60
        elongated = weather.eccentricity(now)
        clear = weather.clear(now)
        yield Sub(
            at=now,
            fwhm_px=base * airmass**0.6 * math.exp(seeing + 0.03 * draw.standard_normal()) * weather.focus(now),
            transparency=clear * 10 ** (-0.4 * 0.18 * (airmass - 1)) * math.exp(haze + 0.015 * draw.standard_normal()),
            background_adu=sky * weather.glow(now) * airmass**0.4 * math.exp(0.01 * draw.standard_normal()),
            eccentricity=elongated or float(np.clip(0.42 + 0.05 * draw.standard_normal() + 0.3 * gust, 0.1, 0.9)),
            shift_px=(float(12 * draw.standard_normal() + weather.drift_px(now)), float(12 * draw.standard_normal())),
            air_c=14.0 - 0.8 * (now - BEGIN).total_seconds() / 3600,
            sensor_c=weather.sensor_c(now) + 0.15 * draw.standard_normal(),
            turned=weather.flips is not None and now > weather.flips,
            reason=weather.reason(now) or ("clouded" if clear < 0.3 else None),
            hour_angle_h=hour,
            airmass=airmass if seed % 2 else None,  # half of the capture programs say it
            pier=weather.pier(hour),
        )
        now += timedelta(seconds=exposure_s + draw.uniform(3, 9) + draw.exponential(6.0) * (draw.random() < 0.4))
        if weather.focuses and now - focused > timedelta(hours=1):
            focused, now = now, now + timedelta(seconds=draw.uniform(90, 180))
        if weather.gap and weather.gap[0] < now < weather.gap[1]:
            now = weather.gap[1]
        if weather.flips and now > weather.flips > now - timedelta(seconds=2 * exposure_s):
            now += timedelta(seconds=240)


def events_of(taken: Sub, no: int, weather: Weather, exposure_s: float) -> SubAccepted | SubRejected:
    """What an engine says of a sub."""
    sign = -1.0 if taken.turned else 1.0
    x, y = taken.shift_px
    corner = (0.0, 0.0) if sign > 0 else (SIZE[1] - 1.0, SIZE[0] - 1.0)
    quality = {
        "n_stars": int(300 * taken.transparency), "fwhm_px": taken.fwhm_px, "hfr_px": taken.fwhm_px / 2,
        "eccentricity": taken.eccentricity, "background_adu": taken.background_adu, "noise_adu": 20.0,
        "transparency": taken.transparency,
    }  # fmt: skip
    time = taken.at + timedelta(seconds=exposure_s / 2 + weather.clock_s(taken.at))
    facts = {
        "no": no, "stack": STACK, "path": f"/captures/{no:04}.fits", "sha256": f"{no:064}", "size": 1, "mtime_ns": 1,
        "time_utc": time.isoformat(), "exposure_s": exposure_s, "target": "M 27", "filter": None, "quality": quality,
        "arrival": no, "air_c": taken.air_c,
        "gear": {"sensor_c": taken.sensor_c, "set_c": -10.0, "hour_angle_h": taken.hour_angle_h},
    }  # fmt: skip
    if taken.airmass:
        facts["gear"]["airmass"] = taken.airmass  # type: ignore[index]
    if (sun_deg := weather.sun_deg(taken.at)) is not None:
        facts["gear"]["sun_deg"] = sun_deg  # type: ignore[index]
    if taken.pier:
        facts["gear"]["pier"] = taken.pier  # type: ignore[index]
    if taken.reason:
        return SubRejected(**facts, reason=taken.reason, sentence=f"Sub {no} left out.")  # type: ignore[arg-type]
    return SubAccepted(
        **facts,  # type: ignore[arg-type]
        matrix=[[sign, 0.0, corner[0] + x], [0.0, sign, corner[1] + y], [0.0, 0.0, 1.0]],
        registration={}, weight=1.0, scale=1.0, offset=[0.0], rejected_fraction=0.002,
        seconds={"fold": weather.work_s(taken.at)},
    )  # fmt: skip


def records(weather: Weather, seed: int, *, exposure_s: float = 120.0, hours: float = 7.5) -> Iterator[Record]:
    """A night's journal."""
    seq = 0

    def record(time: datetime, event: Event) -> Record:
        nonlocal seq
        seq += 1
        return Record(seq, time.isoformat(), event)

    yield record(BEGIN, SessionStarted("/captures", "1", {}, False, 1, "here"))
    turned, said = False, sorted(weather.said, key=lambda each: each[0])
    for no, taken in enumerate(subs(weather, seed, hours=hours, exposure_s=exposure_s), 1):
        judged = taken.at + timedelta(seconds=exposure_s + 3)
        while said and said[0][0] <= judged:
            yield record(*said.pop(0))
        if no == 1:
            header = {"size": list(SIZE)}
            founded = StackFounded(
                STACK, "M 27", None, None, list(SIZE), "RGGB", 1, "/captures/1.fits", "0", header=header
            )
            yield record(judged, founded)
        if taken.turned != turned:
            turned = taken.turned
            yield record(judged, MeridianFlip(STACK, no, 180.0))
        yield record(judged, events_of(taken, no, weather, exposure_s))


@dataclass
class Told:
    """A night as it was watched over.

    Attributes
    ----------
    changes : list of (datetime, last sub, Change)
    """

    state: NightState = field(default_factory=NightState)
    standing: Standing = field(default_factory=Standing)
    changes: list[tuple[datetime, int, Change]] = field(default_factory=list)
    trends: Trends | None = None
    weather: Weather = QUIET

    def look(self, now: datetime) -> None:
        """Have every rule look."""
        if self.trends is None or self.trends.subs is not self.state.subs:
            self.trends = Trends(self.state)
        waiting = self.weather.waiting(now)
        state = replace(self.state, n_found=len(self.state.subs) + waiting) if waiting else self.state
        scene = Scene(state, now, self.trends, self.weather.alive(now), now, self.weather.disks(now))
        self.standing, changes = step(self.standing, scene, RULES)
        self.changes += [(now, len(self.state.subs), change) for change in changes]

    @property
    def sent(self) -> list[Change]:
        """What calls somebody."""
        return [change for _, _, change in self.changes if change.alert.rule.sent]

    def of(self, rule: str, kind: str = "raised") -> list[tuple[datetime, int, str]]:
        """When, after which sub and in which words a rule spoke."""
        return [(t, no, c.sentence) for t, no, c in self.changes if c.alert.rule.name == rule and c.kind == kind]


def watched(weather: Weather, seed: int, *, exposure_s: float = 120.0, hours: float = 7.5) -> Told:
    """Watch over a night: every rule looks after each record, and every so many seconds between."""
    told, before = Told(weather=weather), BEGIN
    for record in records(weather, seed, exposure_s=exposure_s, hours=hours):
        time = datetime.fromisoformat(record.time_utc)
        while before + timedelta(seconds=LOOKED_S) < time:
            before += timedelta(seconds=LOOKED_S)
            told.look(before)
        before = time
        found = max(told.state.n_found, getattr(record.event, "arrival", 0))
        told.state = replace(advance(told.state, record), n_found=found)
        told.look(time)
    return told
