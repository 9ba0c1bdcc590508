"""Medians, the same bits as those of sorted values, by halving the order of floats as whole numbers.

A sort of a thousand float32 takes ten times as long on processors that compress vectors slowly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import LEAF, OPTIONS

_HIGHEST = np.int32(0x7FFFFFFF)
_INFINITE = np.int32(0x7F800000)


@njit(**LEAF)
def _order(bits: Array, keys: Array) -> int:
    """Whole numbers in the order of floats, given as bits, those not finite last; returns how many are finite."""
    known = np.int32(0)
    for i in range(keys.size):
        b = bits[i]
        size = np.int32(b & _HIGHEST)
        finite = size < _INFINITE
        keys[i] = (size if b >= 0 else np.int32(~size)) if finite else _HIGHEST
        known = np.int32(known + np.int32(finite))
    return int(known)


@njit(**LEAF)
def _count_below(keys: Array, limit: Any) -> int:
    n = np.int32(0)
    for i in range(keys.size):
        n = np.int32(n + np.int32(keys[i] < limit))
    return int(n)


@njit(**LEAF)
def _at_rank(keys: Array, rank: int) -> Any:
    """Key that so many others come before."""
    key = np.int32(0) if _count_below(keys, np.int32(0)) <= rank else np.int32(~_HIGHEST)
    for bit in range(30, -1, -1):
        higher = np.int32(key + np.int32(1 << bit))
        if _count_below(keys, higher) <= rank:
            key = higher
    return key


@njit(**LEAF)
def _next_above(keys: Array, key: Any) -> Any:
    found = _HIGHEST
    for i in range(keys.size):
        # a minimum of 32 bits, and so of many at a time
        found = np.int32(min(found, np.int32(keys[i] if keys[i] > key else _HIGHEST)))
    return found


@njit(**OPTIONS)
def _middles(bits: Array, known: Array, low: Array, high: Array) -> None:
    """Bits of the lower and the upper middle of the finite ones of each of (N, n) float32, given and told as bits."""
    keys = np.empty(bits.shape[1], np.int32)
    for k in range(len(bits)):
        n = _order(bits[k], keys)
        one = _at_rank(keys, (n - 1) // 2)
        other = one
        if n % 2 == 0 and n > 0 and _count_below(keys, np.int32(one + np.int32(1))) <= n // 2:
            other = _next_above(keys, one)
        known[k] = n
        low[k] = one if one >= 0 else np.int32(~one ^ ~_HIGHEST)
        high[k] = other if other >= 0 else np.int32(~other ^ ~_HIGHEST)


@njit(**LEAF)
def _float_at(key: Any) -> Any:
    return np.int32(key if key >= 0 else ~key ^ ~_HIGHEST).view(np.float32)


@njit(**LEAF)
def median_of_bits(bits: Array, keys: Array) -> Any:
    """Median of float32, given as bits; NaN where fewer than half are finite. There is room for as many keys."""
    n = _order(bits, keys)
    if 2 * n < keys.size:
        return np.float32(np.nan)
    one = other = _at_rank(keys, (n - 1) // 2)
    if n % 2 == 0 and _count_below(keys, np.int32(one + np.int32(1))) <= n // 2:
        other = _next_above(keys, one)
    return (_float_at(one) + _float_at(other)) / np.float32(2)


def middles(blocks: Array) -> tuple[Array, Array, Array]:
    """Return the lower and the upper middle of the finite values of each of (N, n) blocks, and how many are finite.

    They are float32; a block without a finite value has anything for its middles.
    """
    bits = np.ascontiguousarray(blocks, np.float32).view(np.int32)
    known, low, high = np.empty((3, len(bits)), np.int32)
    _middles(bits, known, low, high)
    return low.view(np.float32), high.view(np.float32), known


def median(values: Array) -> float:
    """Median of values, n or more-dimensional; NaN where none is finite."""
    low, high, known = middles(values.reshape(1, -1))
    return float((low[0] + high[0]) / np.float32(2)) if known[0] else float("nan")


def middle_of(values: Array) -> float:
    """Median of a few hundred finite values (N,): what numpy's own does besides takes several times as long."""
    n = len(values)
    if not n:
        return float("nan")
    ordered = np.partition(values, [(n - 1) // 2, n // 2])
    return float((ordered[(n - 1) // 2] + ordered[n // 2]) / 2)
