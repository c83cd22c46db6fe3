from __future__ import annotations

import pytest

from localensemble.findings.people.control_test import (
    attention,
    control_design,
    control_test,
    pass_mark,
    rate_of_guessing,
)


@pytest.mark.parametrize(
    ("correct", "items", "certainty", "guess_rate", "expected"),
    [
        # The fixtures of the method, then two more, worked out by hand:
        (18, 20, 1.0, 0.5, 0.800),
        (18, 20, 0.97, 0.25, 0.9028),
        (9, 20, 1.0, 0.5, 0.0),
        # (.75 - .2) / (.95 - .2)
        (30, 40, 0.95, 0.2, 0.7333),
        (20, 20, 0.97, 0.25, 1.0),
    ],
)
def test_attention_is_estimated_by_maximum_likelihood(
    correct: int, items: int, certainty: float, guess_rate: float, expected: float
) -> None:
    found = attention(correct, items=items, certainty=certainty, guess_rate=guess_rate)

    assert found == pytest.approx(expected, abs=5e-5)


def test_attention_is_undefined_without_answers_or_where_guessing_is_as_good() -> None:
    assert attention(0, items=0, guess_rate=0.5) is None
    assert attention(20, items=20, guess_rate=1.0) is None


@pytest.mark.parametrize(
    ("unacceptable", "good", "alpha", "items", "mark", "size", "power"),
    [
        (0.80, 0.95, 0.05, 30, 28, 0.0442, 0.8122),
        (0.80, 0.95, 0.10, 25, 23, 0.0982, 0.8729),
        (0.75, 0.95, 0.05, 23, 21, 0.0492, 0.8948),
        (0.70, 0.90, 0.05, 28, 24, 0.0474, 0.8579),
        (0.50, 0.90, 0.05, 8, 7, 0.0352, 0.8131),
    ],
)
def test_the_published_designs_are_found(
    unacceptable: float,
    good: float,
    alpha: float,
    items: int,
    mark: int,
    size: float,
    power: float,
) -> None:
    design = control_design(unacceptable=unacceptable, good=good, alpha=alpha)

    assert (design.items, design.pass_mark) == (items, mark)
    assert design.size == pytest.approx(size, abs=5e-5)
    assert design.power == pytest.approx(power, abs=5e-5)


@pytest.mark.parametrize("good", [0.5, 0.8, 1.2])
def test_a_design_without_a_better_accuracy_is_refused(good: float) -> None:
    with pytest.raises(ValueError, match="No design"):
        control_design(unacceptable=0.8, good=good)


def test_with_fewer_than_14_control_items_nobody_can_show_more_than_80_percent() -> None:
    # .8 ** 13 is .055, .8 ** 14 is .044.
    assert pass_mark(0) is None
    assert pass_mark(13) is None
    assert pass_mark(14) == 14


@pytest.mark.parametrize(
    ("items", "correct", "outcome"),
    [(30, 28, "passed"), (30, 27, "failed"), (13, 13, "too few"), (0, 0, "too few")],
)
def test_a_reviewer_passes_exactly_from_the_pass_mark_on(
    items: int, correct: int, outcome: str
) -> None:
    found = control_test("Anne", items=items, correct=correct, guess_rate=0.5)

    assert found.outcome == outcome
    assert (found.pass_mark is None) == (outcome == "too few")


def test_the_interval_is_exact_and_missing_without_answers() -> None:
    found = control_test("Anne", items=20, correct=18, guess_rate=0.5)
    none = control_test("Ben", items=0, correct=0, without_category=3, guess_rate=0.5)

    # Clopper and Pearson for 18 of 20, by the beta quantiles: .6830 to .9877.
    assert found.interval_low == pytest.approx(0.6830, abs=5e-5)
    assert found.interval_high == pytest.approx(0.9877, abs=5e-5)
    assert (none.interval_low, none.attention, none.without_category) == (None, None, 3)


@pytest.mark.parametrize(
    ("known", "rate"), [((5, 5), 0.5), ((18, 2), 0.9), ((4, 3, 3), 0.4), ((0, 0, 0, 0), 0.25)]
)
def test_the_best_guess_is_the_most_frequent_category(known: tuple[int, ...], rate: float) -> None:
    assert rate_of_guessing(known) == pytest.approx(rate)
