"""Correct a rater's probabilities so that they match frequencies.

There are three kinds of calibration, each explicit and recorded: a temperature (few gold
labels), isotonic regression per category (many), and a prior correction from a content-free
item (none). They change probabilities, and through them consensus by probability and
escalation; they never change the label a rater gave.

Source: Guo et al. (2017), On calibration of modern neural networks, arXiv 1706.04599;
Zadrozny and Elkan (2002), KDD; Zhao et al. (2021), Calibrate before use, arXiv 2102.09690.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.protocol import FloatArray
from localensemble.consensus.setting_fields import Settings, SettingsFromFields
from localensemble.core.errors import InputError

LEAST_GOLD_TEMPERATURE = 30
LEAST_GOLD_ISOTONIC = 300

# A factor beyond 20 reflects the small number of gold labels more than the rater.
_LOG_TEMPERATURES = (np.log(0.05), np.log(20.0))
_GOLDEN_RATIO = (np.sqrt(5.0) - 1) / 2
_SEARCH_STEPS = 60
_SMALLEST_PROBABILITY = 1e-12
_ROUNDING = 1e-9


class RaterCalibration(Protocol):
    """A recorded change of one rater's distributions for one variable."""

    @property
    def name(self) -> str:
        """The kind of calibration."""
        ...

    @property
    def settings(self) -> Settings:
        """Every fitted value, ready to hash or show."""
        ...

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Calibrate (N, K) distributions; rows of NaN stay NaN, others sum to 1."""
        ...


@dataclass(frozen=True, slots=True)
class Temperature(SettingsFromFields):
    """Sharpen or flatten every distribution alike: p ** (1 / temperature), scaled to 1.

    Above 1 the rater was too sure. The order of the categories never changes.
    """

    temperature: float
    gold_items: int
    name: ClassVar[str] = "temperature"

    def __post_init__(self) -> None:
        low, high = np.exp(_LOG_TEMPERATURES)
        if not low * 0.99 <= self.temperature <= high * 1.01:
            raise InputError(
                f"A temperature of {self.temperature:g} is not one that can be fitted "
                f"({low:.2g} to {high:.2g}).",
                hint="Calibrate the raters again.",
            )

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Apply the temperature."""
        return _tempered(np.log(np.maximum(probabilities, _SMALLEST_PROBABILITY)), self.temperature)


@dataclass(frozen=True, slots=True)
class Isotonic(SettingsFromFields):
    """Map each category's probability to the share of gold labels at that probability.

    Attributes:
        steps: per category, (probability, share) pairs rising in both; between two pairs the
            share is interpolated; outside them it stays constant.
        gold_items: number of gold labels it was fitted to.
    """

    steps: tuple[tuple[tuple[float, float], ...], ...]
    gold_items: int
    name: ClassVar[str] = "isotonic"

    def __post_init__(self) -> None:
        for steps in self.steps:
            values = np.array(steps, dtype=np.float64)
            if not (
                values.size
                and ((values >= 0) & (values <= 1 + _ROUNDING)).all()
                and (np.diff(values, axis=0) >= -_ROUNDING).all()
            ):
                raise InputError(
                    "An isotonic calibration needs pairs of a probability and a share that rise.",
                    hint="Calibrate the raters again.",
                )

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Map every category and scale to 1; a row mapped to all zeros is left unchanged."""
        _refuse_other_categories(len(self.steps), probabilities)
        mapped = np.empty_like(probabilities)
        for k, steps in enumerate(self.steps):
            at, share = np.array(steps).T
            mapped[:, k] = np.interp(probabilities[:, k], at, share)
        mapped[np.isnan(probabilities)] = np.nan
        total = mapped.sum(axis=1, keepdims=True)
        scaled = probabilities.copy()
        np.divide(mapped, total, out=scaled, where=total > 0)
        return scaled


@dataclass(frozen=True, slots=True)
class ContextualPrior(SettingsFromFields):
    """Divide by the rater's distribution for an item without content, scaled to 1.

    Attributes:
        prior: the rater's distribution for the content-free item, all above 0.
    """

    prior: tuple[float, ...]
    name: ClassVar[str] = "contextual_prior"

    def __post_init__(self) -> None:
        if not self.prior or min(self.prior) <= 0 or not np.isfinite(self.prior).all():
            raise InputError(
                "Cannot correct for a prior that rules out a category: "
                f"{[float(f'{share:.3g}') for share in self.prior]}.",
                hint="Use the log-probabilities of a content-free item, which are never -inf.",
            )

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Divide by the prior and scale to 1."""
        _refuse_other_categories(len(self.prior), probabilities)
        corrected = probabilities / np.array(self.prior)
        return np.asarray(corrected / corrected.sum(axis=1, keepdims=True))


def _refuse_other_categories(count: int, probabilities: FloatArray) -> None:
    if count != probabilities.shape[1]:
        raise InputError(
            f"A calibration for {count:,} categories does not fit the {probabilities.shape[1]:,} "
            "of the variable.",
            hint="Calibrate the raters again, or drop it (--drop-calibrations).",
        )


def fit_temperature(probabilities: FloatArray, *, gold: NDArray[np.int16]) -> Temperature:
    """Find the temperature under which the gold labels are most likely.

    Args:
        probabilities: (n, K) distributions of one rater; rows of NaN are left out.
        gold: (n,) gold labels; -1 is left out.

    Raises:
        InputError: fewer than 30 gold labels.
    """
    usable, answers = _usable(probabilities, gold, least=LEAST_GOLD_TEMPERATURE, what="temperature")
    logs = np.log(np.maximum(usable, _SMALLEST_PROBABILITY))
    rows = np.arange(len(answers))

    def loss(log_temperature: float) -> float:
        tempered = _tempered(logs, float(np.exp(log_temperature)))[rows, answers]
        return float(-np.log(np.maximum(tempered, _SMALLEST_PROBABILITY)).mean())

    # The loss has a single valley in 1 / temperature, so a golden-section search finds it.
    low, high = _LOG_TEMPERATURES
    for _ in range(_SEARCH_STEPS):
        left = high - _GOLDEN_RATIO * (high - low)
        right = low + _GOLDEN_RATIO * (high - low)
        if loss(left) <= loss(right):
            high = right
        else:
            low = left
    return Temperature(float(np.exp((low + high) / 2)), len(answers))


def fit_isotonic(probabilities: FloatArray, *, gold: NDArray[np.int16]) -> Isotonic:
    """Fit a rising step function per category by pooling adjacent violators.

    Args:
        probabilities: (n, K) distributions of one rater; rows of NaN are left out.
        gold: (n,) gold labels; -1 is left out.

    Raises:
        InputError: fewer than 300 gold labels; a temperature needs fewer.
    """
    usable, answers = _usable(probabilities, gold, least=LEAST_GOLD_ISOTONIC, what="isotonic")
    steps = tuple(
        _rising_steps(usable[:, k], (answers == k).astype(np.float64))
        for k in range(usable.shape[1])
    )
    return Isotonic(steps, len(answers))


def _usable(
    probabilities: FloatArray, gold: NDArray[np.int16], *, least: int, what: str
) -> tuple[FloatArray, NDArray[np.int64]]:
    usable = (gold >= 0) & ~np.any(np.isnan(probabilities), axis=1)
    count = int(np.count_nonzero(usable))
    if count < least:
        raise InputError(
            f"Cannot fit a {what} calibration on {count} gold labels with probabilities; "
            f"expected at least {least}.",
            hint="Label more items, or leave the rater's probabilities as they are.",
        )
    return probabilities[usable], gold[usable].astype(np.int64)


def _tempered(logs: FloatArray, temperature: float) -> FloatArray:
    scaled = logs / temperature
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _rising_steps(at: FloatArray, hits: FloatArray) -> tuple[tuple[float, float], ...]:
    """Pool adjacent violators; return the two ends of every pool."""
    # SciPy takes a tenth of a second to import; most runs calibrate nothing.
    from scipy.optimize import isotonic_regression

    places, inverse = np.unique(at, return_inverse=True)
    weights = np.bincount(inverse)
    means = np.bincount(inverse, weights=hits) / weights
    fitted = isotonic_regression(means, weights=weights)
    ends = sorted({*fitted.blocks[:-1].tolist(), *(fitted.blocks[1:] - 1).tolist()})
    return tuple((float(places[end]), float(fitted.x[end])) for end in ends)
