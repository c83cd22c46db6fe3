"""The label matrix is aligned by construction, and a gap is not a category."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.core.label_matrix import LabelMatrix


def matrix(rows: list[list[str | None]]) -> LabelMatrix:
    return LabelMatrix.from_names(rows, categories=("a", "b", "c"), raters=("x", "y"))


def test_names_become_indices_and_gaps_stay_gaps() -> None:
    labels = matrix([["a", "c"], [None, "b"], [None, None]])
    assert labels.indices.tolist() == [[0, 2], [-1, 1], [-1, -1]]
    assert labels.mask.tolist() == [[True, True], [False, True], [False, False]]
    assert (labels.item_count, labels.category_count) == (3, 3)


def test_counts_leave_gaps_out() -> None:
    labels = matrix([["a", "a"], [None, "b"], [None, None], ["a", "c"]])
    assert labels.counts().tolist() == [[2, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 1]]


def test_a_matrix_may_have_no_items() -> None:
    labels = matrix([])
    assert labels.indices.shape == (0, 2)
    assert labels.counts().shape == (0, 3)


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="Row 1 has 1 labels for 2 raters"):
        matrix([["a", "b"], ["a"]])


def test_a_name_that_is_no_category_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Row 0, rater 'y'.* 'd'"):
        matrix([["a", "d"]])


@pytest.mark.parametrize(
    ("indices", "categories", "raters", "found"),
    [
        ([0, 1], ("a", "b"), ("x",), "has 1 axes"),
        ([[0, 1]], ("a", "b"), ("x",), "has 2 columns for 1 raters"),
        ([[2]], ("a", "b"), ("x",), "run from 2 to 2; expected -1 to 1"),
        ([[-2]], ("a", "b"), ("x",), "run from -2 to -2"),
        ([[0]], ("a", "a"), ("x",), "category names"),
        ([[0, 0]], ("a", "b"), ("x", "x"), "rater names"),
    ],
)
def test_a_matrix_that_does_not_fit_is_refused(
    indices: list[object], categories: tuple[str, ...], raters: tuple[str, ...], found: str
) -> None:
    with pytest.raises(ValueError, match=found):
        LabelMatrix(np.array(indices, dtype=np.int16), categories, raters)
