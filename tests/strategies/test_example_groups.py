"""Groups of examples: found without a draw, and no more than there are different examples."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.strategies.example_groups import group_centers


def at(*degrees: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)])


def degrees_of(centers: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[float]:
    return sorted(np.degrees(np.arctan2(centers[:, 1], centers[:, 0])).tolist())


def test_the_centers_are_the_mean_directions_of_what_is_alike() -> None:
    centers = group_centers(at(0, 10, 90, 94, 180), count=3)
    assert degrees_of(centers) == pytest.approx([5, 92, 180])
    assert np.linalg.norm(centers, axis=1) == pytest.approx(np.ones(3))


def test_the_order_of_the_examples_changes_no_center() -> None:
    vectors = at(0, 7, 13, 80, 85, 99, 170, 182)
    expected = degrees_of(group_centers(vectors, count=3))
    for seed in range(5):
        rows = np.random.default_rng(seed).permutation(len(vectors))
        assert degrees_of(group_centers(vectors[rows], count=3)) == pytest.approx(expected)


def test_equal_examples_make_one_group() -> None:
    assert len(group_centers(at(30, 30, 30), count=4)) == 1
    assert len(group_centers(at(30, 30, 60), count=4)) == 2


def test_an_example_without_a_vector_is_no_trouble() -> None:
    centers = group_centers(np.vstack([at(0, 90), [[0.0, 0.0]]]), count=3)
    assert np.isfinite(centers).all()
