"""Compare our coefficients with those of the packages irrCAC and krippendorff.

They are oracles, not sources: no code here is taken from them or imports them. This module
decides what to ask them and which of their numbers mean the same as ours; the caller runs them
and passes the answers in. Numbers that differ by definition are not compared; they are listed
in docs/decisions/0011-agreement-conventions.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement.coefficients import method_named
from localensemble.agreement.krippendorff import krippendorff_alpha
from localensemble.agreement.result import Coefficient
from localensemble.agreement.weights import WEIGHT_SCHEMES, category_values
from localensemble.core.label_matrix import LabelMatrix

# irrCAC's ordinal weights are not Krippendorff's ordinal metric.
_ALPHA_WEIGHTS: Mapping[str, str] = {
    "nominal": "identity",
    "interval": "quadratic",
    "ratio": "ratio",
}

# irrCAC refuses other confidence levels.
_LOWEST_LEVEL, _HIGHEST_LEVEL = 0.9, 0.99
_USUAL_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """The difference between one of our coefficients and a package's.

    Attributes:
        coefficient: our name of the coefficient.
        weights: name of the weights; for Krippendorff's alpha, its level.
        package: ``irrCAC`` or ``krippendorff``.
        version: the version of the package.
        quantities: the numbers compared, for example ``("value", "standard_error")``.
        largest_difference: the largest absolute difference among them; None when nothing was
            compared.
        not_compared_because: why nothing was compared; empty otherwise.
    """

    coefficient: str
    weights: str
    package: str
    version: str
    quantities: tuple[str, ...] = ()
    largest_difference: float | None = None
    not_compared_because: str = ""

    @property
    def title(self) -> str:
        """The coefficient, followed by its weights or level unless they are the plain ones."""
        plain = self.weights in ("identity", "nominal")
        return self.coefficient if plain else f"{self.coefficient} ({self.weights})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a package returned: numbers under the names of ``Coefficient``, or a failure."""

    numbers: Mapping[str, float] = field(default_factory=dict)
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One coefficient to ask a package for, or the reason not to ask.

    Attributes:
        ours: our coefficient.
        package: the package to ask.
        method: the method of irrCAC's ``CAC``; for krippendorff, ``alpha``.
        weights: the package's name of the weights; for krippendorff, the level.
        not_compared_because: why the package is not asked; empty if it is.
    """

    ours: Coefficient
    package: str
    method: str
    weights: str
    not_compared_because: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class CrossCheckPlan:
    """What to ask the packages about one variable.

    Attributes:
        cells: (N, R) category indices, -1 for a gap.
        values: the number of each category.
        confidence_level: the level of their intervals, which are compared if ours have the
            same level.
        comparisons: all comparisons, including those the packages are not asked about.
    """

    cells: NDArray[np.int16]
    values: tuple[float, ...]
    confidence_level: float
    comparisons: tuple[Comparison, ...]

    @property
    def asked(self) -> tuple[Comparison, ...]:
        """The comparisons that the packages are asked about, in their order."""
        return tuple(
            comparison for comparison in self.comparisons if not comparison.not_compared_because
        )

    def compare(
        self, answers: Iterable[Answer], *, versions: Mapping[str, str]
    ) -> tuple[CrossCheck, ...]:
        """Compare our numbers with the answers, one for each of ``asked``."""
        remaining = iter(answers)
        return tuple(
            _compared(
                comparison,
                Answer(failure=comparison.not_compared_because)
                if comparison.not_compared_because
                else next(remaining),
                version=versions[comparison.package],
            )
            for comparison in self.comparisons
        )


def plan_cross_check(
    matrix: LabelMatrix,
    coefficients: Sequence[Coefficient],
    *,
    values: Sequence[float] | None = None,
) -> CrossCheckPlan:
    """Choose what to ask the packages about the coefficients of a label matrix.

    Args:
        matrix: N items by R raters.
        coefficients: our coefficients, with analytic intervals of one confidence level.
        values: the categories' increasing numbers used for the coefficients; 1..K when None.
    """
    numbers = category_values(values, category_count=matrix.category_count)
    level = coefficients[0].confidence_level
    return CrossCheckPlan(
        matrix.indices,
        tuple(numbers.tolist()),
        level if _LOWEST_LEVEL <= level <= _HIGHEST_LEVEL else _USUAL_LEVEL,
        tuple(comparison for ours in coefficients for comparison in _comparisons(ours)),
    )


def _comparisons(ours: Coefficient) -> Iterator[Comparison]:
    method = method_named(ours.name)
    undefined = f"undefined here: {ours.undefined_because}" if ours.value is None else ""
    if method is krippendorff_alpha:
        weights = _ALPHA_WEIGHTS.get(ours.weights)
        if weights is not None:
            yield Comparison(ours, "irrCAC", method.irrcac, weights, undefined)
        yield Comparison(ours, "krippendorff", "alpha", ours.weights, undefined)
        return
    if not method.irrcac:
        reason = "irrCAC does not compute it for labels with gaps"
    elif ours.weights not in WEIGHT_SCHEMES:
        reason = "irrCAC is asked only for named weights"
    else:
        reason = undefined
    yield Comparison(ours, "irrCAC", method.irrcac, ours.weights, reason)


def _compared(comparison: Comparison, answer: Answer, *, version: str) -> CrossCheck:
    ours = comparison.ours

    def without(reason: str) -> CrossCheck:
        return CrossCheck(
            ours.name, ours.weights, comparison.package, version, not_compared_because=reason
        )

    if answer.failure:
        return without(answer.failure)
    differences = {
        name: abs(mine - number)
        for name, number in answer.numbers.items()
        if (mine := getattr(ours, name)) is not None and _comparable(comparison, name)
    }
    if not all(math.isfinite(difference) for difference in differences.values()):
        return without(f"{comparison.package} returned no finite number")
    return CrossCheck(
        ours.name,
        ours.weights,
        comparison.package,
        version,
        quantities=tuple(differences),
        largest_difference=max(differences.values()),
    )


def _comparable(comparison: Comparison, name: str) -> bool:
    """Tell whether a number means the same in both packages."""
    if name.startswith("interval"):
        # The packages have no bound for perfect agreement.
        level = comparison.ours.confidence_level
        analytic = comparison.ours.interval_method == "analytic"
        return analytic and _LOWEST_LEVEL <= level <= _HIGHEST_LEVEL
    if name == "p_value":
        # irrCAC's p-value of Brennan-Prediger is one-sided, all its others two-sided.
        return comparison.method != "bp"
    if name.endswith("_agreement"):
        return comparison.method != "krippendorff"
    return True
