"""Unpack the page's typeface for the window: the same letters as TrueType, for Qt reads no WOFF2.

Run it after a change of the WOFF2 files; it needs the packages fonttools and brotli.
"""

from __future__ import annotations

from pathlib import Path

from fontTools.ttLib import TTFont

FOLDER = Path(__file__).resolve().parent.parent / "livestack" / "show" / "fonts"


def main() -> None:
    """Write a .ttf beside each .woff2."""
    for packed in sorted(FOLDER.glob("*.woff2")):
        face = TTFont(packed, recalcTimestamp=False)
        face.flavor = None
        face.save(packed.with_suffix(".ttf"))
        print(f"Written {packed.with_suffix('.ttf')}")


if __name__ == "__main__":
    main()
