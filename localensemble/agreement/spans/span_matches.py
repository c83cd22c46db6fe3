"""Which spans of two raters are the same: exactly, or because they overlap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

from localensemble.core.spans import Span

Matching = Literal["exact", "overlap"]
"""``exact``: the same start, stop and category; ``overlap``: the same category and a common
code point, each span matched at most once."""

MATCHINGS: tuple[Matching, ...] = get_args(Matching)


@dataclass(frozen=True, slots=True)
class Matches:
    """How many spans of two raters match, among how many of each."""

    matched: int
    first: int
    second: int


def count_matches(first: Collection[Span], second: Collection[Span], how: Matching) -> Matches:
    """Count the matching spans of two raters on one item.

    With ``overlap``, spans are matched so that as many as possible are, each with at most one
    span of the other rater.
    """
    ones, others = set(first), set(second)
    if how == "exact":
        return Matches(len(ones & others), len(ones), len(others))
    sides: dict[str, tuple[list[Span], list[Span]]] = defaultdict(lambda: ([], []))
    for side, spans in enumerate((ones, others)):
        for span in spans:
            sides[span.category][side].append(span)
    matched = sum(_most_overlaps(*both) for both in sides.values())
    return Matches(matched, len(ones), len(others))


def _most_overlaps(first: list[Span], second: list[Span]) -> int:
    """Return the size of the largest one-to-one matching of overlapping spans.

    Whatever overlaps the span that ends first contains its last code point. Matching it with
    the one of these that ends first leaves the most for the others.
    """
    waiting = (sorted(first, key=_stop), sorted(second, key=_stop))
    matched = 0
    while waiting[0] and waiting[1]:
        side = 0 if waiting[0][0].stop <= waiting[1][0].stop else 1
        span = waiting[side].pop(0)
        others = waiting[1 - side]
        partner = next((one for one in others if span.overlaps(one)), None)
        if partner is not None:
            others.remove(partner)
            matched += 1
    return matched


def _stop(span: Span) -> tuple[int, int]:
    return span.stop, span.start
