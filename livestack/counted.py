"""A number with its noun."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """Return a number with its noun: 1 sub, 2 subs."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
