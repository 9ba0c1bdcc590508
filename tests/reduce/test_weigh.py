"""What a sub counts, and why one is left out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from livestack.frame import Masters, Quality
from livestack.reduce.measure import measure
from livestack.reduce.weigh import Limits, Usual, judge_founder, judge_sub, weigh
from tests.reduce.fields import draw_stars, frame_of, noisy, star_field

TYPICAL = Quality(200, 3.0, 1.6, 0.3, 1.05, 800.0, 12.0)


def _quality(**changes: float) -> Quality:
    return dataclasses.replace(TYPICAL, **changes)


def test_the_typical_sub_weighs_one() -> None:
    for how in ("depth", "balanced", "equal"):
        assert weigh(TYPICAL, 1.0, TYPICAL, how) == 1.0


@pytest.mark.parametrize(("noise", "scale", "expected"), [(24.0, 1.0, 0.25), (12.0, 0.5, 0.25), (6.0, 1.0, 4.0)])
def test_depth_is_transparency_over_noise_squared(noise: float, scale: float, expected: float) -> None:
    assert weigh(_quality(noise_adu=noise), scale, TYPICAL, "depth") == pytest.approx(expected)
    assert weigh(_quality(noise_adu=noise), scale, TYPICAL, "equal") == 1.0


def test_balanced_favours_sharp_subs() -> None:
    assert weigh(_quality(fwhm_px=6.0), 1.0, TYPICAL, "balanced") == pytest.approx(0.5)
    assert weigh(_quality(fwhm_px=6.0), 1.0, TYPICAL, "depth") == pytest.approx(1.0)
    assert weigh(_quality(fwhm_px=0.0), 1.0, TYPICAL, "balanced") == pytest.approx(1.0)


def test_twice_the_exposure_counts_double() -> None:
    """Signal doubles, the sky's noise grows by √2: t²/σ² is 2, so that mixed exposures join in one stack."""
    assert weigh(_quality(noise_adu=12.0 * 2**0.5), 2.0, TYPICAL, "depth") == pytest.approx(2.0)


def test_a_noiseless_frame_has_a_finite_weight() -> None:
    assert 0 < weigh(_quality(noise_adu=0.0), 1.0, _quality(noise_adu=0.0), "depth") < 1e9


def _usual(*, fwhm_px: float = 3.0, elongation: float = 1.05, scatter: float = 0.03, n: int = 30) -> Usual:
    draw = np.random.default_rng(1)
    return Usual(fwhm_px * np.exp(draw.normal(0, scatter, n)), np.full(n, elongation))


def test_clouds_wind_and_blur_are_left_out_in_words() -> None:
    clouded = judge_sub(_quality(transparency=0.21), _usual(), 0.1, Limits())
    assert (clouded.accepted, clouded.reason) == (False, "clouded")
    assert "21 %" in clouded.sentence
    trailed = judge_sub(_quality(elongation=2.4), _usual(), 1.0, Limits())
    assert trailed.reason == "trailed"
    assert "2.4" in trailed.sentence
    blurred = judge_sub(_quality(fwhm_px=6.1), _usual(), 1.0, Limits())
    assert blurred.reason == "blurred"
    assert "6.1" in blurred.sentence
    assert "3.0" in blurred.sentence


def test_what_is_usual_here_is_not_left_out() -> None:
    """A bright sky, seeing that jumps, the first subs of a night, or a telescope whose stars are always long."""
    assert judge_sub(_quality(background_adu=40_000.0), _usual(), 0.02, Limits()).accepted
    assert judge_sub(_quality(fwhm_px=4.8), _usual(), 1.0, Limits()).accepted
    assert judge_sub(_quality(fwhm_px=5.6), _usual(scatter=0.3), 1.0, Limits()).accepted
    assert judge_sub(_quality(fwhm_px=9.0), _usual(n=4), 1.0, Limits()).accepted
    assert judge_sub(_quality(elongation=2.0), _usual(elongation=1.7), 1.0, Limits()).accepted
    assert judge_sub(_quality(transparency=0.35), _usual(), 0.1, Limits()).accepted


def test_limits_can_be_set() -> None:
    assert not judge_sub(_quality(transparency=0.6), _usual(), 1.0, Limits(least_transparency=0.7)).accepted
    assert judge_sub(_quality(fwhm_px=6.1), _usual(), 1.0, Limits(most_blur=3.0)).accepted
    assert judge_sub(_quality(elongation=2.4), _usual(), 1.0, Limits(most_elongation=3.0)).accepted


def test_good_seeing_is_hardly_ever_called_blur() -> None:
    """12 % rms of log-normal seeing: at most 4 in 1,000."""
    draw = np.random.default_rng(5)
    sizes = 3.0 * np.exp(draw.normal(0, 0.12, 3000))
    left_out = sum(
        not judge_sub(_quality(fwhm_px=sizes[k]), Usual(sizes[k - 30 : k], np.ones(30)), 1.0, Limits()).accepted
        for k in range(30, 3000)
    )
    assert left_out <= 12


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize("fwhm_px", [2.0, 4.0, 12.0])
def test_a_star_field_can_begin_a_stack(cfa: str | None, fwhm_px: float) -> None:
    """Sharp, soft, or far from focus."""
    truth = star_field(18, (400, 440), 1, border=30, apart=45) * [1, 1, (fwhm_px / 3) ** 2]
    frame = frame_of(noisy(draw_stars((400, 440), truth, fwhm_px, 3.0), 2), cfa)
    assert judge_founder(*measure(frame, Masters()), 5).accepted


def test_too_few_stars_begin_nothing() -> None:
    frame = frame_of(noisy(draw_stars((200, 200), star_field(3, (200, 200), 3, apart=40), 3.0), 4))
    verdict = judge_founder(*measure(frame, Masters()), 5)
    assert not verdict.accepted
    assert verdict.reason == "too_few_stars"
    assert verdict.sentence.startswith("3 stars found, a stack needs 5")
