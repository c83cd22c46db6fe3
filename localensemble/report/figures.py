"""Draw figures as SVG for use inside the page: no script, font, image or address.

Decides how a figure looks and that it follows the page into dark mode and print: colors
are custom properties of the page, and text stays text. Computes no numbers; the numbers of
each figure are in a table beside it. This is the only module that imports matplotlib, and
it does so only when a figure is drawn.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from localensemble.core.identity import sha256_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SERIES_COUNT = 6
"""Number of colors for raters; with more raters, the markers tell them apart."""

# Colors that occur nowhere else; each becomes a custom property of the page's style.
_INK, _QUIET, _GRID = "#0a0b01", "#0a0b02", "#0a0b03"
_SERIES = tuple(f"#0a0c0{index + 1}" for index in range(SERIES_COUNT))
_PROPERTIES = {_INK: "--ink", _QUIET: "--quiet", _GRID: "--grid"} | {
    color: f"--series-{index + 1}" for index, color in enumerate(_SERIES)
}
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")

_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))

_WIDTH = 7.0
_ROW = 0.24
# Names can be of any length; the table beside the figure has them in full.
_LONGEST_NAME = 32
_MOST_NUMBERED_CELLS = 12

_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "localensemble",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": _QUIET,
    "axes.labelcolor": _INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "text.color": _INK,
    "xtick.color": _QUIET,
    "xtick.labelcolor": _INK,
    "xtick.labelsize": 8.5,
    "ytick.color": _QUIET,
    "ytick.labelcolor": _INK,
    "ytick.labelsize": 8.5,
    "ytick.major.size": 0.0,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval for a forest plot; None where a number is undefined."""

    name: str
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of one rater, in the order of the figure's rows or bins; None if unknown."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class IntervalPoint:
    """A point with the ends of the interval of its y; None if it has no interval."""

    name: str
    x: float
    y: float
    low: float | None
    high: float | None


def forest_plot(estimates: Sequence[Estimate], *, alt: str) -> str:
    """Draw values with their intervals, one row each, on one axis up to 1."""
    with _drawing(len(estimates) * _ROW + 0.75, alt=alt) as drawing:
        axes = drawing.axes
        for row, one in enumerate(estimates):
            if one.value is None:
                axes.text(0.0, row, " undefined", va="center", color=_QUIET, size=8.5)
                continue
            if one.low is not None and one.high is not None:
                axes.plot([one.low, one.high], [row, row], color=_SERIES[0], linewidth=1.6)
            axes.plot([one.value], [row], marker="o", color=_SERIES[0], markersize=5.5)
        ends = [end for one in estimates for end in (one.low, one.value) if end is not None]
        axes.set_xlim(min([0.0, *ends]) - 0.03, 1.03)
        axes.axvline(0.0, color=_QUIET, linewidth=0.8)
        axes.axvline(1.0, color=_GRID, linewidth=0.8)
        axes.grid(axis="x")
        _name_rows(axes, [one.name for one in estimates])
        axes.set_xlabel("agreement: 0 is chance, 1 is perfect")
    return drawing.svg


def dot_plot(rows: Sequence[str], *, series: Sequence[Series], x_label: str, alt: str) -> str:
    """Draw shares from 0 to 1, one row per category and one marker per rater."""
    height = len(rows) * _ROW * 1.15 + 0.8 + 0.2 * ((len(series) + 3) // 4)
    with _drawing(height, alt=alt) as drawing:
        axes = drawing.axes
        for index, one in enumerate(series):
            known = [(value, row) for row, value in enumerate(one.values) if value is not None]
            # Equal values would hide each other, so each rater has its own line in the row.
            shift = (index - (len(series) - 1) / 2) * min(0.12, 0.6 / max(len(series), 1))
            axes.plot(
                [value for value, _ in known],
                [row + shift for _, row in known],
                label=_short(one.name),
                **_marker(index),
            )
        largest = max([v for one in series for v in one.values if v is not None], default=1.0)
        axes.set_xlim(-0.01, min(1.02, largest * 1.08 + 0.02))
        axes.xaxis.set_major_formatter(_percent)
        axes.grid(axis="x")
        for row in range(len(rows)):
            axes.axhline(row + 0.5, color=_GRID, linewidth=0.4)
        _name_rows(axes, rows)
        axes.set_xlabel(x_label)
        _legend(axes, len(series))
    return drawing.svg


def heatmap(
    rows: Sequence[str],
    *,
    columns: Sequence[str],
    shades: Sequence[Sequence[float | None]],
    texts: Sequence[Sequence[str]],
    labels: tuple[str, str] = ("", ""),
    alt: str,
) -> str:
    """Draw a table of cells; a darker cell is a larger number.

    Args:
        rows: names of the rows.
        columns: names of the columns.
        shades: from 0 to 1; None leaves a cell empty.
        texts: text of the cells, drawn if there are few enough to read.
        labels: labels of the rows' axis and the columns' axis.
        alt: what the figure shows, in words.
    """
    side = 0.42 if len(columns) <= _MOST_NUMBERED_CELLS else 0.2
    with _drawing(max(1.3, len(rows) * min(side, 0.34) + 1.1), alt=alt) as drawing:
        axes = drawing.axes
        for row, values in enumerate(shades):
            for column, shade in enumerate(values):
                if shade is not None:
                    axes.bar(
                        column,
                        0.94,
                        width=0.94,
                        bottom=row - 0.47,
                        color=_SERIES[0],
                        alpha=0.05 + 0.45 * min(1.0, max(0.0, shade)),
                        linewidth=0,
                    )
                if len(columns) <= _MOST_NUMBERED_CELLS:
                    axes.text(column, row, texts[row][column], ha="center", va="center", size=8.5)
        axes.set_xlim(-0.5, max(len(columns), 6) - 0.5)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(length=0)
        axes.set_xticks(range(len(columns)), [_short(name, 18) for name in columns])
        longest = max((len(name) for name in columns), default=0)
        if len(columns) > 6 or longest * len(columns) > 60:
            axes.tick_params(axis="x", rotation=90 if len(columns) > 12 else 40)
            for tick in axes.get_xticklabels():
                tick.set_horizontalalignment("right" if len(columns) <= 12 else "center")
                tick.set_rotation_mode("anchor" if len(columns) <= 12 else "default")
        _name_rows(axes, rows)
        axes.set_ylabel(labels[0])
        axes.set_xlabel(labels[1])
    return drawing.svg


def histogram(bins: Sequence[str], *, series: Sequence[Series], x_label: str, alt: str) -> str:
    """Draw the share of each bin, one line of steps per rater."""
    with _drawing(2.4 + 0.2 * ((len(series) + 3) // 4), alt=alt) as drawing:
        axes = drawing.axes
        for index, one in enumerate(series):
            values = [value or 0.0 for value in one.values]
            axes.plot(
                range(len(bins)),
                values,
                label=_short(one.name),
                linewidth=1.3,
                **(_marker(index) | {"linestyle": "-"}),
            )
        axes.set_xticks(range(len(bins)), bins)
        axes.set_ylim(bottom=0.0)
        axes.yaxis.set_major_formatter(_percent)
        axes.grid(axis="y")
        axes.set_xlabel(x_label)
        _legend(axes, len(series))
    return drawing.svg


def reliability_diagram(
    points: Sequence[tuple[str, Sequence[tuple[float, float]]]], *, alt: str
) -> str:
    """Draw accuracy against mean probability with the diagonal, one line per rater."""
    with _drawing(3.9, alt=alt) as drawing:
        axes = drawing.axes
        axes.plot([0, 1], [0, 1], color=_QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
        for index, (name, pairs) in enumerate(points):
            axes.plot(
                [x for x, _ in pairs],
                [y for _, y in pairs],
                label=_short(name),
                linewidth=1.3,
                **(_marker(index) | {"linestyle": "-"}),
            )
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_aspect("equal")
        axes.grid()
        axes.set_xlabel("mean highest probability")
        axes.set_ylabel("share right")
        if points:
            axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0))
    return drawing.svg


def line_plot(
    lines: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    *,
    points: Sequence[IntervalPoint],
    labels: tuple[str, str],
    alt: str,
) -> str:
    """Draw shares against shares: points, and lines told apart by color and dashes.

    Args:
        lines: name and (x, y) pairs, as shares, of each line; the legend omits unnamed lines.
        points: points, each with the ends of its interval if it has one.
        labels: labels of the two axes.
        alt: what the figure shows, in words.
    """
    named = sum(bool(name) for name, _ in lines) + sum(bool(one.name) for one in points)
    with _drawing(3.1 + 0.2 * ((named + 3) // 4), alt=alt) as drawing:
        axes = drawing.axes
        for index, (name, pairs) in enumerate(lines):
            axes.plot(
                [x for x, _ in pairs],
                [y for _, y in pairs],
                label=_short(name) or "_",
                color=_SERIES[index % SERIES_COUNT],
                linestyle=_DASHES[index % len(_DASHES)],
                linewidth=1.4,
            )
        for one in points:
            color = _INK if one.name else _SERIES[0]
            if one.low is not None and one.high is not None:
                axes.plot([one.x, one.x], [one.low, one.high], color=color, linewidth=1.2)
            marker = "D" if one.name else "o"
            axes.plot(
                [one.x],
                [one.y],
                label=_short(one.name) or "_",
                color=color,
                marker=marker,
                markersize=5.0,
                linestyle="",
            )
        tops = [y for _, pairs in lines for _, y in pairs]
        tops += [one.y if one.high is None else one.high for one in points]
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(0.0, max([0.01, *tops]) * 1.05)
        axes.xaxis.set_major_formatter(_percent)
        axes.yaxis.set_major_formatter(_percent)
        axes.grid()
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        _legend(axes, named)
    return drawing.svg


@dataclass(slots=True)
class _Drawing:
    """Axes to draw on; ``svg`` is set when the drawing is closed."""

    axes: Axes
    svg: str = ""


@contextmanager
def _drawing(height: float, *, alt: str) -> Iterator[_Drawing]:
    with _quiet():
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        with matplotlib.rc_context(_STYLE):
            figure = Figure(figsize=(_WIDTH, height))
            canvas: Any = FigureCanvasSVG(figure)
            drawing = _Drawing(figure.add_subplot())
            yield drawing
            written = io.StringIO()
            canvas.print_svg(
                written, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
            )
    drawing.svg = _inline(written.getvalue(), alt=alt)


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress messages that do not concern the figures."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    # matplotlib warns if it cannot save its list of fonts in the home folder.
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # The font that measures names may lack their script; the browser has a font for it.
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _inline(svg: str, *, alt: str) -> str:
    """Turn a matplotlib file into part of a page: named, without ids, addresses or colors."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # The figure's style sheet would apply to the whole page.
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg).replace("xlink:href", "href")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    # Two figures can have the same marker, but an id must be unique in a page.
    own = sha256_text(alt + svg)[:8]
    svg = re.sub(
        r' id="([^"]*)"',
        lambda match: f' id="{match[1]}-{own}"' if match[1] in used else "",
        svg,
    )
    svg = re.sub(r'(href="#|url\(#)([^")]+)', rf"\1\2-{own}", svg)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg)
    svg = re.sub(r' version="[^"]*"', "", svg)
    for color, name in _PROPERTIES.items():
        svg = svg.replace(color, f"var({name})")
    svg = svg.replace("'DejaVu Sans', sans-serif", "sans-serif")
    svg = re.sub(r"\n\s*", "\n", svg).strip()
    head, rest = svg.split(">", 1)
    return f'{head} role="img" aria-label="{escape(alt)}">{rest}'


def _marker(index: int) -> dict[str, Any]:
    return {
        "color": _SERIES[index % SERIES_COUNT],
        "marker": _MARKERS[index % len(_MARKERS)],
        "markersize": 5.0,
        "linestyle": "",
    }


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)


def _legend(axes: Axes, count: int) -> None:
    if count:
        axes.figure.legend(loc="outside upper left", ncols=min(count, 4), handletextpad=0.3)


def _short(name: str, longest: int = _LONGEST_NAME) -> str:
    one_line = " ".join(name.split())
    return one_line if len(one_line) <= longest else one_line[: longest - 1] + "…"


def _percent(value: float, _position: float) -> str:
    return f"{value * 100:g}%"
