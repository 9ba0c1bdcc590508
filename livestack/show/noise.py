"""The noise budget of a stack: what a sub's grain is made of, and what is left of each part in the stack.

The parts are variances in ADU², each measured by itself: frames without light tell those of the camera, two subs what
differs between them and what they share. So the gain is needed for the target's own light alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

import numpy as np

from livestack.frame import Picture
from livestack.reduce.fixed_pattern import places_seen
from livestack.reduce.target import target_level
from livestack.show.noise_words import NoiseWords
from livestack.show.sensor import Sensor
from livestack.show.state import NightState, SubRow
from livestack.show.words import THIN, span

ENOUGH = 10.0
"""Where the sky's variance is so many times that of the electronics, these add 5 % to the noise."""
MUCH_PATTERN = 0.2
READ, DARK, CAMERA = "Read noise", "Dark current", "Read noise and dark current"
SKY, ALL, TARGET, PATTERN = "Sky glow", "Light and camera", "Target", "Fixed pattern"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the noise: its variance in one px of one sub, and in one px of the stack, ADU²."""

    name: str
    sub_adu2: float
    stack_adu2: float


@dataclass(frozen=True, slots=True)
class Budget:
    """Where the noise of a px of the target comes from.

    Attributes
    ----------
    parts : tuple of Part
        From the electronics to the light.
    e_per_adu : float, optional
    exposure_s : float, optional
        Of a usual sub.
    enough_s : float, optional
        Exposure from which read noise adds less than 5 %.
    places : float
        Over how many places of the sky the stack spreads the fixed pattern.
    raw_pattern : float, optional
        Share of fixed pattern in a sub that is not calibrated.
    """

    parts: tuple[Part, ...]
    e_per_adu: float | None
    exposure_s: float | None
    enough_s: float | None
    places: float
    raw_pattern: float | None

    def share(self, name: str) -> float:
        """Share of a part in the variance of a sub."""
        total = sum(part.sub_adu2 for part in self.parts)
        return sum(part.sub_adu2 for part in self.parts if part.name == name) / total

    def stack_share(self, name: str) -> float:
        """Share of a part in the variance of the stack."""
        total = sum(part.stack_adu2 for part in self.parts)
        return sum(part.stack_adu2 for part in self.parts if part.name == name) / total


def budget(state: NightState, picture: Picture | None) -> Budget | None:
    """Return where the noise of the present stack comes from; None before it can be told apart at all."""
    rows = [row for row in state.subs if row.stack == state.stack and row.state == "accepted" and row.matrix]
    sensor = state.sensors.of.get(state.stack or "")
    if sensor is None or not rows:
        return None
    usual = median([row.noise_adu for row in rows if row.noise_adu] or [0.0])
    total, random = (sensor.pair.get(name, usual) ** 2 for name in ("sub_adu", "random_adu"))
    if not random > 0:
        return None
    e_per_adu = sensor.e_per_adu or sensor.figures.get("e_per_adu")
    camera = _camera(sensor, e_per_adu, random)
    if not camera and not sensor.pair:
        return None
    sky = max(random - sum(camera.values()), 0.0)
    parts = {**camera, (SKY if camera else ALL): sky}
    target = target_level(picture.data) if picture is not None and picture.stack == state.stack else None
    if target and e_per_adu:
        parts[TARGET] = target / e_per_adu
    weights = np.array([row.weight or 1.0 for row in rows])
    places = places_seen(np.array([row.matrix for row in rows]), weights, sensor.size)
    left = {name: variance * _left(name, rows, weights) for name, variance in parts.items()}
    if sensor.pair:
        parts[PATTERN] = total - random
        left[PATTERN] = parts[PATTERN] / places
    exposures = [row.exposure_s for row in rows if row.exposure_s]
    exposure_s = median(exposures) if exposures else None
    return Budget(
        tuple(Part(name, variance, left[name]) for name, variance in parts.items()),
        e_per_adu,
        exposure_s,
        _enough(exposure_s, parts.get(READ) or parts.get(CAMERA), sky),
        places,
        _pattern(sensor.pair, "raw_"),
    )


def _camera(sensor: Sensor, e_per_adu: float | None, random: float) -> dict[str, float]:
    """Variances that are there without light; empty where nothing tells them."""
    bias, dark = sensor.without_light.get("bias"), sensor.without_light.get("dark")
    if bias is None and sensor.read_noise_e and e_per_adu:
        bias = sensor.read_noise_e / e_per_adu
    if bias is None:
        return {} if dark is None else {CAMERA: min(dark**2, random)}
    read = min(bias**2, random)
    if dark is None:
        return {READ: read}
    current = max(dark**2 - bias**2, 0.0) * (sensor.dark_scale or 1.0)
    return {READ: read, DARK: min(current, random - read)}


def _left(name: str, rows: list[SubRow], weights: np.ndarray) -> float:
    """Return what the stack has of a variance: Σ w² v / s² over (Σ w)², v as that of the first sub."""
    scales = np.array([row.scale for row in rows])
    exposures = np.array([row.exposure_s or 0.0 for row in rows])
    light = np.array([row.background_adu or 0.0 for row in rows])
    if name in (SKY, ALL) and (light > 0).all():
        more = light / light[0]
    elif name in (DARK, SKY, ALL) and (exposures > 0).all():
        more = exposures / exposures[0]
    else:
        more = scales if name == TARGET else np.ones(len(rows))
    return float((weights**2 * more / scales**2).sum() / weights.sum() ** 2)


def _enough(exposure_s: float | None, read: float | None, sky: float) -> float | None:
    return exposure_s * ENOUGH * read / sky if exposure_s and read and sky > 0 else None


def _pattern(pair: dict[str, float], prefix: str) -> float | None:
    sub, random = (pair.get(prefix + name) for name in ("sub_adu", "random_adu"))
    return 1 - (random / sub) ** 2 if sub and random else None


def noise_words(found: Budget | None) -> NoiseWords | None:
    """Say a budget in rows and sentences."""
    if found is None:
        return None
    unit, factor = ("e⁻", found.e_per_adu) if found.e_per_adu else ("ADU", 1.0)
    rows = tuple(
        (
            part.name,
            found.share(part.name),
            found.stack_share(part.name),
            f"{_digits(math.sqrt(part.sub_adu2) * factor)}{THIN}{unit}",
        )
        for part in found.parts
    )
    return NoiseWords(rows, tuple(sentence for sentence in (_length(found), _dither(found), _light(found)) if sentence))


def _length(found: Budget) -> str:
    """Say whether longer subs would help."""
    names = {part.name for part in found.parts}
    if not names & {READ, CAMERA}:
        return "Bias frames tell how much of it is read noise: 20 with the cap on, as short as can be."
    if found.enough_s is None or found.exposure_s is None:
        return "" if found.exposure_s is None else "The sky is too dark to be told from read noise: longer subs help."
    enough, now = span(_rounded(found.enough_s)), span(found.exposure_s)
    if found.exposure_s >= found.enough_s:
        return f"From {enough} a sub on, read noise hardly matters. Yours are {now}: longer ones gain nothing."
    return f"Subs of {enough} or longer would make read noise hardly matter. Yours are {now}."


def _dither(found: Budget) -> str:
    """Say what became of the fixed pattern."""
    if PATTERN not in {part.name for part in found.parts}:
        return "How much is fixed pattern is known from the first look on."
    sub, stack = found.share(PATTERN), found.stack_share(PATTERN)
    before = found.raw_pattern
    words = f"Fixed pattern is {_percent(sub)} of it in a sub"
    if before is not None and max(sub, before) > 0.01 and not before / 1.5 < sub < 1.5 * before:
        words += f", {_percent(before)} before calibration"
        if sub > max(before, 0.05):
            return f"{words}: the masters bring in their own noise. Make them of more frames."
    if stack < 0.05 or (sub < MUCH_PATTERN and stack < 1.5 * sub):
        return f"{words}, and {_percent(stack)} in the stack. Nothing to do."
    if stack < 1.5 * sub:
        return (
            f"{words}, and {_percent(stack)} in the stack, well spread by dither. Darks and flats would take it away."
        )
    return f"{words}, but {_percent(stack)} in the stack: dither more, or take darks and flats."


def _light(found: Budget) -> str:
    """Say what most of the noise of the stack is."""
    most = max(found.parts, key=lambda part: part.stack_adu2)
    return {
        SKY: "Most is the glow of the sky: more subs help, and a darker place does most.",
        TARGET: "Most is the target's own light: only more of it helps.",
        READ: "Most is read noise: longer subs help more than many.",
        CAMERA: "Most is the camera's own: longer subs help, and a colder sensor.",
        DARK: "Most is dark current: a colder sensor helps.",
    }.get(most.name, "")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}{THIN}%" if share >= 0.005 else f"under 1{THIN}%"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _rounded(seconds: float) -> float:
    """Two digits are enough of what is only an estimate."""
    if seconds <= 1:
        return 1.0
    step = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return max(1.0, math.ceil(seconds / step) * step)
