"""A stack is what its subs are, not what came first: the founding sub alone gives place, flux and sky."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from livestack.reduce.pose import project
from livestack.stacks.growth import Growth
from tests.nights import Told, take

ORDERS = {
    "as taken": range(1, 18),
    "reversed": range(17, 0, -1),
    "every other": [*range(2, 18, 2), *range(1, 18, 2)],
}


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Growth]:
    """One night of changing seeing with satellites, stacked in three orders after the same first sub."""
    home = tmp_path_factory.mktemp("orders")
    night = {
        "size": (352, 416),
        "n_lights": 18,
        "n_stars": 500,
        "n_satellites": 4,
        "seeing_scatter": 0.12,
        "hot_fraction": 0.0,
    }
    subs = take(home / "night", **night, seed=11)
    return {
        name: Told(home / name.replace(" ", "_")).see(subs[0], *(subs[k] for k in order)).stack()
        for name, order in ORDERS.items()
    }


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(ORDERS, 2)])
def test_the_picture_is_the_same(one: str, other: str, stacks: dict[str, Growth]) -> None:
    """Within a tenth of its noise, but for the cores of bright stars: they would tell a hundredth of a px."""
    a, b = (stacks[name].shown() for name in (one, other))
    whole = (a.coverage[0] + a.rejected[0] == 18) & (b.coverage[0] + b.rejected[0] == 18)
    assert whole.mean() > 0.8
    noise = float(np.median(a.result().stderr[0][whole]))
    whole &= a.mean[0] < 1000 * noise
    change = (a.mean - b.mean)[0][whole] / noise
    assert np.sqrt((change**2).mean()) < 0.1


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(ORDERS, 2)])
def test_the_figures_are_the_same(one: str, other: str, stacks: dict[str, Growth]) -> None:
    """What all subs share, above all: a place, a scale, a sky that all have off together would not average out."""
    height, width = 352, 416
    corners = np.array([[20.0, 20.0], [width - 20, 20], [20, height - 20], [width - 20, height - 20]])
    mine, yours = ({sub.path: sub for sub in stacks[name].subs} for name in (one, other))
    assert set(mine) == set(yours)
    shift = np.mean(
        [project(np.array(mine[k].matrix), corners) - project(np.array(yours[k].matrix), corners) for k in mine], axis=0
    )
    assert np.hypot(*shift.T).max() < 0.01
    assert np.mean([mine[k].scale / yours[k].scale for k in mine]) == pytest.approx(1, abs=0.001)
