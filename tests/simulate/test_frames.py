"""The frames of a synthetic night obey the physics of light, sky and sensor, and the truth tells what is in them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from livestack.errors import SettingsError
from livestack.frame import Array
from livestack.simulate import Night, NightOptions

SMALL = NightOptions(size=(320, 400), n_stars=250, n_lights=12, flip_at=8, rotation_deg_per_hour=30.0, n_satellites=3)
STARS = dataclasses.replace(
    SMALL, cfa=None, scene="stars", n_stars=40, seeing_scatter=0.15, seed=5, exposure_s=300.0, sky_e_per_s=0.05
)


@pytest.fixture(scope="module")
def night() -> Night:
    return Night(SMALL)


@pytest.fixture(scope="module")
def star_night() -> Night:
    return Night(STARS)


def _masters(night: Night, n: int = 24) -> tuple[Array, Array]:
    """Mean dark, and mean flat less bias, each colour 1 on average."""
    dark = np.mean([night.dark(k) for k in range(n)], axis=0)
    flat = np.mean([night.flat(k) for k in range(n)], axis=0) - np.mean([night.bias(k) for k in range(n)], axis=0)
    for j in range(2):
        for k in range(2):
            flat[j::2, k::2] /= flat[j::2, k::2].mean()
    return dark, flat


def test_the_same_bits_whatever_the_order(night: Night) -> None:
    again = Night(SMALL)
    backwards = [again.flat(1), again.light(5), again.dark(2), again.light(0), again.bias(0)]
    forwards = [night.bias(0), night.light(0), night.dark(2), night.light(5), night.flat(1)]
    for a, b in zip(backwards, reversed(forwards), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(Night(dataclasses.replace(SMALL, seed=3)).light(0), night.light(0))
    assert not np.array_equal(night.dark(0), night.dark(1))


def test_longer_nights_begin_alike(night: Night) -> None:
    longer = Night(dataclasses.replace(SMALL, n_lights=20, n_satellites=0))
    quiet = next(no for no in range(SMALL.n_lights) if not night.truth(no).trails)
    np.testing.assert_array_equal(longer.light(quiet), night.light(quiet))


@pytest.mark.parametrize("kind", ["flat", "bias"])
def test_noise_is_photons_and_readout(night: Night, kind: str) -> None:
    """Variance in ADU² = signal / gain + read noise² + rounding and banding."""
    first, second = ((night.flat if kind == "flat" else night.bias)(no).astype(float) for no in (0, 1))
    gain, cell = SMALL.e_per_adu, (slice(0, None, 2), slice(1, None, 2))
    signal = (first + second)[cell].mean() / 2 - night.sensor.bias_adu[cell].mean()
    expected = max(signal, 0) / gain + (SMALL.read_noise_e / gain) ** 2 + 1 / 12 + 0.15**2
    assert np.var((first - second)[cell]) / 2 == pytest.approx(expected, rel=0.03)


def test_darks_grow_with_time_and_temperature(night: Night) -> None:
    warm = Night(dataclasses.replace(SMALL, temperature_c=SMALL.temperature_c + 12, exposure_s=60.0))
    hot = night.sensor.dark_e_per_s > 1
    assert 0.5 * SMALL.hot_fraction < hot.mean() < 1.5 * SMALL.hot_fraction
    cold_adu, warm_adu = (n.dark(0)[hot] - n.sensor.bias_adu[hot] for n in (night, warm))
    assert np.median(warm_adu / cold_adu) == pytest.approx(2**2 * 60 / SMALL.exposure_s, rel=0.1)


def test_calibration_undoes_the_sensor(night: Night) -> None:
    """(light − dark) / flat is the light that came, with photon noise and nothing else."""
    dark, flat = _masters(night)
    truth = night.truth(0)
    came_adu = night.light_e(truth) / SMALL.e_per_adu
    response = night.sensor.response
    scale = np.array([[response[j::2, k::2].mean() for k in range(2)] for j in range(2)])
    measured = (night.light(0) - dark) / flat / np.tile(scale, (SMALL.size[0] // 2, SMALL.size[1] // 2))
    dark_e = night.sensor.dark_e_per_s * SMALL.exposure_s
    noise_e = np.sqrt(came_adu * SMALL.e_per_adu * response + 1.04 * dark_e + 1.04 * SMALL.read_noise_e**2) / response
    z = (measured - came_adu) * SMALL.e_per_adu / noise_e
    calm = dark_e < 30
    assert abs(np.mean(z[calm])) < 0.03
    assert np.std(z[calm]) == pytest.approx(1.0, abs=0.03)
    uncalibrated = (night.light(0) - np.median(dark) - came_adu) * SMALL.e_per_adu / noise_e
    assert abs(np.mean(uncalibrated[calm])) > 0.5


def _windowed_centroid(image: Array, x: float, y: float, sigma: float = 1.6) -> tuple[float, float]:
    """Centroid under a Gaussian window that follows it."""
    yy, xx = np.mgrid[: image.shape[0], : image.shape[1]]
    for _ in range(12):
        window = image * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * sigma**2))
        x += 2 * (np.sum(window * (xx - x)) / window.sum())
        y += 2 * (np.sum(window * (yy - y)) / window.sum())
    return x, y


def _isolated(night: Night, no: int) -> Array:
    """Bright stars of a sub, away from its border and from brighter ones: x, y in the sub, flux."""
    stars = night.sky.stars
    xy = np.column_stack([stars["x"], stars["y"], np.ones(len(stars))]) @ np.linalg.inv(night.truth(no).matrix).T
    height, width = night.options.size
    inside = (xy[:, :2] > 25).all(1) & (xy[:, 0] < width - 25) & (xy[:, 1] < height - 25)
    distance = np.hypot(*(xy[:, None, :2] - xy[None, :, :2]).transpose(2, 0, 1)) + 1e9 * np.eye(len(xy))
    chosen = inside & (distance.min(1) > 20) & (stars["flux"][:, 0] > 1500)
    return np.column_stack([xy[chosen, :2], stars["flux"][chosen, 0]])


@pytest.mark.parametrize("no", [0, 5, 11])
def test_stars_are_where_the_matrix_says(star_night: Night, no: int) -> None:
    """Also under rotation and after the flip; x is the column, y the row, downwards."""
    truth, stars = star_night.truth(no), _isolated(star_night, no)
    assert ("flipped" in truth.flags) == (no >= 8)
    assert len(stars) >= 5
    for perfect, tolerance_px in ((True, 0.01), (False, 0.15)):
        light = star_night.light_e(truth) if perfect else star_night.light(no) - star_night.sensor.bias_adu
        errors = _centroid_errors(light - np.median(light), stars)
        assert np.abs(np.median(errors, axis=0)).max() < tolerance_px / 2
        assert np.median(np.hypot(*errors.T)) < tolerance_px


def _centroid_errors(image: Array, stars: Array) -> Array:
    errors = []
    for x, y, _ in stars:
        x0, y0 = round(x) - 12, round(y) - 12
        found = _windowed_centroid(image[y0 : y0 + 25, x0 : x0 + 25], 12, 12)
        errors.append((found[0] + x0 - x, found[1] + y0 - y))
    return np.array(errors)


def test_poses_turn_and_flip() -> None:
    night = Night(dataclasses.replace(STARS, n_stars=5))
    np.testing.assert_array_equal(night.truth(0).matrix, np.eye(3))
    angles = [np.degrees(np.arctan2(*night.truth(no).matrix[[1, 0], 0])) for no in range(12)]
    hours = [(night.truth(no).time_utc - STARS.start_utc).total_seconds() / 3600 for no in range(12)]
    expected = [STARS.rotation_deg_per_hour * hour + (180 if no >= 8 else 0) for no, hour in enumerate(hours)]
    np.testing.assert_allclose(np.mod(angles, 360), expected, atol=1e-6)
    middle = np.array([(STARS.size[1] - 1) / 2, (STARS.size[0] - 1) / 2, 1])
    shifts = [np.hypot(*(night.truth(no).matrix @ middle - middle)[:2]) for no in range(8)]
    assert 0 < np.median(shifts[1:]) <= max(shifts) <= STARS.dither_px


@pytest.mark.parametrize("cfa", [None, "GBRG"])
def test_the_scene_holds_the_stars_flux(cfa: str | None) -> None:
    night = Night(dataclasses.replace(STARS, cfa=cfa))
    scene = night.scene()
    assert scene.shape == (*STARS.size, 3)[: 3 if cfa else 2]
    rgb = scene.reshape(*STARS.size, -1)
    yy, xx = np.mgrid[: STARS.size[0], : STARS.size[1]]
    dimmer = night.sky.stars["flux"].sum(axis=0).mean() * 1e-3
    for x, y, _ in _isolated(night, 0):
        star = night.sky.stars[np.argmin(np.hypot(night.sky.stars["x"] - x, night.sky.stars["y"] - y))]
        near = np.hypot(xx - x, yy - y) < 10
        np.testing.assert_allclose(rgb[near].sum(0), star["flux"][: rgb.shape[2]], rtol=0.03, atol=dimmer)


def test_colour_sites_see_their_colour(night: Night) -> None:
    """Each pixel of a CFA frame is the scene of its own colour, as it is brought there by the matrix."""
    truth = dataclasses.replace(night.truth(0), fwhm_px=SMALL.fwhm_px, trails=(), transparency=1.0)
    light_adu = (night.light_e(truth) - night.sky_e(truth)) / SMALL.e_per_adu
    scene = night.scene()
    for j, k, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        np.testing.assert_allclose(light_adu[j::2, k::2], scene[j::2, k::2, channel], rtol=1e-4, atol=0.02)
    assert scene[..., 1].sum() > 1e5


def test_a_cloud_dims_the_stars_and_not_the_sky() -> None:
    options = dataclasses.replace(STARS, cloud_subs=(1, 2, 3), seeing_scatter=0.0, dither_px=0.0, n_satellites=0)
    night = Night(dataclasses.replace(options, rotation_deg_per_hour=0.0))
    lights = [night.light_e(night.truth(no)) - night.sky_e(night.truth(no)) for no in range(5)]
    ratios = [float(light.sum() / lights[0].sum()) for light in lights]
    clear = night.truth(0).transparency
    np.testing.assert_allclose(ratios, [night.truth(no).transparency / clear for no in range(5)], rtol=1e-3)
    assert ratios[2] < 0.3
    assert ratios[4] > 0.9
    assert night.truth(2).sky_rgb_e > night.truth(4).sky_rgb_e
    assert [no for no in range(12) if "cloud" in night.truth(no).flags] == [1, 2, 3]


def test_trails_run_between_their_end_points(night: Night) -> None:
    crossed = [no for no in range(SMALL.n_lights) if night.truth(no).trails]
    assert len(crossed) == SMALL.n_satellites
    for no in crossed:
        truth = night.truth(no)
        (trail,) = truth.trails
        added = night.light_e(truth) - night.light_e(dataclasses.replace(truth, trails=()))
        along = np.linspace(0, 1, 60)
        x, y = trail.x0 + along * (trail.x1 - trail.x0), trail.y0 + along * (trail.y1 - trail.y0)
        column, row = np.rint(x).astype(int), np.rint(y).astype(int)
        green = (row + column) % 2 == 1
        height = added[row[green], column[green]] / SMALL.e_per_adu
        assert 0.8 * trail.peak_adu < np.median(height) <= trail.peak_adu * 1.001
        assert added[(added > added.max() * 1e-3)].size < 12 * np.hypot(*SMALL.size)
    brightness = [night.truth(no).trails[0].peak_adu for no in crossed]
    assert max(brightness) > 20 * min(brightness)


def test_wind_trails_the_stars(star_night: Night) -> None:
    night = Night(dataclasses.replace(STARS, trailed_at=4, n_satellites=0))
    shaken, calm = night.truth(4), star_night.truth(4)
    assert "trailed" in shaken.flags
    x, y, _ = _isolated(night, 4)[0]
    yy, xx = np.mgrid[: STARS.size[0], : STARS.size[1]]
    near = np.hypot(xx - x, yy - y) < 9

    def spread(light: Array) -> float:
        weight = light[near] / light[near].sum()
        cov = np.cov(np.stack([xx[near], yy[near]]), aweights=np.maximum(weight, 0))
        return float(np.sqrt(np.linalg.eigvalsh(cov)[1] / np.linalg.eigvalsh(cov)[0]))

    assert spread(night.light_e(shaken) - night.sky_e(shaken)) > 1.3
    assert spread(star_night.light_e(calm) - star_night.sky_e(calm)) < 1.1


def test_the_galaxy_hides_in_one_sub_and_shows_in_a_night(night: Night) -> None:
    stars_alone = Night(dataclasses.replace(SMALL, scene="stars"))
    galaxy = (night.scene() - stars_alone.scene())[..., 1]
    noise_adu = np.sqrt(SMALL.sky_e_per_s * SMALL.exposure_s + SMALL.read_noise_e**2) / SMALL.e_per_adu
    bright_tenth = np.percentile(galaxy, 90)
    assert 0.1 < bright_tenth / noise_adu < 2
    assert bright_tenth / (noise_adu / np.sqrt(40)) > 2


@pytest.mark.parametrize("n_lights", [12, 40, 200])
def test_a_night_of_another_length_is_as_eventful(n_lights: int) -> None:
    options = dataclasses.replace(NightOptions(), size=(64, 64), scene="stars", n_stars=5).lasting(n_lights)
    night = Night(options)
    flags = [night.truth(no).flags for no in range(n_lights)]
    for what in ("flipped", "cloud", "trailed", "torn", "duplicate", "satellite", "aircraft"):
        assert any(what in happened for happened in flags), what
    assert not flags[0] or flags[0] == ("satellite",)
    assert NightOptions().lasting(40) == NightOptions()


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"cfa": "RGB"}, "cfa"),
        ({"size": (63, 400)}, "size"),
        ({"size": (301, 400)}, "size"),
        ({"scene": "moon"}, "scene"),
        ({"row_order": "SIDEWAYS"}, "row_order"),
        ({"n_lights": -1}, "n_lights"),
        ({"exposure_s": 0.0}, "exposure_s"),
        ({"elongation": 0.5}, "elongation"),
    ],
)
def test_what_no_camera_could_do_is_refused_in_one_line(wrong: dict[str, object], word: str) -> None:
    with pytest.raises(SettingsError, match=f"^{word}: [^\n]+$"):
        dataclasses.replace(SMALL, **wrong)


def test_there_is_no_sub_beyond_the_night(night: Night) -> None:
    with pytest.raises(IndexError, match="12 subs"):
        night.light(12)
