"""The colours of every face, in one place. Style sheets, icons and plots are made from these and from nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they are for, as ``#RRGGBB``.

    Attributes
    ----------
    bg0, bg1, bg2, bg3 : str
        Surround of the picture; bars; panels; controls.
    line, line2, track : str
        Dividers; outlines of chosen things; a slider's rest.
    t1, t2, t3 : str
        Text and numbers; labels; axis labels.
    acc, ink, accbg : str
        Going well, chosen; text on it; ground of the chosen.
    hold, bad : str
        Left out or waiting; needs hands.
    red, green, blue : str
        Channels of a picture, in a histogram alone.
    """

    bg0: str
    bg1: str
    bg2: str
    bg3: str
    line: str
    line2: str
    track: str
    t1: str
    t2: str
    t3: str
    acc: str
    ink: str
    accbg: str
    hold: str
    bad: str
    red: str
    green: str
    blue: str

    @property
    def is_night(self) -> bool:
        """Whether every colour is a red, however dim."""
        return self.t1.endswith("0000")

    @property
    def brightness(self) -> float:
        """Of the brightest red, 0…1; 1 by day."""
        return int(self.t1[1:3], 16) / 255 if self.is_night else 1.0


DARK = Palette(
    bg0="#040608",
    bg1="#0A0D11",
    bg2="#11151A",
    bg3="#1A2028",
    line="#222932",
    line2="#3A4550",
    track="#6A7683",
    t1="#EDF1F5",
    t2="#B3BDC8",
    t3="#9AA6B2",
    acc="#63D3C4",
    ink="#04211D",
    accbg="#0F2B29",
    hold="#F4C15D",
    bad="#FF8F7E",
    red="#FF8F7E",
    green="#7ADFA0",
    blue="#86AEFF",
)

NIGHT = Palette(
    bg0="#000000",
    bg1="#000000",
    bg2="#0C0000",
    bg3="#1C0000",
    line="#3D0000",
    line2="#7A0000",
    track="#BB0000",
    t1="#FF0000",
    t2="#F20000",
    t3="#F20000",
    acc="#FF0000",
    ink="#FF0000",
    accbg="#2E0000",
    hold="#FF0000",
    bad="#FF0000",
    red="#FF0000",
    green="#FF0000",
    blue="#FF0000",
)
"""Green and blue are zero in every one: eyes keep their dark adaptation."""

NIGHT_LEVELS: Final = (0.25, 0.35, 0.5, 0.75, 1.0)
"""How bright a night's red can be chosen: at the least of them nothing vanishes yet."""
NIGHT_LEVEL: Final = 0.75
"""How bright it is unless chosen otherwise."""

CODE_GROUND, NIGHT_CODE_GROUND = "#E9EDF1", "#800000"
"""Of a code that phones read. Its modules are dark: a code of red ones on black is not found."""


def dimmed(share: float) -> Palette:
    """Return the colours of the night with all red multiplied."""
    return Palette(*(f"#{round(share * int(colour[1:3], 16)):02X}0000" for colour in asdict(NIGHT).values()))


LIGHT = Palette(
    bg0="#0A0D11",
    bg1="#F3F5F7",
    bg2="#FFFFFF",
    bg3="#E6EAEE",
    line="#D9DFE5",
    line2="#A9B4BF",
    track="#6A7683",
    t1="#14181D",
    t2="#414B56",
    t3="#4A5560",
    acc="#00594F",
    ink="#FFFFFF",
    accbg="#DDEFEC",
    hold="#704800",
    bad="#9A2414",
    red="#C23A28",
    green="#1F7A45",
    blue="#2C5FC4",
)
"""Dark on white: for paper."""

FONTS = ("Livestack Sans", "IBM Plex Sans", "Inter", "Noto Sans", "DejaVu Sans", "sans-serif")
"""Families in order of wish."""


def css(palette: Palette) -> str:
    """Return the palette as CSS custom properties."""
    lines = "".join(f"--{name}:{value};" for name, value in asdict(palette).items())
    families = ", ".join(f'"{name}"' if " " in name else name for name in FONTS)
    return f":root{{{lines}--font:{families};}}"
