"""Certify which labels can be accepted without review, and plan how many gold labels it takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.api.evaluate import gold_of
from localensemble.api.notebook import fragments
from localensemble.codebook.model import Codebook, Variable
from localensemble.consensus.certificates.category_prevalence import CorrectedPrevalence
from localensemble.consensus.certificates.certificate import Certificate
from localensemble.consensus.certificates.sample_plan import CertificationPlan, plan_certification
from localensemble.consensus.certificates.threshold import CertifiedThreshold
from localensemble.consensus.policies.scores import SCORE_NAMES, ScoreName
from localensemble.consensus.registry import suggestion
from localensemble.core.errors import InputError
from localensemble.core.options import refuse_other_words
from localensemble.core.words import counted
from localensemble.findings.certificates.certification import (
    Promise,
    certify_variable,
    withdrawn_promises,
)
from localensemble.findings.fitted_pools import is_pooled_on
from localensemble.study.folder import StudyFolder
from localensemble.study.given_files import write_made_file
from localensemble.study.study import Study
from localensemble.tables.delimited import TableSource, path_of

__all__ = [
    "Certificate",
    "CertificationPlan",
    "Certified",
    "CertifiedThreshold",
    "Promise",
    "ScoreName",
    "certify",
    "plan",
]

_NO_GOLD = np.array([], dtype=np.int16)


@dataclass(frozen=True, slots=True, repr=False)
class Certified:
    """What the gold labels certify.

    Attributes:
        certificate: the certificate, with the promise as a sentence and its assumptions.
        path: the certificate file; None if nothing can be accepted, so no file was written.
        prevalence: share of each category in the whole study, corrected for label error; empty if
            gold labels were left out because they trained a rater.
        messages: what the user should know about the labels and gold labels, in sentences.
    """

    certificate: Certificate
    path: Path | None
    prevalence: tuple[CorrectedPrevalence, ...]
    messages: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The promise, with every number it rests on."""
        return self.certificate.sentence()

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        assumed = [f"Assumed: {one}." for one in self.certificate.assumptions()]
        written = "No certificate was written." if self.path is None else f"Wrote {self.path}."
        return fragments.paragraphs((self.sentence, written)) + fragments.notes(
            (*assumed, *self.messages)
        )


def certify(
    study: Path,
    *,
    gold: TableSource,
    variable: str,
    promise: Promise,
    certificate_path: Path | None = None,
    id_column: str | None = None,
) -> Certified:
    """Certify a threshold on the gold labels of items drawn at random from the study.

    Args:
        study: the study folder.
        gold: a table with gold labels, usually a filled worksheet of `sample`.
        variable: the variable whose labels are to be accepted.
        promise: what to certify.
        certificate_path: the file to write; None puts it into the study folder.
        id_column: column of the gold table that identifies an item; None detects it.

    Raises:
        InputError: the variable or its gold labels are missing, or the gold labels serve
            another purpose.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    _check_shares(promise.alpha, promise.delta)
    if promise.by is not None:
        refuse_other_words(promise.by, name="by", words=SCORE_NAMES)
    folder = StudyFolder.of(study)
    with Study.open(study) as loaded:
        chosen = variable_named(loaded.codebook, variable)
        labels = gold_of(loaded, gold, id_column=id_column)
        if labels is None or not np.any(labels.categories.get(variable, _NO_GOLD) >= 0):
            raise InputError(
                f'{path_of(gold)}: the table has no gold labels for "{variable}".',
                hint=f'Put them into a column "gold_{variable}".',
            )
        labels.refuse_shots(path_of(gold))
        unseen, seen, left_out = _unseen(
            loaded, variable, labels.categories[variable], path_of(gold)
        )
        found = certify_variable(
            loaded,
            variable=chosen,
            gold=unseen,
            promise=promise,
            date=date.today().isoformat(),
            seen=seen,
        )
        withdrawn = withdrawn_promises(loaded, variable=chosen, gold=labels.categories[variable])
    messages = [*withdrawn, *loaded.cautions, *labels.messages, *left_out]
    if labels.blank_rows.get(variable):
        messages.append(
            f"The gold table has {counted(labels.blank_rows[variable], 'row')} without a label. "
            "Skipping difficult items breaks the promise: skip items at random, or none."
        )
    path = None
    if found.certificate.certified.chosen is not None:
        names = [one.name for one in loaded.codebook.variables]
        path = certificate_path or folder.certificate(variable, among=names)
        values = found.certificate.as_values()
        write_made_file(values, kind="certificate", path=path, folder=folder)
    prevalence = () if left_out else found.prevalence
    return Certified(found.certificate, path, prevalence, tuple(messages))


def _unseen(
    study: Study, variable: str, gold: NDArray[np.int16], path: Path
) -> tuple[NDArray[np.int16], NDArray[np.bool_], tuple[str, ...]]:
    """Leave out the gold labels that trained a rater or fitted the pool: labels seem better there.

    What remains of a random sample is a random sample of the items that were not used. The second
    result tells which items of the study were.
    """
    known = gold >= 0
    taught = study.is_trained_on()
    fitted = is_pooled_on(study, variable=variable, known=np.ones_like(known))
    seen = taught | fitted
    trained, pooled = taught & known, fitted & known
    used = trained | pooled
    if not used.any():
        return gold, seen, ()
    if np.array_equal(used, known):
        what = "trained a rater" if trained.all(where=known) else "fitted a pool or trained a rater"
        count = counted(int(known.sum()), "gold label")
        raise InputError(
            f"{path.name}: all its {count} {what} of this study, so no certificate can "
            "rest on them.",
            hint="Label other items by hand. A probe trained with `--hold-out 0.3` and a pool "
            "fitted to a part of the gold labels leave the rest for certificates.",
        )
    messages = []
    if trained.any():
        messages.append(
            f"Left out {counted(int(trained.sum()), 'gold label')} whose texts trained a rater of "
            f"this study. The promise covers the {counted(int((~taught).sum()), 'item')} with "
            "other texts. The shares of the categories in the whole study are not estimated."
        )
    if pooled.any():
        messages.append(
            f"Left out {counted(int(pooled.sum()), 'gold label')} whose texts the pool for "
            f'"{variable}" was fitted to. The promise covers the items with other texts. The '
            "shares of the categories in the whole study are not estimated."
        )
    return np.where(used, np.int16(-1), gold), seen, tuple(messages)


def plan(
    *,
    alpha: float = 0.05,
    delta: float = 0.1,
    error_rate: float = 0.02,
    accepted_share: float = 0.5,
) -> CertificationPlan:
    """Return how many gold labels a promise needs, before any are made.

    Raises:
        InputError: a share is out of range.
    """
    _check_shares(alpha, delta)
    if not 0 <= error_rate <= 1 or not 0 < accepted_share <= 1:
        raise InputError(
            f"The error rate is {error_rate:g} and the accepted share {accepted_share:g}; expected "
            "an error rate from 0 to 1 and an accepted share above 0 and up to 1.",
            hint="Write 0.02 for 2%.",
        )
    return plan_certification(
        alpha=alpha, delta=delta, error_rate=error_rate, accepted_share=accepted_share
    )


def _check_shares(alpha: float, delta: float) -> None:
    for name, value in (("alpha", alpha), ("delta", delta)):
        if not 0 < value < 1:
            raise InputError(
                f"{name} is {value:g}; expected more than 0 and less than 1.",
                hint="Write 0.05 for 5%.",
            )


def variable_named(codebook: Codebook, name: str) -> Variable:
    """Return the variable of a codebook that has this name.

    Raises:
        InputError: the codebook has no such variable.
    """
    names = [variable.name for variable in codebook.variables]
    if name not in names:
        raise InputError(
            f'The codebook of this study has no variable "{name}".',
            hint=suggestion(name, known=names),
        )
    return codebook.variable(name)
