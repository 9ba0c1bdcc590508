"""The compiled inner loops of developing: row by row, so that they are SIMD and may run in any number of threads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import BORROWING, INNER, LEAF, OPTIONS, F

FORMULA = INNER | {"forceinline": True}
"""Of what a loop does with one px: a call left in a loop keeps it from being SIMD."""


@njit(**INNER)
def _take_off_row(row: Array, along: Array, factor: Any, out: Array) -> None:
    step, begin = F(1.0 / row.size), F(0.5 / row.size - 0.5)
    n = along.size
    if n == 1:
        level = along[0]
        for x in range(out.size):
            out[x] = (row[x] - level) * factor
    elif n == 3:
        c0, c1, c2 = along
        for x in range(out.size):
            u = begin + step * F(x)
            out[x] = (row[x] - (c0 + u * (c1 + u * c2))) * factor
    else:
        for x in range(out.size):
            u = begin + step * F(x)
            level = F(0)
            for j in range(n - 1, -1, -1):
                level = level * u + along[j]
            out[x] = (row[x] - level) * factor


@njit(**OPTIONS)
def take_off(plane: Array, surface: Array, gain: float, rows: tuple[int, int], out: Array) -> None:
    """(plane − surface) · gain of some rows, into another plane.

    surface (n, n): coefficient of vⁱ uʲ, where u and v run from −½ to ½ along rows and columns.
    """
    n = surface.shape[0]
    along = np.empty(n, np.float32)
    for y in range(rows[0], rows[1]):
        v = (y + 0.5) / len(plane) - 0.5
        for j in range(n):
            total = 0.0
            for i in range(n - 1, -1, -1):
                total = total * v + surface[i, j]
            along[j] = F(total)
        _take_off_row(plane[y], along, F(gain), out[y])


@njit(**INNER)
def _bare_row(row: Array, out: Array) -> None:
    for x in range(out.size):
        out[x] |= np.uint8(0) if abs(row[x]) < F(np.inf) else np.uint8(1)


@njit(**OPTIONS)
def tell_bare(data: Array, coverage: Array, least: float, rows: tuple[int, int], out: Array) -> bool:
    """Tell which px (H, W) of some rows of (C, H, W) are not known, or covered too little: 1; and whether any is.

    coverage (H, W), or (0, 0): not known.
    """
    any_is = False
    for y in range(rows[0], rows[1]):
        bare = out[y]
        bare[:] = 0
        for c in range(len(data)):
            _bare_row(data[c, y], bare)
        if coverage.size:
            seen = coverage[y]
            for x in range(bare.size):
                bare[x] |= np.uint8(0) if seen[x] >= least else np.uint8(1)
        any_is |= bare.max() > 0
    return any_is


@njit(**BORROWING)
def count_below(plane: Array, limit: float, rows: tuple[int, int]) -> int:
    """Count px of some rows of (H, W) that are below a limit."""
    n, least = np.int32(0), F(limit)
    for y in range(rows[0], rows[1]):
        row = plane[y]
        for x in range(row.size):
            n += np.int32(row[x] < least)
    return int(n)


@njit(**LEAF)
def _add_row(row: Array, out: Array) -> None:
    for x in range(out.size):
        out[x] += row[x]


@njit(**OPTIONS)
def brightest_square(plane: Array, k: int, squares: tuple[int, int]) -> float:
    """Brightest mean over a square of k × k px, of some rows of squares of (H, W); −inf where none is known."""
    n = plane.shape[1] // k
    sums, most = np.empty(n * k, np.float32), F(-np.inf)
    for j in range(squares[0], squares[1]):
        sums[:] = F(0)
        for y in range(j * k, (j + 1) * k):
            _add_row(plane[y], sums)
        for i in range(n):
            total = F(0)
            for x in range(i * k, (i + 1) * k):
                total += sums[x]
            most = max(most, total) if total < F(np.inf) else most
    return float(most / F(k * k))


@njit(**FORMULA)
def _mtf(value: Any, midtone: Any) -> Any:
    return (midtone - F(1)) * value / ((F(2) * midtone - F(1)) * value - midtone)


@njit(**LEAF)
def _unit_row(row: Array, black: Any, unit: Any) -> None:
    for x in range(row.size):
        value = (row[x] - black) * unit
        value = value if value > F(0) else F(0)
        row[x] = value if value < F(1) else F(1)


@njit(**LEAF)
def _mtf_row(row: Array, midtone: Any) -> None:
    for x in range(row.size):
        row[x] = _mtf(row[x], midtone)


@njit(**LEAF)
def _colour_row(red: Array, green: Array, blue: Array, midtone: Any, share: Any) -> None:
    """Bring a share of each px to the hue it has, at the mean of its channels, stretched, and the rest by channels."""
    for x in range(red.size):
        r, g, b = red[x], green[x], blue[x]
        light, most = (r + g + b) * F(1 / 3), max(r, g, b)
        factor = (midtone - F(1)) / ((F(2) * midtone - F(1)) * light - midtone)
        raised = factor * light
        # as much white is mixed in as brings the brightest channel to 1: its hue stays
        mix = min((F(1) - raised) / max(most * factor - raised, F(1e-6)), F(1))
        factor, white = share * factor * mix, share * raised * (F(1) - mix)
        rest = F(1) - share
        red[x] = min(rest * _mtf(r, midtone) + factor * r + white, F(1))
        green[x] = min(rest * _mtf(g, midtone) + factor * g + white, F(1))
        blue[x] = min(rest * _mtf(b, midtone) + factor * b + white, F(1))


@njit(**BORROWING)
def mtf_rows(data: Array, black: Array, unit: Array, shape: Array, rows: tuple[int, int]) -> None:
    """Midtones transfer function of some rows of (C, H, W), in place; NaN becomes 0.

    Parameters
    ----------
    unit : (C,) 1 / (white − black).
    shape : (C, 2) midtone, and how much of its colour a px keeps, where it has any.
    """
    coloured = data.shape[0] == 3 and shape[0, 1] > F(0)
    for y in range(rows[0], rows[1]):
        for c in range(data.shape[0]):
            _unit_row(data[c, y], black[c], unit[c])
        if coloured:
            _colour_row(data[0, y], data[1, y], data[2, y], shape[0, 0], shape[0, 1])
        else:
            for c in range(data.shape[0]):
                _mtf_row(data[c, y], shape[c, 0])


@njit(**FORMULA)
def _log(value: Any) -> Any:
    """Natural logarithm of a float32 above 0, to 10⁻⁷: of its exponent, and a series of its mantissa about 1."""
    bits = F(value).view(np.int32)
    exponent = np.int32(bits - np.int32(0x3F3504F3)) >> np.int32(23)
    mantissa = np.int32(bits - np.int32(exponent << np.int32(23))).view(np.float32)
    s = (mantissa - F(1)) / (mantissa + F(1))
    z = s * s
    return F(0.6931471806) * F(exponent) + F(2) * s * (F(1) + z * (F(1 / 3) + z * (F(1 / 5) + z * F(1 / 7))))


@njit(**FORMULA)
def _exp(value: Any) -> Any:
    """Exponential of a float32 between -87 and 0, to 3 · 10⁻⁷."""
    n = np.floor(value * F(1.4426950409) + F(0.5))
    r = value - n * F(0.6931471806)
    near = F(1) + r * (F(1) + r * (F(1 / 2) + r * (F(1 / 6) + r * (F(1 / 24) + r * (F(1 / 120) + r * F(1 / 720))))))
    return near * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


@njit(**INNER)
def _above_black_row(row: Array, black: Any, unit: Any, light: Array, most: Array) -> None:
    for x in range(row.size):
        value = (row[x] - black) * unit
        value = value if value > F(0) else F(0)
        row[x] = value
        light[x] += value
        most[x] = max(most[x], value)


@njit(**INNER)
def _asinh_row(light: Array, most: Array, beta: Any, share: Any) -> None:
    """Turn light and its brightest channel into what each channel is multiplied with, and the white mixed in."""
    for x in range(light.size):
        v = beta * light[x]
        raised = min(_log(v + np.sqrt(v * v + F(1))) * share, F(1))
        factor = raised / max(light[x], F(1e-30))
        # as much white is mixed in as brings the brightest channel to 1: its hue stays
        mix = min((F(1) - raised) / max(most[x] * factor - raised, F(1e-6)), F(1))
        light[x], most[x] = factor * mix, raised * (F(1) - mix)


@njit(**INNER)
def _scale_row(row: Array, factor: Array, white: Array) -> None:
    for x in range(row.size):
        row[x] = min(row[x] * factor[x] + white[x], F(1))


@njit(**OPTIONS)
def asinh_rows(data: Array, black: Array, unit: Array, shape: Array, rows: tuple[int, int]) -> None:
    """Asinh of the mean of the channels of some rows of (C, H, W), all scaled alike, in place; NaN becomes 0.

    What is too bright for its colour goes to white.

    Parameters
    ----------
    shape : (C, 2) β and 1 / asinh β.
    """
    channels, _, w = data.shape
    light, most = np.empty(w, np.float32), np.empty(w, np.float32)
    for y in range(rows[0], rows[1]):
        light[:] = most[:] = F(0)
        for c in range(channels):
            _above_black_row(data[c, y], black[c], unit[c], light, most)
        light *= F(1.0 / channels)
        _asinh_row(light, most, shape[0, 0], shape[0, 1])
        for c in range(channels):
            _scale_row(data[c, y], light, most)


@njit(**FORMULA)
def _hyperbolic(x: Any, amount: Any, local: Any) -> Any:
    """Stretch of a distance from the point of most contrast, not yet brought to 0…1."""
    u = _log(F(1) + local * amount * x) / local if local > F(0) else amount * x
    return F(1) - _exp(-min(u, F(87)))


@njit(**INNER)
def _ghs_row(row: Array, black: Any, unit: Any, shape: Array, ends: tuple[Any, Any]) -> None:
    amount, local, point = shape[0], shape[1], shape[2]
    low, share = ends
    for x in range(row.size):
        value = (row[x] - black) * unit
        value = value if value > F(0) else F(0)
        value = value if value < F(1) else F(1)
        off = value - point
        raised = _hyperbolic(abs(off), amount, local)
        row[x] = ((raised if off > F(0) else -raised) - low) * share if amount > F(0) else value


@njit(**OPTIONS)
def ghs_rows(data: Array, black: Array, unit: Array, shape: Array, rows: tuple[int, int]) -> None:
    """Generalised hyperbolic stretch of some rows of (C, H, W), in place; NaN becomes 0.

    Parameters
    ----------
    shape : (C, 3) D, b and the point of most contrast, 0…1.
    """
    for c in range(data.shape[0]):
        amount, local, point = shape[c]
        low, high = -_hyperbolic(point, amount, local), _hyperbolic(F(1) - point, amount, local)
        for y in range(rows[0], rows[1]):
            _ghs_row(data[c, y], black[c], unit[c], shape[c], (low, F(1) / max(high - low, F(1e-12))))


@njit(**FORMULA)
def _cube_root(value: Any) -> Any:
    """Cube root of a float32 above 0, to 3 · 10⁻⁷: of its inverse a guess by the exponent, mended twice by a series."""
    bits = F(F(value).view(np.int32))
    inverse = np.int32(F(1419967116) - bits * F(1 / 3)).view(np.float32)
    off = F(1) - value * inverse * inverse * inverse
    inverse += inverse * off * (F(1 / 3) + off * (F(2 / 9) + off * F(14 / 81)))
    off = F(1) - value * inverse * inverse * inverse
    inverse += inverse * off * F(1 / 3)
    return value * inverse * inverse


@njit(**FORMULA)
def _to_oklab(red: Any, green: Any, blue: Any) -> tuple[Any, Any, Any]:
    """Lightness and chroma of a value as a screen shows it (Ottosson 2020).

    A value is taken to be the root of its light: near enough for chroma, and there and back is the same.
    """
    r, g, b = red * red, green * green, blue * blue
    one = _cube_root(F(0.4122214708) * r + F(0.5363325363) * g + F(0.0514459929) * b + F(1e-9))
    two = _cube_root(F(0.2119034982) * r + F(0.6806995451) * g + F(0.1073969566) * b + F(1e-9))
    three = _cube_root(F(0.0883024619) * r + F(0.2817188376) * g + F(0.6299787005) * b + F(1e-9))
    light = F(0.2104542553) * one + F(0.7936177850) * two - F(0.0040720468) * three
    a = F(1.9779984951) * one - F(2.4285922050) * two + F(0.4505937099) * three
    b = F(0.0259040371) * one + F(0.7827717662) * two - F(0.8086757660) * three
    return light, a, b


@njit(**FORMULA)
def _from_oklab(light: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Inverse of `_to_oklab`; a colour that no screen has is mixed with the grey of its lightness."""
    p = light + F(0.3963377774) * a + F(0.2158037573) * b
    q = light - F(0.1055613458) * a - F(0.0638541728) * b
    s = light - F(0.0894841775) * a - F(1.2914855480) * b
    p, q, s = p * p * p, q * q * q, s * s * s
    r = F(4.0767416621) * p - F(3.3077115913) * q + F(0.2309699292) * s
    g = F(-1.2684380046) * p + F(2.6097574011) * q - F(0.3413193965) * s
    b = F(-0.0041960863) * p - F(0.7034186147) * q + F(1.7076147010) * s
    grey = min(light * light * light, F(1))
    over = (F(1) - grey) / max(max(r, g, b) - grey, F(1e-9))
    under = grey / max(grey - min(r, g, b), F(1e-9))
    mix = min(over, under, F(1))
    r, g, b = grey + (r - grey) * mix, grey + (g - grey) * mix, grey + (b - grey) * mix
    return np.sqrt(max(r, F(0))), np.sqrt(max(g, F(0))), np.sqrt(max(b, F(0)))


@njit(**INNER)
def _saturate_row(red: Array, green: Array, blue: Array, more: Any) -> None:
    for x in range(red.size):
        light, a, b = _to_oklab(red[x], green[x], blue[x])
        share = min(light * F(2), F(1)) if more > F(0) else F(1)
        factor = F(1) + more * share
        red[x], green[x], blue[x] = _from_oklab(light, a * factor, b * factor)


@njit(**OPTIONS)
def saturate_rows(data: Array, amount: float, rows: tuple[int, int]) -> None:
    """Multiply the chroma of some rows of a picture (3, H, W), 0…1, in Oklab, in place.

    Where the picture is dark more chroma is no more than coloured grain: it is left.
    """
    for y in range(rows[0], rows[1]):
        _saturate_row(data[0, y], data[1, y], data[2, y], F(amount - 1))


@njit(**INNER)
def _relight_row(red: Array, green: Array, blue: Array, light: Array) -> None:
    for x in range(red.size):
        grey = light[x] if light[x] > F(0) else F(0)
        wanted = _cube_root(grey * grey + F(1e-9))
        was, a, b = _to_oklab(red[x], green[x], blue[x])
        # chroma in the same proportion, but no more than twice: a dark px' colour is grain
        factor = min(wanted / max(was, F(1e-3)), F(2))
        red[x], green[x], blue[x] = _from_oklab(wanted, a * factor, b * factor)


@njit(**OPTIONS)
def relight_rows(data: Array, light: Array, rows: tuple[int, int]) -> None:
    """Give some rows of a picture (3, H, W), 0…1, the lightness of another (H, W), in Oklab, in place."""
    for y in range(rows[0], rows[1]):
        _relight_row(data[0, y], data[1, y], data[2, y], light[y])


@njit(**OPTIONS)
def less_green(data: Array, amount: float, rows: tuple[int, int]) -> None:
    """Bring green nearer to the mean of red and blue where it is above that, by a share, in place."""
    share = F(amount)
    for y in range(rows[0], rows[1]):
        red, green, blue = data[0, y], data[1, y], data[2, y]
        for x in range(green.size):
            over = green[x] - F(0.5) * (red[x] + blue[x])
            green[x] -= share * max(over, F(0))
