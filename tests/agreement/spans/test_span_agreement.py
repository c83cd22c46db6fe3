"""Pairwise F1 of spans and alpha on words, against values computed by hand or by force."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localensemble.agreement.krippendorff import krippendorff_alpha
from localensemble.agreement.spans.pairwise_f1 import pairwise_f1
from localensemble.agreement.spans.span_matches import MATCHINGS, Matching, count_matches
from localensemble.agreement.spans.word_labels import OUTSIDE, label_words, word_alpha
from localensemble.core.labels import ItemId
from localensemble.core.spans import Span, SpanMatrix, words_of

Cell = tuple[Span, ...] | None


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start = draw(st.integers(0, 8))
    return Span(start, start + draw(st.integers(1, 4)), draw(st.sampled_from("AB")))


def matrix(*rows: tuple[Cell, ...]) -> SpanMatrix:
    items = tuple(ItemId(f"i{number}") for number in range(len(rows)))
    return SpanMatrix(items, tuple(f"r{one}" for one in range(len(rows[0]))), rows)


def test_an_exact_match_needs_both_ends_and_the_category() -> None:
    first = [Span(0, 4, "Drug"), Span(6, 9, "Drug"), Span(10, 12, "Effect")]
    second = [Span(0, 4, "Drug"), Span(6, 8, "Drug"), Span(10, 12, "Drug")]
    found = count_matches(first, second, "exact")
    assert (found.matched, found.first, found.second) == (1, 3, 3)


def test_an_overlap_needs_one_code_point_and_the_category_and_counts_once() -> None:
    whole, parts = [Span(0, 9, "Drug")], [Span(0, 3, "Drug"), Span(8, 12, "Drug")]
    assert count_matches(whole, parts, "overlap").matched == 1
    assert count_matches([Span(0, 3, "Drug")], [Span(3, 5, "Drug")], "overlap").matched == 0
    assert count_matches([Span(0, 3, "Drug")], [Span(0, 3, "Effect")], "overlap").matched == 0


@settings(max_examples=60)
@given(st.sets(spans(), max_size=4), st.sets(spans(), max_size=4))
def test_as_many_overlapping_spans_are_matched_as_possible(
    first: set[Span], second: set[Span]
) -> None:
    few, many = sorted((sorted(first), sorted(second)), key=len)
    best = max(
        sum(
            one.category == other.category and one.overlaps(other)
            for one, other in zip(few, chosen, strict=True)
        )
        for chosen in permutations(many, len(few))
    )
    assert count_matches(first, second, "overlap").matched == best
    assert count_matches(second, first, "overlap").matched == best


def test_f1_of_pairs_is_that_of_the_definition_and_leaves_out_unread_items() -> None:
    spans = matrix(
        ((Span(0, 4, "D"), Span(6, 9, "D")), (Span(0, 4, "D"),), None),
        ((), (Span(1, 2, "D"),), (Span(1, 3, "D"),)),
        ((Span(2, 5, "D"),), (Span(2, 5, "D"),), (Span(2, 5, "D"),)),
    )
    exact = pairwise_f1(spans, matching="exact", resamples=0)
    # r0 and r1: 2 matched of 3 and 3; r0 and r2: 1 of 1 and 2; r1 and r2: 1 of 2 and 2.
    assert [one.value for one in exact.pairs] == pytest.approx([4 / 6, 2 / 3, 2 / 4])
    assert [one.items for one in exact.pairs] == [3, 2, 2]
    assert exact.value == pytest.approx((4 / 6 + 2 / 3 + 1 / 2) / 3)
    assert exact.low is None
    overlap = pairwise_f1(spans, matching="overlap", resamples=0)
    assert overlap.pairs[2].value == pytest.approx(4 / 4)


@pytest.mark.parametrize(
    ("spans", "because"),
    [
        (matrix(((),)), "fewer than two raters"),
        (matrix((None, ()), ((), None)), "no two raters read the same item"),
        (matrix(((), ()), ((), ())), "no rater found a span"),
    ],
)
def test_f1_that_is_undefined_gives_a_reason(spans: SpanMatrix, because: str) -> None:
    result = pairwise_f1(spans, matching="exact")
    assert (result.value, result.low) == (None, None)
    assert because in result.undefined_because


@pytest.mark.parametrize("matching", MATCHINGS)
def test_planted_disagreement_lowers_f1_and_its_interval_is_repeatable(matching: Matching) -> None:
    same = [((Span(0, 4, "D"),), (Span(0, 4, "D"),))] * 20
    apart: list[tuple[Cell, ...]] = [((Span(0, 4, "D"),), (Span(5, 9, "D"),))] * 5
    whole = pairwise_f1(matrix(*same), matching=matching, seed=1)
    less = pairwise_f1(matrix(*same, *apart), matching=matching, seed=1)
    assert (whole.value, whole.low, whole.high) == (1.0, 1.0, 1.0)
    assert less.value == pytest.approx(0.8)
    assert less.low is not None
    assert less.high is not None
    assert 0.5 < less.low < 0.8 < less.high < 1.0
    assert less == pairwise_f1(matrix(*same, *apart), matching=matching, seed=1)


def test_words_get_the_categories_of_the_spans_that_touch_them() -> None:
    text = "fièvre après pénicilline 😷"
    cells = (
        (Span(0, 6, "Effect"), Span(13, 24, "Drug")),
        (Span(0, 3, "Effect"), Span(13, 20, "Drug"), Span(18, 24, "Effect")),
        None,
    )
    labeled = label_words(matrix(cells), [words_of(text)]).labels
    assert labeled.categories == (OUTSIDE, "Drug", "Drug + Effect", "Effect")
    assert labeled.indices.T.tolist() == [[3, 0, 1, 0], [3, 0, 2, 0], [-1, -1, -1, -1]]


def test_alpha_on_words_is_krippendorffs_of_the_word_labels() -> None:
    text = "a b c d e f g h i j"
    rows = [
        ((Span(0, 3, "D"),), (Span(0, 3, "D"),)),
        ((Span(0, 5, "D"),), (Span(0, 3, "D"),)),
        ((), (Span(6, 7, "E"),)),
    ]
    words = [words_of(text)] * 3
    # Of 30 words, 26 are outside for both, 4 - 2 = 2 are not the same; 52 + 2, 7, 1 labels.
    within, labels = 2 * 2, np.array([60 - 5 - 4 - 1, 9, 1])
    expected = 1 - (60 - 1) * within / (60**2 - (labels**2).sum())
    found = word_alpha(matrix(*rows), words)
    assert found.value is not None
    assert found.value == pytest.approx(expected)
    assert (found.items, found.words) == (3, 30)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high


def test_drawing_whole_items_gives_the_same_alpha_as_the_coefficient() -> None:
    rows = [((Span(0, 3, "D"),), (Span(0, 1, "D"),)), ((Span(2, 3, "E"),), (Span(2, 3, "E"),))] * 3
    words = [words_of("a b c d")] * 6
    spans = matrix(*rows)
    alone = krippendorff_alpha(label_words(spans, words).labels, level="nominal")
    found = word_alpha(spans, words, resamples=4000, seed=3)
    assert found.value == alone.value
    assert found.low is not None
    assert found.high is not None
    # Items come in two kinds, so the draws spread around the value.
    assert found.low < alone.value < found.high  # type: ignore[operator]


@pytest.mark.parametrize(
    ("rows", "because"),
    [([((), ())], "only the category"), ([((), None)], "two"), ([((),)], "two")],
)
def test_alpha_on_words_that_is_undefined_gives_a_reason(
    rows: list[tuple[Cell, ...]], because: str
) -> None:
    found = word_alpha(matrix(*rows), [words_of("a b")])
    assert (found.value, found.low) == (None, None)
    assert because in found.undefined_because


def test_no_raters_and_no_draws_are_no_fault() -> None:
    assert word_alpha(SpanMatrix((ItemId("a"),), (), ((),)), [words_of("a")]).value is None
    pair = matrix(((Span(0, 1, "D"),), ()), ((), ()))
    assert word_alpha(pair, [words_of("a b")] * 2, resamples=0).low is None
    assert pair.categories == ("D",)
