"""A pool: a rule, fitted to gold labels, that combines the raters' probabilities.

Three rules are tried: the best single rater, the mean of calibrated raters, and log-linear
weights with a bias. Cross-validation on the gold labels chooses, so that pooling is used only
where it pays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.certificates.bounds import Interval, exact_interval
from localensemble.consensus.methods.majority import Majority
from localensemble.consensus.methods.weighing import best_of
from localensemble.consensus.pooling.best_rater import BestRater, fit_best_rater
from localensemble.consensus.pooling.calibrated_mean import CalibratedMean, fit_calibrated_mean
from localensemble.consensus.pooling.gold_folds import assign_folds
from localensemble.consensus.pooling.log_linear import LogLinear, fit_log_linear
from localensemble.consensus.protocol import BoolArray, CategoryArray, FloatArray
from localensemble.consensus.shares import check_probabilities
from localensemble.core.errors import InputError
from localensemble.core.folds import FOLDS
from localensemble.core.label_matrix import GAP, LabelMatrix

LEAST_GOLD = 50
"""With fewer gold labels, cross-validation cannot tell the rules apart."""

PoolRule = BestRater | CalibratedMean | LogLinear
_RULES: Mapping[str, type[PoolRule]] = {
    rule.name: rule for rule in (BestRater, CalibratedMean, LogLinear)
}
MAJORITY = "majority"
MOST_FREQUENT = "most_frequent_category"


class _Fit(Protocol):
    def __call__(self, probabilities: FloatArray, *, gold: NDArray[np.intp]) -> PoolRule: ...


# From simple to complex: of rules that are equally often right, the first is chosen.
_CANDIDATES: tuple[tuple[str, _Fit], ...] = (
    (BestRater.name, fit_best_rater),
    (CalibratedMean.name, fit_calibrated_mean),
    (LogLinear.name, fit_log_linear),
)


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """How often a rule was right on gold items that it was not fitted to.

    Attributes:
        name: the rule: one of the candidates, ``majority`` or ``most_frequent_category``.
        correct: number of the gold items on which it named the gold category.
        items: number of gold items; one without a category counts as wrong.
    """

    name: str
    correct: int
    items: int

    @property
    def accuracy(self) -> float:
        """The share of the gold items on which it was right."""
        return self.correct / self.items

    @property
    def interval(self) -> Interval:
        """The exact 95% interval of the accuracy (Clopper-Pearson)."""
        return exact_interval(self.correct, items=self.items)


@dataclass(frozen=True, slots=True)
class FittedPool:
    """A rule fitted to the gold labels of one variable, and what cross-validation showed.

    Attributes:
        raters: the raters, in name order; the rule numbers them so.
        categories: the categories, in name order; likewise.
        rule: the chosen rule, fitted to all gold labels.
        cross_validated: the candidates, then the majority and the most frequent category, all on
            the same gold items.
        only_pool: gold items on which the chosen rule was right and the best single rater wrong.
        only_best: the reverse.
    """

    raters: tuple[str, ...]
    categories: tuple[str, ...]
    rule: PoolRule
    cross_validated: tuple[CrossValidated, ...]
    only_pool: int
    only_best: int

    def result(self, name: str) -> CrossValidated:
        """Return what cross-validation showed about one rule."""
        return next(one for one in self.cross_validated if one.name == name)

    @property
    def chosen(self) -> CrossValidated:
        """What cross-validation showed about the chosen rule."""
        return self.result(self.rule.name)

    @property
    def weights(self) -> tuple[tuple[str, float], ...]:
        """The weight of each rater's log-probabilities, by name; empty for the best rater."""
        if isinstance(self.rule, LogLinear):
            return tuple(zip(self.raters, self.rule.weights, strict=True))
        if isinstance(self.rule, CalibratedMean):
            held = (one.weights[0] for one in self.rule.calibrations)
            return tuple(zip(self.raters, held, strict=True))
        return ()

    @property
    def p_value(self) -> float:
        """The exact McNemar test of the chosen rule against the best single rater, two-sided."""
        pairs = self.only_pool + self.only_best
        tail = sum(math.comb(pairs, k) for k in range(min(self.only_pool, self.only_best) + 1))
        return min(1.0, float(2 * tail / 2**pairs))

    def apply(self, labels: LabelMatrix, *, probabilities: FloatArray) -> FloatArray:
        """Pool the raters' distributions: (N, K), NaN where no rater gave one.

        Only raters with an assigned label and a distribution count.

        Args:
            labels: N items by R raters, all of them raters of the pool.
            probabilities: (N, R, K).

        Raises:
            ValueError: the raters or categories are not those of the pool.
        """
        if set(labels.categories) != set(self.categories) or set(labels.raters) != set(self.raters):
            raise ValueError("The pool was fitted to other raters or categories.")
        pooled = self.rule.apply(_in_name_order(labels, probabilities))
        back = [self.categories.index(name) for name in labels.categories]
        return pooled[:, back]

    def as_values(self) -> Mapping[str, object]:
        """Return the pool as values that have a JSON form, at full precision."""
        return {
            "raters": list(self.raters),
            "categories": list(self.categories),
            "rule": self.rule.name,
            "fitted": self.rule.as_values(),
            "cross_validated": [
                {"name": one.name, "correct": one.correct, "items": one.items}
                for one in self.cross_validated
            ],
            "only_pool": self.only_pool,
            "only_best": self.only_best,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> FittedPool:
        """Read a pool back from ``as_values``."""
        return cls(
            raters=tuple(map(str, values["raters"])),
            categories=tuple(map(str, values["categories"])),
            rule=_RULES[values["rule"]].from_values(values["fitted"]),
            cross_validated=tuple(
                CrossValidated(str(one["name"]), int(one["correct"]), int(one["items"]))
                for one in values["cross_validated"]
            ),
            only_pool=int(values["only_pool"]),
            only_best=int(values["only_best"]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _GoldRows:
    """The usable gold items: raters and categories in name order, rows in order of content."""

    labels: LabelMatrix
    probabilities: FloatArray
    gold: NDArray[np.intp]
    folds: NDArray[np.intp]


def usable_gold(
    labels: LabelMatrix, *, probabilities: FloatArray, gold: CategoryArray
) -> BoolArray:
    """Tell of each of N items whether it has a gold label and a label with a distribution."""
    known = ~np.isnan(probabilities).any(axis=2) & labels.mask
    return np.asarray((gold >= 0) & known.any(axis=1))


def fit_pool(
    labels: LabelMatrix,
    *,
    probabilities: FloatArray,
    gold: CategoryArray,
    contents: Sequence[str],
) -> FittedPool:
    """Fit every candidate by cross-validation, choose one, and fit it to all gold labels.

    The result is the same to the last digit in any order of items, raters and categories.

    Args:
        labels: N items by R raters; gaps are allowed.
        probabilities: (N, R, K) distributions, NaN where a rater gave none.
        gold: (N,) gold categories, -1 for items without one.
        contents: (N,) the text of each item, or its hash. Items with the same content are in one
            fold, and the folds follow from it.

    Raises:
        InputError: fewer than 50 usable gold labels of different texts, or all are of one
            category.
    """
    check_probabilities(labels, probabilities=probabilities)
    usable = usable_gold(labels, probabilities=probabilities, gold=gold)
    count = int(np.count_nonzero(usable))
    # The same text again says nothing new, and cross-validation needs other texts.
    texts = len({contents[place] for place in np.flatnonzero(usable).tolist()})
    if texts < LEAST_GOLD:
        different = f" ({texts} different texts)" if texts < count else ""
        raise InputError(
            f"Cannot fit a pool to {count} gold labels{different} of items that raters labeled "
            f"with probabilities; expected at least {LEAST_GOLD}.",
            hint="Label more items by hand, or decide without gold labels, for example by "
            "majority.",
        )
    if len(np.unique(gold[usable])) < 2:
        raise InputError(
            f"Cannot fit a pool: all {count} gold labels are of one category.",
            hint="Label items of other categories by hand.",
        )
    rows = _gold_rows(labels, probabilities, gold, contents, usable)
    named = {name: _unseen(fit, rows) for name, fit in _CANDIDATES}
    right = {name: found == rows.gold for name, found in named.items()}
    # The first of several maxima, so the simplest.
    chosen = max(right, key=lambda name: int(right[name].sum()))
    single = right[BestRater.name]
    majority = Majority().derive(rows.labels).categories
    compared = {**right, MAJORITY: majority == rows.gold, MOST_FREQUENT: _frequent(rows)}
    return FittedPool(
        raters=rows.labels.raters,
        categories=rows.labels.categories,
        rule=dict(_CANDIDATES)[chosen](rows.probabilities, gold=rows.gold),
        cross_validated=tuple(
            CrossValidated(name, int(one.sum()), count) for name, one in compared.items()
        ),
        only_pool=int(np.count_nonzero(right[chosen] & ~single)),
        only_best=int(np.count_nonzero(single & ~right[chosen])),
    )


def _unseen(fit: _Fit, rows: _GoldRows) -> CategoryArray:
    """Label every gold item by a rule that was fitted to the other folds."""
    found = np.full(len(rows.gold), GAP, dtype=np.int16)
    for fold in range(FOLDS):
        inside = rows.folds == fold
        rule = fit(rows.probabilities[~inside], gold=rows.gold[~inside])
        found[inside] = best_of(rule.apply(rows.probabilities[inside])).categories
    return found


def _frequent(rows: _GoldRows) -> BoolArray:
    """Tell where the most frequent category of the other folds is right."""
    right = np.zeros(len(rows.gold), dtype=np.bool_)
    for fold in range(FOLDS):
        inside = rows.folds == fold
        right[inside] = rows.gold[inside] == np.bincount(rows.gold[~inside]).argmax()
    return right


def _gold_rows(
    labels: LabelMatrix,
    probabilities: FloatArray,
    gold: CategoryArray,
    contents: Sequence[str],
    usable: BoolArray,
) -> _GoldRows:
    """Sort everything, because sums in another order differ in their last digits."""
    held = _in_name_order(labels, probabilities)
    categories = tuple(sorted(labels.categories))
    codes = np.array([categories.index(name) for name in labels.categories], dtype=np.intp)
    places = np.flatnonzero(usable).tolist()
    places.sort(key=lambda i: (contents[i], int(codes[gold[i]]), held[i].tobytes()))
    raters = tuple(sorted(labels.raters))
    columns = [labels.raters.index(name) for name in raters]
    indices = np.where(labels.mask, codes[labels.indices], GAP)[np.ix_(places, columns)]
    answers = codes[gold[places]]
    return _GoldRows(
        LabelMatrix(indices.astype(np.int16), categories, raters),
        held[places],
        answers,
        assign_folds([contents[i] for i in places], [categories[code] for code in answers]),
    )


def _in_name_order(labels: LabelMatrix, probabilities: FloatArray) -> FloatArray:
    """Sort raters and categories by name; NaN for raters without an assigned label."""
    check_probabilities(labels, probabilities=probabilities)
    held = np.where(labels.mask[:, :, None], probabilities, np.nan)
    held[np.isnan(held).any(axis=2)] = np.nan
    raters = sorted(range(len(labels.raters)), key=lambda j: labels.raters[j])
    categories = sorted(range(len(labels.categories)), key=lambda k: labels.categories[k])
    return np.asarray(held[:, raters][:, :, categories])
