"""Labels against gold labels: how often right, where wrong, and whether two raters differ.

Pure functions of arrays of category indices; -1 means no label. A number that cannot
be computed is None, with the reason in words. Gold labels are assumed to be right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.certificates.bounds import Interval, exact_interval
from localensemble.core.label_matrix import GAP, LabelMatrix

CategoryArray = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Measure:
    """A number, or the reason why it is undefined."""

    value: float | None
    undefined_because: str = ""


@dataclass(frozen=True, slots=True)
class CategoryEvaluation:
    """One category among the items that have a label and a gold label.

    Attributes:
        category: the category's name.
        gold_items: items whose gold label is this category.
        labeled_items: items labeled with this category.
        correct: items that are both.
        precision: correct / labeled_items; undefined when no item has this label.
        recall: correct / gold_items; undefined when no item has this gold label.
        f1: 2 correct / (gold_items + labeled_items); undefined when both are 0.
    """

    category: str
    gold_items: int
    labeled_items: int
    correct: int
    precision: Measure
    recall: Measure
    f1: Measure


@dataclass(frozen=True, slots=True)
class OrdinalErrors:
    """How far off the labels of an ordinal variable are, in steps between categories.

    Attributes:
        mean_distance: mean absolute number of steps.
        mean_shift: mean signed number of steps; above 0 the labels are too high.
        within_one: share of items at most one step off.
    """

    mean_distance: Measure
    mean_shift: Measure
    within_one: Measure


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """One rater, or a consensus, against gold labels on one variable.

    Attributes:
        items: items with a label and a gold label; all numbers are about these.
        unlabeled: items with a gold label but no label.
        correct: items whose label is the gold label.
        accuracy: correct / items.
        interval: its exact 95% interval; None without items.
        categories: one entry per category, in codebook order.
        macro_f1: mean over the categories whose F1 is defined.
        weighted_f1: mean over the categories weighted by their gold items.
        confusion: (K, K + 1) counts; [g, l] counts items of gold category g labeled l; the last
            column counts items without a label.
        ordinal: errors in steps; None unless the categories are ordered.
    """

    items: int
    unlabeled: int
    correct: int
    accuracy: Measure
    interval: Interval | None
    categories: tuple[CategoryEvaluation, ...]
    macro_f1: Measure
    weighted_f1: Measure
    confusion: NDArray[np.int64]
    ordinal: OrdinalErrors | None


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Two raters on the items both labeled: exact McNemar test.

    Attributes:
        items: items with a gold label and both labels.
        only_first: items that the first rater got right and the second wrong.
        only_second: the reverse.
        p_value: two-sided, exact; undefined when no item tells the raters apart.
    """

    items: int
    only_first: int
    only_second: int
    p_value: Measure


@dataclass(frozen=True, slots=True)
class SharedErrors:
    """Errors no disagreement can reveal.

    Attributes:
        items: gold items that every rater labeled.
        all_wrong: items that every rater got wrong.
        same_wrong: items to which all raters gave the same wrong category.
        expected_all_wrong: items that all would get wrong if the raters erred independently.
    """

    items: int
    all_wrong: int
    same_wrong: int
    expected_all_wrong: float


def evaluate_labels(
    labels: CategoryArray, *, gold: CategoryArray, categories: Sequence[str], ordered: bool = False
) -> Evaluation:
    """Compare labels with gold labels.

    Args:
        labels: (N,) category indices, -1 for items without a label.
        gold: (N,) gold category indices, -1 for items without one.
        categories: the K category names.
        ordered: whether the categories are ordinal, in codebook order.
    """
    _check_lengths(labels, gold)
    category_count = len(categories)
    known = gold != GAP
    columns = np.where(labels[known] == GAP, category_count, labels[known]).astype(np.int64)
    cells = gold[known].astype(np.int64) * (category_count + 1) + columns
    confusion = np.bincount(cells, minlength=category_count * (category_count + 1)).reshape(
        category_count, category_count + 1
    )
    square = confusion[:, :category_count]
    items, correct = int(square.sum()), int(np.trace(square))
    of_categories = tuple(
        _of_category(
            name,
            gold_items=int(square[k].sum()),
            labeled_items=int(square[:, k].sum()),
            correct=int(square[k, k]),
        )
        for k, name in enumerate(categories)
    )
    return Evaluation(
        items=items,
        unlabeled=int(confusion[:, category_count].sum()),
        correct=correct,
        accuracy=_share(correct, items, "no item has both a label and a gold label"),
        interval=exact_interval(correct, items=items) if items else None,
        categories=of_categories,
        macro_f1=_macro_f1(of_categories),
        weighted_f1=_weighted_f1(of_categories),
        confusion=confusion,
        ordinal=_ordinal_errors(square) if ordered else None,
    )


def evaluate_groups(
    labels: CategoryArray,
    *,
    gold: CategoryArray,
    groups: Sequence[str],
    categories: Sequence[str],
    ordered: bool = False,
) -> tuple[tuple[str, Evaluation], ...]:
    """Compare labels with gold labels within every group (site, language), in name order."""
    if len(groups) != len(labels):
        raise ValueError(f"{len(groups)} groups for {len(labels)} items.")
    of_items = np.array(groups, dtype=object)
    return tuple(
        (
            name,
            evaluate_labels(
                labels[of_items == name],
                gold=gold[of_items == name],
                categories=categories,
                ordered=ordered,
            ),
        )
        for name in sorted(set(groups))
    )


def compare_accuracy(
    first: CategoryArray, *, second: CategoryArray, gold: CategoryArray
) -> PairedComparison:
    """Test whether two raters are equally often right (exact McNemar)."""
    _check_lengths(first, gold)
    _check_lengths(second, gold)
    both = (gold != GAP) & (first != GAP) & (second != GAP)
    first_right, second_right = first[both] == gold[both], second[both] == gold[both]
    only_first = int(np.count_nonzero(first_right & ~second_right))
    only_second = int(np.count_nonzero(second_right & ~first_right))
    differing = only_first + only_second
    if differing == 0:
        reason = "both are right and wrong on the same items"
        return PairedComparison(int(both.sum()), 0, 0, Measure(None, reason))
    from scipy.special import bdtr  # slow to import: only needed with gold labels

    tail = float(bdtr(min(only_first, only_second), differing, 0.5))
    return PairedComparison(int(both.sum()), only_first, only_second, Measure(min(1.0, 2.0 * tail)))


def shared_errors(labels: LabelMatrix, *, gold: CategoryArray) -> SharedErrors:
    """Count the items on which all raters are wrong, which their agreement hides."""
    _check_lengths(labels.indices, gold)
    complete = (gold != GAP) & np.all(labels.mask, axis=1)
    held = labels.indices[complete]
    wrong = held != gold[complete][:, None]
    all_wrong = np.all(wrong, axis=1) & (held.shape[1] > 0)
    same = all_wrong & np.all(held == held[:, :1], axis=1)
    items = len(held)
    return SharedErrors(
        items=items,
        all_wrong=int(np.count_nonzero(all_wrong)),
        same_wrong=int(np.count_nonzero(same)),
        expected_all_wrong=float(items * wrong.mean(axis=0).prod()) if items else 0.0,
    )


def _of_category(
    name: str, *, gold_items: int, labeled_items: int, correct: int
) -> CategoryEvaluation:
    return CategoryEvaluation(
        category=name,
        gold_items=gold_items,
        labeled_items=labeled_items,
        correct=correct,
        precision=_share(correct, labeled_items, "no item has this label"),
        recall=_share(correct, gold_items, "no item has this gold label"),
        f1=_share(2 * correct, gold_items + labeled_items, "no item has this label or gold label"),
    )


def _macro_f1(categories: Sequence[CategoryEvaluation]) -> Measure:
    defined = [entry.f1.value for entry in categories if entry.f1.value is not None]
    if not defined:
        return Measure(None, "no category occurs")
    return Measure(float(np.mean(defined)))


def _weighted_f1(categories: Sequence[CategoryEvaluation]) -> Measure:
    total = sum(entry.gold_items for entry in categories)
    if total == 0:
        return Measure(None, "no item has both a label and a gold label")
    return Measure(sum((entry.f1.value or 0.0) * entry.gold_items for entry in categories) / total)


def _ordinal_errors(square: NDArray[np.int64]) -> OrdinalErrors:
    total = int(square.sum())
    if total == 0:
        nothing = Measure(None, "no item has both a label and a gold label")
        return OrdinalErrors(nothing, nothing, nothing)
    steps = np.arange(len(square))
    shift = steps[None, :] - steps[:, None]
    return OrdinalErrors(
        mean_distance=Measure(float((square * np.abs(shift)).sum() / total)),
        mean_shift=Measure(float((square * shift).sum() / total)),
        within_one=Measure(float(square[np.abs(shift) <= 1].sum() / total)),
    )


def _share(part: int, whole: int, undefined_because: str) -> Measure:
    return Measure(part / whole) if whole else Measure(None, undefined_because)


def _check_lengths(labels: NDArray[np.int16], gold: CategoryArray) -> None:
    if len(labels) != len(gold):
        raise ValueError(f"{len(labels)} labels for {len(gold)} gold labels.")
