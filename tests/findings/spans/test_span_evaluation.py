"""Spans against gold spans: precision, recall and F1 of a toy example, counted by hand."""

from __future__ import annotations

import pytest

from localensemble.core.labels import ItemId
from localensemble.core.spans import Span, SpanMatrix, words_of
from localensemble.findings.spans.span_evaluation import SpanEvaluation, SpanPart, evaluate_spans

# "é" and the emoji take several bytes each; places count code points.
TEXT = "😷 fièvre élevée, toux"
RATER = SpanMatrix(
    (ItemId("a"), ItemId("b"), ItemId("c")),
    ("rule",),
    (((Span(2, 8, "Sign"), Span(17, 21, "Sign")),), ((),), (None,)),
)
GOLD = ((Span(2, 15, "Sign"), Span(17, 21, "Other")), (Span(0, 4, "Sign"),), (Span(0, 4, "Sign"),))


def found(part: SpanPart, category: str | None = None) -> SpanEvaluation:
    words = [words_of(TEXT), words_of("toux"), words_of("toux")]
    evaluated = evaluate_spans(RATER, GOLD, words=words, resamples=200)
    return next(one for one in evaluated if (one.part, one.category) == (part, category))


@pytest.mark.parametrize(
    ("part", "category", "matched", "spans", "gold"),
    [
        ("exact", None, 0, 2, 3),
        ("overlap", None, 1, 2, 3),
        ("overlap", "Sign", 1, 2, 2),
        ("overlap", "Other", 0, 0, 1),
        # The words fièvre, élevée and toux of gold; fièvre and toux of the rater.
        ("words", None, 1, 2, 4),
    ],
)
def test_spans_are_compared_whole_by_overlap_and_by_words(
    part: SpanPart, category: str | None, matched: int, spans: int, gold: int
) -> None:
    one = found(part, category)
    assert (one.matched, one.found, one.gold, one.items) == (matched, spans, gold, 2)
    assert one.f1 == pytest.approx(2 * matched / (spans + gold))
    assert one.precision.value == (matched / spans if spans else None)
    assert one.recall.value == matched / gold


def test_precision_has_the_exact_interval_and_each_item_its_counts() -> None:
    one = found("overlap")
    # Clopper and Pearson (1934): of 2, 1 gives 0.0126 to 0.9874.
    assert one.precision.low == pytest.approx(0.012579, abs=1e-5)
    assert one.precision.high == pytest.approx(0.987421, abs=1e-5)
    assert [(item.item, item.matched, item.found, item.gold) for item in one.by_item] == [
        ("a", 1, 2, 2),
        ("b", 0, 0, 1),
    ]


def test_without_texts_and_with_one_category_only_whole_spans_are_compared() -> None:
    spans = SpanMatrix((ItemId("a"),), ("rule",), (((),),))
    evaluated = evaluate_spans(spans, [()], words=None)
    assert [(one.part, one.category) for one in evaluated] == [("exact", None), ("overlap", None)]
    assert (evaluated[0].f1, evaluated[0].precision.value) == (None, None)
