"""Calibrate the probabilities of raters, and read calibrations back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from localensemble.api.certify import variable_named
from localensemble.api.evaluate import gold_of
from localensemble.codebook.model import Codebook
from localensemble.consensus.probabilities.calibrated_raters import (
    CALIBRATION_METHODS,
    CalibratedRaters,
    RaterCalibrationMethod,
)
from localensemble.core.errors import InputError
from localensemble.core.files import replaced_text_file
from localensemble.core.input_files import read_json
from localensemble.core.options import refuse_other_words
from localensemble.findings.fitted_raters import correct_priors, fit_raters
from localensemble.study.folder import StudyFolder
from localensemble.study.study import Study
from localensemble.tables.delimited import TableSource, path_of

__all__ = [
    "Calibrated",
    "RaterCalibrationMethod",
    "calibrate",
    "read_calibrations",
]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration of raters, and the file it was written to."""

    calibration: CalibratedRaters
    path: Path

    def __repr__(self) -> str:
        return f"{self.calibration.sentence()} Wrote {self.path}."


def calibrate(
    study: Path,
    *,
    variable: str,
    method: RaterCalibrationMethod,
    gold: TableSource | None = None,
    content_free: Path | None = None,
    path: Path | None = None,
    id_column: str | None = None,
) -> Calibrated:
    """Fit a correction of the raters' probabilities on one variable, and write it to a file.

    It changes no decision until ``consensus`` or ``label`` is given the file.

    Args:
        study: the study folder.
        variable: the name of the variable.
        method: ``temperature`` and ``isotonic`` need gold labels; ``contextual_prior`` needs a
            study of content-free items labeled by the same raters.
        gold: a table with gold labels.
        content_free: the folder of the study of content-free items.
        path: the file to write; None puts it into the study folder.
        id_column: column of the gold table that identifies an item; None detects it.

    Raises:
        InputError: gold labels or content-free items are missing, too few, or belong to
            another study or other raters.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    refuse_other_words(method, name="method", words=CALIBRATION_METHODS)
    by_gold = method != "contextual_prior"
    if (gold is not None) != by_gold or (content_free is not None) == by_gold:
        raise InputError(
            f"Calibration by {method.replace('_', ' ')} needs "
            + ("gold labels" if by_gold else "a study of content-free items")
            + " and nothing else.",
            hint="Give --gold FILE, without --content-free."
            if by_gold
            else "Give --content-free STUDY, without --gold.",
        )
    folder = StudyFolder.of(study)
    today = date.today().isoformat()
    with Study.open(study) as loaded:
        chosen = variable_named(loaded.codebook, variable)
        if content_free is not None:
            with Study.open(content_free) as other:
                found = correct_priors(loaded, variable=chosen, content_free=other, date=today)
        else:
            labels = gold_of(loaded, gold, id_column=id_column)
            if gold is None or labels is None or variable not in labels.categories:
                name = "gold labels" if gold is None else path_of(gold)
                raise InputError(
                    f'{name}: the table has no gold labels for "{variable}".',
                    hint=f'Put them into a column "gold_{variable}".',
                )
            found = fit_raters(
                loaded,
                variable=chosen,
                gold=labels.categories[variable],
                method=method,
                date=today,
            )
    path = path or folder.rater_calibration(variable)
    text = json.dumps(found.as_values(), indent=2, ensure_ascii=False, allow_nan=False)
    with replaced_text_file(path) as stream:
        stream.write(text + "\n")
    return Calibrated(found, path)


def read_calibrations(paths: Sequence[Path], *, codebook: Codebook) -> tuple[CalibratedRaters, ...]:
    """Read calibrations of raters for the variables of a codebook.

    Raises:
        InputError: a file cannot be read, is not a calibration, or names a variable that the
            codebook does not have.
    """
    found = tuple(CalibratedRaters.from_values(_values(path)) for path in paths)
    for one in found:
        variable_named(codebook, one.variable)
    return found


def _values(path: Path) -> Mapping[str, Any]:
    hint = "Give the file that `localensemble calibrate` wrote."
    try:
        values = read_json(path)
    except OSError as error:
        raise InputError(
            f"Cannot read the calibration {path}: {error.strerror}.", hint=hint
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: the file is not JSON.", hint=hint) from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: the file is not a calibration of raters.", hint=hint)
    return values
