"""The small map of where an object is: true to the sky, legible, and whole in itself."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from livestack.show.skymap import FONT_PX, HEIGHT, WIDTH, sky_svg
from livestack.show.tokens import DARK
from livestack.sky import data
from livestack.sky.catalogue import named
from livestack.sky.figures import bright_stars, figures
from livestack.sky.objects import constellations, known_objects

SVG = "{http://www.w3.org/2000/svg}"


def _map(target: str) -> ElementTree.Element:
    svg = sky_svg(target)
    assert svg is not None, target
    return ElementTree.fromstring(svg)


def _texts(root: ElementTree.Element) -> dict[str, tuple[float, float]]:
    return {text.text or "": (float(text.attrib["x"]), float(text.attrib["y"])) for text in root.findall(f"{SVG}text")}


def test_the_dumbbell_lies_in_the_summer_triangle() -> None:
    root = _map("M 27")
    texts = _texts(root)
    assert set(texts) == {"M 27", "Vega", "Altair", "Deneb"}
    assert texts["Deneb"][1] < texts["Vega"][1] < texts["M 27"][1] < texts["Altair"][1], "north is up"
    assert texts["Deneb"][0] < texts["Altair"][0] < texts["Vega"][0], "east is left"
    assert root.attrib["aria-label"] == "Where in the sky M 27 is: in Vulpecula"
    style = root.findtext(f"{SVG}style") or ""
    assert FONT_PX >= 12
    assert f"{FONT_PX}px" in style
    assert style.count("url(") == style.count('url("data:font/woff2;base64,') == 1, "it needs nothing else"
    assert sky_svg("Our backyard") is None


@pytest.mark.parametrize("target", [*list(known_objects())[::7], "NGC 188", "NGC 2573", "M 45"])
def test_every_object_is_ringed_and_led_to(target: str) -> None:
    """Also about the poles, and where bright stars are far."""
    root = _map(target if named(target) else known_objects()[target].called)
    (ring,) = (circle for circle in root.findall(f"{SVG}circle") if circle.attrib["fill"] == "none")
    assert ring.attrib["stroke"] == DARK.acc
    assert 8 <= float(ring.attrib["cx"]) <= WIDTH - 8
    assert 8 <= float(ring.attrib["cy"]) <= HEIGHT - 8
    texts = _texts(root)
    assert 2 <= len(texts) <= 4
    assert all(0 < x < WIDTH and 8 < y < HEIGHT for x, y in texts.values())
    dots = len(root.findall(f"{SVG}circle"))
    assert 5 <= dots <= 250


def test_stars_and_figures_are_one_sky() -> None:
    """Points of figures are stars, most of them bright ones; the tables are small, and say whose they are."""
    assert set(figures()) == set(constellations())
    points = np.radians(np.vstack([line for lines in figures().values() for line in lines]))
    stars = np.radians(bright_stars().places)
    apart = np.sin(points[:, None, 1]) * np.sin(stars[None, :, 1]) + np.cos(points[:, None, 1]) * np.cos(
        stars[None, :, 1]
    ) * np.cos(points[:, None, 0] - stars[None, :, 0])
    assert (np.degrees(np.arccos(apart.max(axis=1).clip(-1, 1))) < 0.1).mean() > 0.8
    assert bright_stars().names[:2] == ("Sirius", "Canopus")
    folder = Path(data.__file__).parent
    assert sum(path.stat().st_size for path in folder.glob("*.csv")) <= 60_000
    for name in ("stars.csv", "figures.csv"):
        assert "BSD 3-Clause" in (folder / name).read_text("utf-8")
    assert "Olaf Frohn" in (folder / "LICENSE-d3-celestial").read_text("utf-8")
