"""A night in words: runs, clouds, courses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from livestack.show.monitor.left_out import causes, clouds, left_out, merged
from livestack.show.monitor.plots import growth_of, plots_of
from livestack.show.monitor.shown_subs import ShownSubs, best_and_worst, shown_subs
from livestack.show.monitor.verdict import night, title
from livestack.show.state import NightState, SubRow
from livestack.show.words import joined, spelled, with_units

START = datetime(2026, 8, 20, 22, 31, tzinfo=UTC)


def _rows(*reasons: str | None) -> list[SubRow]:
    return [
        SubRow(
            no=no,
            path=f"/c/{no}.fits",
            accepted=reason is None,
            stack="M_27",
            judged=START,
            time=START + timedelta(minutes=no),
            reason=reason,
            sentence=f"Only {10 * no} % of the light came through: cloud." if reason == "clouded" else "",
            fwhm_px=3.0,
            transparency=None if reason else 1.0,
            background_adu=600.0,
        )
        for no, reason in enumerate(reasons, 1)
    ]


def test_runs_of_one_cause_are_one_line() -> None:
    rows = _rows(None, "clouded", "clouded", "clouded", None, "trailed", "clouded")
    assert [line.no for line in left_out(rows)] == ["2–4", "6", "7"]
    assert left_out(rows)[0].words == "Cloud. Only 20 to 40\u202f% of the light came through: cloud."
    assert causes(rows) == [("Cloud", 4), ("Trailed", 1)]
    dropped = [*_rows(None), replace(_rows(None, None)[1], dropped=True)]
    assert left_out(dropped)[0].words == "Dropped by hand"


def test_a_cloud_lasts_until_a_sub_is_stacked() -> None:
    rows = _rows("clouded", "truncated", "clouded", None, "clouded")
    assert [(cloud.n_subs, (cloud.last - cloud.first).total_seconds()) for cloud in clouds(rows)] == [(2, 120), (1, 0)]


def test_only_numbers_that_stand_alone_are_merged() -> None:
    one, two = "M27_0001.fits ends early (1.9 of 2.5 MB).", "M27_0001.fits ends early (0.4 of 2.5 MB)."
    assert merged([one, two]) == "M27_0001.fits ends early (0.4 to 1.9 of 2.5 MB)."
    assert merged([one, one.replace("0001", "0002")]) == one
    assert merged([one]) == one


def test_a_course_is_told_in_one_sentence() -> None:
    def told(**course: list[float]) -> list[str]:
        rows = _rows(*[None] * 12)
        for name, values in course.items():
            rows = [replace(row, **{name: value}) for row, value in zip(rows, values, strict=True)]
        return [plot.sentence for plot in plots_of(rows)]

    assert told() == ["Steady. No refocus needed.", "Clear all the time.", "Even all the time."]
    rising = [1.0 + 0.05 * no for no in range(12)]
    assert told(fwhm_px=rising)[0].startswith("Stars grew from 1.1 to 1.5\u202fpx. Refocus")
    assert told(transparency=rising[::-1])[1] == "Fell by 27\u202f%: haze, dew, or the target went down."
    assert told(background_adu=[1000 * value for value in rising])[2].startswith("It brightened from 1,075 to 1,475")
    assert told(background_adu=[1000 * value for value in rising[::-1]])[2].endswith("ADU: normal.")


def test_stars_stand_in_where_transparency_is_not_known() -> None:
    rows = [replace(row, transparency=None, n_stars=200) for row in _rows(None, None, None)]
    assert [plot.name for plot in plots_of(rows)] == ["Star size (FWHM)", "Stars", "Sky brightness"]
    assert [plot.sentence for plot in plots_of(rows[:2])] == ["From the third sub."] * 3


def test_an_outlier_does_not_stretch_a_plot() -> None:
    rows = [replace(row, fwhm_px=90.0 if row.no == 50 else 3.0 + 0.01 * row.no) for row in _rows(*[None] * 120)]
    star_size = plots_of(rows)[0]
    assert star_size.high < 7
    assert star_size.low < 3.1


def test_which_night_it_was() -> None:
    rows = tuple(_rows(None, None))
    assert night(NightState(subs=rows)).startswith("Night of 20 August 2026, ")
    later = replace(rows[1], time=START + timedelta(days=1))
    assert night(NightState(subs=(rows[0], later))) == "Nights of 20 August 2026 to 21 August 2026"
    untimed = tuple(replace(row, time=None) for row in rows)
    assert night(NightState(subs=untimed)) == "Stacked on 20 August 2026"


def test_what_a_night_is_called() -> None:
    rows = tuple(_rows(None))
    assert title(NightState(folder="/c", subs=rows), ["M 27", "M 57", "M 13"]) == "M 27, M 57 and M 13"
    assert title(NightState(folder="/c", subs=rows), []) == "c"
    assert title(NightState(folder="/a, /b", subs=rows), []) == "c"


def test_words_and_units() -> None:
    assert joined(["a"]) == "a"
    assert (spelled(3), spelled(12), spelled(13), spelled(1200)) == ("three", "twelve", "13", "1,200")
    assert with_units("19 % of 2 subs, 3.5 px in 30 s") == "19\u202f% of 2 subs, 3.5\u202fpx in 30\u202fs"


def test_the_best_and_the_worst_subs_are_those_with_most_and_least_weight_and_one_for_each_cause() -> None:
    rows = [replace(row, weight=1.0 - 0.01 * row.no) for row in _rows(*[None] * 9, "clouded", "clouded", "trailed")]
    best, worst = best_and_worst(rows)
    assert [row.no for row in best] == [1, 2, 3]
    assert [(row.no, row.reason) for row in worst] == [(10, "clouded"), (12, "trailed"), (9, None)]
    assert best_and_worst(rows[:5]) == ([], [])


def test_a_sub_whose_file_is_gone_has_no_picture() -> None:
    rows = [replace(row, weight=1.0) for row in _rows(*[None] * 12)]
    assert shown_subs(rows, "auto") == ShownSubs()


def test_growth_is_told_against_what_equal_subs_would_give() -> None:
    even = [replace(row, weight=1.0, noise_adu=50.0) for row in _rows(*[None] * 36)]
    growth = growth_of(even, "M_27", None)
    assert growth is not None and growth.course[-1][1] == pytest.approx(6.0) == growth.ideal[-1][1]
    assert growth.sentence == "100\u202f% of what 36 equal subs would give. It grew to the end."
    # weights as of subs in a hazy last third, nine times as noisy in variance
    hazy = [replace(row, weight=1 / 9, noise_adu=150.0) if row.no > 24 else row for row in even]
    poor = growth_of(hazy, "M_27", None)
    assert poor is not None and "The last third added 3\u202f%, not 22\u202f%" in poor.sentence
    assert growth_of(even[:1], "M_27", None) is None
