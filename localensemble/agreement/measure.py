"""Compute everything that tables and reports show about the agreement on one variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from localensemble.agreement.benchmark import SCALES, Benchmark, benchmark
from localensemble.agreement.breakdown import (
    CategoryAgreement,
    PairAgreement,
    RaterInfluence,
    RaterProfile,
    SameAnswer,
    category_agreement,
    leave_one_rater_out,
    rater_pairs,
    rater_profiles,
    same_answers,
    too_many_for_pairs,
)
from localensemble.agreement.coefficients import ALL_COEFFICIENTS, fleiss_kappa
from localensemble.agreement.intervals import Analytic, Bootstrap, Interval, Jackknife
from localensemble.agreement.krippendorff import LEVELS
from localensemble.agreement.methods import AgreementSettings, CoefficientMethod
from localensemble.agreement.prepared import Labels, PreparedMatrix, prepare
from localensemble.agreement.prevalence import Prevalence, prevalence
from localensemble.agreement.result import Coefficient, Level, LevelError
from localensemble.agreement.shared_errors.dependence import ExcessAgreement, excess_agreement
from localensemble.agreement.size_limits import refuse_too_large
from localensemble.agreement.weights import WeightScheme

_WEIGHTS_OF_LEVEL: dict[Level, WeightScheme] = {
    "nominal": "identity",
    "ordinal": "ordinal",
    "interval": "quadratic",
    "ratio": "ratio",
}
NOTABLE_EFFECT = 0.02
"""Both values of a coefficient are given if items with one label change it by more."""
_ANONYMOUS = "the table does not tell the raters apart"


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """Numbers of items, by what they can show about agreement.

    Attributes:
        items: all items.
        used: items with labels from two or more raters.
        with_one_label: items with one label; they count only in category shares.
        without_labels: items without labels; they count nowhere.
        labeled_by_all: items with a label from every rater that gave any.
        unanimous: items used on which all labels are equal.
        labels: assigned labels of all items.
    """

    items: int
    used: int
    with_one_label: int
    without_labels: int
    labeled_by_all: int
    unanimous: int
    labels: int


@dataclass(frozen=True, slots=True)
class ResampledCoefficient:
    """A coefficient's bootstrap and jackknife intervals; None if not requested."""

    name: str
    weights: str
    bootstrap: Coefficient | None
    jackknife: Coefficient | None


@dataclass(frozen=True, slots=True)
class SingleLabelEffect:
    """A coefficient that changes when items with one label are left out of its category shares.

    Attributes:
        name: the name of the coefficient.
        weights: the name of its weights.
        value: the value, as in ``Agreement.coefficients``.
        without: the value without items that have only one label.
    """

    name: str
    weights: str
    value: float
    without: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement on one variable.

    Attributes:
        level: the level of measurement.
        weights: name of the weights of the weighted coefficients; ``identity`` if unweighted.
        categories: the declared categories, in the codebook's order.
        raters: all raters, with or without labels.
        counts: numbers of items.
        coefficients: coefficients with intervals that hold for so many items, in the order of a
            table: first the unweighted ones, then Krippendorff's alpha, then the weighted ones
            unless the weights are ``identity``.
        analytic: the same coefficients with analytic intervals, which other packages give.
        resampled: the same coefficients with bootstrap and jackknife intervals.
        benchmarks: the verdict on every coefficient except percent agreement, on every scale.
        by_category: agreement on each category, in the codebook's order.
        by_rater: the profile of each rater, in the raters' order; empty if they are anonymous.
        same_answer: the raters that gave one category to all of at least 20 items.
        by_pair: agreement of every two raters.
        excess: excess agreement of the pairs, in the order of ``by_pair``.
        without_rater: the leading coefficient and Fleiss' kappa without each rater.
        leading: the coefficient in ``without_rater``: AC1, or AC2 when weighted.
        prevalence: shares, bias and the kappa paradox.
        single_label_effects: the coefficients that items with one label change by more than
            ``NOTABLE_EFFECT`` through the category shares.
        pairs_left_out_because: why ``by_pair`` and ``without_rater`` are empty; empty if they
            are not.
    """

    level: Level
    weights: str
    categories: tuple[str, ...]
    raters: tuple[str, ...]
    counts: ItemCounts
    coefficients: tuple[Coefficient, ...]
    analytic: tuple[Coefficient, ...]
    resampled: tuple[ResampledCoefficient, ...]
    benchmarks: tuple[Benchmark, ...]
    by_category: tuple[CategoryAgreement, ...]
    by_rater: tuple[RaterProfile, ...]
    same_answer: tuple[SameAnswer, ...]
    by_pair: tuple[PairAgreement, ...]
    excess: tuple[ExcessAgreement, ...]
    without_rater: tuple[RaterInfluence, ...]
    leading: str
    prevalence: Prevalence
    pairs_left_out_because: str = ""
    single_label_effects: tuple[SingleLabelEffect, ...] = ()

    def coefficient(self, name: str, *, weights: str | None = None) -> Coefficient:
        """Return the first coefficient with this name, and with these weights if given.

        Raises:
            KeyError: the coefficient was not computed.
        """
        for coefficient in self.coefficients:
            if coefficient.name == name and weights in (None, coefficient.weights):
                return coefficient
        raise KeyError(name)


def measure_agreement(
    labels: Labels,
    *,
    level: Level,
    weights: WeightScheme | ArrayLike | None = None,
    values: Sequence[float] | None = None,
    confidence_level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    jackknife: bool = True,
    anonymous: bool = False,
) -> Agreement:
    """Compute every measure of agreement on one variable.

    Args:
        labels: N items by R raters.
        level: the level of measurement, deliberately without a default: a wrong level gives
            a believable wrong number.
        weights: weights of the weighted coefficients; by default those of the level:
            identity, ordinal, quadratic, ratio.
        values: the categories' increasing numbers; required for interval and ratio.
        confidence_level: the confidence level of all intervals.
        resamples: number of bootstrap draws over items; 0 leaves the bootstrap out.
        seed: seed of the bootstrap.
        jackknife: whether to compute jackknife intervals.
        anonymous: whether it is unknown which rater gave which label; then whatever depends on
            it is left out.
    Raises:
        LevelError: the level is unknown or needs values.
        AgreementError: weights, values or the confidence level are invalid, or the labels need
            more memory than `size_limits` allows.
    """
    if level not in LEVELS:
        raise LevelError(
            f"level: unknown level of measurement {level!r}.",
            hint=f"Choose one of {', '.join(LEVELS)}.",
        )
    prepared = prepare(labels)
    refuse_too_large(prepared, ordinal_alpha=level == "ordinal")
    settings = AgreementSettings(
        level=level,
        weights=_WEIGHTS_OF_LEVEL[level] if weights is None else weights,
        values=values,
        confidence_level=confidence_level,
    )
    plan = _plan(prepared, settings, anonymous=anonymous)
    coefficients = tuple(method.compute(prepared, chosen) for method, chosen in plan)
    leading, chosen = next(entry for entry in reversed(plan) if entry[0].name in ("AC1", "AC2"))
    profiles = () if anonymous else rater_profiles(prepared)
    too_many = _ANONYMOUS if anonymous else too_many_for_pairs(len(prepared.raters))
    pairs = () if too_many else rater_pairs(prepared, confidence_level=confidence_level)
    return Agreement(
        level=level,
        weights=coefficients[-1].weights if _is_weighted(settings) else "identity",
        categories=prepared.categories,
        raters=prepared.raters,
        counts=_item_counts(prepared),
        coefficients=coefficients,
        analytic=_analytic(prepared, plan, coefficients),
        resampled=_resampled(
            prepared,
            plan,
            bootstrap=Bootstrap(resamples, seed) if resamples else None,
            jackknife=Jackknife() if jackknife else None,
        ),
        benchmarks=_benchmarks(plan, coefficients),
        by_category=category_agreement(prepared, confidence_level=confidence_level),
        by_rater=profiles,
        same_answer=same_answers(profiles, categories=prepared.categories),
        by_pair=pairs,
        excess=excess_agreement(pairs),
        without_rater=() if too_many else _without_each_rater(prepared, leading, chosen),
        leading=leading.name,
        prevalence=prevalence(prepared, anonymous=anonymous),
        pairs_left_out_because=too_many,
        single_label_effects=_single_label_effects(prepared, plan, coefficients),
    )


def _benchmarks(
    plan: Sequence[tuple[CoefficientMethod, AgreementSettings]],
    coefficients: Sequence[Coefficient],
) -> tuple[Benchmark, ...]:
    """Return the words for every coefficient that is corrected for chance."""
    return tuple(
        benchmark(coefficient, scale)
        for (method, _), coefficient in zip(plan, coefficients, strict=True)
        if method.corrected
        for scale in SCALES
    )


def _is_weighted(settings: AgreementSettings) -> bool:
    return not (isinstance(settings.weights, str) and settings.weights == "identity")


def _plan(
    prepared: PreparedMatrix, settings: AgreementSettings, *, anonymous: bool
) -> list[tuple[CoefficientMethod, AgreementSettings]]:
    """Choose what to compute: every coefficient unweighted, then the weighted ones."""
    offered = [
        method
        for method in ALL_COEFFICIENTS
        if (not method.two_raters or prepared.rater_count == 2)
        and not (anonymous and method.tells_raters_apart)
    ]
    plain = replace(settings, weights="identity")
    plan = [(method, plain) for method in offered if method.uses_weights != "required"]
    if _is_weighted(settings):
        plan += [(method, settings) for method in offered if method.takes_weights]
    return plan


def _analytic(
    prepared: PreparedMatrix,
    plan: Sequence[tuple[CoefficientMethod, AgreementSettings]],
    coefficients: Sequence[Coefficient],
) -> tuple[Coefficient, ...]:
    """Return every coefficient with the interval that other packages give."""
    return tuple(
        method.compute(prepared, replace(settings, interval=Analytic()))
        if one.interval_method == "small sample"
        else one
        for (method, settings), one in zip(plan, coefficients, strict=True)
    )


def _without_each_rater(
    prepared: PreparedMatrix, leading: CoefficientMethod, settings: AgreementSettings
) -> tuple[RaterInfluence, ...]:
    return leave_one_rater_out(
        prepared,
        compute=lambda others: leading.compute(others, settings),
        kappa=lambda others: fleiss_kappa.compute(others, settings),
    )


def _resampled(
    prepared: PreparedMatrix,
    plan: Sequence[tuple[CoefficientMethod, AgreementSettings]],
    *,
    bootstrap: Interval | None,
    jackknife: Interval | None,
) -> tuple[ResampledCoefficient, ...]:
    if bootstrap is None and jackknife is None:
        return ()
    resampled = []
    for method, settings in plan:
        drawn, left_out = (
            None if how is None else method.compute(prepared, replace(settings, interval=how))
            for how in (bootstrap, jackknife)
        )
        either = drawn or left_out
        resampled.append(
            ResampledCoefficient(
                method.name, either.weights if either else "identity", drawn, left_out
            )
        )
    return tuple(resampled)


def _single_label_effects(
    prepared: PreparedMatrix,
    plan: Sequence[tuple[CoefficientMethod, AgreementSettings]],
    coefficients: Sequence[Coefficient],
) -> tuple[SingleLabelEffect, ...]:
    if not (prepared.counts.counts.sum(axis=1) == 1).any():
        return ()
    paired = prepared.without_single_labels()
    effects = []
    for (method, settings), one in zip(plan, coefficients, strict=True):
        without = method.compute(paired, settings).value
        if one.value is None or without is None:
            continue
        if abs(one.value - without) > NOTABLE_EFFECT:
            effects.append(SingleLabelEffect(one.name, one.weights, one.value, without))
    return tuple(effects)


def _item_counts(prepared: PreparedMatrix) -> ItemCounts:
    counts, multiplicity = prepared.counts.counts, prepared.counts.multiplicity
    labels = counts.sum(axis=1)
    most = counts.max(axis=1) if counts.shape[1] else labels

    def number(kept: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
        return int(multiplicity[kept].sum())

    return ItemCounts(
        items=prepared.item_count,
        used=number(labels >= 2),
        with_one_label=number(labels == 1),
        without_labels=number(labels == 0),
        labeled_by_all=number((labels > 0) & (labels == prepared.rater_count)),
        unanimous=number((labels >= 2) & (most == labels)),
        labels=int(multiplicity @ labels),
    )
