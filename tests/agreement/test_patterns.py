"""Patterns hold exactly what the label matrix holds, whatever its shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.agreement.patterns import (
    count_patterns,
    counts_of_rows,
    row_patterns,
    select_raters,
)
from localensemble.core.label_matrix import LabelMatrix
from tests.agreement.matrices import label_matrices, random_matrix

# 30 categories by 30 raters need three keys of 62 bits; 300 categories need many.
LARGE = [
    random_matrix(1, items=200, raters=30, category_count=30),
    random_matrix(2, items=50, raters=3, category_count=300),
    random_matrix(3, items=50, raters=70, category_count=2),
    random_matrix(4, items=3000, raters=12, category_count=9, gaps=0.6),
]


def assert_counts_are_kept(matrix: LabelMatrix) -> None:
    patterns = count_patterns(matrix, with_items=True)
    np.testing.assert_array_equal(patterns.counts[patterns.item_pattern], matrix.counts())
    np.testing.assert_array_equal(
        np.bincount(patterns.item_pattern, minlength=len(patterns.counts)), patterns.multiplicity
    )
    alone = count_patterns(matrix)
    assert alone.item_pattern.size == 0
    np.testing.assert_array_equal(alone.counts, patterns.counts)
    np.testing.assert_array_equal(alone.multiplicity, patterns.multiplicity)
    assert len(np.unique(patterns.counts, axis=0)) == len(patterns.counts)


def assert_rows_are_kept(matrix: LabelMatrix) -> None:
    patterns = row_patterns(matrix)
    rebuilt = np.repeat(patterns.rows, patterns.multiplicity, axis=0)
    np.testing.assert_array_equal(
        rebuilt[np.lexsort(rebuilt.T)], matrix.indices[np.lexsort(matrix.indices.T)]
    )
    assert len(np.unique(patterns.rows, axis=0)) == len(patterns.rows)


@given(matrix=label_matrices())
def test_any_small_matrix_can_be_rebuilt(matrix: LabelMatrix) -> None:
    assert_counts_are_kept(matrix)
    assert_rows_are_kept(matrix)


@pytest.mark.parametrize("matrix", LARGE, ids=["30x30", "300", "70", "many"])
def test_matrices_too_wide_for_one_key_can_be_rebuilt(matrix: LabelMatrix) -> None:
    assert_counts_are_kept(matrix)
    assert_rows_are_kept(matrix)


@given(matrix=label_matrices(max_raters=5), chosen=st.sets(st.integers(0, 4)))
def test_selected_raters_keep_their_labels(matrix: LabelMatrix, chosen: set[int]) -> None:
    raters = [j for j in sorted(chosen) if j < len(matrix.raters)]
    selected = select_raters(
        row_patterns(matrix), raters=raters, category_count=matrix.category_count
    )
    rebuilt = np.repeat(selected.rows, selected.multiplicity, axis=0)
    kept = matrix.indices[:, raters]
    if raters:
        np.testing.assert_array_equal(rebuilt[np.lexsort(rebuilt.T)], kept[np.lexsort(kept.T)])
    assert int(selected.multiplicity.sum()) == matrix.item_count


def test_a_selection_too_wide_for_one_key_keeps_the_rows_as_they_are() -> None:
    patterns = row_patterns(LARGE[0])
    selected = select_raters(patterns, raters=range(29), category_count=30)
    np.testing.assert_array_equal(selected.rows, patterns.rows[:, :29])


def test_counts_of_rows_are_those_of_the_matrix() -> None:
    matrix = random_matrix(6, items=40)
    patterns = row_patterns(matrix)
    counts = counts_of_rows(patterns, category_count=matrix.category_count)
    np.testing.assert_array_equal(counts.multiplicity @ counts.counts, matrix.counts().sum(axis=0))
