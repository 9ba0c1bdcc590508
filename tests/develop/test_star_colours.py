"""White told by a catalogue: what a star like the sun looks like to the sensor is white, whatever stars there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import wcs
from astropy.io import fits
from astropy.table import Table

from livestack.develop.background import Background
from livestack.develop.chain import develop
from livestack.develop.colour import Neutralise, WhiteBalance
from livestack.develop.framing import Turn, Window
from livestack.develop.plate import Plate, smaller
from livestack.errors import SettingsError
from livestack.sky.colours import read_colours, stars_on
from tests.develop.scene import moffat
from tests.test_cli import livestack

H, W = 700, 900
SENSOR = np.array([0.55, 1.0, 0.8])
"""What it makes of the light of the sun."""
SUN_B_V, SUN_K = 0.65, 5772.0
WCS = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 440.0, "CRPIX2": 360.0, "CRVAL1": 299.9, "CRVAL2": 22.7,
    "CD1_1": -5e-4, "CD1_2": 2e-5, "CD2_1": 2e-5, "CD2_2": 5e-4,
}  # fmt: skip


def _seen_by_sensor(b_v: np.ndarray) -> np.ndarray:
    """Red, green and blue of stars, (n, 3): black bodies (Ballesteros 2012) through filters 80 to 100 nm wide."""
    nm = np.arange(380.0, 720.0, 2)
    filters = np.exp(-0.5 * ((nm - np.array([605.0, 535, 460])[:, None]) / np.array([42.0, 40, 35])[:, None]) ** 2)
    kelvin = 4600 * (1 / (0.92 * b_v + 1.7) + 1 / (0.92 * b_v + 0.62))
    kelvin *= SUN_K / (4600 * (1 / (0.92 * SUN_B_V + 1.7) + 1 / (0.92 * SUN_B_V + 0.62)))

    def light(k: np.ndarray) -> np.ndarray:
        photons = nm**-4 / np.expm1(1.4388e7 / (nm * np.atleast_1d(k)[:, None]))
        return np.asarray(photons @ filters.T)

    colour = light(kelvin) / light(np.array(SUN_K))
    return np.asarray(SENSOR * colour / colour[:, 1:2])


class Field:
    """Stars of known colours, more red than blue ones, on a sky with a gradient."""

    def __init__(self, n: int = 300, seed: int = 1, mean_b_v: float = 0.95) -> None:
        random = np.random.default_rng(seed)
        self.x, self.y = random.uniform(10, W - 10, n), random.uniform(10, H - 10, n)
        self.b_v = np.clip(random.normal(mean_b_v, 0.35, n), -0.2, 1.7)
        flux = 10 ** random.uniform(3.3, 5.3, n)
        colours = _seen_by_sensor(self.b_v)
        y, x = np.mgrid[:H, :W].astype(float)
        sky = np.array([300.0, 420, 350])[:, None, None] * (1 + 0.2 * x / W - 0.1 * y / H)
        data = random.normal(sky, 4.0)
        for k in range(n):
            box = np.s_[
                max(int(self.y[k]) - 25, 0) : int(self.y[k]) + 26, max(int(self.x[k]) - 25, 0) : int(self.x[k]) + 26
            ]
            star = moffat(np.hypot(x[box] - self.x[k], y[box] - self.y[k]), flux[k])
            data[:, *box] += colours[k][:, None, None] * star
        self.data, self.magnitude = data.astype(np.float32), -2.5 * np.log10(flux)

    def known(self) -> np.ndarray:
        order = np.argsort(self.magnitude)
        return np.stack([(self.y + 0.5) / H, (self.x + 0.5) / W, self.b_v - SUN_B_V], axis=1)[order]

    def catalogue(self) -> Table:
        ra, dec = wcs.WCS(fits.Header(WCS)).all_pix2world(self.x, self.y, 0)
        return Table({"ra": ra, "dec": dec, "b_v": self.b_v, "mag": self.magnitude})


STEPS = (Background(), Neutralise())


def _gains(plate: Plate, by: str = "catalogue") -> np.ndarray:
    levelled = develop(plate, STEPS).plate
    gains = np.array(WhiteBalance(by).settle(levelled).gains)
    return gains / gains[1] * SENSOR


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_white_is_that_of_the_sun_though_most_stars_are_redder(seed: int) -> None:
    field = Field(seed=seed)
    plate = Plate(field.data, known_stars=field.known())
    assert _gains(plate) == pytest.approx(np.ones(3), abs=0.02)
    assert np.abs(_gains(plate, "stars") - 1).max() > 0.08, "what the typical star would say"


def test_it_holds_for_a_part_of_the_picture_and_when_it_is_turned() -> None:
    field = Field(500)
    plate = Plate(field.data, known_stars=field.known())
    part = Window(0.1, 0.75, 0.2, 0.97)(plate)
    assert _gains(part) == pytest.approx(np.ones(3), abs=0.025)
    assert _gains(Turn(90, True)(part)) == pytest.approx(_gains(part), abs=0.005)
    assert _gains(smaller(plate, H * W // 3)) == pytest.approx(np.ones(3), abs=0.03)


def test_where_the_stars_are_others_the_typical_star_is_white() -> None:
    field, other = Field(seed=1), Field(seed=2)
    for known in (None, other.known()[:100], np.zeros((0, 3))):
        plate = Plate(field.data, known_stars=known)
        assert _gains(plate) == pytest.approx(_gains(plate, "stars"))
        act = WhiteBalance("catalogue").settle(develop(plate, STEPS).plate)
        assert act.told_by.startswith("by stars, for of the catalogue only")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "fits"])
def test_catalogues_as_archives_write_them(suffix: str, tmp_path: Path) -> None:
    table = Field(40).catalogue()
    path = tmp_path / f"stars.{suffix}"
    if suffix == "fits":
        table.write(path)
    else:
        split = "," if suffix == "csv" else "\t"
        rows = [split.join(map(str, row)) for row in table]
        path.write_text("\n".join(["# of somewhere", split.join(["RAJ2000", "DEJ2000", "B-V", "Vmag"]), *rows, "deg"]))
    stars = read_colours(path)
    table.sort("mag")
    assert stars == pytest.approx(np.stack([table["ra"], table["dec"], table["b_v"] - SUN_B_V], axis=1))
    found = stars_on(stars, WCS, (H, W))
    assert found == pytest.approx(Field(40).known(), abs=1e-9)


def test_stars_elsewhere_on_the_sky_are_not_in_the_field() -> None:
    sky = np.random.default_rng(1).uniform((0, -90, 0), (360, 90, 1), (20_000, 3))
    away = np.hypot((sky[:, 0] - 299.9) * np.cos(np.radians(22.7)), sky[:, 1] - 22.7) > 1
    assert not len(stars_on(sky[away], WCS, (H, W)))


@pytest.mark.parametrize(
    ("text", "said"), [("a,b\n1,2\n", "needs the columns ra, dec"), ("", "it is empty"), (None, "cannot be read")]
)
def test_what_is_no_catalogue_is_said(text: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "stars.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=said):
        read_colours(path)


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    field = Field()
    solved, bare = tmp_path / "solved.fits", tmp_path / "bare.fits"
    facts = fits.Header({"ROWORDER": "BOTTOM-UP", "IMAGETYP": "Stacked Light"})
    fits.writeto(bare, field.data, facts)
    facts.update(WCS)
    fits.writeto(solved, field.data, facts)
    field.catalogue().write(tmp_path / "mine.csv")
    code, said, _ = livestack("develop", solved, tmp_path / "a.png", "--star-colours", tmp_path / "mine.csv")
    assert code == 0
    assert "White balance: a star like the sun is white, by " in said
    code, said, _ = livestack("develop", bare, tmp_path / "b.png", "--star-colours", tmp_path / "mine.csv")
    assert code == 0
    assert "the stack is not solved" in said
    recipe = tmp_path / "r.toml"
    recipe.write_text('[[step]]\nname = "white balance"\nby = "catalogue"\n')
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    code, said, _ = livestack("develop", solved, tmp_path / "c.png", "--recipe", recipe)
    assert code == 0
    assert "there is no catalogue" in said
