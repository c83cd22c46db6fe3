"""Calibrate the probabilities of raters, and read calibrations back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from localensemble.api.certificates.certify import variable_named
from localensemble.api.evaluate import gold_of
from localensemble.codebook.model import Codebook
from localensemble.consensus.probabilities.calibrated_raters import (
    CALIBRATION_METHODS,
    CalibratedRaters,
    RaterCalibrationMethod,
)
from localensemble.core.errors import InputError
from localensemble.core.options import refuse_other_words
from localensemble.findings.fitted_raters import correct_priors, fit_raters
from localensemble.study.folder import StudyFolder
from localensemble.study.given_files import GivenFiles, foreign_variables, write_made_file
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
        names = [one.name for one in loaded.codebook.variables]
    path = path or folder.rater_calibration(variable, among=names)
    write_made_file(found.as_values(), kind="calibration", path=path, folder=folder)
    return Calibrated(found, path)


def read_calibrations(
    paths: Sequence[Path], *, codebook: Codebook, files: GivenFiles
) -> tuple[tuple[CalibratedRaters, ...], tuple[str, ...]]:
    """Read calibrations of raters for the variables of a codebook.

    Returns:
        The calibrations, and the variables whose calibration is foreign.

    Raises:
        InputError: a file cannot be read, is not a calibration, names a variable that the
            codebook does not have, or is foreign and not stated to be.
    """
    given = [files.read(path, kind="calibration") for path in paths]
    found = tuple(CalibratedRaters.from_values(one.values) for one in given)
    for one in found:
        variable_named(codebook, one.variable)
    return found, foreign_variables(given)
