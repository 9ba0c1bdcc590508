"""What is known of the noise of a stack's subs: a fold over the records, as the state of the night is."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from livestack.events import Event, Json, Looked, MastersBuilt, MastersMatched, StackFounded
from livestack.show.calibrated import calibration_line
from livestack.show.words import as_sentence, with_units


@dataclass(frozen=True, slots=True)
class Sensor:
    """What is known of the noise of one stack's subs.

    Attributes
    ----------
    e_per_adu, read_noise_e : float, optional
        As the founding sub says.
    size : tuple of int
        (H, W) of a sub, px.
    without_light : dict
        Kind → noise of one px of one of the bias and dark frames that the masters were made of, ADU.
    dark_scale : float, optional
        What the dark current was multiplied by.
    figures : dict
        What calibration did to the founding sub.
    calibration : str
        Which masters are used, what they did and what is missing, in words.
    pair : dict
        Noise of one px of two subs, and what of it differs between them, as the last look measured it.
    """

    e_per_adu: float | None = None
    read_noise_e: float | None = None
    size: tuple[int, int] = (0, 0)
    without_light: dict[str, float] = field(default_factory=dict)
    dark_scale: float | None = None
    figures: dict[str, float] = field(default_factory=dict)
    calibration: str = ""
    pair: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sensors:
    """By stack; and the noise of the frames of masters, by their id, until a stack uses them."""

    of: dict[str, Sensor] = field(default_factory=dict)
    built: dict[str, dict[str, float]] = field(default_factory=dict)


NOTHING_KNOWN = Sensors()


def learnt(sensors: Sensors, event: Event) -> Sensors:
    """Return what is known after one more event."""
    match event:
        case StackFounded():
            own = {name: _positive(event.header, name) for name in ("e_per_adu", "read_noise_e")}
            return _more(sensors, event.stack, **own, size=(event.size[0], event.size[1]), pair={})
        case MastersBuilt(kind="bias" | "dark") if event.noise_adu is not None:
            frames = sensors.built.get(event.sha256, {}) | {event.kind: event.noise_adu * math.sqrt(event.n_frames)}
            return dataclasses.replace(sensors, built=sensors.built | {event.sha256: frames})
        case MastersMatched():
            noise = sensors.built.get(event.id, {})
            said = with_units(as_sentence(calibration_line(event)))
            facts = {"without_light": noise, "dark_scale": event.dark_scale, "figures": event.figures}
            return _more(sensors, event.stack, **facts, calibration=said)
        case Looked():
            return _more(sensors, event.stack, pair=event.noise)
        case _:
            return sensors


def _more(sensors: Sensors, stack: str, **facts: Any) -> Sensors:
    known = dataclasses.replace(sensors.of.get(stack, Sensor()), **facts)
    return dataclasses.replace(sensors, of=sensors.of | {stack: known})


def _positive(header: Json, name: str) -> float | None:
    value = header.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else None
