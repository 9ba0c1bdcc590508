"""The morning report as one HTML file that needs nothing else: no network, no script."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from string import Template
from xml.etree.ElementTree import Element

from livestack.show import fonts
from livestack.show.monitor.drawing import WIDE_PLOT, plot, ribbon
from livestack.show.monitor.markup import Child, element, html
from livestack.show.monitor.report import Cell, Report, Section
from livestack.show.monitor.shown_subs import ShownSubs, Thumbnail
from livestack.show.monitor.strip import Frame
from livestack.show.noise_words import NoiseWords, share_words
from livestack.show.ribbon import RUN, laid_out, runs
from livestack.show.tokens import DARK, LIGHT, css
from livestack.version import VERSION

WIDE, NARROW = 1008, 342
"""Widths that the ribbon is drawn for, px: a desk and a phone."""
_MOST_LINES = 150
_MOST_SATELLITES = 24
_FOLDER = Path(__file__).parent
_TINTS = 6

_NO_SUBS = ShownSubs()

_section = partial(element, "section")
_div = partial(element, "div")


def page(
    report: Report,
    pictures: Mapping[str, bytes],
    joined: str | None = None,
    subs: ShownSubs = _NO_SUBS,
    strip: Sequence[Frame] = (),
) -> str:
    """Return the page.

    Parameters
    ----------
    report : Report
        What it says; whatever is in it is escaped.
    pictures : mapping
        Stack → its picture as JPEG, where there is one.
    joined : str, optional
        What several of them make together.
    subs : ShownSubs
        The best and the worst of the first stack.
    strip : sequence of Frame
        How it grew.
    """
    several = len(report.sections) > 1
    on_top = joined if joined is not None and joined in pictures else report.sections[0].stack
    parts = [
        _hero(report, pictures.get(on_top)),
        element("p", report.verdict, class_="verdict"),
        element("p", report.note, class_="note") if report.note else None,
        *([] if several or report.empty else [_numbers(report.sections[0].cells)]),
        None if report.empty else _night(report),
        _strip(strip) if strip else None,
        _alerts(report) if report.alerts else None,
        *_stacks(report, {name: picture for name, picture in pictures.items() if name != on_top}),
        _best_and_worst(subs) if subs.best else None,
        _next(report) if several or report.empty or report.sections[0].noise is not None else None,
        element("footer", f"livestack {VERSION}"),
    ]
    return Template((_FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(f"{report.title}. {report.night}"),
        style=_style(),
        body=html(element("main", *parts)),
    )


def _style() -> str:
    paper = f"@media print{{{css(LIGHT)}}}"
    return fonts.faces() + css(DARK) + paper + (_FOLDER / "page.css").read_text(encoding="utf-8")


def _hero(report: Report, picture: bytes | None) -> Element:
    name = _div(element("h1", report.title), element("p", report.night))
    if picture is None:
        return element("header", name, class_="hero bare")
    return element("header", _picture(picture, report.sections[0].summary), name, class_="hero")


def _picture(data: bytes, summary: str) -> Element:
    return element("img", src=f"data:image/jpeg;base64,{b64encode(data).decode()}", alt=summary)


def _numbers(cells: tuple[Cell, ...]) -> Element:
    return element("dl", *map(_cell, cells), class_="numbers")


def _cell(cell: Cell) -> Element:
    words: list[Child] = []
    for number, unit in cell.parts:
        words += [" " if words else None, number, "\u202f", element("small", unit)]
    below = element("dd", cell.below, class_="below")
    return _div(element("dt", cell.name), element("dd", *words), below)


def _night(report: Report) -> Element:
    drawn = (_div(ribbon(report.subs, width), class_=name) for width, name in ((WIDE, "wide"), (NARROW, "narrow")))
    return _section(element("h2", "The night"), *drawn, _legend(report))


def _alerts(report: Report) -> Element:
    head = element("tr", *(element("th", name, scope="col") for name in ("From", "Until", "What needed a look")))
    lines = (
        element("tr", *(element("td", words) for words in (line.begun, line.until, line.words)))
        for line in report.alerts
    )
    table = element("table", element("thead", head), element("tbody", *lines), class_="lines")
    return _section(element("h2", "Alerts"), table)


def _legend(report: Report) -> Element:
    bar = element("rect", x=7, y=1, width=5, height=12, rx=1.5, class_="bar")
    cross = element("path", d="M6 3l8 8m0-8l-8 8", class_="cross")
    run = element("rect", x=1, y=3, width=18, height=8, rx=4, class_="cloud")
    lost = {last - first + 1 >= RUN for first, last in runs(laid_out(report.subs, WIDE)[0])}
    entries = [(bar, "Stacked, taller is better")]
    entries += [(cross, "Left out")] if lost else []
    entries += [(run, f"{RUN} or more left out for one reason")] if True in lost else []
    signs = (element("svg", sign, viewBox="0 0 20 14", aria_hidden="true") for sign, _ in entries)
    items = (element("li", sign, words) for sign, (_, words) in zip(signs, entries, strict=True))
    return element("ul", *items, class_="legend")


def _stacks(report: Report, pictures: Mapping[str, bytes]) -> list[Element]:
    if len(report.sections) == 1:
        only = report.sections[0]
        ending = None if only.noise is not None or report.empty else _next(report)
        shown = [*_parts(only, ending), _noise(only.noise)]
        return [part for part in shown if part is not None]
    return [_stack(one, pictures.get(one.stack)) for one in report.sections]


def _stack(section: Section, picture: bytes | None) -> Element:
    """Return one of several stacks, with its picture where that is not on top of the page."""
    shown = None if picture is None else _picture(picture, section.summary)
    name = element("h2", section.name)
    return _section(name, shown, _numbers(section.cells), *_parts(section, None), _noise(section.noise), class_="stack")


def _parts(section: Section, ending: Element | None) -> list[Element]:
    lists = [
        _list("Satellites", section.satellites[:_MOST_SATELLITES], "None was found.", len(section.satellites)),
        _list("Calibration", section.calibration, "Not calibrated."),
    ]
    return [
        *([_section(*map(plot, section.plots), class_="plots", aria_label="Plots")] if section.plots else []),
        *([_section(plot(section.growth, WIDE_PLOT), class_="growth")] if section.growth else []),
        *([_lost(section)] if section.plots or section.left_out else []),
        *([_div(*lists, ending, class_="trio")] if section.plots else []),
    ]


def _lost(section: Section) -> Element:
    if not section.left_out:
        return _section(element("h2", "Left out: none"))
    subs = "sub" if section.n_left_out == 1 else "subs"
    head = element("tr", *(element("th", name, scope="col") for name in ("No.", "Time", "Why, and what to do")))
    lines = (
        element("tr", *(element("td", words) for words in (line.no, line.time, line.words)))
        for line in section.left_out[:_MOST_LINES]
    )
    table = element("table", element("thead", head), element("tbody", *lines), class_="lines")
    named = element("h2", f"Left out: {section.n_left_out:,} {subs}")
    more = _more(len(section.left_out) - _MOST_LINES, "p")
    return _div(_section(named, table, more), _causes(section), class_="out")


def _causes(section: Section) -> Element:
    most = section.causes[0][1]
    rows: list[Element] = []
    for cause, n in section.causes:
        bar = element("i", style=f"width:{75 * n / most:.1f}%")
        rows += [element("dt", cause), element("dd", bar, f"{n:,}")]
    return _section(element("h2", "By cause"), element("dl", *rows, class_="causes"))


def _list(name: str, items: tuple[str, ...], nothing: str, n: int = 0) -> Element:
    lines = [element("li", item) for item in items or (nothing,)]
    more = _more(n - len(items), "li")
    return _section(element("h2", name), element("ul", *lines, more))


def _more(n: int, tag: str) -> Element | None:
    return element(tag, f"and {n:,} more", class_="more") if n > 0 else None


def _next(report: Report) -> Element:
    lines = (element("li", line) for line in report.advice)
    return _section(element("h2", "What to do" if report.empty else "Next time"), element("ul", *lines), class_="next")


def _strip(frames: Sequence[Frame]) -> Element:
    shown = (
        element("figure", _picture(frame.data, f"The stack of {frame.words}"), element("figcaption", frame.words))
        for frame in frames
    )
    return _section(element("h2", "How it grew"), _div(*shown), class_="strip")


def _best_and_worst(subs: ShownSubs) -> Element:
    kinds = (("Best subs", subs.best), ("Worst subs", subs.worst))
    return _div(*(_section(element("h2", name), _div(*map(_thumbnail, some))) for name, some in kinds), class_="subs")


def _thumbnail(shown: Thumbnail) -> Element:
    words = element("figcaption", element("b", shown.name), shown.words)
    return element("figure", _picture(shown.data, f"The middle of {shown.name[0].lower()}{shown.name[1:]}"), words)


def _noise(noise: NoiseWords | None) -> Element | None:
    """Return where the noise comes from: one sub and the stack as bars, each part with its figure, and what follows."""
    if noise is None:
        return None
    heads = ("Part", "One sub", "Stack", "Noise")
    head = element("tr", *(element("th", name, scope="col") for name in heads))
    lines = (
        element("tr", element("td", _tint(no), name), *(element("td", words) for words in figures))
        for no, (name, *figures) in enumerate(
            (name, share_words(sub), share_words(stack), figure) for name, sub, stack, figure in noise.rows
        )
    )
    return _section(
        element("h2", "Where the noise comes from"),
        _split("One sub", [sub for _, sub, _, _ in noise.rows]),
        _split("The stack", [stack for _, _, stack, _ in noise.rows]),
        element("table", element("thead", head), element("tbody", *lines)),
        *(element("p", sentence) for sentence in noise.sentences),
        class_="noise",
    )


def _split(name: str, shares: list[float]) -> Element:
    parts = (_tint(no, share) for no, share in enumerate(shares) if share > 0.0)
    return _div(element("span", name), _div(*parts), class_="split")


def _tint(no: int, share: float | None = None) -> Element:
    grow = {} if share is None else {"style": f"flex-grow:{share:.4f}"}
    return element("i", class_=f"n{no % _TINTS}", **grow)
