"""Words on subs and stacks: events made from what was measured."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from livestack.events import AlertCleared, AlertRaised, Event, StackFounded, SubAccepted, SubRejected, TrailFound
from livestack.frame import Array, Header, Quality, Registration
from livestack.journal import Journal
from livestack.read.gear import gear_of
from livestack.reduce.drizzle import evenness
from livestack.reduce.sensor import colours_of
from livestack.reduce.weigh import Usual
from livestack.sky.direction import position_angle_deg
from livestack.stacks.core import Folded
from livestack.stacks.founding import Founding
from livestack.stacks.growth import Growth, Look
from livestack.stacks.prepare import Prepared, Unusable, header_to_json

USUAL = 30
"""What is usual is told by so many accepted subs."""
MOST_BYTES = 100
"""Of a word in the name of a file."""
ENOUGH_DROPS, LEAST_EVEN = 25, 0.4
"""Subs that drizzle wants, and how much of a colour the px with the least of it must have seen (`drizzle.evenness`)."""
ABNORMAL_SHARE, ABNORMAL_TIMES = 0.05, 5.0
"""A sub that loses more than this share of its samples, and so many times the usual, is worth a word."""


def accepted(
    item: Prepared, stack: str, quality: Quality, registration: Registration, figures: tuple[Array, float, float]
) -> SubAccepted:
    """Return the word on a sub that goes into a stack; figures are sky (C, 6), scale and weight."""
    header = item.frame.header
    sky, scale, weight = figures
    found = dataclasses.asdict(registration)
    del found["matrix"]
    return SubAccepted(
        no=item.no,
        stack=stack,
        path=str(item.identity.path),
        sha256=item.sha256,
        size=item.identity.size,
        mtime_ns=item.identity.mtime_ns,
        time_utc=header.time_utc.isoformat() if header.time_utc else None,
        exposure_s=header.exposure_s,
        target=header.target,
        filter=header.filter,
        matrix=registration.matrix.tolist(),
        quality=dataclasses.asdict(quality),
        registration=found,
        weight=float(weight),
        scale=float(scale),
        offset=sky.ravel().tolist(),
        rejected_fraction=0.0,
        seconds={},
        arrival=item.arrival,
        air_c=header.air_c,
        gear=gear_of(header),
    )


def rejected(item: Prepared | Unusable, stack: str | None, reason: str, sentence: str) -> SubRejected:
    """Return the word on a sub that is left out."""
    header = item.frame.header if isinstance(item, Prepared) else None
    quality = item.quality if isinstance(item, Prepared) else None
    return SubRejected(
        no=item.no,
        stack=stack,
        path=str(item.identity.path),
        sha256=item.sha256,
        size=item.identity.size,
        mtime_ns=item.identity.mtime_ns,
        time_utc=header.time_utc.isoformat() if header and header.time_utc else None,
        exposure_s=header.exposure_s if header else None,
        target=header.target if header else None,
        filter=header.filter if header else None,
        reason=reason,
        sentence=sentence,
        quality=dataclasses.asdict(quality) if quality else None,
        arrival=item.arrival,
        air_c=header.air_c if header else None,
        gear=gear_of(header) if header else {},
    )


def rejected_again(sub: SubAccepted, reason: str, sentence: str) -> SubRejected:
    """Return the word on a sub that was in a stack and is not any more."""
    kept = {f.name: getattr(sub, f.name) for f in dataclasses.fields(SubRejected) if hasattr(sub, f.name)}
    kept |= {"quality": dict(sub.quality), "gear": dict(sub.gear)}
    return SubRejected(**kept, reason=reason, sentence=sentence)


def trails_found(sub: SubAccepted, folded: Folded, grid: Header) -> list[TrailFound]:
    """Return the words on trails found in a sub, in grid px; the grid is the founding sub's."""
    sky = grid.sky_matrix
    words = []
    for trail in folded.trails:
        x0, y0, x1, y1 = (2 * value + 0.5 for value in (trail.x0, trail.y0, trail.x1, trail.y1))
        words.append(
            TrailFound(
                stack=sub.stack,
                no=sub.no,
                path=sub.path,
                x0=x0,
                y0=y0,
                x1=x1,
                y1=y1,
                width_px=2 * (trail.high - trail.low),
                brightness=trail.brightness,
                time_utc=sub.time_utc,
                position_angle_deg=position_angle_deg(sky, x1 - x0, y1 - y0) if sky else None,
            )
        )
    return words


def looked(look: Look, subs: Sequence[SubAccepted], grid: Header) -> list[Event]:
    """Return the words on a look: itself, then every trail in those of its subs that stay."""
    trails = [trail for sub in subs if sub.no in look.folded for trail in trails_found(sub, look.folded[sub.no], grid)]
    return [look.event, *trails]


def alerts(growth: Growth) -> list[Event]:
    """Return the words on what needs a look since the last sub of a stack, or does not any more."""
    return [*abnormal_rejection(growth.subs), *thin_drops(growth)]


def thin_drops(growth: Growth) -> list[Event]:
    """Return the word that a drizzled stack has too little dither, told when it has subs enough, or that it has it."""
    if not growth.founding.is_drizzled:
        return []
    rule = f"drizzle {growth.name}"
    was, now = _lacks(growth, growth.subs[:-1]), _lacks(growth, growth.subs)
    if was == now:
        return []
    return [AlertRaised(rule, now)] if now else [AlertCleared(rule)]


def _lacks(growth: Growth, subs: Sequence[SubAccepted]) -> str:
    """Say what drizzle lacks; empty = nothing, or there are too few subs to tell."""
    if len(subs) < ENOUGH_DROPS:
        return ""
    founding = growth.founding
    matrices = [np.array(sub.matrix) for sub in subs]
    if evenness(matrices, founding.shape[1:], colours_of(founding.header.cfa)) >= LEAST_EVEN:
        return ""
    return "Drizzle wants dither: the subs lie too much alike, some px see too little of a colour. Dither by some px."


def abnormal_rejection(subs: Sequence[SubAccepted]) -> list[Event]:
    """Return the word that the last sub of a stack lost an abnormal share of its samples, or that this is over.

    The stack goes on all the same: what lasts becomes usual, and nothing is frozen out.
    """
    subs = subs[-2 - USUAL :]
    rule = f"rejection {subs[-1].stack}"
    was, now = (_is_abnormal(subs[:-1]), _is_abnormal(subs))
    if not now:
        return [AlertCleared(rule)] if was else []
    share = f"{100 * subs[-1].rejected_fraction:.0f} % of sub {subs[-1].no} was left out"
    share += f", usually {100 * _usual_rejection(subs):.1f} %"
    why = "stray light, cloud edges, frost? Look at the sub; the stack goes on."
    return [AlertRaised(rule, f"{share}: {why}")]


def _usual_rejection(subs: Sequence[SubAccepted]) -> float:
    before = [sub.rejected_fraction for sub in subs[-1 - USUAL : -1]]
    return float(np.median(before)) if before else 0.0


def _is_abnormal(subs: Sequence[SubAccepted]) -> bool:
    if not subs:
        return False
    last = subs[-1]
    # what is usual is asked for where it matters: it is kept by thirty subs
    is_much = last.rejected_fraction > ABNORMAL_SHARE
    return last.distrusted or (is_much and last.rejected_fraction > ABNORMAL_TIMES * _usual_rejection(subs))


def founded(item: Prepared, founding: Founding, replaces: str | None, reject: str) -> StackFounded:
    """Return the word on a new stack."""
    header = item.frame.header
    height, width = item.frame.data.shape[:2]
    return StackFounded(
        stack=founding.stack,
        target=header.target,
        filter=header.filter,
        camera=header.camera,
        size=[height, width],
        cfa=header.cfa,
        no=item.no,
        path=str(item.identity.path),
        sha256=item.sha256,
        replaces=replaces,
        reject=reject,
        drizzle=founding.drizzle,
        channels=founding.shape[0],
        sky_adu=list(founding.sky_adu),
        header=header_to_json(header),
    )


def stack_name(header: Header) -> str:
    """Name of a stack and of its file: target and filter, safe for every file system."""
    words = [header.target or "light", header.filter or ""]
    return "_".join(_in_name(word) or "light" for word in words if word)


_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
"""What Windows takes for a device, whatever the folder."""


def _in_name(word: str) -> str:
    """Return a word as it may be in a name of a file, of which two and a suffix are 255 bytes at most."""
    named = re.sub(r"[^\w.+-]+", " ", word).encode()[:MOST_BYTES].decode(errors="ignore")
    named = named.strip(" .")
    return f"{named}_" if named.partition(".")[0].upper() in _DEVICES else named


def why_nothing(journal: Journal) -> str:
    """Say why most subs were left out, where none was stacked."""
    rows = journal.rows("SELECT reason, sentence, count(*) AS n FROM sub GROUP BY reason ORDER BY n DESC LIMIT 1")
    if not rows:
        return "no picture of the sky was found."
    if rows[0]["reason"] is None:
        return "every sub is dropped."
    return f"{rows[0]['sentence']}" + (f" ({rows[0]['n']} like this)" if rows[0]["n"] > 1 else "")


def usual(growth: Growth) -> Usual:
    """Tell what the last accepted subs of a stack were like."""
    return Usual(*(growth.measured(name)[-USUAL:] for name in ("fwhm_px", "elongation")))


def twin_of(growth: Growth, quality: Quality) -> SubAccepted | None:
    """Return the sub whose figures are equal to the last digit: the same px in another file, such as a packed copy."""
    alike = np.flatnonzero(growth.measured("noise_adu") == quality.noise_adu).tolist()  # of thousands hardly one
    mine = (quality.n_stars, quality.background_adu)
    subs = (growth.subs[k] for k in alike)
    return next((sub for sub in subs if (sub.quality["n_stars"], sub.quality["background_adu"]) == mine), None)
