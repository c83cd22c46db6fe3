"""What may be concluded from comparing prompts: exact intervals, exact tests, honest sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from localensemble.codebook.model import Category, Variable
from localensemble.core.labels import NO_ANSWER, Label, LabelStatus
from localensemble.findings.prompt_comparison import (
    PromptComparison,
    PromptResult,
    compare_prompts,
    holm,
)

THEME = Variable("theme", "nominal", "", tuple(Category(name, "") for name in "abc"))


def labels(categories: Sequence[int | None], mass: float = 0.25) -> list[Label]:
    return [
        Label(LabelStatus.FAILED, reason="too_long: 9 of 8 tokens")
        if category is None
        else Label(LabelStatus.ASSIGNED, category, off_codebook_mass=mass)
        for category in categories
    ]


def compared(
    first: list[Label], second: list[Label], gold: Sequence[int] | None = None
) -> PromptComparison:
    return compare_prompts(
        {("one", "old"): {"theme": first}, ("one", "new"): {"theme": second}},
        variables=(THEME,),
        gold={} if gold is None else {"theme": np.array(gold, dtype=np.int16)},
    )


def second_of(found: PromptComparison) -> PromptResult:
    return found.results[1]


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60
    )
)
def test_intervals_and_tests_equal_those_of_scipy(cells: list[tuple[int, int, int]]) -> None:
    old, new, gold = (list(column) for column in zip(*cells, strict=True))
    found = compared(labels(old), labels(new), gold)
    for result, given_labels in zip(found.results, (old, new), strict=True):
        right = sum(a == b for a, b in zip(given_labels, gold, strict=True))
        interval = binomtest(right, len(cells)).proportion_ci(method="exact")
        assert result.accuracy is not None
        assert (result.accuracy.count, result.accuracy.items) == (right, len(cells))
        assert result.accuracy.interval_low == pytest.approx(interval.low)
        assert result.accuracy.interval_high == pytest.approx(interval.high)
    only_old = sum(a == g != b for a, b, g in cells)
    only_new = sum(b == g != a for a, b, g in cells)
    test = second_of(found).against_first
    assert test is not None
    assert (test.only_first, test.only_second) == (only_old, only_new)
    if only_old + only_new:
        expected = binomtest(only_old, only_old + only_new, 0.5).pvalue
        assert test.p_value.value == pytest.approx(min(1.0, expected))
    else:
        assert test.p_value.value is None
    most = max(gold.count(category) for category in range(3))
    assert found.baselines[0].accuracy.count == most


def test_an_item_without_a_category_counts_as_wrong() -> None:
    found = compared(labels([0, 0, 0, 0]), labels([0, None, None, None]), [0, 0, 0, 0])
    result = second_of(found)
    assert result.accuracy is not None
    assert result.accuracy.value == 0.25
    assert result.without_category == 3
    assert result.against_first is not None
    assert result.against_first.only_first == 3
    # Of the items with a category under both.
    assert result.same_as_first is not None
    assert (result.same_as_first.count, result.same_as_first.items) == (1, 1)


def test_a_non_answer_counts_nowhere() -> None:
    apart = Label(LabelStatus.FAILED, reason=f"{NO_ANSWER}: the codebook lists the text")
    found = compared([*labels([0, 1]), apart], [*labels([0, 1]), apart], [0, 1, 2])
    assert second_of(found).items == 2
    assert found.baselines[0].accuracy.items == 2
    assert second_of(found).accuracy == found.results[0].accuracy


def test_the_median_off_codebook_mass_is_that_of_the_labels_that_have_one() -> None:
    found = compared(labels([0, 1], 0.9), [*labels([0], 0.1), *labels([None])])
    assert found.results[0].median_off_codebook_mass == 0.9
    assert second_of(found).median_off_codebook_mass == 0.1


def test_without_gold_nothing_is_said_about_who_is_right() -> None:
    found = compared(labels([0, 1, 2]), labels([0, 2, 2]))
    assert second_of(found).same_as_first is not None
    assert second_of(found).accuracy is None
    assert second_of(found).against_first is None
    assert "Without gold labels" in " ".join(found.sentences())


def test_a_difference_that_can_be_chance_is_not_called_one() -> None:
    gold = [0] * 10 + [1] * 10
    found = compared(labels([0] * 12 + [1] * 8), labels([0] * 10 + [1] * 10), gold)
    assert "No prompt is shown" in found.sentences()[0]


def test_a_difference_that_cannot_be_chance_is_stated_with_its_direction() -> None:
    gold = [0, 1] * 15
    better = compared(labels([0] * 30), labels(gold), gold).sentences()
    worse = compared(labels(gold), labels([0] * 30), gold).sentences()
    assert "one is right more often on theme with new than with old" in better[0]
    assert "one is right less often on theme with new than with old" in worse[0]
    assert "adjusted" not in better[0]
    for sentences in (better, worse):
        assert "Use other gold labels" in sentences[-1]


def test_a_rater_that_is_not_above_the_most_frequent_category_is_reported() -> None:
    gold = [0, 0, 0, 1]
    assert 'always answering "a"' in " ".join(
        compared(labels([0] * 4), labels([1] * 4), gold).sentences()
    )
    assert "always answering" not in " ".join(
        compared(labels(gold), labels([0] * 4), gold).sentences()
    )


def test_several_tests_are_adjusted_for_their_number() -> None:
    assert holm([]) == []
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    gold = [0] * 12
    one_better = {
        ("one", "old"): {"theme": labels([1] * 6 + [0] * 6)},
        ("one", "new"): {"theme": labels(gold)},
        ("two", "old"): {"theme": labels([1] + [0] * 11)},
        ("two", "new"): {"theme": labels(gold)},
    }
    truth = {"theme": np.array(gold, dtype=np.int16)}
    # Alone, 6 of 6 is p = .031; beside another test it is .0625.
    found = compare_prompts(one_better, variables=(THEME,), gold=truth)
    assert "No prompt is shown" in found.sentences()[0]
    alone = {key: value for key, value in one_better.items() if key[0] == "one"}
    found = compare_prompts(alone, variables=(THEME,), gold=truth)
    assert "more often" in found.sentences()[0]


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"), [(1, 9, 0.021484375), (0, 5, 0.0625), (3, 3, 1.0)]
)
def test_published_binomial_tails_are_met(
    only_first: int, only_second: int, p_value: float
) -> None:
    gold = [0] * (only_first + only_second)
    old = [0] * only_first + [1] * only_second
    new = [1] * only_first + [0] * only_second
    test = second_of(compared(labels(old), labels(new), gold)).against_first
    assert test is not None
    assert test.p_value.value == pytest.approx(p_value)
