"""What guests read on the card: known names however they are written, and figures that are true or not there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from astropy.coordinates import SkyCoord, get_constellation

from livestack.events import TrailFound
from livestack.frame import Picture
from livestack.show.card import card_of, kind_of, light_left, light_years, width_ly
from livestack.show.card_words import KINDS
from livestack.show.guests import told
from livestack.show.source import Source
from livestack.show.state import NightState, catch_up
from livestack.sky.catalogue import named
from livestack.sky.objects import constellations, known_objects
from tests.show.night import STACK, Night, sky

NOW = datetime(2026, 8, 20, 22, 31, tzinfo=UTC)
DUMBBELL = [
    ["Distance", "about 1,250 light-years"],
    ["Light left", "around the year 780"],
    ["Width", "about 3 light-years"],
    ["Constellation", "Vulpecula, the Little Fox"],
]


@pytest.mark.parametrize(
    ("written", "name", "called"),
    [
        ("Dumbbell", "M 27", "Dumbbell Nebula"),
        ("the  DUMBBELL nebula", "M 27", "Dumbbell Nebula"),
        ("Veil Nebula", "NGC 6960", "Veil Nebula"),
        ("Eastern Veil panel 2", "NGC 6992", "Eastern Veil Nebula"),
        ("Andromeda", "M 31", "Andromeda Galaxy"),
        ("pinwheel_galaxy", "M 101", "Pinwheel Galaxy"),
        ("M31 mosaic", "M 31", "Andromeda Galaxy"),
        ("Stephans Quintet", "HCG 92", "Stephan's Quintet"),
        ("sh2 101", "Sh2-101", "Tulip Nebula"),
        ("Sh 2-155", "C 9", "Cave Nebula"),
        ("SHARPLESS_308", "Sh2-308", "Dolphin Head Nebula"),
        ("Barnard 33", "B 33", "Horsehead Nebula"),
        ("C 20", "NGC 7000", "North America Nebula"),
        ("Caldwell 14", "C 14", "Double Cluster"),
        ("Mel 25", "C 41", "Hyades"),
        ("mosaic NGC 7000 Ha", "NGC 7000", "North America Nebula"),
    ],
)
def test_a_target_is_known_by_its_names(written: str, name: str, called: str) -> None:
    found = named(written)
    assert found is not None
    assert (found.name, found.called) == (name, called)


@pytest.mark.parametrize("written", ["C/2025 A6 (Lemmon)", "C2025 A6", "Jupiter", "Cat", "HAT-P-32", "B 1", "C 200"])
def test_what_is_no_object_is_not_taken_for_one(written: str) -> None:
    assert named(written) is None
    card = card_of(NightState(target=written), None, now=NOW)
    assert (card["name"], card["also"], card["meaning"], card["facts"], card["sky"]) == (written, "", "", [], False)
    assert card["levels"]["child"] == "Light from deep space, collected bit by bit."


def test_every_object_of_the_list_is_there_and_is_no_larger_than_its_kind() -> None:
    """A slip of a digit in a distance, or of a name, would show."""
    widths = {
        "a planetary nebula": (0.2, 12),
        "a supernova remnant": (2, 300),
        "an open cluster": (3, 130),
        "a globular cluster": (20, 800),
        "a galaxy": (1500, 400_000),
    }
    for known in known_objects().values():
        dso = named(known.name) or named(known.called)
        assert dso is not None, known.name
        assert dso.called == known.called or not known.called
        assert dso.kind in KINDS or dso.kind == "Object of other/unknown type", (known.name, dso.kind)
        assert dso.constellation in constellations(), known.name
        width = width_ly(dso)
        low, high = widths.get(kind_of(dso).noun, (0, 1e7))
        assert width is None or low <= width <= high, (known.name, width)
    placed = [known for known in known_objects().values() if known.place is not None]
    places = SkyCoord([known.place for known in placed if known.place], unit="deg")
    lies_in = dict(zip((known.name for known in placed), get_constellation(places, short_name=True), strict=True))
    assert lies_in == {known.name: known.constellation for known in placed}
    assert len(constellations()) == 88
    assert len({name for name, _ in constellations().values()}) == 88
    assert sum(f"M {n}" in known_objects() for n in range(1, 111)) == 107, "40 and 73 are none, 102 is 101"


@pytest.mark.parametrize(
    ("distance_ly", "n_digits", "said"),
    [
        (444.0, 3, "around the year 1580"),
        (1250.0, 3, "around the year 780"),
        (5700.0, 2, "around the year 3700 BC"),
        (6500.0, 0, ""),
        (24_000.0, 2, "before there were cities"),
        (160_000.0, 0, "before there were cities"),
        (2_540_000.0, 3, "2.5 million years ago"),
        (54e6, 0, "54 million years ago"),
        (2.3e9, 2, "2.3 billion years ago"),
    ],
)
def test_light_left_as_long_ago_as_is_known(distance_ly: float, n_digits: int, said: str) -> None:
    assert light_left(distance_ly, n_digits, 2026) == said


def test_numbers_have_no_more_than_three_digits() -> None:
    said = [light_years(ly) for ly in (26, 1250, 12_345, 999_960, 2.54e6, 54e6, 2.9e8, 1.2e9)]
    assert said == ["26", "1,250", "12,300", "1 million", "2.54 million", "54 million", "290 million", "1.2 billion"]


def test_the_card_of_a_night(source: Source, night: Night) -> None:
    for _ in range(9):
        night.add()
    night.show(sky(9), sky(1), 9)
    state = NightState()
    while (after := catch_up(source.journal, state)).seq != state.seq:
        state = after
    card = card_of(state, source.picture(), source.last(), now=NOW)
    assert (card["name"], card["also"]) == ("Dumbbell Nebula", "M 27, a planetary nebula")
    assert card["facts"] == DUMBBELL
    assert card["levels"]["curious"].endswith("Our own Sun may end like this in about five billion years.")
    assert card["meaning"] == told(state, source.picture(), source.last(), NOW).meaning
    rows = dict(card["expert"])
    assert rows["Catalogues"] == "M 27, NGC 6853"
    assert (rows["RA"], rows["Dec"], rows["In parsecs"]) == ("19h 59m 36s", "+22° 43′ 16″", "380\u202fpc")
    assert (rows["Type"], rows["Size"], rows["Magnitude"]) == ("Planetary nebula", "8′", "7.4")
    assert rows["Exposure"] == "9\u202f×\u202f20\u202fs"
    assert rows["Grain"].endswith("× finer")
    assert card["satellites"] == ""
    assert night.folder not in str(card)
    assert card_of(state, None, target="M 31")["levels"]["curious"].endswith("Its light set out 2.5 million years ago.")
    assert card_of(state, None, target="M 109")["levels"]["curious"] == "An island of billions of suns."
    for k in (3, 4):
        night.say(TrailFound(STACK, k, "", 0.0, 0.0, 100.0, 100.0, 4.0, 9.0))
    picture: Picture | None = source.picture()
    state = catch_up(source.journal, state)
    assert card_of(state, picture)["satellites"] == "2 satellites crossed. All were taken out."
