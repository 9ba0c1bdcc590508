"""Sums along lines by doubling are sums along lines; a line is found in every direction."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from livestack.frame import Array
from livestack.reduce.lines import _line_sums, find_lines


def _walked(a: Array) -> Array:
    """Sums along every line, px by px: a line down 2 k rows is two down k, the second from where the first ends."""
    height, width = a.shape
    full = 1 << (height - 1).bit_length()

    def columns(shift: int, rows: int) -> list[int]:
        if rows == 1:
            return [0]
        upper = shift // 2
        return columns(upper, rows // 2) + [shift - upper + x for x in columns(upper, rows // 2)]

    padded = np.zeros((full, width + 2 * full))
    padded[:height, full : full + width] = a
    out = np.zeros((full, width + full))
    for shift in range(full):
        for y, x in enumerate(columns(shift, full)):
            out[shift] += padded[y, x : x + width + full]
    return out


@pytest.mark.parametrize("shape", [(16, 20), (13, 9), (33, 40), (64, 64), (2, 5)])
@pytest.mark.parametrize("kind", [np.float32, np.uint16])
def test_sums_are_those_of_the_px_along_each_line(shape: tuple[int, int], kind: type[np.generic]) -> None:
    a = np.random.default_rng(4).integers(0, 9, shape).astype(kind)
    np.testing.assert_array_equal(_line_sums(a, False), _walked(a))
    np.testing.assert_array_equal(_line_sums(a, True), _walked(a[:, ::-1]))


@pytest.mark.parametrize("angle_deg", [4.0, 33.0, 58.0, 86.0, 97.0, 125.0, 148.0, 176.0])
def test_a_line_is_found_in_every_direction_by_any_number_of_threads(angle_deg: float) -> None:
    h, w = 240, 310
    y, x = np.mgrid[:h, :w]
    ux, uy = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    off = (x - w / 2) * uy - (y - h / 2) * ux
    z = np.random.default_rng(7).standard_normal((h, w)).astype(np.float32) + 2 * (np.abs(off) < 0.7)
    ok = np.random.default_rng(8).random((h, w)) > 0.1
    found = find_lines(z.astype(np.float32), ok)
    x0, y0, x1, y1, _ = found[0]
    assert max(abs((px - w / 2) * uy - (py - h / 2) * ux) for px, py in ((x0, y0), (x1, y1))) < 2
    with ThreadPoolExecutor(3) as threads:
        assert find_lines(z.astype(np.float32), ok, 1.0, threads) == found


def test_more_px_along_a_line_than_half_a_word_counts() -> None:
    """A picture of so many px a bin that whole numbers of 16 bits do not hold them."""
    z, ok = np.zeros((520 * 12, 40), np.float32), np.ones((520 * 12, 40), np.bool_)
    z[:, 12:24] = 1.0
    x0, _, x1, _, strength = find_lines(z + np.float32(0.01), ok)[0]
    assert 12 <= x0 < 24
    assert 12 <= x1 < 24
    assert strength > 100
