"""Stars that touch: a blend is divided where each part keeps enough light of its own, as SExtractor does it.

Its px are added level by level from the peak down (Bertin and Arnouts 1996 go up, and search each level anew). Where
parts meet that hold enough light above the level before, each is an object of its own; what lies below goes uphill.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from livestack.frame import Array
from livestack.reduce.compile import INNER

LEVELS = 16
"""Between threshold and peak, in equal ratios. With twice as many the same stars are found."""
CONTRAST = 0.005
"""A part has at least this share of the blend's light above the level where it meets another."""
MIN_AREA_PX, LEAST_PART_PX = 5, 3
"""An object, and a part of one above where it meets another, is at least so large."""

PARENT, NEXT, LAST, AREA, THEN, STATE = range(6)
"""Of a px: up the tree of its part, and the next one in the list of its part. Of the px that stands for a part: the
last one in its list, how many there are, how many there were when the level began, and what it is."""
SMALL, PART, DIVIDED = range(3)


@njit(**INNER)
def _top(parts: Array, px: int) -> int:
    """Which px stands for the part that a px is in."""
    while parts[px, PARENT] != px:
        parts[px, PARENT] = parts[parts[px, PARENT], PARENT]
        px = parts[px, PARENT]
    return int(px)


@njit(**INNER)
def _name(parts: Array, top: int, labels: Array, n: int) -> int:
    """Make an object of what a part was when the level began, unless it holds objects already; returns how many are."""
    if parts[top, STATE] != PART:
        return n
    px = top
    for _ in range(parts[top, THEN]):
        labels[px] = n
        px = parts[px, NEXT]
    return n + 1


@njit(**INNER)
def _meet(parts: Array, light: Array, one: int, two: int, labels: Array, n: int) -> int:
    """Join two parts; those that both have light enough become objects. Returns how many there are."""
    both = parts[one, STATE] != SMALL and parts[two, STATE] != SMALL
    if both:
        n = _name(parts, one, labels, n)
        n = _name(parts, two, labels, n)
    # the list begins with the part that may be named later
    if parts[two, STATE] > parts[one, STATE]:
        one, two = two, one
    parts[two, PARENT] = one
    parts[parts[one, LAST], NEXT] = two
    parts[one, LAST] = parts[two, LAST]
    parts[one, AREA] += parts[two, AREA]
    light[one] += light[two]
    if both:
        parts[one, STATE] = DIVIDED
    return n


@njit(**INNER)
def _touch(parts: Array, light: Array, px: int, about: Array, labels: Array, n: int) -> int:
    """Join a px to the parts among the 3 × 3 about it; returns how many objects there are."""
    for y in range(3):
        for x in range(3):
            other = about[y, x] - 1
            if other >= 0 and parts[other, PARENT] >= 0:
                one, two = _top(parts, px), _top(parts, other)
                if one != two:
                    n = _meet(parts, light, one, two, labels, n)
    return n


@njit(**INNER)
def _by_level(light: Array, threshold: float, peak: float) -> tuple[Array, Array]:
    """Px from the highest level down, and where each level begins in their order: (LEVELS + 1,), the highest last."""
    steps = LEVELS / np.log(max(peak / threshold, 1.0 + 1e-6))
    level = np.empty(light.size, np.int64)
    begins = np.zeros(LEVELS + 1, np.int64)
    for k in range(light.size):
        level[k] = min(max(int(steps * np.log(max(light[k] / threshold, 1.0))), 0), LEVELS - 1)
        begins[level[k]] += 1
    total = 0
    for k in range(LEVELS - 1, -1, -1):
        total, begins[k] = total + begins[k], total
    begins[LEVELS] = 0
    order, at = np.empty(light.size, np.int64), begins.copy()
    for k in range(light.size):
        order[at[level[k]]] = k
        at[level[k]] += 1
    return order, begins


@njit(**INNER)
def _parts_of(places: Array, light: Array, grid: Array, threshold: float, labels: Array) -> int:
    """Label the px of the parts where they are alone: −1 = none. Returns how many parts there are; 0 = it is no blend.

    Parameters
    ----------
    grid : (h, w) int32
        Which px is where, from 1 on; 0 = none. It has an empty line on each side.
    """
    labels[:] = -1
    peak, total = 0.0, 0.0
    for k in range(light.size):
        peak, total = max(peak, float(light[k])), total + light[k]
    order, begins = _by_level(light, threshold, peak)
    parts = np.empty((light.size, 6), np.int32)
    parts[:, PARENT] = -1
    sums = light.astype(np.float64)
    n = 0
    for level in range(LEVELS - 1, -1, -1):
        end = begins[level - 1] if level > 0 else light.size
        for px in order[begins[level] : end]:
            parts[px, PARENT], parts[px, NEXT], parts[px, LAST] = px, -1, px
            parts[px, AREA], parts[px, THEN], parts[px, STATE] = 1, 0, SMALL
            y, x = places[px, 0], places[px, 1]
            n = _touch(parts, sums, px, grid[y : y + 3, x : x + 3], labels, n)
        bottom = threshold * (peak / threshold) ** (level / LEVELS)
        for px in order[:end]:
            if parts[px, PARENT] == px:
                enough = sums[px] - bottom * parts[px, AREA] > CONTRAST * total and parts[px, AREA] >= LEAST_PART_PX
                parts[px, THEN] = parts[px, AREA]
                if enough and parts[px, STATE] == SMALL:
                    parts[px, STATE] = PART
    return n


@njit(**INNER)
def _uphill(light: Array, px: int, about: Array) -> int:
    """Brightest of the 3 × 3 about a px."""
    best = px
    for y in range(3):
        for x in range(3):
            other = about[y, x] - 1
            if other >= 0 and light[other] > light[best]:
                best = other
    return int(best)


@njit(**INNER)
def _nearest(place: Array, middles: Array) -> int:
    """Which of some sums of places, and how many they are of, is near."""
    nearest, best = np.inf, 0
    for m in range(len(middles)):
        y, x = middles[m, 0] / middles[m, 2], middles[m, 1] / middles[m, 2]
        far = (place[0] - y) ** 2 + (place[1] - x) ** 2
        if far < nearest:
            nearest, best = far, m
    return best


@njit(**INNER)
def _go_uphill(places: Array, light: Array, grid: Array, labels: Array, n: int) -> None:
    """Give each px that no part has to the one that lies uphill; where there is none, to the nearest."""
    middles = np.zeros((n, 3))
    for k in range(light.size):
        if labels[k] >= 0:
            middles[labels[k], 0] += places[k, 0]
            middles[labels[k], 1] += places[k, 1]
            middles[labels[k], 2] += 1
    path = np.empty(light.size, np.int32)
    for k in range(light.size):
        px, length = k, 0
        while labels[px] < 0:
            path[length] = px
            length += 1
            y, x = places[px, 0], places[px, 1]
            higher = _uphill(light, px, grid[y : y + 3, x : x + 3])
            if higher == px:
                labels[px] = _nearest(places[px], middles)
            px = higher
        for m in range(length):
            labels[path[m]] = labels[px]


@njit(**INNER)
def divide(places: Array, light: Array, threshold: float, labels: Array, core: Array) -> int:
    """Divide an object into the stars that it is a blend of; returns how many there are.

    Parameters
    ----------
    places : (N, 2) int32
        y, x of its px, from 0 on.
    light : (N,) float32
        How far they stand out.
    labels : (N,) int32
        Becomes the star that each px is given to.
    core : (N,) bool
        Becomes whether the px is the star's own, above where it meets another.
    """
    h, w = 0, 0
    for k in range(len(places)):
        h, w = max(h, places[k, 0] + 1), max(w, places[k, 1] + 1)
    grid = np.zeros((h + 2, w + 2), np.int32)
    for k in range(len(places)):
        grid[places[k, 0] + 1, places[k, 1] + 1] = k + 1
    n = _parts_of(places, light, grid, threshold, labels)
    if n == 0:
        labels[:] = 0
        core[:] = True
        return 1
    for k in range(len(places)):
        core[k] = labels[k] >= 0
    _go_uphill(places, light, grid, labels, n)
    return int(n)
