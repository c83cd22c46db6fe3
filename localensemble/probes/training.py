"""Train a probe: logistic regression on gold labels, cross-fitted and calibrated.

scikit-learn fits the classifiers (extra ``learn``); a trained probe does not need it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from localensemble.core.errors import EngineUnavailableError, InputError
from localensemble.core.folds import FOLDS, spread_over_folds
from localensemble.core.identity import sha256_words
from localensemble.probes.probe import VariableProbe

LEAST_PER_CATEGORY = 5
"""With fewer gold labels of a category, a fold would often see one or none."""

# The inverse strength of regularization. Between 3 and 100, accuracy on sets of texts that people
# labeled hardly changes.
_C = 10.0
_MOST_STEPS = 5000
# The score of a category that a fold never saw: never chosen, but finite.
_UNSEEN = -50.0
_COOLEST, _HOTTEST = 0.05, 20.0


@dataclass(frozen=True, slots=True, eq=False)
class GoldTexts:
    """The gold labels of one variable, one entry per gold label.

    Attributes:
        variable: the variable's name.
        categories: its categories, in codebook order.
        rows: (n,) the row of the text in the matrix of features.
        codes: (n,) the index of the gold category.
    """

    variable: str
    categories: tuple[str, ...]
    rows: NDArray[np.intp]
    codes: NDArray[np.int16]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many gold labels each category has."""
        return tuple(np.bincount(self.codes, minlength=len(self.categories)).tolist())


def refuse_few(gold: Sequence[GoldTexts], *, least: int) -> None:
    """Refuse gold labels of which some category has too few.

    Raises:
        InputError: a category has fewer than ``least``, or only one category has any.
    """
    for one in gold:
        few = {
            name: count
            for name, count in zip(one.categories, one.counts, strict=True)
            if count < least
        }
        if few:
            named = ", ".join(f'"{name}" ({count})' for name, count in list(few.items())[:_SHOWN])
            more = f" and {len(few) - _SHOWN} more" if len(few) > _SHOWN else ""
            raise InputError(
                f'Cannot train a probe for variable "{one.variable}": every category needs '
                f"{least} gold labels, but these have fewer: {named}{more}.",
                hint="Label more items of these categories by hand, or lower "
                "--least-per-category; a category without gold labels is then never chosen.",
            )
        if sum(count > 0 for count in one.counts) < 2:
            raise InputError(
                f'Cannot train a probe for variable "{one.variable}": all gold labels are of one '
                "category.",
                hint="Label items of other categories by hand.",
            )


_SHOWN = 5


def assign_folds(texts: Sequence[str], strata: Sequence[int]) -> dict[str, int]:
    """Put each different text into a fold, with every stratum spread over all folds.

    The order within a stratum comes from the texts' hashes, so it is as good as random and
    always the same.

    Args:
        texts: the training texts; those with the same words are in one fold.
        strata: a number for each text, such as its category; a text counts where it is first.

    Returns:
        sha256 of the words of each text -> its fold.
    """
    stratum_of: dict[str, int] = {}
    for text, stratum in zip(texts, strata, strict=True):
        stratum_of.setdefault(sha256_words(text), stratum)
    return spread_over_folds(stratum_of)


def train_variable(
    features: NDArray[np.float64], gold: GoldTexts, folds: NDArray[np.intp]
) -> VariableProbe:
    """Train the classifiers of one variable.

    Args:
        features: (N, F), a row per text.
        gold: the gold labels.
        folds: (N,) the fold of each row.

    Raises:
        EngineUnavailableError: scikit-learn is not installed.
    """
    rows, codes, count = gold.rows, gold.codes, len(gold.categories)
    trained = [_train(features[rows], codes, folds[rows], count)]
    for fold in range(FOLDS):
        others = folds[rows] != fold
        trained.append(_train(features[rows[others]], codes[others], folds[rows[others]], count))
    # The last classifier is that of all gold labels.
    weights, biases, temperatures = zip(*trained[1:], trained[0], strict=True)
    return VariableProbe(
        categories=gold.categories,
        gold=gold.counts,
        weights=np.array(weights, dtype=np.float32),
        biases=np.array(biases, dtype=np.float32),
        temperatures=np.array(temperatures, dtype=np.float64),
    )


def training_settings() -> Mapping[str, str]:
    """State how a probe is trained, for its file and for reports."""
    return {
        "classifier": f"logistic regression, L2, C {_C:g}",
        "class_weight": "balanced",
        "calibration": "temperature, by classifiers that leave out a fold each",
        "folds": str(FOLDS),
    }


def _train(
    features: NDArray[np.float64],
    codes: NDArray[np.int16],
    folds: NDArray[np.intp],
    count: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Fit a classifier, and its temperature with classifiers that leave out a fold each.

    Nothing but these rows plays a part, so a classifier knows nothing of the fold it is for.
    """
    weights, biases = fit_classifier(features, codes, count)
    unseen = np.full((len(codes), count), np.nan)
    for fold in np.unique(folds):
        inside = folds == fold
        if inside.all():
            return weights, biases, 1.0
        other_weights, other_biases = fit_classifier(features[~inside], codes[~inside], count)
        unseen[inside] = features[inside] @ other_weights.T + other_biases
    # What a classifier never saw cannot be mended by a temperature.
    known = unseen[np.arange(len(codes)), codes] > _UNSEEN / 2
    return weights, biases, _temperature(unseen[known], codes[known])


def fit_classifier(
    features: NDArray[np.float64], codes: NDArray[np.int16], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit one classifier of ``count`` categories: its weights, (K, F), and biases, (K,).

    Raises:
        EngineUnavailableError: scikit-learn is not installed.
    """
    weights = np.zeros((count, features.shape[1]))
    biases = np.full(count, _UNSEEN)
    seen = np.unique(codes)
    if len(seen) == 1:
        biases[seen] = 0.0
        return weights, biases
    classifier = _classifier()(C=_C, class_weight="balanced", max_iter=_MOST_STEPS)
    classifier.fit(features, codes)
    coefficients, intercepts = classifier.coef_, classifier.intercept_
    if len(seen) == 2:
        coefficients = np.vstack([-coefficients / 2, coefficients / 2])
        intercepts = np.array([-intercepts[0] / 2, intercepts[0] / 2])
    weights[seen], biases[seen] = coefficients, intercepts
    return weights, biases


def _temperature(scores: NDArray[np.float64], codes: NDArray[np.int16]) -> float:
    """Return the temperature under which the gold labels are most probable."""

    def loss(logarithm: float) -> float:
        scaled = scores / np.exp(logarithm)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        logs = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return -float(logs[np.arange(len(codes)), codes].mean())

    if not len(codes):
        return 1.0
    found = minimize_scalar(loss, bounds=(np.log(_COOLEST), np.log(_HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def _classifier() -> Any:
    try:
        return importlib.import_module("sklearn.linear_model").LogisticRegression
    except ImportError as error:
        raise EngineUnavailableError(
            "Cannot train a probe: scikit-learn is not installed.",
            hint="Install it with `pip install scikit-learn`; labeling with a trained probe does "
            "not need it.",
        ) from error
