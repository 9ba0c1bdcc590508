"""The bars, and what was measured, as Markdown: for scripts/bench.py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

Found = dict[str, Any]

STARS = {"osc26": "26 MP colour", "osc16": "16 MP colour", "mono4": "2048² mono"}


@dataclass(frozen=True)
class Bar:
    """What is promised, and what was measured; None = not run."""

    what: str
    most: float
    measured: float | None
    unit: str = ""
    apart: str = ""

    @property
    def row(self) -> str:
        """A line of the table."""
        if self.measured is None or not math.isfinite(self.measured):
            return f"| {self.what} | ≤ {number(self.most)} {self.unit} | not run | |"
        held = "holds" if self.measured <= self.most else "**does not hold**"
        measured = f"{number(self.measured)} {self.unit}{self.apart}"
        return f"| {self.what} | ≤ {number(self.most)} {self.unit} | {measured} | {held} |"


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def at(found: Found, *path: str) -> Any:
    """Value at a path, or None."""
    here: Any = found
    for name in path:
        if not isinstance(here, dict) or here.get(name) is None:
            return None
        here = here[name]
    return here


def ratio(over: Any, under: Any) -> float | None:
    """Quotient, where both are there."""
    return None if over is None or not under else float(over) / float(under)


def bars(found: Found) -> Iterator[Bar]:
    """Every bar with its figure."""
    big, small, stages = (at(found, *path) for path in (("sets", "osc26"), ("sets", "mono4"), ("stages",)))
    ours = at(big or {}, "livestack") or {}
    looks = f" (the looks apart: {number(at(ours, 'looks_s_sum') or math.nan)} s)" if ours else ""
    yield Bar("26 MP colour, steady, wall per sub", 0.40, at(ours, "sub_s"), "s", looks)
    for peer, name, part in (
        ("seiza", "seiza's push", 6),
        ("plain", "the plain pipeline", 14),
        ("siril", "Siril 1.0.6 batch", 18),
    ):
        figure = ratio(at(ours, "sub_cpu_s"), at(big or {}, peer, "cpu_s"))
        yield Bar(f"26 MP colour, CPU per sub over {name} (1/{part})", 1 / part, figure)
    yield Bar("26 MP colour, readable → new picture", 0.5, at(ours, "answer_s"), "s")
    mine = at(small or {}, "livestack") or {}
    yield Bar(
        "2048² mono, CPU per sub over seiza's push (1/3)",
        1 / 3,
        ratio(at(mine, "sub_cpu_s"), at(small or {}, "seiza", "cpu_s")),
    )
    yield Bar("2048² mono, readable → new picture", 60, scaled(at(mine, "answer_s"), 1e3), "ms")
    yield Bar("integrate over the floor kernel, CPU", 6, at(stages or {}, "integrate_over_floor"))
    yield Bar("pixel test and fold over the floor kernel, CPU", 4.5, at(stages or {}, "fold_over_floor"))
    yield Bar("26 MP colour, peak RSS until the last look", 2.4, scaled(at(ours, "first_peak_bytes"), 1e-9), "GB")
    yield Bar("26 MP colour, peak RSS after", 1.8, scaled(at(ours, "peak_bytes"), 1e-9), "GB")
    peaks = [p for p in (at(mine, "first_peak_bytes"), at(mine, "peak_bytes")) if p is not None]
    yield Bar("2048² mono, peak RSS", 420, scaled(max(peaks), 1e-6) if peaks else None, "MB")
    for turn, most in (("3", 1.3), ("180", 1.3), ("30", 2.0)):
        corner = at(ours, "turned", turn, "corner_px")
        apart = f" (worst corner {number(corner)} px)" if corner is not None else ""
        yield Bar(
            f"26 MP colour, turned {turn}°, CPU per sub over 0°",
            most,
            at(ours, "turned", turn, "over_straight"),
            "×",
            apart,
        )
    yield Bar("start to first stacked sub, warm", 2.5, at(found, "start", "warm_s"), "s")
    yield Bar("start to first stacked sub, cold", 20, at(found, "start", "cold_s"), "s")
    yield Bar("registration, worst corner against truth, 26 MP", 0.03, at(ours, "corner_px"), "px")
    yield Bar("registration, worst corner against truth, 2048²", 0.05, at(mine, "corner_px"), "px")
    yield Bar(
        "float32 against float64, 5,000 subs", 2, scaled(at(found, "float64", "rms"), 100), "% of the standard error"
    )
    yield Bar("CPU per px, 1–100 MP, off their mean", 15, scaled(at(found, "scaling", "spread"), 100), "%")
    yield Bar("CPU of sub 1,000 over sub 20", 1.10, at(found, "scaling", "late_over_early"))
    made = found.get("develop") or {}
    yield Bar("picture of a stack, 1080p", 60, scaled(at(made, "1080p", "wall_s"), 1e3), "ms")
    yield Bar("picture of a stack, 26 MP", 6, at(made, "26 MP", "wall_s"), "s")
    for key, name in (("process", "from file to JPEG"), ("chain", "the steps alone")):
        figure = ratio(at(made, f"{key}_s"), at(made, f"siril_{key}_s"))
        yield Bar(f"picture of a stack, 26 MP, {name}, wall over Siril 1.0.6 (1/2)", 0.5, figure)


def scaled(value: Any, factor: float) -> float | None:
    """Value in another unit."""
    return None if value is None else float(value) * factor


def markdown(found: Found) -> str:
    """Return everything as Markdown."""
    here = found.get("machine", {})
    lines = [
        "# Bench",
        "",
        f"livestack {here.get('livestack')} ({found.get('commit') or 'no commit'}), {here.get('processor')}, "
        f"{here.get('cores')} cores, {here.get('system')}, Python {here.get('python')}; {found.get('date')}; "
        f"load before it began {here.get('load')}.",
        "",
        "Made by `python scripts/bench.py`: each set is one interleaved run of all that is installed; medians.",
        "",
        "| bar | promised | measured | |",
        "|---|---|---|---|",
        *(bar.row for bar in bars(found)),
    ]
    for name, figures in (found.get("sets") or {}).items():
        lines += ["", *set_table(STARS.get(name, name), figures)]
    for table in (stage_table(found.get("stages") or {}), scaling_table(found.get("scaling") or {})):
        lines += ["", *table] if table else []
    if found.get("not_run"):
        lines += ["", "Not run: " + "; ".join(found["not_run"]) + "."]
    return "\n".join(lines) + "\n"


def set_table(name: str, figures: Found) -> list[str]:
    """Speed and accuracy of everything that ran on a set, side by side."""
    ours = figures["livestack"]
    lines = [
        f"## {name}",
        "",
        "| | wall, s | CPU, s | wall over livestack | CPU over livestack | peak RSS, GB | worst corner, px | "
        "noise over ideal | star flux off, % (scatter) | left of trails, % |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    rows = {
        "livestack": (ours["sub_s"], ours["sub_cpu_s"], max(ours["first_peak_bytes"] or 0, ours["peak_bytes"] or 0))
    }
    for peer in ("plain", "seiza", "siril"):
        if peer in figures:
            rows[peer] = tuple(figures[peer][key] for key in ("wall_s", "cpu_s", "peak_bytes"))
    for peer, (wall, cpu, peak) in rows.items():
        right = figures[peer].get("accuracy") or {}
        speed = (wall, cpu, ratio(wall, ours["sub_s"]), ratio(cpu, ours["sub_cpu_s"]), scaled(peak, 1e-9))
        stars = [cell(scaled(right.get(key), 100)) for key in ("star_flux", "star_scatter")]
        cells = [cell(value) for value in (*speed, figures[peer].get("corner_px"), right.get("noise"))]
        cells += [f"{stars[0]} ({stars[1]})", cell(scaled(right.get("trail_left"), 100))]
        lines.append(f"| {peer} ({figures[peer]['n']} subs) | " + " | ".join(cells) + " |")
    looks = ", ".join(number(s) for s in ours["looks_s"])
    lines += [
        "",
        f"livestack: looks {looks} s; the first {ours['n_first']} subs {number(ours['first_subs_s'])} s wall, "
        f"{cell(ours['first_cpu_s'])} s CPU together; readable → new picture {cell(ours['answer_s'])} s; from the "
        f"file's coming {cell(ours['from_file_s'])} s (it must stand still for {ours['settle_s']} s); the stack file "
        f"{cell(ours['save_s'])} s wall, {cell(ours['save_cpu_s'])} s CPU each time; {ours['left_out']} subs left out.",
    ]
    return lines


def cell(value: Any) -> str:
    """Return a figure, or a dash."""
    return "–" if value is None or not math.isfinite(value) else number(value)


def stage_table(stages: Found) -> list[str]:
    """CPU by stage."""
    if not stages:
        return []
    lines = [
        "## Stages",
        "",
        f"{stages['frames']}, one sub at a time, median over {stages['n']} subs; CPU, all threads.",
        "",
    ]
    lines += ["| stage | CPU, ms | over the floor |", "|---|---|---|"]
    floor = stages["floor_s"]
    lines += [
        f"| {name} | {1e3 * s:.1f} | {s / floor:.2f} |"
        for name, s in {**stages["stages"], "floor kernel": floor}.items()
    ]
    if stages["missing"]:
        lines += ["", "Without a clock: " + ", ".join(stages["missing"]) + "."]
    return lines


def scaling_table(scaling: Found) -> list[str]:
    """CPU by size."""
    if not scaling.get("sizes"):
        return []
    lines = [
        "## Scaling",
        "",
        "| mono, MP | CPU per sub, s | ns per px | readable → new picture, s |",
        "|---|---|---|---|",
    ]
    for row in scaling["sizes"]:
        per_px = number(1e3 * row["cpu_s"] / row["mpx"])
        lines.append(f"| {row['mpx']:.3g} | {cell(row['cpu_s'])} | {per_px} | {cell(row['answer_s'])} |")
    return lines


def medians(rows: list[Found], *keys: str) -> Found:
    """Median of each key over rows."""
    return {key: median(row[key] for row in rows) if rows else None for key in keys}
