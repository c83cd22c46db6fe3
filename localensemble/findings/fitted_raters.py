"""Fit the calibration of a study's raters, from gold labels or from items without content."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.consensus.probabilities.calibrated_raters import (
    CalibratedRater,
    CalibratedRaters,
    RaterCalibrationMethod,
)
from localensemble.consensus.probabilities.rater_calibration import (
    ContextualPrior,
    RaterCalibration,
    fit_isotonic,
    fit_temperature,
)
from localensemble.consensus.protocol import FloatArray
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_item
from localensemble.findings.evaluation import CategoryArray
from localensemble.findings.gold_comparison import distributions_at
from localensemble.study.binding import identities
from localensemble.study.study import Study
from localensemble.study.study_labels import StudyLabels

_BLOCK_ITEMS = 4096


def fit_raters(
    loaded: Study,
    *,
    variable: Variable,
    gold: CategoryArray,
    method: RaterCalibrationMethod,
    date: str,
) -> CalibratedRaters:
    """Fit a temperature or an isotonic regression to each rater's own probabilities.

    Args:
        loaded: the study.
        variable: the variable.
        gold: (N,) gold categories, -1 for items without one.
        method: ``temperature`` or ``isotonic``.
        date: ISO date.

    Raises:
        InputError: too few gold labels, or the labels carry no probabilities.
    """
    _refuse_unscored(loaded)
    held = distributions_at(own_probabilities(loaded.recorded), variable=variable, known=gold >= 0)
    answers = gold[gold >= 0]
    fit = fit_temperature if method == "temperature" else fit_isotonic
    fitted: list[RaterCalibration] = [
        fit(held[:, column], gold=answers) for column in range(held.shape[1])
    ]
    return CalibratedRaters(
        variable=variable.name,
        method=method,
        raters=_raters(loaded.recorded, fitted),
        source_items=len(answers),
        used_items=item_hashes(loaded.recorded, known=gold >= 0),
        date=date,
    )


def correct_priors(
    loaded: Study, *, variable: Variable, content_free: Study, date: str
) -> CalibratedRaters:
    """Divide out each rater's answers to items without content, such as "N/A"; needs no gold.

    Args:
        loaded: the study.
        variable: the variable.
        content_free: a study of content-free items, labeled by the same raters.
        date: ISO date.

    Raises:
        InputError: a rater did not label these items, or rules a category out.
    """
    _refuse_unscored(loaded)
    asked = {
        identity.sha256: column
        for column, identity in enumerate(identities(content_free.recorded).values())
    }
    every = np.ones(content_free.recorded.item_count, dtype=np.bool_)
    fitted: list[RaterCalibration] = []
    used: list[int] = []
    held: FloatArray | None = None
    for name, identity in identities(loaded.recorded).items():
        if identity.sha256 not in asked:
            raise InputError(
                f'Rater "{name}" has not labeled the content-free items under the same conditions.',
                hint="Label them with the same ensemble, prompt and codebook as the study.",
            )
        if held is None:
            held = distributions_at(
                own_probabilities(content_free.recorded), variable=variable, known=every
            )
        distributions = held[:, asked[identity.sha256]]
        known = distributions[~np.isnan(distributions).any(axis=1)]
        if not len(known):
            raise InputError(
                f'Rater "{name}" has no probabilities for any content-free item.',
                hint="Label words without content, such as N/A, with `no_answer: []` in the "
                "codebook; otherwise no rater is asked about them.",
            )
        used.append(len(known))
        prior = known.mean(axis=0)
        fitted.append(ContextualPrior(tuple(map(float, prior))))
    return CalibratedRaters(
        variable=variable.name,
        method="contextual_prior",
        raters=_raters(loaded.recorded, fitted),
        # Of the rater that labeled the fewest: non-answers and failures are not among them.
        source_items=min(used, default=0),
        used_items=(),
        date=date,
    )


def item_hashes(
    labels: StudyLabels, *, known: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[str, ...]:
    """Hash the id and text of some items of a study, in order."""
    hashes: list[str] = []
    for start in range(0, labels.item_count, _BLOCK_ITEMS):
        stop = min(start + _BLOCK_ITEMS, labels.item_count)
        items = labels.reader.item_hashes(labels.item_set, start=start, stop=stop)
        hashes += [
            sha256_item(item_id, content_sha256=content)
            for (item_id, content), wanted in zip(items, known[start:stop], strict=True)
            if wanted
        ]
    return tuple(hashes)


def has_used_text(labels: StudyLabels, *, used: Collection[str]) -> NDArray[np.bool_]:
    """Tell of each of N items whether its text is that of an item used for fitting.

    The same text under another id is answered alike, so it is no fresh evidence.

    Args:
        labels: the labels of a study.
        used: hashes of the items used, as ``item_hashes`` makes them.
    """
    if not used:
        return np.zeros(labels.item_count, dtype=np.bool_)
    items = labels.reader.item_hashes(labels.item_set, start=0, stop=labels.item_count)
    wanted = frozenset(used)
    texts = {
        content for name, content in items if sha256_item(name, content_sha256=content) in wanted
    }
    return np.array([content in texts for _, content in items], dtype=np.bool_)


def own_probabilities(labels: StudyLabels) -> StudyLabels:
    """Return labels with the raters' own probabilities, because fitting needs uncalibrated ones."""
    return replace(labels, calibrations={})


def _raters(labels: StudyLabels, fitted: Sequence[RaterCalibration]) -> tuple[CalibratedRater, ...]:
    return tuple(
        CalibratedRater(name, identity.sha256, identity.model_sha256, calibration)
        for (name, identity), calibration in zip(identities(labels).items(), fitted, strict=True)
    )


def _refuse_unscored(loaded: Study) -> None:
    if not loaded.recorded.scored:
        raise InputError(
            "Ratings have no probabilities, so there is nothing to calibrate.",
            hint="Calibrate a study that model raters labeled.",
        )
