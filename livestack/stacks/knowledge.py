"""What a sub is measured against: the founding sub at first, the stack from its looks on.

The founding sub stays what place, flux and sky mean. What a look learns of the stack is tied to it,
so that the figures of a sub do not depend on which subs came before.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from livestack.frame import Array
from livestack.reduce.fold import Light
from livestack.reduce.measure import measure_stack
from livestack.reduce.normalise import sky_blocks, sky_blocks_of_stack, tied_sky
from livestack.reduce.register import LEAST_MATCHES, tied
from livestack.stack import Shape, Stack


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the founding sub, or a look, froze for the subs that follow.

    Attributes
    ----------
    id : str
    stars : structured ndarray of `STAR_DTYPE`
        The list to register on: grid px, fluxes on the stack's photometric scale; brightest first.
    sky : (C, B, h, w) float32
        The field without its sky, ADU, in the blocks that the sky is told by.
    defects : ndarray of int32
        Hot and cold px of the sensor, y · width + x, that the masters do not know.
    """

    id: str
    stars: Array
    sky: Array
    defects: Array = field(default_factory=lambda: np.zeros(0, np.int32))


def known_of_sub(identity: str, stars: Array, light: Light, shape: Shape) -> Knowledge:
    """Return what one sub tells; its stars on the grid."""
    return Knowledge(identity, stars, sky_blocks(light, shape))


def known_of_stack(
    identity: str, stack: Stack, origin: Knowledge, cfa: str | None, defects: Array, threads: Executor | None
) -> Knowledge:
    """Return what a stack tells, tied to what its founding sub told; and the defects of its sensor."""
    stars = measure_stack(stack.mean, stack.coverage, cfa, threads)
    return Knowledge(
        identity,
        tied(stars, origin.stars) if len(stars) >= LEAST_MATCHES else origin.stars,
        tied_sky(sky_blocks_of_stack(stack), origin.sky, stack.shape),
        defects,
    )
