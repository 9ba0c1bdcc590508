"""Calibration in words: which masters a stack uses, and what they did."""

from __future__ import annotations

from livestack.events import MastersMatched

KINDS = ("bias", "dark", "flat")


def used(masters: MastersMatched) -> list[str]:
    """Return the kinds of masters that are used."""
    return [kind for kind in KINDS if getattr(masters, kind)]


def calibration_line(masters: MastersMatched) -> str:
    """Return all there is to say in one line."""
    kinds = used(masters)
    return "; ".join(
        [
            f"calibrated with {', '.join(kinds)}" if kinds else "not calibrated",
            *proof(masters.figures),
            *masters.missing,
            *masters.notes,
        ]
    )


def proof(figures: dict[str, float]) -> list[str]:
    """Return words on what calibration did to the first light."""
    words = []
    if "spread_before" in figures and "spread_after" in figures:
        before, after = (100 * figures[name] for name in ("spread_before", "spread_after"))
        words.append(f"the sky is uneven by {after:.1f} %, was {before:.1f} %")
    if "dust_before" in figures and "dust_after" in figures:
        before, after = (100 * figures[name] for name in ("dust_before", "dust_after"))
        words.append(f"dust shadows {abs(after):.1f} % deep, were {before:.1f} %")
    if figures.get("hot_before", 0) >= 1:
        words.append(f"hot px {figures['hot_after']:.0f} per Mpx, were {figures['hot_before']:.0f}")
    return words
