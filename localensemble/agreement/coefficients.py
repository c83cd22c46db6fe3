"""The coefficients of agreement: one function each, all of one shape.

Each takes a label matrix with gaps, drops no label, and returns a ``Coefficient``. K is the
number of categories the variable declares, not the number that happen to occur; only AC1,
AC2 and Brennan-Prediger depend on it. Gaps are never imputed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from localensemble.agreement.estimators import (
    Chance,
    CountEstimator,
    Estimator,
    FleissChance,
    GwetChance,
    PercentEstimator,
    RaterEstimator,
    UniformChance,
)
from localensemble.agreement.intervals import ANALYTIC, Facts, Interval, estimate
from localensemble.agreement.prepared import Labels, PreparedMatrix, prepare
from localensemble.agreement.result import Coefficient
from localensemble.agreement.weights import Weights, WeightScheme, agreement_weights


def percent_agreement(
    labels: Labels,
    *,
    weights: WeightScheme | ArrayLike = "identity",
    values: Sequence[float] | None = None,
    interval: Interval = ANALYTIC,
    confidence_level: float = 0.95,
) -> Coefficient:
    """Average over items the share of pairs of labels that agree, without correcting for chance.

    Has no p-value: nothing says that no agreement at all is what chance would give.

    Undefined when: no item has labels from two raters.
    Source: Gwet (2014), chapter 2; the observed agreement of every coefficient here but alpha.
    """
    prepared = prepare(labels)
    scheme = _weights(prepared, weights, values)
    return estimate(
        PercentEstimator(prepared.counts, scheme),
        _facts(
            prepared,
            name="percent agreement",
            scheme=scheme,
            confidence_level=confidence_level,
            corrected=False,
        ),
        interval,
    )


def gwet_ac1(
    labels: Labels, *, interval: Interval = ANALYTIC, confidence_level: float = 0.95
) -> Coefficient:
    """Measure agreement beyond the chance that raters guess on hard items.

    Stays near observed agreement when one category is very frequent, where the kappas fall.
    If a single category occurs everywhere and others are declared, the value is 1.

    Undefined when: no item has labels from two raters, or fewer than two categories are
        declared.
    Source: Gwet (2008), British Journal of Mathematical and Statistical Psychology 61:29-48;
        standard error with gaps: Gwet (2014), Handbook of Inter-Rater Reliability, 4th
        edition; reproduced in tests/golden/gwet_four_raters.json.
    """
    return _of_counts(
        labels,
        name="AC1",
        weights="identity",
        values=None,
        interval=interval,
        confidence_level=confidence_level,
    )


def gwet_ac2(
    labels: Labels,
    *,
    weights: WeightScheme | ArrayLike,
    values: Sequence[float] | None = None,
    interval: Interval = ANALYTIC,
    confidence_level: float = 0.95,
) -> Coefficient:
    """Measure agreement beyond chance as AC1 does, giving near categories partial credit.

    Args:
        labels: N items by R raters.
        weights: no default on purpose; with ``identity`` this is AC1.
        values: the categories' numbers; 1..K when None.
        interval: how to find the interval.
        confidence_level: of the interval.
    Undefined when: no item has labels from two raters, or fewer than two categories are
        declared.
    Source: Gwet (2014), chapters 3 and 4; reproduced in tests/golden/gwet_four_raters.json.
    """
    return _of_counts(
        labels,
        name="AC2",
        weights=weights,
        values=values,
        interval=interval,
        confidence_level=confidence_level,
    )


def fleiss_kappa(
    labels: Labels,
    *,
    weights: WeightScheme | ArrayLike = "identity",
    values: Sequence[float] | None = None,
    interval: Interval = ANALYTIC,
    confidence_level: float = 0.95,
) -> Coefficient:
    """Measure agreement beyond the chance that all raters draw from the same category shares.

    Items may have any number of labels (Gwet's generalization); with equal numbers the value
    is that of Fleiss (1971). The standard error is Gwet's, not that of Fleiss (1971), which
    holds only when there is no agreement beyond chance.

    Undefined when: no item has labels from two raters, or a single category occurs (0/0).
    Source: Fleiss (1971), Psychological Bulletin 76:378-382; Gwet (2014), chapter 2;
        reproduced in tests/golden/fleiss_1971.json.
    """
    return _of_counts(
        labels,
        name="Fleiss kappa",
        weights=weights,
        values=values,
        interval=interval,
        confidence_level=confidence_level,
    )


def brennan_prediger(
    labels: Labels,
    *,
    weights: WeightScheme | ArrayLike = "identity",
    values: Sequence[float] | None = None,
    interval: Interval = ANALYTIC,
    confidence_level: float = 0.95,
) -> Coefficient:
    """Measure agreement beyond the chance that every declared category is equally likely.

    Undefined when: no item has labels from two raters, fewer than two categories are
        declared, or the weights call every pair of categories equal.
    Source: Brennan and Prediger (1981), Educational and Psychological Measurement 41:687-699;
        Gwet (2014), chapter 2; reproduced in tests/golden/gwet_four_raters.json.
    """
    return _of_counts(
        labels,
        name="Brennan-Prediger",
        weights=weights,
        values=values,
        interval=interval,
        confidence_level=confidence_level,
    )


def conger_kappa(
    labels: Labels,
    *,
    weights: WeightScheme | ArrayLike = "identity",
    values: Sequence[float] | None = None,
    interval: Interval = ANALYTIC,
    confidence_level: float = 0.95,
) -> Coefficient:
    """Measure agreement beyond the chance that each rater draws from its own category shares.

    The generalization of Cohen's kappa to any number of raters. Raters must be the same over
    the items; for a crowd whose members label a few items each, use Fleiss' kappa.

    Undefined when: no item has labels from two raters, or a single category occurs (0/0).
    Source: Conger (1980), Psychological Bulletin 88:322-328; Gwet (2014), chapter 2;
        reproduced in tests/golden/gwet_four_raters.json.
    """
    prepared = prepare(labels)
    scheme = _weights(prepared, weights, values)
    return estimate(
        RaterEstimator(prepared.rows, scheme),
        _facts(prepared, name="Conger kappa", scheme=scheme, confidence_level=confidence_level),
        interval,
    )


def cohen_kappa(
    labels: Labels,
    *,
    weights: WeightScheme | ArrayLike = "identity",
    values: Sequence[float] | None = None,
    interval: Interval = ANALYTIC,
    confidence_level: float = 0.95,
) -> Coefficient:
    """Measure agreement of two raters beyond the chance that each draws from its own shares.

    Only items that both labeled are used, also for the shares. The standard error is the
    large-sample one of Fleiss, Cohen and Everitt (1969), with N - 1 in place of N.

    Undefined when: not exactly two raters gave labels, no item has labels from both, or a
        single category occurs among them (0/0).
    Source: Cohen (1960), Educational and Psychological Measurement 20:37-46; weighted: Cohen
        (1968); reproduced in tests/golden/gwet_abstractors.json.
    """
    return _of_two(
        labels,
        name="Cohen kappa",
        weights=weights,
        values=values,
        interval=interval,
        confidence_level=confidence_level,
    )


def scott_pi(
    labels: Labels,
    *,
    weights: WeightScheme | ArrayLike = "identity",
    values: Sequence[float] | None = None,
    interval: Interval = ANALYTIC,
    confidence_level: float = 0.95,
) -> Coefficient:
    """Measure agreement of two raters beyond the chance that both draw from the same shares.

    Only items that both labeled are used, also for the shares.

    Undefined when: not exactly two raters gave labels, no item has labels from both, or a
        single category occurs among them (0/0).
    Source: Scott (1955), Public Opinion Quarterly 19:321-325; Gwet (2014), chapter 2;
        reproduced in tests/golden/gwet_abstractors.json.
    """
    return _of_two(
        labels,
        name="Scott pi",
        weights=weights,
        values=values,
        interval=interval,
        confidence_level=confidence_level,
    )


def _weights(
    prepared: PreparedMatrix,
    weights: WeightScheme | ArrayLike,
    values: Sequence[float] | None,
) -> Weights:
    return agreement_weights(weights, category_count=prepared.category_count, values=values)


def _facts(
    prepared: PreparedMatrix,
    *,
    name: str,
    scheme: Weights,
    confidence_level: float,
    corrected: bool = True,
    undefined_because: str = "",
    seen: Sequence[str] | None = None,
) -> Facts:
    occurring = prepared.categories_seen if seen is None else seen
    if len(occurring) == 1:
        total = (
            f'only the category "{occurring[0]}" occurs, so chance alone would give full '
            "agreement (0/0)"
        )
    else:
        total = "the weights call all categories that occur equal, so nothing can disagree"
    return Facts(
        name=name,
        weights=scheme.name,
        item_count=prepared.item_count,
        raters=prepared.rater_count,
        confidence_level=confidence_level,
        corrected=corrected,
        undefined_because=undefined_because,
        chance_is_total_because=total,
    )


def _of_counts(
    labels: Labels,
    *,
    name: str,
    weights: WeightScheme | ArrayLike,
    values: Sequence[float] | None,
    interval: Interval,
    confidence_level: float,
) -> Coefficient:
    prepared = prepare(labels)
    scheme = _weights(prepared, weights, values)
    chance: Chance
    needs_two = True
    if name in ("AC1", "AC2"):
        chance = GwetChance(scheme)
    elif name == "Fleiss kappa":
        chance, needs_two = FleissChance(scheme), False
    else:
        chance = UniformChance(scheme)
    declared = prepared.category_count
    reason = (
        f"{declared} category is declared, and chance needs at least two"
        if needs_two and declared < 2
        else ""
    )
    return estimate(
        CountEstimator(prepared.counts, scheme, chance),
        _facts(
            prepared,
            name=name,
            scheme=scheme,
            confidence_level=confidence_level,
            undefined_because=reason,
        ),
        interval,
    )


def _of_two(
    labels: Labels,
    *,
    name: str,
    weights: WeightScheme | ArrayLike,
    values: Sequence[float] | None,
    interval: Interval,
    confidence_level: float,
) -> Coefficient:
    prepared = prepare(labels)
    scheme = _weights(prepared, weights, values)
    reason = ""
    if prepared.rater_count != 2:
        reason = (
            f"it compares two raters, and {prepared.rater_count} gave labels; "
            "see the pairs of raters"
        )
    estimator: Estimator
    if name == "Cohen kappa":
        estimator = RaterEstimator(prepared.rows, scheme, least_labels=2)
    else:
        estimator = CountEstimator(prepared.counts, scheme, FleissChance(scheme), least_labels=2)
    counts = prepared.counts.counts
    occurring = np.flatnonzero(counts[counts.sum(axis=1) >= 2].sum(axis=0))
    return estimate(
        estimator,
        _facts(
            prepared,
            name=name,
            scheme=scheme,
            confidence_level=confidence_level,
            undefined_because=reason,
            seen=[prepared.categories[k] for k in occurring],
        ),
        interval,
    )
