"""Describe a coefficient of the list: its names, wording, citation, and how to compute it.

A coefficient is an instance of one of these classes. Call it like a function of its labels;
``compute`` calls it with the settings that all coefficients of one variable share. The list
itself is ``ALL_COEFFICIENTS`` in `coefficients`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from localensemble.agreement.estimators import Estimator
from localensemble.agreement.intervals import Facts, Interval, estimate
from localensemble.agreement.prepared import Labels, PreparedMatrix, prepare
from localensemble.agreement.result import Coefficient, Level
from localensemble.agreement.size_limits import refuse_too_large
from localensemble.agreement.weights import Weights, WeightScheme, agreement_weights
from localensemble.core.coefficient_names import CODEBOOK_COEFFICIENTS

WeightUse = Literal["ignored", "optional", "required", "level"]
"""Whether a coefficient takes agreement weights; ``level``: it uses the level instead."""


@dataclass(frozen=True, slots=True, eq=False)
class AgreementSettings:
    """How to compute all coefficients of one variable.

    Attributes:
        level: the level of measurement; only Krippendorff's alpha reads it.
        weights: agreement weights of the coefficients that take them.
        values: the categories' increasing numbers; 1..K when None.
        interval: how to compute the intervals; None chooses by the number of items.
        confidence_level: the confidence level of the intervals.
    """

    level: Level
    weights: WeightScheme | ArrayLike = "identity"
    values: Sequence[float] | None = None
    interval: Interval | None = None
    confidence_level: float = 0.95


# No slots: every coefficient has its own docstring.
@dataclass(frozen=True, eq=False)
class CoefficientMethod(ABC):
    """One coefficient of the list.

    Attributes:
        name: the name, as in ``Coefficient.name``.
        possessive: the name as used in a sentence.
        chance: its definition of chance agreement, as a clause for a methods paragraph; empty
            if it is not corrected for chance.
        citation: the paper to cite.
        aliases: other names that people type, in lower case, besides the name and the
            possessive.
        two_raters: whether it is defined only for exactly two raters.
        tells_raters_apart: whether it depends on which rater gave a label.
        irrcac: the method of irrCAC's ``CAC`` that computes it; empty if there is none.
        uses_weights: whether ``AgreementSettings.weights`` changes it.
    """

    _: KW_ONLY
    name: str
    possessive: str
    chance: str
    citation: str
    aliases: tuple[str, ...] = ()
    two_raters: bool = False
    tells_raters_apart: bool = False
    irrcac: str = ""
    uses_weights: ClassVar[WeightUse]

    @property
    def takes_weights(self) -> bool:
        """Whether weights change the value."""
        return self.uses_weights in ("optional", "required")

    @property
    def corrected(self) -> bool:
        """Whether the value is corrected for chance, so that chance alone would give 0."""
        return bool(self.chance)

    @property
    def in_codebooks(self) -> bool:
        """Whether a codebook may require the coefficient."""
        return self.name in CODEBOOK_COEFFICIENTS

    @abstractmethod
    def compute(self, labels: Labels, settings: AgreementSettings) -> Coefficient:
        """Compute the coefficient under the settings of its variable."""


@dataclass(frozen=True, eq=False)
class _Estimated(CoefficientMethod):
    """A coefficient computed from the labels' patterns and agreement weights.

    Attributes:
        estimator: turns patterns and weights into sums; the coefficient takes its docstring.
        needs_two_categories: whether chance depends on how many categories are declared.
    """

    estimator: Callable[[PreparedMatrix, Weights], Estimator]
    _: KW_ONLY
    needs_two_categories: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self.estimator.__doc__)

    def compute(self, labels: Labels, settings: AgreementSettings) -> Coefficient:
        """Compute the coefficient with the weights of its variable."""
        return self._estimate(
            labels,
            settings.weights,
            settings.values,
            interval=settings.interval,
            confidence_level=settings.confidence_level,
        )

    def _estimate(
        self,
        labels: Labels,
        weights: WeightScheme | ArrayLike,
        values: Sequence[float] | None,
        *,
        interval: Interval | None,
        confidence_level: float,
    ) -> Coefficient:
        prepared = prepare(labels)
        refuse_too_large(prepared)
        scheme = agreement_weights(weights, category_count=prepared.category_count, values=values)
        facts = Facts(
            name=self.name,
            weights=scheme.name,
            item_count=prepared.item_count,
            items_differing=prepared.items_differing,
            raters=prepared.rater_count,
            confidence_level=confidence_level,
            corrected=self.corrected,
            undefined_because=self._undefined_because(prepared),
            chance_is_total_because=self._chance_is_total_because(prepared),
        )
        return estimate(self.estimator(prepared, scheme), facts, interval)

    def _undefined_because(self, prepared: PreparedMatrix) -> str:
        if self.two_raters and prepared.rater_count != 2:
            return (
                f"it compares two raters, but {prepared.rater_count} gave labels; "
                "see the pairs of raters"
            )
        declared = prepared.category_count
        if self.needs_two_categories and declared < 2:
            return f"{declared} category is declared, but chance needs at least two"
        return ""

    def _chance_is_total_because(self, prepared: PreparedMatrix) -> str:
        occurring = prepared.categories_seen
        if self.two_raters:
            counts = prepared.counts.counts
            paired = counts[counts.sum(axis=1) >= 2].sum(axis=0)
            occurring = tuple(prepared.categories[k] for k in np.flatnonzero(paired))
        if len(occurring) == 1:
            return (
                f'only the category "{occurring[0]}" occurs, so chance alone would give full '
                "agreement (0/0)"
            )
        return "the weights treat all categories that occur as equal, so nothing can disagree"


class Weighted(_Estimated):
    """A coefficient that may be computed with agreement weights."""

    uses_weights = "optional"

    def __call__(
        self,
        labels: Labels,
        *,
        weights: WeightScheme | ArrayLike = "identity",
        values: Sequence[float] | None = None,
        interval: Interval | None = None,
        confidence_level: float = 0.95,
    ) -> Coefficient:
        """Compute the coefficient.

        Args:
            labels: N items by R raters.
            weights: a scheme or a K by K matrix; ``identity`` gives no partial credit.
            values: the categories' increasing numbers; 1..K when None.
            interval: how to compute the interval; None chooses by the number of items.
            confidence_level: the confidence level of the interval.
        """
        return self._estimate(
            labels, weights, values, interval=interval, confidence_level=confidence_level
        )


class WeightedOnly(_Estimated):
    """A coefficient that has another name without weights, so weights have no default."""

    uses_weights = "required"

    def __call__(
        self,
        labels: Labels,
        *,
        weights: WeightScheme | ArrayLike,
        values: Sequence[float] | None = None,
        interval: Interval | None = None,
        confidence_level: float = 0.95,
    ) -> Coefficient:
        """Compute the coefficient; the arguments are those of `Weighted`."""
        return self._estimate(
            labels, weights, values, interval=interval, confidence_level=confidence_level
        )


class Unweighted(_Estimated):
    """A coefficient without weights, even if its variable has some."""

    uses_weights = "ignored"

    def __call__(
        self, labels: Labels, *, interval: Interval | None = None, confidence_level: float = 0.95
    ) -> Coefficient:
        """Compute the coefficient; the arguments are those of `Weighted`."""
        return self._estimate(
            labels, "identity", None, interval=interval, confidence_level=confidence_level
        )

    def compute(self, labels: Labels, settings: AgreementSettings) -> Coefficient:
        """Compute the coefficient without the weights of its variable."""
        return self(labels, interval=settings.interval, confidence_level=settings.confidence_level)
