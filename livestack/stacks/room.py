"""How much memory a stack takes, known before it is begun: said then, and refused where there is not so much."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from livestack.errors import SettingsError
from livestack.stack import Shape

PROGRAM_BYTES = 300_000_000
"""Python, the libraries and the kernels, half of it their files."""
VIEW_PX = 4_000_000
"""Of a picture for the screens, at the most."""
NO_ROOM = "room for"
"""Begins the rule of the alert that there is none to fold a stack again beside itself."""
CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes that a stack takes at its peaks: at its looks, and from the last of them on; the program's are included."""

    looking: int
    stacking: int

    @property
    def peak(self) -> int:
        """Of both the larger."""
        return max(self.looking, self.stacking)

    @property
    def words(self) -> str:
        """The peaks in words."""
        if self.looking <= self.stacking:
            return f"about {gigabytes(self.stacking)} of memory"
        return f"about {gigabytes(self.looking)} of memory at its looks, {gigabytes(self.stacking)} after the last"


def needs_of(shape: Shape, *, looks: bool, jobs: int = 1, drizzled: bool = False) -> Needs:
    """Tell the needs of a stack of this shape, with a dark and a flat; jobs = subs that are prepared at once.

    Bytes of a px: sums of the stack, 8 a channel and 8; of drops, 16 a channel; masters, 4 each of two; a raw sub 2;
    the guide, which has a quarter of the px, 16 there, and as a template 10; contrasts 2; what was taken out 1; what a
    sub is judged on 6; the cells of the next one 1. A look has half a stack beside the stack, two guides and two subs.
    """
    channels, height, width = shape
    core, rest = 8 * channels + 8, 8 + 4 + 1 + 2 + 6 + _drop_bytes(channels, drizzled)
    px, views = height * width, 2 * 4 * channels * min(height * width, VIEW_PX)
    stacking = PROGRAM_BYTES + views + px * (core + rest + 1 + 2 * (1 + jobs))
    looking = PROGRAM_BYTES + views + px * (core + core // 2 + rest + 3 + 2 * 2)
    return Needs(looking if looks else 0, stacking)


def stack_bytes(shape: Shape, *, drizzled: bool = False) -> int:
    """Bytes of the sums and pictures of a stack that another takes turns with."""
    channels, height, width = shape
    return height * width * (8 * channels + 8 + 4 + 1 + 2 + _drop_bytes(channels, drizzled))


def _drop_bytes(channels: int, drizzled: bool) -> int:
    return 16 * channels if drizzled else 0


def needs_beside(shape: Shape, *, looks: bool, jobs: int, drizzled: bool) -> int:
    """Bytes that a stack takes which is folded again, the program's included, but not those of the stacks there are.

    At its looks others go on: subs are prepared for them.
    """
    needs, (_, height, width) = needs_of(shape, looks=looks, jobs=jobs, drizzled=drizzled), shape
    return max(needs.stacking, needs.looking + 2 * (1 + jobs) * height * width)


def lacking(needed: int, allowed: int) -> str:
    """Say who has fewer bytes than are needed: the user allows no more (0 = any), or the machine; empty = neither."""
    there = _machine_bytes()
    if 0 < allowed < needed:
        return f"{gigabytes(allowed)} are allowed"
    return f"this machine has {gigabytes(there)}" if there is not None and there < needed else ""


def check_room(shape: Shape, needed: int, allowed: int) -> None:
    """Raise SettingsError where a stack needs more bytes than the user allows (0 = any) or the machine has."""
    _, height, width = shape
    if lack := lacking(needed, allowed):
        way = "allow more with --memory, or bin the camera" if "allowed" in lack else "bin the camera"
        raise SettingsError(f"memory: stacking {width}×{height} px needs about {gigabytes(needed)}, {lack}: {way}")


def gigabytes(n_bytes: int) -> str:
    """Bytes in words."""
    return f"{n_bytes / 1e9:.1f} GB"


def _machine_bytes() -> int | None:
    """Memory of this machine, or of the group of processes this one is in; None where the system does not tell."""
    told = []
    with contextlib.suppress(AttributeError, OSError, ValueError):
        told.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(OSError, ValueError):  # "max" is no number
        told.append(int(CONTROL_GROUP.read_text(encoding="ascii")))
    return min(told, default=None)
