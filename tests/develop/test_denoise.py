"""Grain goes; stars and shapes keep their light."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from livestack.develop.denoise import Denoise
from livestack.develop.plate import Plate
from livestack.develop.tone import mtf
from livestack.errors import SettingsError
from tests.develop.scene import RESPONSE, H, W, moffat, scene


def _judged(n: int, *, with_noise: bool) -> tuple[float, float]:
    """PSNR of the stretched green, dB, and flux of the stars over what it was."""
    field = scene()
    seen, error = field.observed(n, 2)
    green = ((seen - RESPONSE * field.sky) / RESPONSE)[1:2].astype(np.float32)
    out = Denoise()(Plate(green.copy(), error[1:2] if with_noise else None)).data[0]
    sigma = float(np.sqrt((field.sky[1].mean() + 12) / n))
    black, sky = (300 - 2.8 * 1.4826 * sigma / 2) / 20000, 300 / 20000
    midtone = float(mtf(np.asarray(sky - black), 0.25))

    def shown(data: np.ndarray) -> np.ndarray:
        return mtf(np.clip(((data + 300) / 20000 - black) / (1 - black), 0, 1), midtone)

    psnr = -10 * np.log10(np.mean((shown(out) - shown(field.truth[1])) ** 2))
    flux = []
    for x, y, light in field.listed:
        if light > 3000 and 8 < x < W - 8 and 8 < y < H - 8:
            box = np.s_[int(y) - 5 : int(y) + 6, int(x) - 5 : int(x) + 6]
            flux.append(out[box].sum() / green[0][box].sum())
    return float(psnr), float(np.median(flux))


@pytest.mark.parametrize("with_noise", [True, False])
def test_a_stack_of_few_subs_gets_clean_and_its_stars_keep_their_light(with_noise: bool) -> None:
    psnr, flux = _judged(10, with_noise=with_noise)
    assert psnr >= 36, psnr
    assert flux == pytest.approx(1, abs=0.024)


def test_where_the_noise_is_larger_more_is_taken() -> None:
    random = np.random.default_rng(1)
    noise = np.ones((1, 256, 512), np.float32)
    noise[:, :, 256:] = 4
    data = (noise * random.normal(size=noise.shape)).astype(np.float32)
    out = Denoise()(Plate(data.copy(), noise)).data
    for half in (np.s_[0, :, :240], np.s_[0, :, 272:]):
        assert out[half].std() < 0.12 * data[half].std()


def test_noise_that_is_the_same_everywhere_is_a_number() -> None:
    seen, _ = scene().observed(10, 3)
    whole = Plate(seen, np.full(seen.shape, 7, np.float32), (1.0, 0.8, 1.2))
    number = whole.with_data(seen, noise=np.broadcast_to(np.float32(7), seen.shape))
    assert Denoise()(number).data == pytest.approx(Denoise()(whole).data, abs=2e-3)


def test_grain_that_a_warp_made_smooth_goes_too() -> None:
    white = np.random.default_rng(2).normal(size=(1, 400, 400)).astype(np.float32)
    smooth = cv2.warpAffine(white[0], np.float32([[1, 0, 0.5], [0, 1, 0.5]]), (400, 400), flags=cv2.INTER_CUBIC)[None]
    noise = np.full_like(smooth, smooth.std())
    out = Denoise()(Plate(smooth.copy(), noise)).data
    assert out[0, 8:-8, 8:-8].std() < 0.16 * smooth.std()


def test_a_crowded_field_gets_no_dark_rings() -> None:
    random = np.random.default_rng(3)
    y, x = np.mgrid[:300, :300].astype(float)
    field = np.zeros((300, 300))
    for _ in range(900):
        cx, cy = random.uniform(0, 300, 2)
        box = np.s_[max(int(cy) - 12, 0) : int(cy) + 13, max(int(cx) - 12, 0) : int(cx) + 13]
        field[box] += moffat(np.hypot(x[box] - cx, y[box] - cy), 10 ** random.uniform(2, 3.5), 3.2)
    sigma = 0.5
    seen = (field + random.normal(0, sigma, field.shape)).astype(np.float32)[None]
    out = Denoise()(Plate(seen.copy(), np.full_like(seen, sigma))).data[0]
    assert (out - field).min() > -5 * sigma


def test_no_strength_changes_nothing_and_what_is_not_known_stays_so() -> None:
    data = np.random.default_rng(4).normal(size=(1, 64, 64)).astype(np.float32)
    data[0, :, 40:] = np.nan
    assert Denoise(0)(Plate(data)).data is data
    out = Denoise()(Plate(data.copy())).data
    assert (np.isnan(out) == np.isnan(data)).all()
    with pytest.raises(SettingsError, match="strength is 0 to 4"):
        Denoise(-1)


def test_the_number_of_threads_changes_no_bit() -> None:
    from concurrent.futures import ThreadPoolExecutor

    data = np.random.default_rng(5).normal(size=(3, 600, 300)).astype(np.float32)
    one = Denoise()(Plate(data)).data
    with ThreadPoolExecutor(3) as threads:
        assert (Denoise()(Plate(data), threads).data == one).all()


@pytest.mark.parametrize("shape", [(10, 30), (20, 301), (24, 40), (61, 67), (300, 18), (520, 33)])
def test_what_has_no_grain_stays_as_it_is_however_small_it_is(shape: tuple[int, int]) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]]
    data = (100 + 0.5 * x - 0.2 * y + 900 * np.exp(-((y - 6) ** 2 + (x - 7) ** 2) / 5)).astype(np.float32)[None]
    out = Denoise()(Plate(data.copy(), np.full_like(data, 1e-3))).data
    assert out == pytest.approx(data, abs=0.01)


@pytest.mark.parametrize("known", ["noise", "nothing"])
def test_where_no_sub_reaches_nothing_is_told_of_the_grain(known: str) -> None:
    """A bare border, or corners of a turned field, leave the grain of the rest as it would be without them."""
    y, x = np.mgrid[:400, :600]
    grain = np.random.default_rng(4).normal(0, 9, (1, *y.shape)).astype(np.float32)
    for bare in (x < 6, x + y < 250, (x % 40 == 0) & (y % 3 == 0)):
        data = np.where(bare, np.float32(np.nan), grain)
        noise = np.full_like(data, 9) if known == "noise" else None
        left = Denoise()(Plate(data, noise)).data[0][~bare]
        assert np.std(left) < 0.12 * 9
