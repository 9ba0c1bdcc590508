"""What is kept of a sub is all that folding it again asks for, in a quarter of the room."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from livestack.events import SubAccepted, from_dict, to_dict
from livestack.stacks.growth import look_id
from livestack.stacks.lean import PackedDict, PackedList, Subs, packed, packed_gear
from livestack.stacks.verdicts import rejected_again


def _sub(no: int = 7) -> SubAccepted:
    draw = np.random.default_rng(no)
    names = ("fwhm_px", "hfr_px", "eccentricity", "elongation", "background_adu", "noise_adu")
    body: dict[str, Any] = {
        "no": no, "stack": "M_27", "path": f"/captures/Light_{no:05}.fits", "sha256": f"{no:064x}", "size": 2_500_000,
        "mtime_ns": 1_790_000_000_000_000_000 + no, "time_utc": "2026-08-20T22:00:00+00:00", "exposure_s": 120.0,
        "target": "M 27", "filter": None, "matrix": [*draw.normal(size=(2, 3)).tolist(), [0.0, 0.0, 1.0]],
        "quality": {"n_stars": 210, **{name: float(draw.normal()) for name in names}, "transparency": None},
        "registration": {"n_matches": 120, "rms_px": 0.1, "dx": 1.5, "dy": 0.5, "rotation_deg": 180.1, "scale": 1.0,
                         "meridian_flip": True},
        "weight": 1.01, "scale": 0.98, "offset": draw.normal(size=18).tolist(), "rejected_fraction": 0.001,
        "seconds": {"register": 0.1, "fold": 0.4}, "arrival": no, "gear": {"sensor_c": -10.0, "pier": "East"},
    }  # fmt: skip
    event = from_dict("SubAccepted", json.loads(json.dumps(body)))
    assert isinstance(event, SubAccepted)
    return event


def test_each_has_the_figures_and_the_name_of_its_look() -> None:
    sub = _sub()
    (kept,) = Subs([sub])
    assert replace(kept, registration=sub.registration, seconds=sub.seconds) == sub
    assert kept.registration == {"meridian_flip": True} and kept.quality["transparency"] is None
    assert look_id(Subs([sub])) == look_id([sub])
    again, word = (rejected_again(one, "trailed", "Lines.") for one in (kept, sub))
    assert json.dumps(to_dict(again)) == json.dumps(to_dict(word))


def test_numbers_of_numpy_are_kept_as_numbers() -> None:
    """`marshal` takes them for bytes, and says nothing."""
    sub = _sub()
    odd = replace(
        sub,
        weight=np.float64(sub.weight),
        scale=np.float64(sub.scale),
        matrix=[[np.float64(x) for x in row] for row in sub.matrix],
        offset=[np.float64(x) for x in sub.offset],
        quality={name: np.float64(x) if isinstance(x, float) else x for name, x in sub.quality.items()},
        gear={name: np.float64(x) if isinstance(x, float) else x for name, x in sub.gear.items()},
    )
    assert Subs([odd]) == Subs([sub])


def test_they_are_a_list() -> None:
    words = [_sub(no) for no in range(5)]
    subs = Subs(words)
    assert [sub.no for sub in subs] == subs.numbers.tolist() == [0, 1, 2, 3, 4] and len(subs) == 5
    assert subs[-1] == subs[4] != subs[3] and subs[1:3] == Subs(words[1:3]) != subs[:2]
    assert subs[:2] + subs[2:] == subs == Subs(subs) and subs[:0] == Subs() and not subs[:0]
    assert subs.digest == Subs(words).digest != subs[1:].digest != Subs(words[1:][::-1]).digest
    before = subs[:]
    subs.replace_last(replace(words[-1], weight=2.0, rejected_fraction=np.float64(0.25)))
    assert subs[-1].weight == 2.0 and subs[-1].rejected_fraction == 0.25
    assert subs != before and subs[:-1] == before[:-1] and before[-1].weight == 1.01
    with pytest.raises(IndexError):
        subs[5]


def test_a_thousand_take_a_quarter_of_the_room() -> None:
    words = [_sub(no) for no in range(1000)]
    subs = Subs(words)
    assert _bytes(subs, set()) < 0.25 * _bytes(words, set())
    other = replace(words[0], exposure_s=60.0)
    subs.append(other)
    assert subs[-1].exposure_s == 60.0 and subs[-2].exposure_s == 120.0 and subs[0].stack is subs[-1].stack


def test_what_is_packed_reads_as_what_it_was() -> None:
    sub = _sub()
    matrix, gear = packed(sub.matrix), packed_gear(sub.gear)
    assert np.array_equal(np.array(matrix), np.array(sub.matrix)) and matrix == sub.matrix and matrix[1][0] != 0
    assert dict(gear) == sub.gear == gear and packed_gear(dict(sub.gear)) is gear
    assert PackedList([1.0]) != PackedList([2.0]) and PackedDict({"a": 1}) != PackedDict({"b": 1})
    with pytest.raises(KeyError):
        gear["nothing"]


def _bytes(thing: Any, seen: set[int]) -> int:
    """Of it and all that is in it, what is shared once."""
    if id(thing) in seen:
        return 0
    seen.add(id(thing))
    if isinstance(thing, dict):
        parts = [*thing, *thing.values()]
    elif isinstance(thing, (list, tuple)):
        parts = [*thing]
    else:
        names = getattr(type(thing), "__slots__", ())
        parts = [getattr(thing, name) for name in names if not name.startswith("__")]
    return sys.getsizeof(thing) + sum(_bytes(part, seen) for part in parts)
