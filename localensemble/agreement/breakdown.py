"""Break agreement down by category, item, rater and pair, and leave out each rater in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from localensemble.agreement.coefficients import (
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    percent_agreement,
)
from localensemble.agreement.estimators import pattern_disagreement
from localensemble.agreement.patterns import CountPatterns, count_patterns
from localensemble.agreement.prepared import Labels, PreparedMatrix, prepare
from localensemble.agreement.result import Coefficient
from localensemble.agreement.weights import WeightScheme, agreement_weights
from localensemble.core.label_matrix import LabelMatrix

MOST_RATERS_IN_PAIRS = 40
"""Pairs and leave-one-out are computed up to this many raters: 780 pairs still fit a figure."""


SAME_ANSWER_ITEMS = 20
"""Fewer items with one answer are too ordinary to report."""


@dataclass(frozen=True, slots=True)
class CategoryAgreement:
    """Agreement on one category.

    Attributes:
        category: the name of the category.
        labels: the number of labels that chose it.
        share: its share of all labels; None without any labels.
        specific_agreement: the probability that a second rater chooses the category, given
            that a first one did; not corrected for chance.
        against_rest: Fleiss' kappa of this category against all others together.
    """

    category: str
    labels: int
    share: float | None
    specific_agreement: Coefficient
    against_rest: Coefficient


@dataclass(frozen=True, slots=True, eq=False)
class ItemAgreement:
    """Agreement on each item that has two or more labels.

    Attributes:
        items: (n,) row numbers in the label matrix, increasing.
        agreement: (n,) share of agreeing pairs of labels, 0 to 1.
        labels: (n,) number of labels of each item.
    """

    items: NDArray[np.int64]
    agreement: NDArray[np.float64]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RaterProfile:
    """What one rater did.

    Attributes:
        rater: the name of the rater.
        labels: the number of labels it gave.
        gaps: the number of items it did not label.
        category_labels: its labels per category, in the codebook's order.
    """

    rater: str
    labels: int
    gaps: int
    category_labels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SameAnswer:
    """A rater that gave one category to every item it labeled.

    Attributes:
        rater: the name of the rater.
        category: the category.
        items: the number of items, at least `SAME_ANSWER_ITEMS`.
    """

    rater: str
    category: str
    items: int


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Agreement of two raters, on the items both labeled.

    Attributes:
        first: a rater.
        second: another rater.
        percent: percent agreement.
        ac1: Gwet's AC1.
        cohen: Cohen's kappa.
    """

    first: str
    second: str
    percent: Coefficient
    ac1: Coefficient
    cohen: Coefficient


@dataclass(frozen=True, slots=True)
class RaterInfluence:
    """Agreement of the other raters when one is left out.

    Attributes:
        rater: the rater left out.
        without: the coefficient of the other raters.
        change: the coefficient of the others minus that of all. Positive when the rater
            lowers agreement; None when either is undefined.
        kappa_without: Fleiss' kappa of the other raters: AC1 alone also rises when the others
            merely give one category more often.
        kappa_change: its change, likewise.
    """

    rater: str
    without: Coefficient
    change: float | None
    kappa_without: Coefficient
    kappa_change: float | None


def category_agreement(
    labels: Labels, *, confidence_level: float = 0.95
) -> tuple[CategoryAgreement, ...]:
    """Measure agreement on each declared category, in the codebook's order.

    Specific agreement is sum of r_ik (r_ik - 1) over sum of r_ik (r_i - 1), over items with
    two or more labels; its standard error is that of a ratio of two means.

    Undefined when: the category does not occur on an item with two labels (specific
        agreement), or no other category occurs (kappa against the rest).
    Source: Cicchetti and Feinstein (1990), Journal of Clinical Epidemiology 43:551-558, for
        two raters; Fleiss (1971) for kappa by category.
    """
    prepared = prepare(labels)
    totals = prepared.counts.multiplicity @ prepared.counts.counts
    everything = int(totals.sum())
    by_category = []
    for k, category in enumerate(prepared.categories):
        two = _against_rest(prepared, k)
        by_category.append(
            CategoryAgreement(
                category=category,
                labels=int(totals[k]),
                share=int(totals[k]) / everything if everything else None,
                specific_agreement=_specific(two, confidence_level=confidence_level),
                against_rest=fleiss_kappa(two, confidence_level=confidence_level),
            )
        )
    return tuple(by_category)


def _against_rest(prepared: PreparedMatrix, category: int) -> PreparedMatrix:
    counts = prepared.counts
    own = counts.counts[:, category]
    pair = np.column_stack([own, counts.counts.sum(axis=1) - own])
    return PreparedMatrix(
        categories=(prepared.categories[category], "any other category"),
        raters=prepared.raters,
        item_count=prepared.item_count,
        find_counts=lambda: CountPatterns(pair, counts.multiplicity),
        find_rows=lambda: prepared.rows,
        count_labels=lambda: np.array(prepared.labels_per_rater, dtype=np.int64),
    )


def _specific(prepared: PreparedMatrix, *, confidence_level: float) -> Coefficient:
    counts, multiplicity = prepared.counts.counts, prepared.counts.multiplicity
    paired = counts.sum(axis=1) >= 2
    own = counts[paired, 0].astype(np.float64)
    others = counts[paired].sum(axis=1) - 1.0
    weight = multiplicity[paired]
    agreeing, possible = own * (own - 1.0), own * others
    total = float(weight @ possible)
    name, category = "specific agreement", prepared.categories[0]
    items = int(weight[own > 0].sum())
    reason = "" if total else f'no item with two labels has the category "{category}"'
    value = float(weight @ agreeing) / total if total else None
    error = low = high = None
    no_interval = ""
    if value is not None:
        number = int(weight.sum())
        residual = agreeing - value * possible
        spread = float(weight @ residual**2)
        if number < 2 or spread <= 1e-24 * total**2:
            no_interval = "every item contributes the same, so there is no spread to estimate"
        else:
            from scipy import special

            error = float(np.sqrt(spread * number / (number - 1))) / total
            reach = error * float(special.stdtrit(number - 1, (1.0 + confidence_level) / 2.0))
            low, high = max(0.0, value - reach), min(1.0, value + reach)
    return Coefficient(
        name=name,
        value=value,
        observed_agreement=value,
        expected_agreement=None,
        standard_error=error,
        interval_low=low,
        interval_high=high,
        confidence_level=confidence_level,
        p_value=None,
        items_used=items,
        items_left_out=prepared.item_count - items,
        raters=prepared.rater_count,
        undefined_because=reason,
        interval_method="analytic" if error is not None else "",
        interval_undefined_because=no_interval,
    )


def item_agreement(
    matrix: LabelMatrix,
    *,
    weights: WeightScheme | ArrayLike = "identity",
    values: Sequence[float] | None = None,
) -> ItemAgreement:
    """Measure agreement on each item with two or more labels."""
    scheme = agreement_weights(weights, category_count=matrix.category_count, values=values)
    patterns = count_patterns(matrix, with_items=True)
    place = patterns.item_pattern
    labels = patterns.counts.sum(axis=1)
    agreement = 1.0 - pattern_disagreement(patterns.counts, scheme)
    items = np.flatnonzero(labels[place] >= 2)
    return ItemAgreement(items, agreement[place[items]], labels[place[items]])


def rater_profiles(labels: Labels) -> tuple[RaterProfile, ...]:
    """Count each rater's labels, per category."""
    prepared = prepare(labels)
    profiles = []
    for j, rater in enumerate(prepared.raters):
        column = prepared.rows.rows[:, j]
        there = column >= 0
        counts = np.bincount(
            column[there],
            weights=prepared.rows.multiplicity[there],
            minlength=prepared.category_count,
        ).astype(np.int64)
        given = int(counts.sum())
        profiles.append(
            RaterProfile(
                rater, given, prepared.item_count - given, tuple(int(count) for count in counts)
            )
        )
    return tuple(profiles)


def same_answers(
    profiles: Sequence[RaterProfile], *, categories: Sequence[str]
) -> tuple[SameAnswer, ...]:
    """Find the raters that gave the same category to every one of at least 20 items."""
    return tuple(
        SameAnswer(one.rater, categories[one.category_labels.index(one.labels)], one.labels)
        for one in profiles
        if one.labels >= SAME_ANSWER_ITEMS and one.labels in one.category_labels
    )


def too_many_for_pairs(raters: int) -> str:
    """Return why the pairs of so many raters are not computed; empty if they are."""
    if raters <= MOST_RATERS_IN_PAIRS:
        return ""
    return (
        f"{raters:,} raters make {raters * (raters - 1) // 2:,} pairs; pairs are computed for at "
        f"most {MOST_RATERS_IN_PAIRS} raters"
    )


def rater_pairs(labels: Labels, *, confidence_level: float = 0.95) -> tuple[PairAgreement, ...]:
    """Measure agreement of every two raters on the items both labeled.

    Undefined when: the two have no item in common, or the coefficient itself is undefined.
    """
    prepared = prepare(labels)
    pairs = []
    for g, h in combinations(range(len(prepared.raters)), 2):
        pair = prepared.select([g, h], labeled_by_all=True)
        pairs.append(
            PairAgreement(
                prepared.raters[g],
                prepared.raters[h],
                percent_agreement(pair, confidence_level=confidence_level),
                gwet_ac1(pair, confidence_level=confidence_level),
                cohen_kappa(pair, confidence_level=confidence_level),
            )
        )
    return tuple(pairs)


def leave_one_rater_out(
    labels: Labels,
    *,
    compute: Callable[[Labels], Coefficient] = gwet_ac1,
    kappa: Callable[[Labels], Coefficient] = fleiss_kappa,
) -> tuple[RaterInfluence, ...]:
    """Compute a coefficient and Fleiss' kappa without each rater in turn, in the raters' order.

    Undefined when: the others have no item with two labels, or the coefficient is undefined.
    """
    prepared = prepare(labels)
    whole, whole_kappa = compute(prepared).value, kappa(prepared).value
    influences = []
    for j, rater in enumerate(prepared.raters):
        others = [g for g in range(len(prepared.raters)) if g != j]
        selected = prepared.select(others)
        without, kappa_without = compute(selected), kappa(selected)
        influences.append(
            RaterInfluence(
                rater,
                without,
                _difference(without.value, whole),
                kappa_without,
                _difference(kappa_without.value, whole_kappa),
            )
        )
    return tuple(influences)


def _difference(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before
