"""What `livestack bench` measures: clocks of a real run, and accuracy that a known stack has."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from livestack.bench.accuracy import corner_error_px, judge, response_of, sample_noise_adu, scale_of_stars
from livestack.bench.frames import Frames, Made, exposed, make, night_of, truth_of, turn
from livestack.bench.quick import LEAST_LIGHTS, planes
from livestack.bench.reference import float64_deviation
from livestack.frame import Array
from scripts.bench_table import bars, markdown

SIZE = (400, 560)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A small colour night on disk, its last sub turned by 30°."""
    return make(tmp_path_factory.mktemp("frames"), Frames(SIZE, "RGGB", 8, (30.0,)))


@pytest.fixture(scope="module")
def scene(made: Made) -> Array:
    """What a perfect camera sees."""
    return planes(made.night.scene())


def perfect_stack(made: Made, scene: Array, n: int) -> Array:
    rng = np.random.default_rng(1)
    truth = scene * response_of(made)[:, None, None]
    # each px as if all of the colour's px near it were its own: the mean over a box has the noise of those it has
    share = np.array([np.mean(made.night.sensor.channel == c) for c in range(3)])
    noise = sample_noise_adu(made) / np.sqrt(n * share)
    return np.asarray(truth + noise[:, None, None] * rng.standard_normal(scene.shape) + 500.0)


def test_a_perfect_stack_has_the_noise_and_light_of_the_truth(made: Made, scene: Array) -> None:
    found = judge(perfect_stack(made, scene, 8), made, scene, list(range(8)), 1.0)
    assert found.noise == pytest.approx(1.0, abs=0.1)
    assert abs(found.trail_left) < 0.1


def test_what_is_wrong_with_a_stack_is_seen(made: Made, scene: Array) -> None:
    """Twice the noise is twice the noise, and a stack at another scale has stars of other light."""
    stack = perfect_stack(made, scene, 2)
    assert judge(stack, made, scene, list(range(8)), 1.0).noise == pytest.approx(2.0, abs=0.2)
    bright = made.night.sky.stars["flux"][:, 1].max()
    assert bright > 0
    scale = scale_of_stars(1.1 * perfect_stack(made, scene, 1000), made, scene)
    known = np.isfinite(scale)
    assert np.all(np.abs(scale[known] - 1.1) < 0.02)


def test_corners_tell_turns_and_shifts() -> None:
    moved = np.eye(3)
    moved[:2, 2] = 3.0, 4.0
    assert corner_error_px(moved, np.eye(3), SIZE) == pytest.approx(5.0)
    half_diagonal = np.hypot(SIZE[0] - 1, SIZE[1] - 1) / 2
    assert corner_error_px(turn(1.0, SIZE), np.eye(3), SIZE) == pytest.approx(np.radians(1) * half_diagonal, rel=1e-3)


def test_exposures_have_the_noise_of_photons(made: Made) -> None:
    """The quick Gaussian noise is that of the simulator's camera, px by px."""
    quick, slow = exposed(made.night, made.truths[1]).astype(float), made.night.light(1).astype(float)
    median = np.median(slow)
    sky = (slow < 1.2 * median) & (quick < 1.2 * median)
    assert np.mean(quick[sky]) == pytest.approx(np.mean(slow[sky]), abs=0.3)
    assert np.std(quick[sky]) == pytest.approx(np.std(slow[sky]), rel=0.02)


def test_the_last_subs_are_turned(made: Made) -> None:
    frames = dataclasses.replace(made.frames, turns_deg=())
    straight = truth_of(night_of(frames), frames, 7).matrix
    between = made.truths[7].matrix @ np.linalg.inv(straight)
    assert np.degrees(np.arctan2(between[1, 0], between[0, 0])) == pytest.approx(30.0)


def test_float32_is_within_a_fiftieth_of_the_standard_error_of_float64() -> None:
    found = float64_deviation(1000, size=(48, 64))
    assert found.rms < 0.02
    assert 0 < found.rejected < 0.1


@pytest.mark.slow
def test_bench_tells_speed_and_accuracy(tmp_path: Path) -> None:
    """The command, as a user calls it, on a small camera."""
    into = tmp_path / "bench.json"
    command = [sys.executable, "-m", "livestack", "bench", "--size", "1200x900", "--mono", "--json", str(into)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "your camera may take one every" in done.stdout
    measured = json.loads(into.read_text(encoding="utf-8"))["measured"]
    for name in ("start_s", "first_subs_s", "sub_s", "answer_s"):
        assert measured[name] > 0
    if sys.platform.startswith("linux"):
        assert 0 < measured["sub_cpu_s"] < measured["first_cpu_s"]
        assert measured["peak_bytes"] > 1e8
    assert len(measured["looks_s"]) == 4
    assert measured["left_out"] == 0
    assert measured["corner_px"] < 0.06
    assert 0.9 < measured["accuracy"]["noise"] < 1.25
    assert abs(measured["accuracy"]["trail_left"]) < 0.1


def test_too_few_subs_are_refused() -> None:
    command = [sys.executable, "-m", "livestack", "bench", "--lights", str(LEAST_LIGHTS - 1)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"at least {LEAST_LIGHTS}" in done.stderr


def test_table_says_what_was_not_run_and_what_does_not_hold() -> None:
    assert all(bar.measured is None for bar in bars({}))
    text = markdown({"start": {"warm_s": 2.0, "cold_s": 30.0}, "not_run": ["seiza is not installed"]})
    assert "| start to first stacked sub, warm | ≤ 2.5 s | 2 s | holds |" in text
    assert "| start to first stacked sub, cold | ≤ 20 s | 30 s | **does not hold** |" in text
    assert "Not run: seiza is not installed." in text
