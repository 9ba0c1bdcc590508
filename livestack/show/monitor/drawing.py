"""The drawings of the report: night ribbon and plots as SVG without text, their words beside them."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from livestack.counted import count
from livestack.show.monitor.markup import element
from livestack.show.monitor.plots import Plot
from livestack.show.reasons import about
from livestack.show.ribbon import RUN, Bin, heights, laid_out, runs, time_of
from livestack.show.state import SubRow

RIBBON = 76
_PITCH = 28.0
_MOST_NAMED = 3  # subs of one bar that are named one by one
PLOT, WIDE_PLOT = (300, 92), (938, 140)
_MARGIN = 6
_MOST_POINTS = 1000


def ribbon(subs: tuple[SubRow, ...], width: int) -> Element:
    """Return the night ribbon for a place so wide, with times below."""
    bins, pitch = laid_out(subs, width, _PITCH)
    drawn = pitch * len(bins)
    marks = [*_bars(bins, pitch), *_left_out(bins, pitch)]
    floor = element("path", d=f"M0 {RIBBON - 0.5}H{width}", class_="floor")
    svg = element("svg", floor, *marks, viewBox=f"0 0 {width} {RIBBON}", role="img", aria_label=_said(subs))
    return element("div", svg, _times(bins, drawn / width), class_="ribbon")


def _said(subs: tuple[SubRow, ...]) -> str:
    n = sum(row.state != "accepted" for row in subs)
    return f"The night: {count(len(subs), 'sub')} in order of time, {n:,} left out"


def _bars(bins: list[Bin], pitch: float) -> Iterable[Element]:
    wide = pitch - max(1.0, pitch * 0.35)
    for place, (each, share) in enumerate(zip(bins, heights(bins), strict=True)):
        high = (RIBBON - 5) * share
        bar = {"x": f"{place * pitch:.1f}", "y": f"{RIBBON - 1 - high:.1f}", "height": f"{high:.1f}"}
        if share:
            yield element("rect", element("title", _named(each)), **bar, width=f"{wide:.1f}", rx=1.5, class_="bar")


def _left_out(bins: list[Bin], pitch: float) -> Iterable[Element]:
    for first, last in runs(bins):
        names = element("title", "\n".join(_named(each) for each in bins[first : last + 1][:_MOST_NAMED]))
        if last - first + 1 >= RUN:
            wide = max(8.0, (last + 1 - first) * pitch - pitch * 0.35)
            at = {"x": f"{first * pitch + 1:.1f}", "y": RIBBON - 13, "width": f"{wide - 2:.1f}"}
            yield element("rect", names, **at, height=9, rx=4.5, class_="cloud")
            continue
        half = min(3.5, max(2.0, pitch * 0.3))
        marks = "".join(
            _cross((place + 0.325) * pitch, RIBBON - 8, half)
            for place in range(first, last + 1)
            if bins[place].why is not None
        )
        yield element("path", names, d=marks, class_="cross")


def _named(each: Bin) -> str:
    if len(each.rows) <= _MOST_NAMED:
        return "\n".join(map(about, each.rows))
    n = sum(row.state != "accepted" for row in each.rows)
    return f"Subs {each.rows[0].no:,} to {each.rows[-1].no:,}" + (f", {n} left out" if n else "")


def _times(bins: list[Bin], share: float) -> Element:
    """Return the times at both ends and at thirds, as far as there is room for them."""
    places = sorted({round(part * (len(bins) - 1) / 3) for part in range(4)}) if share > 0.5 else [0, len(bins) - 1]
    marks = [element("span", time_of(bins, place)) for place in sorted(set(places))]
    return element("div", *marks, class_="times", style=f"width:{100 * max(share, 0.12):.1f}%")


def _cross(x: float, y: float, half: float) -> str:
    return (
        f"M{x - half:.1f} {y - half:.1f}l{2 * half:.1f} {2 * half:.1f}m0 {-2 * half:.1f}l{-2 * half:.1f} {2 * half:.1f}"
    )


def plot(shown: Plot, size: tuple[int, int] = PLOT) -> Element:
    """Return a plot with its name, its last value, its axes and its sentence."""
    value = element("span", f"{shown.now[0]}\u202f", element("small", shown.now[1]))
    head = element("figcaption", element("h3", shown.name), value)
    axis = element("div", *(element("span", end) for end in reversed(shown.ends)), class_="axis")
    times = element("div", *(element("span", time) for time in shown.times), class_="times")
    drawn = element("div", _curves(shown, size), axis, class_="curves")
    return element("figure", head, drawn, times, element("p", shown.sentence), class_="plot")


def _curves(shown: Plot, size: tuple[int, int]) -> Element:
    width, height = size

    def at(place: float, value: float) -> tuple[float, float]:
        up = min(1.0, max(0.0, (value - shown.low) / (shown.high - shown.low)))
        return _MARGIN / 2 + place * (width - _MARGIN), height - _MARGIN / 2 - up * (height - _MARGIN)

    few = shown.points[:: max(1, len(shown.points) // _MOST_POINTS)]
    smooth = shown.course[:: max(1, len(shown.course) // _MOST_POINTS)]
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in (at(*point) for point in few))
    line, ideal = (
        "L".join(f"{x:.1f} {y:.1f}" for x, y in (at(*point) for point in points)) for points in (smooth, shown.ideal)
    )
    # one that could not be measured stands on the floor
    out = (at(place, shown.low if value is None else value) for place, value in shown.crosses)
    crosses = "".join(_cross(x, min(max(y, 4), height - 4), 3) for x, y in out)
    grid = "".join(f"M0 {y}H{width}" for y in (0.5, height / 2, height - 0.5))
    return element(
        "svg",
        element("path", d=grid, class_="grid"),
        element("path", d=dots, class_="dots") if dots else None,
        element("path", d=f"M{ideal}", class_="ideal") if ideal else None,
        element("path", d=f"M{line}", class_="course") if line else None,
        element("path", d=crosses, class_="cross") if crosses else None,
        viewBox=f"0 0 {width} {height}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
