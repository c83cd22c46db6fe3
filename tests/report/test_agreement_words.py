"""No word about agreement contradicts the interval that is shown beside it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.agreement import SCALES, ScaleName, measure_agreement
from localensemble.core.estimates import interval
from localensemble.core.label_matrix import LabelMatrix
from localensemble.findings.agreement import Agreement
from localensemble.report.agreement_wording import (
    agreement_statement,
    agreement_verdict,
    band_word,
    reached_word,
)

BANDS = {word: lower for lower, word in SCALES[0].bands}
PRAISE = {"perfect": 0.8, "substantial": 0.6, "moderate": 0.4, "fair": 0.2, "slight": 0.0}


def agreement_of(rows: list[list[int]], *, level: str = "nominal") -> Agreement:
    indices = np.array(rows, dtype=np.int16)
    names = tuple(f"r{j}" for j in range(indices.shape[1]))
    return measure_agreement(
        LabelMatrix(indices, ("a", "b", "c"), names),
        level="ordinal" if level == "ordinal" else "nominal",
        resamples=0,
    )


GOOD = agreement_of([[0, 0, 0]] * 20 + [[1, 1, 1]] * 20 + [[2, 2, 0]] * 3)


def with_interval(agreement: Agreement, name: str, ends: tuple[float, float, float]) -> Agreement:
    low, value, high = sorted(ends)
    return replace(
        agreement,
        coefficients=tuple(
            replace(one, value=value, interval_low=low, interval_high=high)
            if one.name == name
            else one
            for one in agreement.coefficients
        ),
    )


def end_of(shown: str) -> float:
    """Read an end of an interval as it is shown."""
    return float(shown.removeprefix("below "))


ends = st.tuples(*[st.floats(-2.0, 1.0)] * 3) | st.tuples(*[st.floats(-0.01, 0.01)] * 3)


@given(leading=ends, alpha=ends)
def test_no_word_contradicts_the_interval_that_is_shown(
    leading: tuple[float, float, float], alpha: tuple[float, float, float]
) -> None:
    agreement = with_interval(with_interval(GOOD, "AC1", leading), "Krippendorff alpha", alpha)
    verdict = agreement_verdict(agreement)[0]
    shown_low, shown_high = map(end_of, interval(min(leading), max(leading)).split(" to "))
    statement = agreement_statement(agreement)
    assert verdict.startswith(statement)
    for word, lower in PRAISE.items():
        if word in statement:
            assert shown_low >= lower
            assert shown_low > 0.0
            assert min(alpha) > 0.0
            assert sorted(alpha)[1] > 0.0
    if "less than by chance" in statement:
        assert shown_high < 0.0
    if "not established" in statement:
        assert shown_low <= 0.0 <= shown_high


@given(low=st.floats(-1.0, 1.0))
def test_the_word_of_an_interval_is_reached_by_its_shown_lower_end(low: float) -> None:
    coefficient = replace(GOOD.coefficient("AC1"), value=1.0, interval_low=low, interval_high=1.0)
    word = reached_word(coefficient)
    lower = BANDS[word or ""]
    shown = end_of(interval(low, 1.0).split(" to ")[0])
    if lower is not None:
        assert min(low, shown) >= lower
        assert shown > 0.0


@pytest.mark.parametrize(
    ("rows", "because"),
    [
        ([[0, 0, 0]] * 30 + [[0, 0, 1]] * 3, '"r0" and "r1" each give every item the same answer'),
        ([[0, k % 2, k % 2] for k in range(40)], '"r0" gives every item the same answer'),
    ],
)
def test_agreement_with_a_rater_that_answers_always_alike_is_not_praised(
    rows: list[list[int]], because: str
) -> None:
    agreement = agreement_of(rows)
    statement = agreement_statement(agreement)
    assert because in statement or "not established" in statement
    for word in PRAISE:
        assert word not in statement


def test_agreement_with_a_rater_that_answers_outside_the_codebook_is_not_praised() -> None:
    assert "almost perfectly" in agreement_statement(GOOD) or "substantially" in (
        agreement_statement(GOOD)
    )
    statement = agreement_statement(GOOD, outside=("r1",))
    assert statement.endswith('because "r1" answers outside the codebook')
    verdict = agreement_verdict(GOOD, outside=("r1",))
    assert "perfect" not in verdict[0]
    assert "substantial" not in verdict[0]


def test_less_agreement_than_by_chance_is_called_so() -> None:
    opposed = agreement_of([[0, 1], [1, 0]] * 40 + [[0, 0]] * 3)
    assert agreement_statement(opposed) == "The raters agree less than by chance"


def shown_ends(sentence: str) -> tuple[float, float]:
    """Return the ends of the first interval in a sentence, as a reader sees them."""
    found = re.search(r"\(95% interval ((?:below )?\S+) to ([^\s)]+)\)", sentence)
    assert found is not None, sentence
    low, high = map(end_of, found.groups())
    return low, high


@given(
    rows=st.lists(
        st.lists(st.sampled_from([-1, 0, 0, 0, 1, 1, 2]), min_size=3, max_size=3),
        min_size=4,
        max_size=30,
    ),
    level=st.sampled_from(["nominal", "ordinal"]),
)
def test_no_sentence_about_labels_goes_beyond_its_interval(
    rows: list[list[int]], level: str
) -> None:
    verdict = agreement_verdict(agreement_of(rows, level=level))[0]
    if "95% interval" not in verdict:
        assert not any(word in verdict for word in PRAISE)
        return
    low, high = shown_ends(verdict)
    statement = verdict.partition(":")[0]
    for word, lower in PRAISE.items():
        if word in statement:
            assert low >= lower
            assert low > 0.0
    if "more than by chance" in statement:
        assert low > 0.0
    if "less than by chance" in statement:
        assert high < 0.0


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        # 33 items with one label, and 6 of 7 pairs alike: AC1 .714 (-.024 to 1.000), p .057.
        (
            [[0, -1, -1]] * 18
            + [[1, -1, -1]] * 15
            + [[1, 1, -1]] * 3
            + [[0, 0, -1]] * 2
            + [[0, 1, -1], [1, -1, 1]],
            0.714,
        ),
        # By hand: pa = 4/6, pi = 1/2: pe = 1/2; AC1 = (2/3 - 1/2) / (1/2) = 1/3.
        ([[0, 0], [1, 1], [0, 0], [1, 1], [0, 1], [1, 0]], 1 / 3),
        # By hand: pa = 2/3, pi = 1/2: pe = 1/2; AC1 = 1/3.
        ([[0, 0], [1, 1], [0, 1]] * 2, 1 / 3),
    ],
)
def test_an_interval_that_holds_0_establishes_nothing(rows: list[list[int]], value: float) -> None:
    raters = ("main", "second", "third")[: len(rows[0])]
    matrix = LabelMatrix(np.array(rows, dtype=np.int16), ("n", "y"), raters)
    agreement = measure_agreement(matrix, level="nominal", resamples=0)
    assert agreement.coefficient("AC1").value == pytest.approx(value, abs=5e-4)
    verdict = agreement_verdict(agreement)[0]
    low, _ = shown_ends(verdict)
    assert low <= 0.0
    assert verdict.startswith("Agreement beyond chance is not established")


@pytest.mark.parametrize(
    ("ac1", "alpha", "words"),
    [
        # "Almost perfectly" stood beside an alpha of .660.
        ((0.85, 0.9, 0.95), (0.5, 0.66, 0.8), "moderately or better"),
        ((0.7, 0.8, 0.9), (0.7, 0.8, 0.9), "substantially or better"),
        ((0.7, 0.8, 0.9), (0.3, 0.4, 0.5), "fairly or better"),
        ((0.3, 0.4, 0.5), (0.7, 0.8, 0.9), "fairly or better"),
    ],
)
def test_the_word_is_the_lower_of_the_two_coefficients(
    ac1: tuple[float, float, float], alpha: tuple[float, float, float], words: str
) -> None:
    found = with_interval(with_interval(GOOD, "AC1", ac1), "Krippendorff alpha", alpha)
    assert agreement_statement(found) == f"The raters agree {words}"
    assert agreement_verdict(found)[0].startswith(f"The raters agree {words}: AC1 is")


def influence(agreement: Agreement, change: float, kappa_change: float) -> Agreement:
    changed = [
        replace(one, change=change if one.rater == "r2" else 0.0, kappa_change=kappa_change)
        for one in agreement.without_rater
    ]
    return replace(agreement, without_rater=tuple(changed))


def test_leaving_a_rater_out_is_praised_only_if_kappa_rises_too() -> None:
    both = agreement_verdict(influence(GOOD, 0.2, 0.1))
    assert any('"r2" disagrees' in one and "Fleiss' kappa" in one for one in both)
    for kappa_change in (0.01, -0.3):
        alone = agreement_verdict(influence(GOOD, 0.2, kappa_change))
        assert not any("disagrees with the others most" in one for one in alone)


@pytest.mark.parametrize(
    ("rows", "items"),
    [
        ([[0, 0, 0]], "1 item has"),
        ([[0, 0, 0]] * 2 + [[1, -1, -1]] * 40, "2 items have"),
        ([[0, 0], [1, 1], [0, 0], [1, 1], [2, 2]], "5 items have"),
    ],
)
def test_no_verdict_comes_from_fewer_items_than_can_show_one(
    rows: list[list[int]], items: str
) -> None:
    agreement = agreement_of(rows)
    statement = agreement_statement(agreement)
    assert statement.startswith(f"Agreement cannot be judged, because only {items}")
    assert agreement_verdict(agreement)[0].startswith(statement)
    assert reached_word(agreement.coefficient("AC1")) is None
    assert "at least 6" in band_word(agreement, agreement.coefficient("AC1"), "Landis-Koch")
    assert not any(word in agreement_statement(agreement) for word in PRAISE)


@pytest.mark.parametrize("scale", ["Landis-Koch", "Altman", "Fleiss"])
def test_the_table_of_words_agrees_with_a_verdict_below_chance(scale: ScaleName) -> None:
    agreement = agreement_of([[0, 1], [1, 2], [2, 0]] * 20)
    assert "less than by chance" in agreement_statement(agreement)
    assert band_word(agreement, agreement.coefficient("AC1"), scale) == "poor"


def test_six_items_with_equal_labels_can_show_agreement() -> None:
    statement = agreement_statement(agreement_of([[0, 0, 0]] * 3 + [[1, 1, 1]] * 3))
    assert any(word in statement for word in PRAISE)
