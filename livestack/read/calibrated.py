"""What other programs did to a frame already: which of bias, dark and flat are in it, and what was added."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from livestack.read.keywords import number, text
from livestack.read.names import SIRIL_PREFIX, stem_of

STEPS: Final = ("bias", "dark", "flat")
STATE: Final = re.compile(r"[BDFIMOSTRC]+")
"""CALSTAT: B, D, F for what was applied; other letters for other things. ``UNKNOWN`` is no state."""
IRAF: Final = {"bias": ("ZEROCOR", "BIASCOR"), "dark": ("DARKCOR",), "flat": ("FLATCOR",)}
HISTORY: Final = re.compile(
    r"Calibrated with a master (?P<siril>bias|dark|flat)"
    r"|ImageCalibration\.master(?P<pixinsight>Bias|Dark|Flat)\.(?:enabled: true|fileName: \S)",
    re.IGNORECASE,
)
NOT_DONE: Final = frozenset({"f", "false", "no", "0", "omit", "skip", "none"})


def calibrated_of(path: Path, keywords: Mapping[str, Any]) -> frozenset[str]:
    """Return which of bias, dark and flat were applied before: by CALSTAT, IRAF's words and HISTORY, else by the name.

    A dark takes the bias with it. Siril's ``pp_`` does not tell what was applied: to a light all three, to a flat the
    bias.
    """
    state = (text(keywords.get("CALSTAT")) or "").upper()
    done = {step for step in STEPS if STATE.fullmatch(state) and step[0].upper() in state}
    done |= {step for step, names in IRAF.items() if any(_is_done(keywords.get(name)) for name in names)}
    for match in HISTORY.finditer(str(keywords.get("HISTORY") or "")):
        done.add((match["siril"] or match["pixinsight"]).lower())
    prefix = SIRIL_PREFIX.match(stem_of(path))
    if not done and prefix and "pp_" in prefix[0]:
        done = {"bias"} if stem_of(path)[prefix.end() :].startswith("flat") else set(STEPS)
    return frozenset(done | ({"bias"} if "dark" in done else set()))


def pedestal_of(keywords: Mapping[str, Any]) -> float | None:
    """Return what was added to the data so that nothing is negative, ADU.

    MaxIm and the SBIG standard write what is to be added to reach zero (−100), PixInsight what was added (100).
    """
    return abs(number(keywords.get("PEDESTAL")) or 0.0) or None


def _is_done(value: Any) -> bool:
    """Whether IRAF's word tells of a correction: T, or when and with what it was made."""
    return value is True or (text(value) or "none").lower() not in NOT_DONE
