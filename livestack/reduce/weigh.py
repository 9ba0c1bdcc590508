"""How much a sub counts, and whether it counts at all."""

from __future__ import annotations

from livestack.frame import Quality, Verdict

LEAST_TRANSPARENCY = 0.3
"""Below this share of the stack's star light a sub is clouded."""
TRAILED_ELONGATION = 1.8
TRAILED_RATIO = 1.6
"""A sub is trailed when its stars are this long (a/b), and so many times longer than usual."""


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
