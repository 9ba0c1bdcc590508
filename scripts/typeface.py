"""Make the page's typeface light, and unpack it for the window: the same letters as TrueType, for Qt reads no WOFF2.

Run it after a change of the WOFF2 files; it needs the packages fonttools and brotli. All signs stay, and so does what
the licence wants in a font: its copyright, name and terms.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FOLDER = Path(__file__).resolve().parent.parent / "livestack" / "show" / "fonts"
SCRIPTS = ("DFLT", "latn")
"""What is written here, beside single Greek letters."""
UNSEEN = 4
"""Thousandths of the type's size by which a pair may stand wrong: .06 px of 16, .4 of the presenter's 96."""


def main() -> None:
    """Write each .woff2 anew, and a .ttf beside it."""
    for packed in sorted(FOLDER.glob("*.woff2")):
        face = TTFont(packed, recalcTimestamp=False)
        lighten(face)
        for flavor, path in (("woff2", packed), (None, packed.with_suffix(".ttf"))):
            face.flavor = flavor
            face.save(path)
            print(f"Written {path}: {path.stat().st_size:,} bytes")


def lighten(face: TTFont) -> None:
    """Leave out kerning of other scripts, and of single pairs that stand well enough by their classes."""
    table = face["GPOS"].table
    scripts = [script for script in table.ScriptList.ScriptRecord if script.ScriptTag in SCRIPTS]
    latin = next(script for script in scripts if script.ScriptTag == "latn").Script.DefaultLangSys
    for script in scripts:
        script.Script.DefaultLangSys.FeatureIndex = latin.FeatureIndex
    table.ScriptList.ScriptRecord = scripts
    for lookup in table.LookupList.Lookup:
        tables = [getattr(part, "ExtSubTable", part) for part in lookup.SubTable]
        if [getattr(part, "Format", 0) for part in tables] == [1, 2]:
            _prune(*tables)
    options = Options()
    options.layout_features = ["kern", "liga"]
    options.name_IDs, options.name_languages = ["*"], ["*"]
    options.notdef_outline = True
    options.drop_tables += ["STAT"]  # of a family with axes
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=list(face.getBestCmap()))
    subsetter.subset(face)


def _prune(pairs: Any, classes: Any) -> None:
    """Leave pairs to their classes where that is hardly another place."""
    kept = []
    for first, those in zip(pairs.Coverage.glyphs, pairs.PairSet, strict=True):
        those.PairValueRecord = [
            pair
            for pair in those.PairValueRecord
            if abs(_moved(pair.Value1) - _by_class(classes, first, pair.SecondGlyph)) > UNSEEN
        ]
        those.PairValueCount = len(those.PairValueRecord)
        if those.PairValueRecord:
            kept.append((first, those))
    pairs.Coverage.glyphs, pairs.PairSet = [first for first, _ in kept], [those for _, those in kept]
    pairs.PairSetCount = len(kept)


def _by_class(classes: Any, first: str, second: str) -> int:
    if first not in classes.Coverage.glyphs:
        return 0
    row = classes.Class1Record[classes.ClassDef1.classDefs.get(first, 0)]
    return _moved(row.Class2Record[classes.ClassDef2.classDefs.get(second, 0)].Value1)


def _moved(value: Any) -> int:
    return getattr(value, "XAdvance", 0) if value else 0


if __name__ == "__main__":
    main()
