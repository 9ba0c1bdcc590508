"""How much a sub counts, and whether it counts at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from livestack.frame import Array, Quality, Verdict

TRAILED_RATIO = 1.6
"""A sub is trailed only when its stars are so many times longer than usual, too."""
BLURRED_MADS = 4.0
"""ln FWHM this many robust σ above the usual is no longer seeing: leaves out 0.1–0.4 % of good subs."""
LEAST_HISTORY = 5
MIXED_SIZES = 0.6
"""Stars of one frame have one size: ln FWHM scatters by 0.05–0.35, also where they are trailed or among galaxies. In
pictures by day and in flats it is 0.7–1.8: what was found are no stars."""
FAR_OUT_OF_FOCUS_PX = 40.0


def weigh(quality: Quality, scale: float, typical: Quality, how: str) -> float:
    """Weight of a sub, 1 = the typical one.

    ``depth``: t²/σ²; ``balanced``: t²/σ² / FWHM; ``equal``: 1.
    """
    if how == "equal":
        return 1.0
    noise, usual = max(quality.noise_adu, 1e-6), max(typical.noise_adu, 1e-6)
    weight = (scale * usual / noise) ** 2
    if how == "balanced" and quality.fwhm_px > 0 and typical.fwhm_px > 0:
        weight *= typical.fwhm_px / quality.fwhm_px
    return weight


@dataclass(frozen=True, slots=True)
class Limits:
    """When a sub is left out.

    Attributes
    ----------
    least_transparency : float
        Less of the stack's star light per second than this: clouded.
    most_elongation : float
        Stars longer than wide (a/b) than this, where that is not usual: trailed.
    most_blur : float
        FWHM over the usual one, where seeing does not scatter as much: blurred.
    """

    least_transparency: float = 0.3
    most_elongation: float = 1.8
    most_blur: float = 1.9


ANYTHING = Limits(0.0, math.inf, math.inf)
"""For a sub that the user wants in."""
OVERRULED = ("clouded", "trailed", "blurred")
"""Reasons that the user may overrule."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What the last accepted subs were like; each an array of one figure, oldest first."""

    fwhm_px: Array
    elongation: Array


def judge_sub(quality: Quality, usual: Usual, weight: float, limits: Limits) -> Verdict:
    """Decide on a registered sub, by the night so far. The brightness of the sky alone never leaves one out."""
    through = 1.0 if quality.transparency is None else quality.transparency
    if through < limits.least_transparency:
        sentence = f"Only {100 * through:.0f} % of the usual star light came through: cloud or dew. Nothing to do."
        return Verdict(False, 0.0, "clouded", sentence)
    long = float(np.median(usual.elongation)) if len(usual.elongation) else 1.0
    if quality.elongation > max(limits.most_elongation, TRAILED_RATIO * long):
        figures = f"{quality.elongation:.1f} times longer than wide (usually {long:.1f})"
        sentence = f"Stars are {figures}: wind, a bump, or tracking."
        return Verdict(False, 0.0, "trailed", sentence)
    if len(usual.fwhm_px) >= LEAST_HISTORY:
        size = np.log(np.maximum(usual.fwhm_px, 0.1))
        middle = float(np.median(size))
        scatter = 1.4826 * float(np.median(np.abs(size - middle)))
        most = float(np.exp(middle)) * max(limits.most_blur, float(np.exp(BLURRED_MADS * scatter)))
        if quality.fwhm_px > most:
            sentence = (
                f"Star size is {quality.fwhm_px:.1f} px, usually {float(np.exp(middle)):.1f}: focus, dew, or a bump?"
            )
            return Verdict(False, 0.0, "blurred", sentence)
    return Verdict(True, weight)


def judge_founder(stars: Array, quality: Quality, least: int) -> Verdict:
    """Decide whether a sub can begin a stack: whether there are stars in it at all.

    Parameters
    ----------
    stars : structured ndarray (N,) of `STAR_DTYPE`
        Brightest first.
    least : int
        So many stars are needed.
    """
    if len(stars) < least:
        sentence = f"{len(stars)} stars found, a stack needs {least} to begin with. Focus, cloud, or a cap on?"
        return Verdict(False, 0.0, "too_few_stars", sentence)
    sizes = np.log(stars["fwhm"][: max(len(stars) // 2, 20)])
    if 1.4826 * float(np.median(np.abs(sizes - np.median(sizes)))) > MIXED_SIZES:
        sentence = "What is bright in it is of every size, so these are no stars: a flat, or a picture by day?"
        return Verdict(False, 0.0, "too_few_stars", sentence)
    if quality.fwhm_px > FAR_OUT_OF_FOCUS_PX:
        sentence = f"What is bright in it is {quality.fwhm_px:.0f} px wide: far out of focus, or no stars at all."
        return Verdict(False, 0.0, "blurred", sentence)
    return Verdict(True, 1.0)
