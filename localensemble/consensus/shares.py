"""Count an item's labels and compute their shares, in blocks that keep memory bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from localensemble.consensus.protocol import (
    NO_CONSENSUS,
    BoolArray,
    CategoryArray,
    CountArray,
    FloatArray,
)
from localensemble.core.label_matrix import LabelMatrix

_BLOCK_CELLS = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Lead:
    """The most chosen category of every item.

    Attributes:
        categories: int16 (N,); the single leader, -1 without one.
        counts: int32 (N,); number of labels of a leading category.
        tie: bool (N,); two or more categories lead equally.
        labels_used: int32 (N,); number of assigned labels.
    """

    categories: CategoryArray
    counts: CountArray
    tie: BoolArray
    labels_used: CountArray

    @property
    def majority(self) -> BoolArray:
        """A mask, bool (N,): True where more than half of at least two labels chose the leader."""
        return np.asarray((self.labels_used >= 2) & (2 * self.counts > self.labels_used))


def item_blocks(item_count: int, *, cells_per_item: int) -> Iterator[slice]:
    """Cut the items into blocks whose temporary arrays stay small."""
    length = max(1, _BLOCK_CELLS // max(1, cells_per_item))
    for start in range(0, item_count, length):
        yield slice(start, min(start + length, item_count))


def lead(labels: LabelMatrix) -> Lead:
    """Find the most chosen category of every item."""
    item_count = labels.item_count
    categories = np.full(item_count, NO_CONSENSUS, dtype=np.int16)
    counts = np.zeros(item_count, dtype=np.int32)
    tie = np.zeros(item_count, dtype=np.bool_)
    labels_used = np.count_nonzero(labels.mask, axis=1).astype(np.int32)
    if labels.category_count == 0:
        return Lead(categories, counts, tie, labels_used)
    for block in item_blocks(item_count, cells_per_item=labels.category_count):
        part = LabelMatrix(labels.indices[block], labels.categories, labels.raters).counts()
        top = part.max(axis=1)
        leaders = np.count_nonzero(part == top[:, None], axis=1)
        counts[block] = top
        tie[block] = (leaders > 1) & (top > 0)
        categories[block] = np.where((leaders == 1) & (top > 0), part.argmax(axis=1), NO_CONSENSUS)
    return Lead(categories, counts, tie, labels_used)


def support_of(labels: LabelMatrix, *, categories: CategoryArray) -> FloatArray:
    """Return the share of each item's assigned labels that chose its category; NaN without one."""
    used = np.count_nonzero(labels.mask, axis=1)
    chosen = np.count_nonzero(labels.indices == categories[:, None], axis=1)
    support = np.full(labels.item_count, np.nan)
    known = (categories != NO_CONSENSUS) & (used > 0)
    support[known] = chosen[known] / used[known]
    return support


def rater_name_order(labels: LabelMatrix) -> tuple[int, ...]:
    """Return the columns in the order of the raters' names.

    Sums run in this order, so that permuting the columns changes no digit.
    """
    return tuple(sorted(range(len(labels.raters)), key=lambda j: labels.raters[j]))


def mean_distribution(labels: LabelMatrix, *, probabilities: FloatArray) -> FloatArray:
    """Average the raters' distributions: (N, K), NaN where no rater gave one."""
    total = np.zeros((labels.item_count, labels.category_count))
    given = np.zeros(labels.item_count)
    for j in rater_name_order(labels):
        known = ~np.any(np.isnan(probabilities[:, j, :]), axis=1)
        total += np.where(known[:, None], probabilities[:, j, :], 0.0)
        given += known
    mean = np.full_like(total, np.nan)
    np.divide(total, given[:, None], out=mean, where=given[:, None] > 0)
    return mean


def label_shares(labels: LabelMatrix) -> FloatArray:
    """Return each category's share of an item's assigned labels: (N, K), NaN without labels."""
    counts = labels.counts()
    used = counts.sum(axis=1, keepdims=True)
    shares = np.full(counts.shape, np.nan)
    np.divide(counts, used, out=shares, where=used > 0)
    return shares


def check_probabilities(labels: LabelMatrix, *, probabilities: FloatArray) -> None:
    """Refuse an array of distributions that does not fit the labels.

    Raises:
        ValueError: the shape is not (N, R, K).
    """
    expected = (labels.item_count, len(labels.raters), labels.category_count)
    if probabilities.shape != expected:
        raise ValueError(f"probabilities has shape {probabilities.shape}; expected {expected}.")


def log_probability_gaps(probabilities: FloatArray) -> FloatArray:
    """Compute by how much the log probability of the first category exceeds the second's.

    Args:
        probabilities: (..., K); NaN where a rater gave none.

    Returns:
        An array without the last axis: 0 or more, infinite if only one category is possible, NaN
        where probabilities are unknown.
    """
    if probabilities.shape[-1] < 2:
        unknown = np.isnan(probabilities).any(axis=-1) | (probabilities.shape[-1] == 0)
        return np.where(unknown, np.nan, np.inf)
    two = np.partition(probabilities, -2, axis=-1)[..., -2:]
    with np.errstate(divide="ignore"):
        logs = np.log(two)
    gaps: FloatArray = logs[..., 1] - logs[..., 0]
    return gaps
