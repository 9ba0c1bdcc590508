"""What a finished session folded, sub by sub: the registered samples that its stack is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from livestack.frame import Array, Masters
from livestack.journal import Journal
from livestack.read import open_frame
from livestack.reduce.fold import Light
from livestack.reduce.kernels import warp_and_normalise
from livestack.reduce.sensor import sensor_of
from livestack.stacks.founding import light_of
from livestack.stacks.replay import replay


@dataclass(frozen=True)
class Night:
    """A session without masters, read back.

    Attributes
    ----------
    session : Path
    subs : list
        Accepted subs, in order.
    lights : list of Light
    weights : (N,) float64
    shape : (C, H, W) of the stack.
    """

    session: Path
    subs: list
    lights: list[Light]
    weights: Array
    shape: tuple[int, int, int]

    def samples(self, channel: int) -> Array:
        """Registered subs (N, H, W) of a channel, NaN where not covered."""
        _, height, width = self.shape
        out = np.empty((len(self.lights), height, width), np.float32)
        for k, light in enumerate(self.lights):
            sample = np.full(self.shape, np.nan, np.float32)
            warp_and_normalise(
                light.sensor, light.pose, light.sky, light.scale, np.array([0, height, 0, width]), sample
            )
            out[k] = sample[channel]
        return out


def read_back(session: Path) -> Night:
    """Read a session of one stack."""
    journal = Journal(session / "journal.sqlite")
    past = replay(journal.follow())
    journal.close()
    (founded,) = past.founded.values()
    subs = past.subs_of(founded.stack)
    lights = [
        light_of(
            sensor_of(open_frame(Path(sub.path)), Masters()),
            matrix=np.array(sub.matrix),
            sky=np.array(sub.offset).reshape(founded.channels, -1),
            scale=sub.scale,
            weight=sub.weight,
        )
        for sub in subs
    ]
    height, width = founded.size
    weights = np.array([sub.weight for sub in subs])
    return Night(session, subs, lights, weights, (founded.channels, height, width))


def stacked_mean(product: Path) -> Array:
    """Mean of a stack file, (C, H, W), sky taken off."""
    with fits.open(product, memmap=False) as hdus:
        mean, header = hdus[0].data.astype(float), hdus[0].header
    if mean.ndim == 2:
        return np.asarray(mean - header["SKYADU"])[None]
    return np.asarray(mean - np.array([header[f"SKYADU{c + 1}"] for c in range(3)])[:, None, None])


def plain_mean(samples: Array, weights: Array, left_out: Array | None = None) -> Array:
    """Weighted mean of registered subs over those that cover; `left_out` (N, H, W) samples do not count."""
    counts = np.isfinite(samples) if left_out is None else np.isfinite(samples) & ~left_out
    share = counts * weights[:, None, None]
    return np.asarray((np.where(counts, samples, 0) * share).sum(0) / np.maximum(share.sum(0), 1e-9))
