"""The agreement on every variable and group of a table or a study, ready to show.

Decides which coefficients are shown, and whether the requirements are met. Holds no item
texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement import (
    SCALES,
    Agreement,
    AgreementError,
    Benchmark,
    Coefficient,
    ErrorDependence,
    ItemAgreement,
    Level,
    LevelError,
    Requirement,
    Verdict,
    WeightScheme,
    benchmark,
    error_dependence,
    item_agreement,
    measure_agreement,
    method_named,
)
from localensemble.agreement.cross_check import CrossCheck, CrossCheckPlan, plan_cross_check
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.labels import ItemId
from localensemble.study.rating_table.weight_table import WeightTable


@dataclass(frozen=True, slots=True, eq=False)
class MeasureSettings:
    """How agreement is measured and judged.

    Attributes:
        weights: weights of the weighted coefficients; None takes those of the level.
        confidence_level: confidence level of all intervals.
        resamples: bootstrap draws; 0 leaves the bootstrap out.
        seed: seed of the bootstrap.
        coefficients: names of the coefficients to show; empty shows all.
        requirements: what every variable and group must meet.
    """

    weights: WeightScheme | WeightTable | None = None
    confidence_level: float = 0.95
    resamples: int = 1000
    seed: int = 0
    coefficients: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class LabeledVariable:
    """The label matrix of one variable and group, and what its categories are.

    Attributes:
        group: the group; None if agreement is not measured by group.
        values: the numeric values of the categories; None unless the level needs them.
        items: the ids of the matrix's rows.
        requirements: the codebook's requirements, in addition to those of the settings.
        gold: (N,) category indices of the gold labels, -1 for items without one; None if there
            are no gold labels.
        anonymous: whether it is unknown which rater gave which label.
    """

    variable: str
    group: str | None
    level: Level
    matrix: LabelMatrix
    values: tuple[float, ...] | None
    items: tuple[ItemId, ...]
    requirements: tuple[Requirement, ...] = ()
    gold: NDArray[np.int16] | None = None
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class ShownCoefficient:
    """A coefficient, its resampling intervals, and its places on the benchmark scales.

    Attributes:
        coefficient: the coefficient with an interval that holds for so many items.
        analytic: the coefficient with the analytic interval, which other packages give.
        bootstrap: the coefficient with a bootstrap interval; None if not requested.
        jackknife: the coefficient with a jackknife interval.
        benchmarks: one for each scale; empty for percent agreement, which is not corrected
            for chance.
    """

    coefficient: Coefficient
    analytic: Coefficient
    bootstrap: Coefficient | None
    jackknife: Coefficient | None
    benchmarks: tuple[Benchmark, ...]


@dataclass(frozen=True, slots=True, eq=False)
class VariableAgreement:
    """The agreement on one variable and group.

    Attributes:
        group: the group; None if agreement is not measured by group.
        agreement: everything measured, whether shown or not.
        coefficients: the coefficients to show.
        verdicts: one for each requirement.
        values: the numeric values of the categories; None unless the level needs them.
        items: the ids of the items.
        labels_per_item: (N,) the number of labels of each item.
        by_item: agreement on each item that has at least two labels.
        dependence: how far raters err on the same items; None without gold labels.
        checks: comparisons with other packages; empty unless requested.
    """

    variable: str
    group: str | None
    agreement: Agreement
    coefficients: tuple[ShownCoefficient, ...]
    verdicts: tuple[Verdict, ...]
    values: tuple[float, ...] | None
    items: tuple[ItemId, ...]
    labels_per_item: NDArray[np.int64]
    by_item: ItemAgreement
    dependence: ErrorDependence | None
    checks: tuple[CrossCheck, ...] = ()

    @property
    def title(self) -> str:
        """The variable and, if there is one, the group."""
        return self.variable if self.group is None else f"{self.variable}, {self.group}"


@dataclass(frozen=True, slots=True, eq=False)
class AgreementReport:
    """The agreement on every variable and group of one table or study.

    Attributes:
        source: name of the table or of the study's folder.
        messages: sentences about what was guessed or left out.
        settings: how agreement was measured.
        variables: the variables, in the order of the table or the codebook.
    """

    source: str
    messages: tuple[str, ...]
    settings: MeasureSettings
    variables: tuple[VariableAgreement, ...]

    @property
    def checks(self) -> tuple[CrossCheck, ...]:
        """The comparisons with other packages for all variables and groups."""
        return tuple(check for one in self.variables for check in one.checks)

    @property
    def met(self) -> bool:
        """Whether every variable and group meets every requirement."""
        return all(verdict.met for one in self.variables for verdict in one.verdicts)


def measure_variable(labeled: LabeledVariable, *, settings: MeasureSettings) -> VariableAgreement:
    """Measure the agreement on one variable and group.

    Raises:
        LevelError: the level does not fit the weights.
        AgreementError: the weights or the confidence level are not valid.
    """
    weights = _weights(labeled, settings)
    whole = measure_agreement(
        labeled.matrix,
        level=labeled.level,
        weights=weights,
        values=labeled.values,
        confidence_level=settings.confidence_level,
        resamples=settings.resamples,
        seed=settings.seed,
        anonymous=labeled.anonymous,
    )
    return VariableAgreement(
        variable=labeled.variable,
        group=labeled.group,
        agreement=whole,
        coefficients=_shown(whole, settings.coefficients),
        verdicts=tuple(
            one.check(whole.coefficients)
            for one in dict.fromkeys((*labeled.requirements, *settings.requirements))
        ),
        values=labeled.values,
        items=labeled.items,
        labels_per_item=np.count_nonzero(labeled.matrix.mask, axis=1),
        by_item=item_agreement(
            labeled.matrix,
            weights="identity" if weights is None else weights,
            values=labeled.values,
        ),
        dependence=None if labeled.gold is None else error_dependence(labeled.matrix, labeled.gold),
    )


def cross_check_plan(labeled: LabeledVariable, found: VariableAgreement) -> CrossCheckPlan:
    """Plan what other packages compute to check the agreement on a variable."""
    return plan_cross_check(labeled.matrix, found.agreement.analytic, values=labeled.values)


def _weights(
    labeled: LabeledVariable, settings: MeasureSettings
) -> WeightScheme | NDArray[np.float64] | None:
    weights = settings.weights
    if isinstance(weights, WeightTable):
        return weights.ordered(labeled.matrix.categories)
    if labeled.level == "nominal" and weights not in (None, "identity"):
        raise LevelError(
            f'Variable "{labeled.variable}": {weights} weights need ordered categories, '
            "but the level is nominal.",
            hint="Choose another level, or give a table of weights.",
        )
    return weights


def _shown(agreement: Agreement, names: Sequence[str]) -> tuple[ShownCoefficient, ...]:
    computed = list(dict.fromkeys(one.name for one in agreement.coefficients))
    for name in names:
        if name not in computed:
            raise AgreementError(
                f"{name} was not computed: "
                + (
                    "it depends on which rater gave a label, which the table does not say."
                    if method_named(name).tells_raters_apart and not agreement.by_rater
                    else "it needs exactly two raters."
                    if method_named(name).two_raters
                    else "it needs weights, but none are given."
                ),
                hint=f"These were computed: {', '.join(computed)}.",
            )
    resampled = {(one.name, one.weights): one for one in agreement.resampled}
    shown = []
    for one, analytic in zip(agreement.coefficients, agreement.analytic, strict=True):
        if names and one.name not in names:
            continue
        drawn = resampled.get((one.name, one.weights))
        shown.append(
            ShownCoefficient(
                coefficient=one,
                analytic=analytic,
                bootstrap=None if drawn is None else drawn.bootstrap,
                jackknife=None if drawn is None else drawn.jackknife,
                benchmarks=()
                if not method_named(one.name).corrected
                else tuple(benchmark(one, scale) for scale in SCALES),
            )
        )
    return tuple(shown)
