"""Open a study from its ledger alone: what was labeled, asked and decided in its last run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Codebook, codebook_from_json
from localensemble.consensus.rules import DecisionRules, recorded_rules
from localensemble.core.errors import LedgerError
from localensemble.findings.binding import binding, identities
from localensemble.findings.control_items import control_categories
from localensemble.findings.decisions import Decisions, StudyLabels, decide
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import ItemSetKey, RaterKey, RunRecord, VariableKey
from localensemble.ledger.verify import refuse_changed

_UNFINISHED = {"interrupted": "was interrupted", "failed": "failed"}


@dataclass(frozen=True, slots=True)
class LoadedStudy:
    """A finished run, ready for findings: its labels, its codebook and its rules.

    Attributes:
        labels: where they are.
        codebook: what was asked.
        rules: by which decisions are made.
        run: the newest finished one.
        items_sha256: hash of the items file that was labeled.
        control: variable -> (N,) known categories of control items, -1 elsewhere; empty when
            the study has none.
        cautions: why not to trust labels, in sentences, as said when they were made; and that
            a newer run has not finished.
        ratings_sha256: of the table of ratings that the labels come from; None where models
            made them.
    """

    labels: StudyLabels
    codebook: Codebook
    rules: DecisionRules
    run: RunRecord
    items_sha256: str
    control: Mapping[str, NDArray[np.int16]]
    cautions: tuple[str, ...] = ()
    ratings_sha256: str | None = None

    def decide(self) -> tuple[Decisions, ...]:
        """Derive consensus and escalation for every variable, in codebook order.

        Raises:
            InputError: a calibration does not apply to these raters, or a certificate to these
                raters, prompt, codebook, rules or, under a method that learns from all items,
                item set.
        """
        held = {name: identity.sha256 for name, identity in identities(self.labels).items()}
        for calibration in self.rules.calibrations:
            calibration.check(held)
        for certificate in self.rules.certificates:
            variable = self.codebook.variable(certificate.variable)
            certificate.check(
                binding(
                    self.labels,
                    rules=self.rules,
                    variable=variable,
                    items_sha256=self.items_sha256,
                )
            )
        return tuple(
            decide(
                self.labels,
                variable=variable,
                method=self.rules.method,
                policies=self.rules.policies_for(variable.name),
                control=self.control.get(variable.name),
            )
            for variable in self.codebook.variables
        )

    def with_rules(self, rules: DecisionRules) -> LoadedStudy:
        """Give the same study under other rules."""
        return replace(self, rules=rules, labels=_calibrated(self.labels, rules))


def load_study(reader: LedgerReader) -> LoadedStudy:
    """Load the newest finished run of a ledger, after deriving every hash of it again.

    Raises:
        LedgerError: no run of this ledger has finished, or it was changed.
    """
    refuse_changed(reader.path)
    run = newest_finished(reader)
    if run is None:
        raise LedgerError(
            "No run of this study has finished.",
            hint="Run `localensemble label` again; it goes on where it stopped.",
        )
    settings = cast(Mapping[str, Any], run.settings)
    summary = cast(Mapping[str, Any], run.summary)
    codebook = codebook_from_json(settings["codebook"])
    labels = StudyLabels(
        reader=reader,
        item_set=ItemSetKey(summary["item_set"]),
        item_count=summary["item_count"],
        rater_keys=tuple(RaterKey(key) for key in summary["raters"]),
        rater_names=tuple(settings["raters"]),
        variable_keys={name: VariableKey(key) for name, key in summary["variables"].items()},
        scored="ratings_sha256" not in settings,
    )
    control = settings.get("control")
    rules = recorded_rules(settings["rules"])
    return LoadedStudy(
        _calibrated(labels, rules),
        codebook,
        rules,
        run,
        settings["items_sha256"],
        control_categories(control, codebook=codebook, labels=labels) if control else {},
        (*settings.get("cautions", ()), *_unfinished(reader.runs())),
        settings.get("ratings_sha256"),
    )


def _calibrated(labels: StudyLabels, rules: DecisionRules) -> StudyLabels:
    return replace(
        labels,
        calibrations={one.variable: one.columns(labels.rater_names) for one in rules.calibrations},
    )


def newest_finished(reader: LedgerReader) -> RunRecord | None:
    """Find the newest finished run of a ledger; None where none has finished."""
    return next((run for run in reversed(reader.runs()) if run.status == "finished"), None)


def _unfinished(runs: Sequence[RunRecord]) -> tuple[str, ...]:
    """Say that labels were made after those of the newest finished run, if any were."""
    labeling = [run for run in runs if not _decides_again(run)]
    newest = labeling[-1]
    if newest.status == "finished":
        return ()
    word = _UNFINISHED.get(newest.status or "", "has not finished; it goes on or was cut off")
    began = newest.started_at[:16].replace("T", " ")
    return (
        f"A newer run, begun {began} UTC, {word}: everything here is of the last run that "
        "finished. `localensemble label` goes on with the newer one.",
    )


def _decides_again(run: RunRecord) -> bool:
    return "decides_again_run" in cast(Mapping[str, Any], run.settings)
