"""What a stack keeps of a sub is all that folding it again asks for, in a quarter of the room."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from livestack.events import SubAccepted, from_dict, to_dict
from livestack.stacks.growth import look_id
from livestack.stacks.lean import PackedDict, PackedList, lean
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


def test_it_has_the_figures_and_the_name_of_its_look() -> None:
    sub = _sub()
    kept = lean(sub)
    assert np.array_equal(np.array(kept.matrix), np.array(sub.matrix))
    assert np.array_equal(np.array(kept.offset).reshape(-1, 6), np.array(sub.offset).reshape(-1, 6))
    assert kept.matrix[1][0] == sub.matrix[1][0] and dict(kept.quality) == sub.quality == kept.quality
    assert kept.quality["transparency"] is None and kept.registration["meridian_flip"] is True
    assert look_id([kept]) == look_id([sub])
    again, word = (rejected_again(one, "trailed", "Lines.") for one in (kept, sub))
    assert json.dumps(to_dict(again)) == json.dumps(to_dict(word))
    with pytest.raises(KeyError):
        kept.quality["nothing"]


def test_two_of_one_sub_are_equal_and_of_others_not() -> None:
    assert lean(_sub()) == lean(_sub()) == lean(lean(_sub()))
    assert lean(_sub()) != lean(_sub(8)) and lean(_sub()) != lean(replace(_sub(), weight=2.0))
    assert PackedList([1.0]) != PackedList([2.0]) and PackedDict({"a": 1}) != PackedDict({"b": 1})


def test_a_thousand_take_less_than_half_of_the_room() -> None:
    subs = [_sub(no) for no in range(1000)]
    assert _bytes(list(map(lean, subs)), set()) < 0.45 * _bytes(subs, set())
    first, second = map(lean, subs[:2])
    assert first.stack is second.stack and subs[0].stack is subs[1].stack
    assert first.size is second.size and first.exposure_s is second.exposure_s and first.gear is second.gear
    assert lean(replace(subs[0], exposure_s=60.0)).exposure_s == 60.0 and lean(subs[0]).exposure_s == 120.0


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
