"""Where a sub lies on the grid: star lists in, a 3 × 3 matrix out, the same bits every time.

First the last sub's pose is tried. Else astroalign (Beroiz, Cabral and Sanchez 2020) finds the similarity from
triangles, or a vote over all triangles does, which needs fewer stars in common. Matching and a least-squares fit over
all stars then run to a fixed point, so a random draw leaves no trace.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from livestack.errors import FrameError
from livestack.frame import Array, Registration
from livestack.reduce.medians import middle_of
from livestack.reduce.near import mutual_pairs, pairs_within
from livestack.reduce.pose import AKAIKE, fit_pairs, project
from livestack.reduce.trust import crowding, flux_error, place_error_px

LEAST_MATCHES = 5
MATCHED_SHARE = 0.4
"""Share of the stars that could match in the overlap that must."""
MAX_SCALE_ERROR = 0.1
MAX_RMS_PX = 1.5
N_BRIGHT = 400
N_PHOTOMETRY = 100
"""So many of the brightest stars say what the flux ratio is about."""
CONTROL_POINTS = 50
"""More make astroalign take half a minute to say that nothing fits."""
VOTERS = 150
FOLLOWERS = 40
FOLLOW_PX = 6.0
"""So many of the brightest stars vote for the shift from the last sub; votes this close agree."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A sub on the grid.

    Attributes
    ----------
    registration : Registration
    scale : float
        Flux ratio sub / reference of the matched stars: the transparency.
    stars : structured ndarray of `STAR_DTYPE`
        Those of the sub that matched: nothing of a trail, a hot px or a plane is among them.
    """

    registration: Registration
    scale: float
    stars: Array


def register(stars: Array, reference: Array, size: tuple[int, int], last: Array | None = None) -> Registered:
    """Register a star list on the reference's.

    Parameters
    ----------
    stars, reference : structured ndarray of `STAR_DTYPE`, brightest first
        Positions in px of the sub and of the grid.
    size : (H, W) of the sub.
    last : (3, 3) float64, optional
        Where the sub before lies: most likely this one has the same rotation, or is turned by 180° (meridian flip).

    Raises
    ------
    FrameError
        too_few_stars or not_registered, with the numbers.
    """
    if len(stars) < LEAST_MATCHES:
        raise FrameError(
            "too_few_stars", f"{len(stars)} stars found, {LEAST_MATCHES} are needed. Cloud, dew, or a cap on?"
        )
    source, target = stars[:N_BRIGHT], reference[:N_BRIGHT]
    src, ref = _xy(source), _xy(target)
    crowds: tuple[Array, Array] | None = None
    best = ""
    for find in (lambda s, r: _follow(s, r, last, size), _find, _vote):
        start = find(src, ref)
        if start is None:
            continue
        crowds = crowds or (crowding(source), crowding(target))
        matrix, pairs = _refine(source, target, crowds, start)
        problem = _problem(matrix, pairs, src, ref, size)
        if problem is None:
            matched = source[np.sort(pairs[:, 0])]
            scale = _flux_ratio(source, target, crowds, pairs)
            return Registered(_registration(matrix, pairs, src, ref, size), scale, matched)
        best = problem
    best = best or f"no pattern in common among its {len(src)} brightest stars and the stack's {len(ref)}"
    raise FrameError("not_registered", f"It does not fit the stack: {best}. Another target, cloud or a bump?")


def tied(stars: Array, reference: Array) -> Array:
    """Star list that agrees with a reference's: the stars of the reference as it lists them, the others moved to fit.

    What registers on either list then lands in the same place and has the same transparency, whatever the noise of the
    two. The list is as it is where few stars are in common.

    Parameters
    ----------
    stars, reference : structured ndarray of `STAR_DTYPE`, brightest first
        Of the same grid.
    """
    source, target = stars[:N_BRIGHT], reference[:N_BRIGHT]
    if min(len(source), len(target)) < LEAST_MATCHES:
        return stars
    crowds = crowding(source), crowding(target)
    # the richest model: what is left over cannot move a sub that is fitted with a plainer one either
    matrix, pairs = _refine(source, target, crowds, np.eye(3), price=0.0)
    if len(pairs) < LEAST_MATCHES:
        return stars
    moved = stars.copy()
    moved["x"], moved["y"] = project(matrix, _xy(stars)).T
    moved["flux"] /= _flux_ratio(source, target, crowds, pairs)
    # what they are tied by is no better known than the reference: they count as if it had seen them, too
    per_flux = float(middle_of(target["snr"][pairs[:, 1]] / target["flux"][pairs[:, 1]]))
    moved["snr"] = np.minimum(moved["snr"], per_flux * moved["flux"])
    moved[pairs[:, 0]] = target[pairs[:, 1]]
    return moved[np.lexsort((moved["x"], moved["y"], -moved["flux"]))]


def _flux_ratio(source: Array, target: Array, crowds: tuple[Array, Array], pairs: Array) -> float:
    """Flux ratio of matched stars: a star counts by what it knows, and not at all where a trail crosses it."""
    i, j = pairs.T
    ratio = source["flux"][i].astype(np.float64) / target["flux"][j]
    error = _larger(flux_error(source, crowds[0])[i], flux_error(target, crowds[1])[j])
    middle = float(middle_of(ratio[:N_PHOTOMETRY]))
    usual = 1.4826 * float(middle_of(np.abs(ratio[:N_PHOTOMETRY] / middle - 1)))
    reach = usual + 3 * error
    known = 1 / error**2
    for _ in range(20):
        # flat in the middle: as good as a mean of what is no outlier
        off = ((ratio / middle - 1) / reach) ** 2
        weight = np.maximum(1 - off * off, 0) ** 2 * known
        before, middle = middle, float((weight * ratio).sum() / weight.sum())
        if middle == before:
            break
    return middle


def _larger(one: Array, other: Array) -> Array:
    """Error of the difference of two, both as uncertain as the worse: as a list gets better, a star's say stays."""
    larger: Array = math.sqrt(2) * np.maximum(one, other)
    return larger


def _xy(stars: Array) -> Array:
    return np.stack([stars["x"], stars["y"]], axis=1).astype(np.float64)


def _follow(src: Array, ref: Array, last: Array | None, size: tuple[int, int]) -> Array | None:
    """Shift that most pairs of bright stars agree on, the rotation being the last sub's, or that and 180°; or None."""
    if last is None:
        return None
    h, w = size
    turned = last @ np.array([[-1.0, 0.0, w - 1.0], [0.0, -1.0, h - 1.0], [0.0, 0.0, 1.0]])
    best: tuple[int, Array | None] = (LEAST_MATCHES - 1, None)
    for pose in (last, turned):
        moved = project(pose, src[:FOLLOWERS])
        shifts = (ref[None, :FOLLOWERS] - moved[:, None]).reshape(-1, 2)
        agree = 1 + np.bincount(np.concatenate(pairs_within(shifts, FOLLOW_PX)), minlength=len(shifts))
        k = int(np.argmax(agree))
        if agree[k] > best[0]:
            near = np.hypot(*(shifts - shifts[k]).T) <= FOLLOW_PX
            shift = np.eye(3)
            shift[:2, 2] = shifts[near].mean(axis=0)
            best = (int(agree[k]), shift @ pose)
        if 2 * best[0] > min(len(moved), len(ref)):  # most of the stars: hardly any night has a flip
            break
    return best[1]


def _vote(src: Array, ref: Array) -> Array | None:
    from livestack.reduce.pattern import vote

    return vote(src[:VOTERS], ref[:VOTERS], MAX_SCALE_ERROR)


def _find(src: Array, ref: Array) -> Array | None:
    """Astroalign's similarity as a 3 × 3 matrix, or None; its generator is seeded from the two lists."""
    import astroalign

    digest = hashlib.sha256(src[:CONTROL_POINTS].tobytes() + ref[:CONTROL_POINTS].tobytes()).digest()
    numpy_of_astroalign: Any = astroalign._np
    seeded = SimpleNamespace(default_rng=lambda: np.random.default_rng(int.from_bytes(digest[:8], "little")))
    astroalign._np = _Seeded(numpy_of_astroalign, seeded)
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            transform, _ = astroalign.find_transform(src, ref, max_control_points=CONTROL_POINTS)
    except (astroalign.MaxIterError, ValueError, TypeError, IndexError):
        return None
    finally:
        astroalign._np = numpy_of_astroalign
    matrix: Array = np.asarray(transform.params, np.float64)
    return matrix if np.isfinite(matrix).all() else None


class _Seeded:
    """numpy with another ``random``: what astroalign sees during one call."""

    def __init__(self, numpy: Any, random: Any) -> None:
        self._numpy = numpy
        self.random = random

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numpy, name)


def _refine(
    source: Array, target: Array, crowds: tuple[Array, Array], matrix: Array, price: float = AKAIKE
) -> tuple[Array, Array]:
    """Match nearest neighbours both ways and fit, until the matches stay the same; crowds: `crowding` of both."""
    src, ref = _xy(source), _xy(target)
    errors = place_error_px(source, crowds[0]), place_error_px(target, crowds[1])
    pairs = np.zeros((0, 2), np.int64)
    reach = 4.0
    for _ in range(20):
        moved = project(matrix, src)
        new = mutual_pairs(moved, ref, reach)
        if len(new) < 3 or (len(new) == len(pairs) and (new == pairs).all()):
            return matrix, new
        i, j = new.T
        fitted = fit_pairs(src[i], ref[j], _larger(errors[0][i], errors[1][j]), price)
        if fitted is None:
            return matrix, new
        pairs, matrix = new, fitted
        residual = np.hypot(*(project(matrix, src[i]) - ref[j]).T)
        reach = float(np.clip(4 * 1.4826 * middle_of(residual), 0.3, reach))
    return matrix, pairs


def _problem(matrix: Array, pairs: Array, src: Array, ref: Array, size: tuple[int, int]) -> str | None:
    """Return why a fit is not to be believed, or None."""
    scale, _ = _scale_and_rotation(matrix, size)
    if abs(scale - 1) > MAX_SCALE_ERROR:
        return f"the image scale would be {scale:.2f} times the stack's"
    possible = _possible(matrix, src, ref, size)
    needed = max(LEAST_MATCHES, math.ceil(MATCHED_SHARE * possible))
    if len(pairs) < needed:
        return f"{len(pairs)} stars match, {needed} are needed"
    rms = _rms(matrix, pairs, src, ref)
    if rms > MAX_RMS_PX:
        return f"matched stars are {rms:.1f} px off"
    return None


def _possible(matrix: Array, src: Array, ref: Array, size: tuple[int, int]) -> int:
    """How many of the brightest stars of both lists could match: the fewer of those in the overlap."""
    h, w = size
    try:
        back = project(np.linalg.inv(matrix), ref)
    except np.linalg.LinAlgError:
        return max(len(src), len(ref))
    n_ref = int(((back >= 0) & (back < (w, h))).all(axis=1).sum())
    moved = project(matrix, src)
    low, high = ref.min(axis=0), ref.max(axis=0)
    n_src = int(((moved >= low) & (moved <= high)).all(axis=1).sum())
    return min(n_ref, n_src, 200)


def _rms(matrix: Array, pairs: Array, src: Array, ref: Array, brightest: int = 50) -> float:
    """2-D rms of the residuals of the brightest matches, px."""
    bright = pairs[:brightest]
    residual = project(matrix, src[bright[:, 0]]) - ref[bright[:, 1]]
    return float(np.sqrt((residual**2).sum(axis=1).mean()))


def _scale_and_rotation(matrix: Array, size: tuple[int, int]) -> tuple[float, float]:
    """Scale and rotation (degrees) at the centre of the sub."""
    h, w = size
    centre = np.array([[w / 2, h / 2], [w / 2 + 1, h / 2], [w / 2, h / 2 + 1]])
    p = project(matrix, centre)
    ux, uy = p[1] - p[0]
    vx, vy = p[2] - p[0]
    return math.sqrt(abs(ux * vy - uy * vx)), math.degrees(math.atan2(uy - vx, ux + vy))


def _registration(matrix: Array, pairs: Array, src: Array, ref: Array, size: tuple[int, int]) -> Registration:
    scale, rotation = _scale_and_rotation(matrix, size)
    h, w = size
    centre = np.array([[(w - 1) / 2, (h - 1) / 2]])
    dx, dy = (project(matrix, centre) - centre)[0]
    return Registration(
        matrix=matrix,
        n_matches=len(pairs),
        rms_px=_rms(matrix, pairs, src, ref),
        dx=float(dx),
        dy=float(dy),
        rotation_deg=rotation,
        scale=scale,
        meridian_flip=abs(abs(rotation) - 180) < 30,
    )


def identity(n_stars: int) -> Registration:
    """Registration of a founding sub."""
    return Registration(np.eye(3), n_stars, 0.0, 0.0, 0.0, 0.0, 1.0, False)
