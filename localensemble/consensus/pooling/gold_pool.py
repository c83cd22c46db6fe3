"""The pool of one variable of a study: a recorded rule, bound to its raters.

It keeps the hashes of the gold items that it was fitted to, because its accuracy on them is
better than on others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localensemble.consensus.bound_raters import BoundRater, changed_raters
from localensemble.consensus.pooling.best_rater import BestRater
from localensemble.consensus.pooling.calibrated_mean import CalibratedMean
from localensemble.consensus.pooling.fitted_pool import (
    MAJORITY,
    MOST_FREQUENT,
    CrossValidated,
    FittedPool,
)
from localensemble.consensus.pooling.log_linear import STRENGTH, LogLinear
from localensemble.core.errors import InputError
from localensemble.core.estimates import estimate, interval
from localensemble.core.words import counted

_VERSION = 1
_SHOWN_BELOW = 0.05
_IN_WORDS = {
    BestRater.name: "the best single rater",
    CalibratedMean.name: "the mean probability of calibrated raters",
    LogLinear.name: "log-linear weights with a bias",
    MAJORITY: "the majority",
    MOST_FREQUENT: "always the most frequent category",
}


@dataclass(frozen=True, slots=True)
class GoldPool:
    """How the probabilities of the raters on one variable are combined.

    Attributes:
        variable: name of the variable.
        pool: the fitted rule.
        raters: every rater whose labels counted.
        used_items: hashes of the gold items, by id and text, that it was fitted to.
        date: ISO date on which it was fitted.
    """

    variable: str
    pool: FittedPool
    raters: tuple[BoundRater, ...]
    used_items: tuple[str, ...]
    date: str

    def check(self, identities: Mapping[str, str]) -> None:
        """Refuse raters other than those it was fitted to.

        Args:
            identities: name of each rater that counts -> hash of its identity.

        Raises:
            InputError: names the raters that differ.
        """
        differing = changed_raters(self.raters, identities)
        if differing:
            raise InputError(
                f'The pool for "{self.variable}" does not apply; the raters changed after it was '
                f"fitted on {self.date}: {', '.join(differing)}.",
                hint="Fit it again (`localensemble consensus STUDY --gold FILE --items FILE`), or "
                "choose another method (--method majority).",
            )

    def sentence(self) -> str:
        """State the rule, what it was fitted to, and whether pooling pays."""
        return f"{self._fitted()} {self._verdict()}"

    def comparison(self) -> str:
        """State how often every rule is right on gold items that it was not fitted to."""
        results = "; ".join(
            f"{in_words(one.name)} {_figure(one)}" for one in self.pool.cross_validated
        )
        return f"Cross-validated accuracy for {self.variable}: {results}."

    def accuracy_sentence(self) -> str:
        """State how often the rule is right on gold items that it was not fitted to."""
        return f"The cross-validated accuracy of the pool is {_figure(self.pool.chosen)}."

    def _fitted(self) -> str:
        rule = self.pool.rule
        named = in_words(rule.name)
        strength = f", with regularization of strength {STRENGTH:g}"
        if isinstance(rule, BestRater):
            named = f"{named} ({self.pool.raters[rule.order[0]]})"
            strength = ""
        weights = ", ".join(f"{name} {weight:.2f}" for name, weight in self.pool.weights)
        shown = f" (weights: {weights})" if weights else ""
        return (
            f"{self.variable} is decided by {named}{shown}, fitted on {self.date} to "
            f"{counted(self.pool.chosen.items, 'gold label')}{strength} and chosen by "
            "cross-validation."
        )

    def _verdict(self) -> str:
        if isinstance(self.pool.rule, BestRater):
            return "Pooling did not beat the best single rater."
        not_shown = "These gold labels do not show that pooling beats the best single rater. "
        return (
            f"The pool was right on {counted(self.pool.only_pool, 'item')} on which the best "
            f"single rater was wrong, and wrong on {self.pool.only_best:,} on which that rater was "
            f"right (exact McNemar test, p = {self.pool.p_value:.3f}). "
            f"{not_shown if self.pool.p_value > _SHOWN_BELOW else ''}"
            "The rule was chosen on these gold labels, so its accuracy is slightly optimistic."
        )

    def as_values(self) -> dict[str, object]:
        """Return the pool as values that have a JSON form."""
        return {
            "version": _VERSION,
            "variable": self.variable,
            "pool": self.pool.as_values(),
            "raters": [rater.as_values() for rater in self.raters],
            "used_items": list(self.used_items),
            "date": self.date,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> GoldPool:
        """Read a pool back from ``as_values``.

        Raises:
            InputError: the values are not a pool of this version.
        """
        try:
            if values["version"] != _VERSION:
                raise ValueError("another version")
            return cls(
                variable=str(values["variable"]),
                pool=FittedPool.from_values(values["pool"]),
                raters=tuple(map(BoundRater.from_values, values["raters"])),
                used_items=tuple(map(str, values["used_items"])),
                date=str(values["date"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                "Cannot read the pool of raters: an entry is missing or malformed.",
                hint="Fit the pool again with this version.",
            ) from error


def pool_of(pools: Sequence[GoldPool], variable: str) -> GoldPool | None:
    """Return the pool of one variable; None for a variable without one."""
    return next((one for one in pools if one.variable == variable), None)


def in_words(rule: str) -> str:
    """Write the name of a rule that was compared."""
    return _IN_WORDS[rule]


def _figure(result: CrossValidated) -> str:
    low, high = result.interval.low, result.interval.high
    return f"{estimate(result.accuracy, low, high)} (95% interval {interval(low, high)})"
