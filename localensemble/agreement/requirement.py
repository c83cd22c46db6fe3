"""Check whether a variable meets a required level of agreement.

The check compares the lower end of the interval, not the estimate: the labels must show the
required agreement, not merely suggest it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from localensemble.agreement.benchmark import too_few_items
from localensemble.agreement.coefficients import coefficient_named, method_named
from localensemble.agreement.result import AgreementError, Coefficient
from localensemble.agreement.weights import WEIGHT_SCHEMES
from localensemble.core.estimates import decimals, number

_MOST_DIGITS = 6
_PATTERN = re.compile(
    r"""\s*(?P<name>[^()<>=≥]+?)\s*
        (?:\(\s*(?P<weights>[a-z ]+?)\s*\))?\s*
        (?:>=|≥)\s*
        (?P<minimum>[-+]?\d*\.?\d+)\s*""",
    re.VERBOSE,
)
_HINT = 'Write, for example, "AC1 >= 0.6", "Fleiss kappa (quadratic) >= 0.6" or "alpha >= 0.667".'


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a requirement is met.

    Attributes:
        requirement: the requirement checked.
        met: whether the interval's lower end reaches the minimum.
        interval_low: the lower end compared; None without an interval.
        because: the reason in words.
    """

    requirement: Requirement
    met: bool
    interval_low: float | None
    because: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """A coefficient and the minimum that its interval must not fall below.

    Attributes:
        coefficient: name of the coefficient.
        minimum: the lowest acceptable lower end.
        weights: name of its weights; None means identity, or any level for alpha.
    """

    coefficient: str
    minimum: float
    weights: str | None = None

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read ``NAME >= NUMBER`` or ``NAME (WEIGHTS) >= NUMBER``.

        Raises:
            AgreementError: the text does not have this form, the coefficient or the weights
                are unknown, or the number is not between -1 and 1.
        """
        found = _PATTERN.fullmatch(text)
        if found is None:
            raise AgreementError(f"Cannot read the requirement {text!r}.", hint=_HINT)
        try:
            name = coefficient_named(found["name"]).name
        except AgreementError as error:
            raise AgreementError(
                f"Cannot read the requirement {text!r}: unknown coefficient {found['name']!r}.",
                hint=error.hint,
            ) from error
        weights = found["weights"]
        known = (*WEIGHT_SCHEMES, "custom", "nominal", "interval")
        if weights is not None and weights not in known:
            raise AgreementError(
                f"Cannot read the requirement {text!r}: unknown weights {weights!r}.",
                hint=f"Choose one of {', '.join(known)}.",
            )
        minimum = float(found["minimum"])
        if not -1.0 <= minimum <= 1.0:
            raise AgreementError(
                f"Cannot read the requirement {text!r}: {minimum:g} is not between -1 and 1.",
                hint=_HINT,
            )
        return cls(name, minimum, weights)

    @property
    def _name(self) -> str:
        return f"{self.coefficient} ({self.weights})" if self.weights else self.coefficient

    def __str__(self) -> str:
        return f"{self._name} >= {self.minimum:g}"

    def check(self, coefficients: Iterable[Coefficient]) -> Verdict:
        """Check the lower end of the required coefficient's interval."""
        for coefficient in coefficients:
            if self.means(coefficient):
                return self._verdict(coefficient)
        return Verdict(self, False, None, f"{self._name} was not computed")

    def means(self, coefficient: Coefficient) -> bool:
        """Return whether a coefficient is the required one, with its weights."""
        if coefficient.name != self.coefficient:
            return False
        if self.weights is not None:
            return coefficient.weights == self.weights
        # AC2 and alpha are computed once, with the weights or level of the variable.
        computed_once = method_named(self.coefficient).uses_weights in ("required", "level")
        return computed_once or coefficient.weights == "identity"

    def _verdict(self, coefficient: Coefficient) -> Verdict:
        low = coefficient.interval_low
        if coefficient.value is None:
            return Verdict(
                self,
                False,
                None,
                f"{self.coefficient} is undefined: {coefficient.undefined_because}",
            )
        if low is None:
            return Verdict(
                self,
                False,
                None,
                f"{self.coefficient} has no interval: {coefficient.interval_undefined_because}",
            )
        if because := too_few_items(coefficient):
            return Verdict(self, False, low, because)
        met = low >= self.minimum
        comparison = "not below" if met else "below"
        digits = self._digits(low, coefficient.interval_high)
        return Verdict(
            self,
            met,
            low,
            f"the lower end of the {coefficient.confidence_level:.0%} interval is "
            f"{number(low, digits=digits)}, {comparison} {self.minimum:g} "
            f"(estimate {number(coefficient.value, digits=digits)})",
        )

    def _digits(self, low: float, high: float | None) -> int:
        """Return how many decimals to show: more than usual where rounding hides who is above."""
        digits = decimals(low, high)
        while digits < _MOST_DIGITS and (round(low, digits) >= self.minimum) != (
            low >= self.minimum
        ):
            digits += 1
        return digits
