"""Draw the small marks of the first screen as SVG: bars, and points on a scale.

Each mark is as wide as its cell and stands beside its numbers as text, so screen readers skip it.
Shape and hatching tell everything that color tells. Colors are classes of the page's style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

HEIGHT = 18
_MIDDLE = HEIGHT / 2
# Room beside the ends of a scale, in percent, so that a point on an end is drawn whole.
_MARGIN = 2.5
_SHAPES = {
    "baseline": f"M-5 {_MIDDLE:g} l5 -5.5 l5 5.5 l-5 5.5z",
    "learned": f"M-4.5 {_MIDDLE - 4.5:g} h9 v9 h-9z",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from ``start`` to ``end`` with named ticks; one at ``zero`` is drawn stronger."""

    start: float
    end: float
    ticks: tuple[tuple[float, str], ...]
    zero: float | None = None

    def place(self, value: float) -> float:
        """Return where a value lies, in percent of the width; values off the scale at its ends."""
        inside = min(max(value, self.start), self.end)
        share = (inside - self.start) / (self.end - self.start)
        return _MARGIN + share * (100.0 - 2 * _MARGIN)


AGREEMENT = Scale(-1.0, 1.0, ((-1.0, "-1"), (0.0, "0 = chance"), (1.0, "1")), 0.0)
SHARE = Scale(0.0, 1.0, ((0.0, "0%"), (0.5, "50%"), (1.0, "100%")))


def stacked_bar(parts: Sequence[tuple[str, float]]) -> Markup:
    """Draw shares side by side; each part is the class of its style and its share."""
    drawn, left = [], 0.0
    for name, share in parts:
        if share > 0.0:
            drawn.append(
                f'<rect class="{escape(name)}" x="{100 * left:.2f}%" y="2" '
                f'width="{100 * share:.2f}%" height="{HEIGHT - 4}"/>'
            )
        left += share
    return _svg("".join(drawn))


def bar(share: float | None) -> Markup:
    """Draw one share of 1 as a bar in a frame; an empty frame if it is unknown."""
    inside = f'y="4" height="{HEIGHT - 8}"'
    drawn = f'<rect class="frame" x="0" width="100%" {inside}/>'
    if share is not None and share > 0.0:
        drawn += f'<rect class="part" x="0" width="{100 * share:.2f}%" {inside}/>'
    return _svg(drawn)


def point(
    scale: Scale,
    *,
    value: float | None,
    low: float | None,
    high: float | None,
    required: Sequence[float] = (),
    baselines: Sequence[tuple[str, float]] = (),
) -> Markup:
    """Draw a value with its interval on a scale; the empty scale if it is undefined.

    An arrow marks the end of an interval that goes on beyond the scale. Each of ``required`` is a
    dashed line, and each of the ``baselines`` the hollow shape of its name.
    """
    name = "axis" if value is not None else "axis unknown"
    drawn = [
        f'<line class="{name}" x1="{_MARGIN}%" x2="{100 - _MARGIN}%" y1="{_MIDDLE:g}" '
        f'y2="{_MIDDLE:g}"/>'
    ]
    for at, _ in scale.ticks:
        name = "zero" if at == scale.zero else "axis"
        drawn.append(_upright(name, scale.place(at), 2))
    if low is not None and high is not None:
        start, end = scale.place(low), scale.place(high)
        drawn.append(
            f'<line class="interval" x1="{start:.2f}%" x2="{end:.2f}%" y1="{_MIDDLE:g}" '
            f'y2="{_MIDDLE:g}"/>'
        )
        drawn.append(_upright("interval", end, 4))
        if low < scale.start:
            drawn.append(_at(start, f'<path class="arrow" d="M0 {_MIDDLE - 6:g} l-7 6 l7 6z"/>'))
        else:
            drawn.append(_upright("interval", start, 4))
    drawn += [_upright("required", scale.place(one), 0) for one in required]
    drawn += [_at(scale.place(at), _shape(name)) for name, at in baselines]
    if value is not None:
        drawn.append(_at(scale.place(value), f'<circle class="value" cy="{_MIDDLE:g}" r="4"/>'))
    return _svg("".join(drawn))


def axis(scale: Scale) -> Markup:
    """Write the names of a scale's ticks, above the marks on it."""
    ends = {scale.start: "start", scale.end: "end"}
    names = "".join(
        f'<text x="{scale.place(at) if at not in ends else (0 if at == scale.start else 100):g}%" '
        f'y="11" text-anchor="{ends.get(at, "middle")}">{escape(name)}</text>'
        for at, name in scale.ticks
    )
    return _svg(names, height=14)


def key(name: str) -> Markup:
    """Draw a sample of a style, for the explanation of the marks."""
    samples = {
        "baseline": _at(13, _shape("baseline"), unit=""),
        "learned": _at(13, _shape("learned"), unit=""),
        "required": f'<line class="required" x1="13" x2="13" y1="0" y2="{HEIGHT}"/>',
    }
    plain = f'<rect class="{escape(name)}" x="1" y="3" width="24" height="{HEIGHT - 6}"/>'
    return Markup(
        f'<svg class="key" aria-hidden="true" focusable="false" width="26" height="{HEIGHT}">'
        f"{samples.get(name, plain)}</svg>"
    )


def hatching() -> Markup:
    """Define the hatching of escalated items, once for a page."""
    return Markup(
        '<svg class="definitions" aria-hidden="true" focusable="false" width="0" height="0"><defs>'
        '<pattern id="hatching" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><line class="hatch" x1="0" x2="0" y1="0" y2="6"/></pattern>'
        "</defs></svg>"
    )


def _svg(content: str, *, height: int = HEIGHT) -> Markup:
    return Markup(
        f'<svg class="mark" aria-hidden="true" focusable="false" width="100%" height="{height}">'
        f"{content}</svg>"
    )


def _upright(name: str, place: float, inset: int) -> str:
    return (
        f'<line class="{name}" x1="{place:.2f}%" x2="{place:.2f}%" y1="{inset}" '
        f'y2="{HEIGHT - inset}"/>'
    )


def _shape(name: str) -> str:
    return f'<path class="baseline" d="{_SHAPES[name]}"/>'


def _at(place: float, content: str, *, unit: str = "%") -> str:
    # A path has no percentages: an inner drawing moves it to its place.
    return f'<svg x="{place:.2f}{unit}" overflow="visible">{content}</svg>'
