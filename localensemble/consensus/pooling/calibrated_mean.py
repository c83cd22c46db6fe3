"""Calibrate each rater by itself, then take the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.pooling.log_linear import LogLinear, fit_log_linear
from localensemble.consensus.protocol import FloatArray


@dataclass(frozen=True, slots=True)
class CalibratedMean:
    """A temperature and a bias for every category, for each of R raters.

    A rater without a distribution is left out of the item's mean.

    Attributes:
        calibrations: (R,); how each rater's distributions change before the mean is taken. The
            weight of a calibration is 1 / temperature.
    """

    calibrations: tuple[LogLinear, ...]
    name: ClassVar[str] = "calibrated_mean"

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Pool (N, R, K) distributions, NaN where missing: (N, K), NaN where all are missing."""
        total = np.zeros((len(probabilities), probabilities.shape[2]))
        given = np.zeros((len(probabilities), 1))
        for column, calibration in enumerate(self.calibrations):
            calibrated = calibration.apply(probabilities[:, column : column + 1])
            known = ~np.isnan(calibrated).any(axis=1, keepdims=True)
            total += np.where(known, calibrated, 0.0)
            given += known
        return np.divide(total, given, out=np.full_like(total, np.nan), where=given > 0)

    def as_values(self) -> Mapping[str, object]:
        """Return every fitted value, at full precision."""
        return {"calibrations": [one.as_values() for one in self.calibrations]}

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> CalibratedMean:
        """Read it back from ``as_values``."""
        return cls(tuple(LogLinear.from_values(one) for one in values["calibrations"]))


def fit_calibrated_mean(probabilities: FloatArray, *, gold: NDArray[np.intp]) -> CalibratedMean:
    """Calibrate every rater on the gold items that it labeled.

    Args:
        probabilities: (n, R, K) distributions; NaN where a rater gave none.
        gold: (n,) gold categories.
    """
    known = ~np.any(np.isnan(probabilities), axis=2)
    return CalibratedMean(
        tuple(
            fit_log_linear(
                probabilities[known[:, column], column : column + 1], gold=gold[known[:, column]]
            )
            for column in range(probabilities.shape[1])
        )
    )
