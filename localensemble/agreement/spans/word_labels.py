"""Krippendorff's alpha on the labels of words: each word has the categories of the spans on it.

Words of one text are not independent, so the interval draws whole items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement.intervals import Analytic
from localensemble.agreement.krippendorff import krippendorff_alpha
from localensemble.agreement.spans.pairwise_f1 import drawn_totals, percentile_ends
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.spans import Span, SpanMatrix, Word

OUTSIDE = "(outside)"
"""The category of a word on which there is no span."""

_BETWEEN = " + "


@dataclass(frozen=True, slots=True)
class WordAlpha:
    """Krippendorff's alpha on words.

    Attributes:
        value: the coefficient; None if it is undefined.
        low: lower end of the 95% interval; None without one.
        high: upper end of the 95% interval; None without one.
        items: items that two raters or more read.
        words: the words of these items.
        undefined_because: why there is no value; empty if there is one.
    """

    value: float | None
    low: float | None
    high: float | None
    items: int
    words: int
    undefined_because: str


@dataclass(frozen=True, slots=True, eq=False)
class WordLabels:
    """The labels of all words, and which item each belongs to, as int64 (words,)."""

    labels: LabelMatrix
    items: NDArray[np.int64]


def label_words(spans: SpanMatrix, words: Sequence[Sequence[Word]]) -> WordLabels:
    """Label each word of each item with the categories of the spans that touch it.

    A word on which spans of several categories lie has a label of its own, such as
    ``Drug + Effect``. A rater that did not read an item has a gap on its words.

    Args:
        spans: the raters' spans.
        words: the words of each item, in its order.
    """
    rows: list[list[str | None]] = []
    owners: list[int] = []
    for place, (cells, of_item) in enumerate(zip(spans.cells, words, strict=True)):
        columns = [_labels_of(cell, of_item) for cell in cells]
        rows += [list(row) for row in zip(*columns, strict=True)] if columns else []
        owners += [place] * (len(of_item) if columns else 0)
    found = {name for row in rows for name in row if name is not None} - {OUTSIDE}
    labels = LabelMatrix.from_names(rows, categories=(OUTSIDE, *sorted(found)), raters=spans.raters)
    return WordLabels(labels, np.array(owners, dtype=np.int64))


def word_alpha(
    spans: SpanMatrix,
    words: Sequence[Sequence[Word]],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> WordAlpha:
    """Compute Krippendorff's alpha (nominal) on the labels of words.

    Args:
        spans: the raters' spans.
        words: the words of each item, in its order.
        resamples: bootstrap draws over items for the 95% percentile interval; 0 turns it off.
        seed: seed of the draws.
    Undefined when: alpha is: no word has labels of two raters, or no span lies on one.
    """
    labeled = label_words(spans, words)
    computed = krippendorff_alpha(labeled.labels, level="nominal", interval=Analytic())
    used = (labeled.labels.mask.sum(axis=1) >= 2).nonzero()[0]
    items, place = np.unique(labeled.items[used], return_inverse=True)
    low = high = None
    if computed.value is not None:
        sums = _sums(labeled.labels.counts()[used], place, items=len(items))
        low, high = percentile_ends(_alpha(drawn_totals(sums, resamples=resamples, seed=seed)))
    return WordAlpha(computed.value, low, high, len(items), len(used), computed.undefined_because)


def _labels_of(cell: tuple[Span, ...] | None, words: Sequence[Word]) -> list[str | None]:
    if cell is None:
        return [None] * len(words)
    on_words: list[set[str]] = [set() for _ in words]
    for span in cell:
        for word, on_word in zip(words, on_words, strict=True):
            if word.start < span.stop and span.start < word.stop:
                on_word.add(span.category)
    return [_BETWEEN.join(sorted(names)) or OUTSIDE for names in on_words]


def _sums(counts: NDArray[np.int32], place: NDArray[np.intp], *, items: int) -> NDArray[np.float64]:
    """Return (items, 1 + K): the disagreement within an item's words, and its labels."""
    labels = counts.sum(axis=1).astype(np.float64)
    within = (labels**2 - (counts.astype(np.float64) ** 2).sum(axis=1)) / (labels - 1.0)
    sums = np.zeros((items, 1 + counts.shape[1]))
    np.add.at(sums, place, np.column_stack([within, counts]))
    return sums


def _alpha(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    within, margins = totals[:, 0], totals[:, 1:]
    labels = margins.sum(axis=1)
    among = labels**2 - (margins**2).sum(axis=1)
    ratio = np.divide(
        (labels - 1.0) * within, among, out=np.full(len(totals), np.nan), where=among > 0
    )
    return np.asarray(1.0 - ratio)
