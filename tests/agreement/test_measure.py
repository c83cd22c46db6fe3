"""One call gathers what a report shows, and says what it left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from localensemble.agreement import (
    ALL_COEFFICIENTS,
    SCALES,
    Agreement,
    Level,
    LevelError,
    gwet_ac1,
    gwet_ac2,
    krippendorff_alpha,
    measure_agreement,
    prepare,
)
from localensemble.core.label_matrix import LabelMatrix
from tests.agreement.matrices import matrix_of, random_matrix


def test_a_nominal_variable_gets_every_unweighted_coefficient() -> None:
    matrix = random_matrix(1)
    found = measure_agreement(matrix, level="nominal", resamples=50)
    without_weights = [
        method
        for method in ALL_COEFFICIENTS
        if not method.two_raters and method.uses_weights != "required"
    ]
    assert [one.name for one in found.coefficients] == [one.name for one in without_weights]
    assert found.weights == "identity"
    assert found.coefficient("AC1") == gwet_ac1(matrix)
    assert [one.name for one in found.resampled] == [one.name for one in found.coefficients]
    assert {one.bootstrap.interval_method for one in found.resampled if one.bootstrap} == {
        "bootstrap"
    }
    assert len(found.benchmarks) == sum(one.corrected for one in without_weights) * len(SCALES)
    assert len(found.by_category) == 4
    assert len(found.by_rater) == len(found.without_rater) == 4
    assert len(found.by_pair) == len(found.excess) == 6
    assert found.leading == "AC1"


def test_an_ordinal_variable_gets_the_weighted_ones_as_well() -> None:
    matrix = random_matrix(1)
    found = measure_agreement(matrix, level="ordinal", resamples=0, jackknife=False)
    assert found.weights == "ordinal"
    assert found.coefficient("AC2") == gwet_ac2(matrix, weights="ordinal")
    assert found.coefficient("Krippendorff alpha") == krippendorff_alpha(matrix, level="ordinal")
    assert found.coefficient("Fleiss kappa").weights == "identity"
    assert found.coefficient("Fleiss kappa", weights="ordinal").weights == "ordinal"
    assert found.resampled == ()
    assert found.leading == "AC2"
    assert found.without_rater[0].without.name == "AC2"
    with pytest.raises(KeyError):
        found.coefficient("Cohen kappa")


@pytest.mark.parametrize(("level", "weights"), [("interval", "quadratic"), ("ratio", "ratio")])
def test_numeric_levels_use_the_values(level: Level, weights: str) -> None:
    found = measure_agreement(
        random_matrix(1), level=level, values=[1, 2, 4, 8], resamples=0, jackknife=False
    )
    assert found.weights == weights
    assert found.coefficient("Krippendorff alpha").weights == level


def test_weights_of_ones_own_replace_those_of_the_level() -> None:
    own = np.eye(4)
    found = measure_agreement(
        random_matrix(1), level="ordinal", weights=own, resamples=0, jackknife=True
    )
    assert found.weights == "custom"
    assert found.resampled[0].bootstrap is None
    plain = measure_agreement(random_matrix(1), level="ordinal", weights="identity", resamples=0)
    assert plain.weights == "identity"


def test_two_raters_get_the_coefficients_for_two() -> None:
    found = measure_agreement(random_matrix(1, raters=2), level="nominal", resamples=0)
    assert [one.name for one in found.coefficients][-2:] == ["Cohen kappa", "Scott pi"]
    assert found.excess[0].undefined_because


def test_items_are_counted_by_what_they_can_say() -> None:
    found = measure_agreement(
        matrix_of("aaa", "ab-", "a--", "---", "bb-"), level="nominal", resamples=0
    )
    counts = found.counts
    assert (counts.items, counts.used, counts.with_one_label, counts.without_labels) == (5, 3, 1, 1)
    assert (counts.labeled_by_all, counts.unanimous, counts.labels) == (1, 2, 8)


def test_many_raters_leave_out_pairs_and_say_so() -> None:
    matrix = random_matrix(1, items=20, raters=41)
    found = measure_agreement(matrix, level="nominal", resamples=0, jackknife=False)
    assert found.by_pair == ()
    assert found.without_rater == ()
    assert found.pairs_left_out_because.startswith("41 raters make 820 pairs")
    assert len(found.by_rater) == 41


def test_an_unknown_level_is_refused() -> None:
    level: Any = "continuous"
    with pytest.raises(LevelError, match=r"unknown level .*'continuous'"):
        measure_agreement(random_matrix(1), level=level)


@pytest.mark.parametrize(
    "matrix",
    [
        matrix_of("a", "b"),
        matrix_of("aa", "aa", categories=("a",)),
        matrix_of("---", "---"),
        matrix_of("aaa", "aaa"),
        matrix_of("ab"),
        LabelMatrix(np.zeros((0, 3), np.int16), ("a", "b"), ("x", "y", "z")),
        LabelMatrix(np.zeros((2, 0), np.int16), ("a", "b"), ()),
        LabelMatrix(np.full((2, 2), -1, np.int16), (), ("x", "y")),
        random_matrix(1, raters=12, category_count=40, items=60),
    ],
    ids=[
        "one-rater",
        "one-category",
        "gaps",
        "unanimous",
        "one-item",
        "no-item",
        "no-rater",
        "no-category",
        "wide",
    ],
)
@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_pathological_matrices_are_measured_and_explained(
    matrix: LabelMatrix, level: Level
) -> None:
    found = measure_agreement(matrix, level=level, resamples=20)
    for one in found.coefficients:
        assert (one.value is None) == bool(one.undefined_because)
    assert found.counts.items == matrix.item_count


def test_a_prepared_matrix_gives_the_same_agreement() -> None:
    matrix = random_matrix(1)
    one = measure_agreement(matrix, level="nominal", resamples=20)
    other = measure_agreement(prepare(matrix), level="nominal", resamples=20)
    assert one == other


def test_anonymous_raters_leave_out_what_depends_on_who_gave_a_label() -> None:
    matrix = matrix_of("ab", "aa", "bb", "aa")
    named = measure_agreement(matrix, level="nominal", resamples=0)
    found = measure_agreement(matrix, level="nominal", resamples=0, anonymous=True)
    left_out = {"Conger kappa", "Cohen kappa"}
    assert found.coefficients == tuple(
        one for one in named.coefficients if one.name not in left_out
    )
    assert (found.by_rater, found.by_pair, found.excess, found.without_rater) == ((), (), (), ())
    assert "apart" in found.pairs_left_out_because
    assert found.by_category == named.by_category


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        # Fleiss' kappa falls, AC1 rises with 60 items of one label, all "a".
        (["aa"] * 15 + ["bb"] * 12 + ["ab"] * 13 + ["a-"] * 60, {"AC1", "Fleiss kappa"}),
        (["aa"] * 30 + ["bb"] * 5 + ["ab"] * 5 + ["-b"] * 40, {"AC1", "Fleiss kappa"}),
        # One such item among many changes nothing that counts.
        (["aa"] * 20 + ["bb"] * 15 + ["ab"] * 5 + ["a-"], set()),
        (["aa"] * 20 + ["bb"] * 15 + ["ab"] * 5, set()),
        # Without them there is no value to compare with.
        (["a-"] * 5 + ["-b"] * 5, set()),
    ],
)
def test_items_with_one_label_are_shown_to_matter_where_they_do(
    rows: list[str], names: set[str]
) -> None:
    found = measured(matrix_of(*rows, categories=("a", "b")))
    assert names <= {one.name for one in found.single_label_effects}
    if not names:
        assert found.single_label_effects == ()
    pairs = [row for row in rows if "-" not in row]
    for one in found.single_label_effects:
        alone = measured(matrix_of(*pairs, categories=("a", "b"))).coefficient(one.name)
        assert one.without == pytest.approx(alone.value)
        assert one.value == found.coefficient(one.name).value
        assert one.name not in ("Krippendorff alpha", "Cohen kappa", "Scott pi")


def measured(matrix: LabelMatrix) -> Agreement:
    return measure_agreement(matrix, level="nominal", resamples=0, jackknife=False)
