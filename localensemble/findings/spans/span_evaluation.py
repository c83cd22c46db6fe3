"""Compare each rater's spans with gold spans: precision, recall and F1, exactly and by overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from localensemble.agreement.spans.pairwise_f1 import (
    drawn_totals,
    f1_values,
    pair_counts,
    percentile_ends,
)
from localensemble.agreement.spans.span_matches import Matching
from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.core.labels import ItemId
from localensemble.core.spans import Span, SpanMatrix, Word

SpanPart = Literal["exact", "overlap", "words"]
"""What is compared: whole spans, spans that overlap, or the words that spans lie on."""


@dataclass(frozen=True, slots=True)
class SpanShare:
    """A share of spans, with its exact 95% interval; None if there are no spans."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ItemMatches:
    """One item's matched spans, among those of the rater and the gold spans."""

    item: ItemId
    matched: int
    found: int
    gold: int


@dataclass(frozen=True, slots=True)
class SpanEvaluation:
    """One rater's spans against the gold spans.

    Attributes:
        rater: the rater.
        part: what is compared.
        category: the category; None for all together.
        items: items with gold spans (or none) that the rater read.
        matched: spans found that match a gold span.
        found: spans of the rater.
        gold: gold spans.
        precision: matched / found. Spans of one item are counted as if they were independent.
        recall: matched / gold, likewise.
        f1: 2 x matched / (found + gold); None without spans.
        f1_low: lower end of its 95% interval from draws of items; None without one.
        f1_high: upper end of its 95% interval from draws of items; None without one.
        by_item: the counts of each item.
    """

    rater: str
    part: SpanPart
    category: str | None
    items: int
    matched: int
    found: int
    gold: int
    precision: SpanShare
    recall: SpanShare
    f1: float | None
    f1_low: float | None
    f1_high: float | None
    by_item: tuple[ItemMatches, ...]


def evaluate_spans(
    spans: SpanMatrix,
    gold: Sequence[tuple[Span, ...] | None],
    *,
    words: Sequence[Sequence[Word]] | None,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[SpanEvaluation, ...]:
    """Compare each rater with the gold spans, in all categories and in each.

    Args:
        spans: the raters' spans.
        gold: the gold spans of each item; None for an item without gold.
        words: the words of each item; None leaves the comparison by words out.
        resamples: draws of items for the interval of F1.
        seed: seed of the draws.
    """
    categories = sorted({*spans.categories, *(one.category for cell in gold for one in cell or ())})
    chosen: list[str | None] = [None, *(categories if len(categories) > 1 else ())]
    parts: tuple[SpanPart, ...] = ("exact", "overlap")
    if words is not None:
        parts = (*parts, "words")
    found = []
    for place, rater in enumerate(spans.raters):
        both = SpanMatrix(
            spans.items,
            (rater, "gold"),
            tuple((row[place], cell) for row, cell in zip(spans.cells, gold, strict=True)),
        )
        for part in parts:
            compared = _on_words(both, words) if part == "words" and words is not None else both
            for category in chosen:
                found.append(
                    _evaluated(
                        _only(compared, category),
                        part=part,
                        category=category,
                        resamples=resamples,
                        seed=seed,
                    )
                )
    return tuple(found)


def _evaluated(
    both: SpanMatrix, *, part: SpanPart, category: str | None, resamples: int, seed: int
) -> SpanEvaluation:
    matching: Matching = "overlap" if part == "overlap" else "exact"
    counts = pair_counts(both, 0, 1, matching=matching)
    matched, found, gold = (int(total) for total in counts.sum(axis=0))
    drawn = f1_values(drawn_totals(counts, resamples=resamples, seed=seed))
    low, high = percentile_ends(drawn)
    read = [None not in row for row in both.cells]
    return SpanEvaluation(
        both.raters[0],
        part,
        category,
        sum(read),
        matched,
        found,
        gold,
        _share(matched, found),
        _share(matched, gold),
        2 * matched / (found + gold) if found + gold else None,
        low,
        high,
        tuple(
            ItemMatches(item, *(int(count) for count in row))
            for item, row, was_read in zip(both.items, counts, read, strict=True)
            if was_read
        ),
    )


def _share(matched: int, of: int) -> SpanShare:
    if not of:
        return SpanShare(None, None, None)
    bounds = exact_interval(matched, items=of)
    return SpanShare(matched / of, bounds.low, bounds.high)


def _only(spans: SpanMatrix, category: str | None) -> SpanMatrix:
    if category is None:
        return spans
    return SpanMatrix(
        spans.items,
        spans.raters,
        tuple(
            tuple(
                None if cell is None else tuple(one for one in cell if one.category == category)
                for cell in row
            )
            for row in spans.cells
        ),
    )


def _on_words(spans: SpanMatrix, words: Sequence[Sequence[Word]]) -> SpanMatrix:
    """Replace spans by the words that they lie on."""

    def on(cell: tuple[Span, ...] | None, of_item: Sequence[Word]) -> tuple[Span, ...] | None:
        if cell is None:
            return None
        placed = (
            Span(word.start, word.stop, one.category)
            for one in cell
            for word in of_item
            if word.start < one.stop and one.start < word.stop
        )
        return tuple(sorted(set(placed)))

    return SpanMatrix(
        spans.items,
        spans.raters,
        tuple(
            tuple(on(cell, of_item) for cell in row)
            for row, of_item in zip(spans.cells, words, strict=True)
        ),
    )
