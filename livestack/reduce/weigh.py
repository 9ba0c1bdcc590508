"""How much a sub counts, and whether it counts at all."""

from __future__ import annotations

import numpy as np

from livestack.frame import Array, Quality, Verdict

LEAST_TRANSPARENCY = 0.3
"""Below this share of the stack's star light a sub is clouded."""
TRAILED_ELONGATION = 1.8
TRAILED_RATIO = 1.6
"""A sub is trailed when its stars are this long (a/b), and so many times longer than usual."""
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


def judge_sub(quality: Quality, scale: float, usual_elongation: float, weight: float) -> Verdict:
    """Decide on a registered sub. The brightness of the sky alone never leaves one out."""
    if scale < LEAST_TRANSPARENCY:
        return Verdict(
            False,
            0.0,
            "clouded",
            f"Only {100 * scale:.0f} % of the usual star light came through: cloud or dew. Nothing to do if it passes.",
        )
    if quality.elongation > max(TRAILED_ELONGATION, TRAILED_RATIO * usual_elongation):
        return Verdict(
            False,
            0.0,
            "trailed",
            f"Stars are {quality.elongation:.1f} times longer than wide (usually {usual_elongation:.1f}): "
            "wind, a bump, or tracking.",
        )
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
