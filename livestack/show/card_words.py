"""What the card for guests says, all of its words: what an object is, for a child, for the curious and in one line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """What is said of a kind of object.

    Attributes
    ----------
    noun : str
        With its article: a planetary nebula.
    meaning : str
        One line, without a full stop; "" = nothing is known of it.
    child, curious : str
        {light_time} is how long its light was on its way; a sentence with it is left out where that is not known.
    """

    noun: str
    meaning: str
    child: str
    curious: str


_ANY = (
    "",
    "Light from deep space, collected bit by bit.",
    "The telescope adds photo after photo; faint things rise out of the grain.",
)
ANYTHING = Kind("", *_ANY)
_BORN = (
    "Hydrogen gas, lit by the hot young stars inside it",
    "A glowing cloud where stars are born.",
    "Hydrogen gas, lit by the hot young stars inside it.",
)
KINDS = {
    "Planetary Nebula": Kind(
        "a planetary nebula",
        "The shell of gas that a dying star has blown into space",
        "A star puffed out its gas like a giant bubble.",
        "The shell of gas that a dying star has blown into space. "
        "Our own Sun may end like this in about five billion years.",
    ),
    "Galaxy": Kind(
        "a galaxy",
        "An island of billions of suns",
        "A huge island of stars, far, far away.",
        "An island of billions of suns. Its light set out {light_time} ago.",
    ),
    "Galaxy Pair": Kind(
        "a pair of galaxies",
        "Two islands of billions of suns",
        "Two huge islands of stars, far, far away.",
        "Two islands of billions of suns. Their light set out {light_time} ago.",
    ),
    "Galaxy Triplet": Kind(
        "a group of three galaxies",
        "Three islands of billions of suns",
        "Three huge islands of stars, far, far away.",
        "Three islands of billions of suns. Their light set out {light_time} ago.",
    ),
    "Group of galaxies": Kind(
        "a group of galaxies",
        "Islands of billions of suns",
        "Huge islands of stars, far, far away.",
        "Islands of billions of suns. Their light set out {light_time} ago.",
    ),
    "Globular Cluster": Kind(
        "a globular cluster",
        "Hundreds of thousands of stars, nearly as old as the universe",
        "A ball of very old stars.",
        "Hundreds of thousands of stars, nearly as old as the universe, held together by gravity.",
    ),
    "Open Cluster": Kind(
        "an open cluster",
        "Stars born together from one cloud, now drifting apart",
        "A family of young stars.",
        "Stars born together from one cloud, now drifting apart.",
    ),
    "Emission Nebula": Kind("an emission nebula", *_BORN),
    "HII Ionized region": Kind("an emission nebula", *_BORN),
    "Star cluster + Nebula": Kind("an emission nebula with its stars", *_BORN),
    "Reflection Nebula": Kind(
        "a reflection nebula",
        "Dust that mirrors the blue light of nearby stars",
        "Dust that shines because a star is near.",
        "Dust that mirrors the blue light of nearby stars.",
    ),
    "Supernova remnant": Kind(
        "a supernova remnant",
        "Gas still racing outward from a star that blew up",
        "What is left of a star that exploded.",
        "Gas still racing outward from a star that blew up.",
    ),
    "Dark Nebula": Kind(
        "a dark nebula",
        "A cloud of dust that hides the stars behind it",
        "A dark cloud that hides the stars behind it.",
        "A cloud of cold dust that hides the stars behind it. Some day stars may be born in it.",
    ),
    "Nebula": Kind("a nebula", *_ANY),
    "Star Cloud": Kind("a cloud of stars of the Milky Way", *_ANY),
    "Association of stars": Kind("a pattern of stars", *_ANY),
    "Double star": Kind("a double star", *_ANY),
}
"""By the kind that the catalogue has an object as."""

DISTANCE, LIGHT_LEFT, WIDTH, CONSTELLATION = "Distance", "Light left", "Width", "Constellation"
CATALOGUES, TYPE, RA, DEC, SIZE, MAGNITUDE = "Catalogues", "Type", "RA", "Dec", "Size", "Magnitude"
PARSECS, EXPOSURE, SCALE, STAR_SIZE, GRAIN = "In parsecs", "Exposure", "Scale", "Star size", "Grain"
IN_YEAR = "around the year {year}"
BEFORE_CITIES = "before there were cities"
LONG_AGO = "{number} years ago"
ABOUT = "about {number} light-years"
ABOUT_ONE = "about one light-year"
MEANS = "{name}, {meaning}"
FINER = "{number} finer"
ONE_TRAIL, TRAILS = "1 satellite crossed. It was taken out.", "{number} satellites crossed. All were taken out."
MAP_OF, MAP_OF_PLACE = "Where in the sky {name} is", "Where in the sky {name} is: in {place}"
