"""Weigh the logarithms of raters' probabilities, with a bias for every category.

The weights and biases are those under which the gold labels are most probable, regularized
toward equal weights and no bias. A bias corrects what the raters prefer whatever the text; a
small weight corrects a rater that is too sure.

Source: Genest and Zidek (1986), Statistical Science 1:114-135 (logarithmic pools);
Wolpert (1992), Stacked generalization, Neural Networks 5:241-259.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.methods.weighing import normalized
from localensemble.consensus.protocol import FloatArray

STRENGTH = 1.0
"""The strength of regularization: as if weights and biases had a standard deviation of 1."""

# Below this, probabilities differ by how sure a rater claims to be, not by what it knows.
_SMALLEST_PROBABILITY = 1e-6
_MOST_STEPS = 1000


@dataclass(frozen=True, slots=True)
class LogLinear:
    """A weight for each of R raters and a bias for each of K categories.

    A rater without a distribution counts with its average one over the gold items: it says
    nothing about this item, and the bias that corrects it stays corrected.

    Attributes:
        weights: (R,); at least 0.
        bias: (K,).
        averages: (R, K); each rater's mean log-probabilities over the gold items.
    """

    weights: tuple[float, ...]
    bias: tuple[float, ...]
    averages: tuple[tuple[float, ...], ...]
    name: ClassVar[str] = "log_linear"

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Pool (N, R, K) distributions, NaN where missing: (N, K), NaN where all are missing."""
        logs = _filled(_logs(probabilities), np.array(self.averages))
        scores = np.tile(np.array(self.bias), (len(probabilities), 1))
        for column, weight in enumerate(self.weights):
            scores += weight * logs[:, column]
        missing = np.any(np.isnan(probabilities), axis=2)
        scores[np.all(missing, axis=1)] = np.nan
        return normalized(scores)

    def as_values(self) -> Mapping[str, object]:
        """Return every fitted value, at full precision."""
        return {
            "weights": list(self.weights),
            "bias": list(self.bias),
            "averages": [list(row) for row in self.averages],
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> LogLinear:
        """Read it back from ``as_values``."""
        return cls(
            tuple(map(float, values["weights"])),
            tuple(map(float, values["bias"])),
            tuple(tuple(map(float, row)) for row in values["averages"]),
        )


def fit_log_linear(probabilities: FloatArray, *, gold: NDArray[np.intp]) -> LogLinear:
    """Fit weights and biases to gold labels.

    Args:
        probabilities: (n, R, K) distributions; NaN where a rater gave none.
        gold: (n,) gold categories.
    """
    # SciPy takes a tenth of a second to import; most runs fit nothing.
    from scipy.optimize import minimize

    count, raters, categories = probabilities.shape
    logs = _logs(probabilities)
    averages = _averages(logs)
    filled = _filled(logs, averages)
    start = np.concatenate([np.full(raters, 1.0 / raters), np.zeros(categories)])
    rows = np.arange(count)

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        scores = values[raters:] + np.einsum("r,nrk->nk", values[:raters], filled)
        scores -= scores.max(axis=1, keepdims=True)
        totals = np.log(np.exp(scores).sum(axis=1))
        away = values - start
        excess = np.exp(scores - totals[:, None])
        excess[rows, gold] -= 1.0
        slope = np.concatenate([np.einsum("nk,nrk->r", excess, filled), excess.sum(axis=0)])
        value = float((totals - scores[rows, gold]).sum() + STRENGTH / 2 * away @ away)
        return value, slope + STRENGTH * away

    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None)] * raters + [(None, None)] * categories,
        options={"maxiter": _MOST_STEPS, "ftol": 1e-12, "gtol": 1e-8},
    )
    return LogLinear(
        tuple(found.x[:raters].tolist()),
        tuple(found.x[raters:].tolist()),
        tuple(tuple(row) for row in averages.tolist()),
    )


def _logs(probabilities: FloatArray) -> FloatArray:
    """Take logarithms; a rater without a complete distribution gets NaN for every category."""
    logs = np.log(np.maximum(probabilities, _SMALLEST_PROBABILITY))
    logs[np.isnan(logs).any(axis=2)] = np.nan
    return logs


def _averages(logs: FloatArray) -> FloatArray:
    known = ~np.isnan(logs)
    total, given = np.where(known, logs, 0.0).sum(axis=0), known.sum(axis=0)
    return np.asarray(np.divide(total, given, out=np.zeros_like(total), where=given > 0))


def _filled(logs: FloatArray, averages: FloatArray) -> FloatArray:
    return np.where(np.isnan(logs), averages[None], logs)
