"""Label matrices for tests: written out, or drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from localensemble.core.label_matrix import LabelMatrix


def matrix_of(
    *rows: str, categories: Sequence[str] = ("a", "b", "c"), raters: Sequence[str] | None = None
) -> LabelMatrix:
    """One string is one item: a letter a rater, ``-`` for a gap."""
    width = len(rows[0]) if rows else 0
    return LabelMatrix.from_names(
        [[None if letter == "-" else letter for letter in row] for row in rows],
        categories=categories,
        raters=raters or [f"rater-{j}" for j in range(width)],
    )


def matrix_from(cells: Sequence[Sequence[int]], *, category_count: int) -> LabelMatrix:
    """Category indices per item, -1 for a gap; categories are named c0, c1, ..."""
    indices = np.array(cells, dtype=np.int16)
    return LabelMatrix(
        indices,
        tuple(f"c{k}" for k in range(category_count)),
        tuple(f"rater-{j}" for j in range(indices.shape[1])),
    )


def random_matrix(
    seed: int,
    *,
    items: int = 30,
    raters: int = 4,
    category_count: int = 4,
    gaps: float = 0.2,
    copied: float = 0.6,
) -> LabelMatrix:
    """Raters who copy a hidden category with some probability and else guess."""
    generator = np.random.default_rng(seed)
    hidden = generator.integers(0, category_count, size=(items, 1))
    guesses = generator.integers(0, category_count, size=(items, raters))
    cells = np.where(generator.random((items, raters)) < copied, hidden, guesses)
    cells[generator.random((items, raters)) < gaps] = -1
    return LabelMatrix(
        cells.astype(np.int16),
        tuple(f"c{k}" for k in range(category_count)),
        tuple(f"rater-{j}" for j in range(raters)),
    )


@st.composite
def label_matrices(
    draw: st.DrawFn, *, max_items: int = 12, max_raters: int = 5, max_categories: int = 4
) -> LabelMatrix:
    """Any matrix: gaps, empty items, empty raters and categories that never occur included."""
    category_count = draw(st.integers(1, max_categories))
    raters = draw(st.integers(1, max_raters))
    items = draw(st.integers(1, max_items))
    row = st.lists(st.integers(-1, category_count - 1), min_size=raters, max_size=raters)
    cells = draw(st.lists(row, min_size=items, max_size=items))
    return matrix_from(cells, category_count=category_count)
