"""Compare a study's labels with gold labels, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localensemble.api.study import StudyFolder
from localensemble.findings.decisions import Decisions
from localensemble.findings.gold import GoldLabels, read_gold
from localensemble.findings.load import LoadedStudy, load_study
from localensemble.findings.study import StudyFindings, study_findings
from localensemble.ledger.read import LedgerReader
from localensemble.report.json_files import write_findings


def evaluate(study: Path, *, gold: Path, id_column: str | None = None) -> StudyFindings:
    """Derive a study's findings from its ledger and add accuracy against gold labels.

    Writes ``findings.json`` anew.

    Raises:
        LedgerError: there is no study, or no run of it has finished.
        TableError: the gold table cannot be used or does not belong to the study.
    """
    folder = StudyFolder(study)
    with LedgerReader.open(folder.ledger) as reader:
        loaded = load_study(reader)
        findings = findings_of(
            loaded, decisions=loaded.decide(), gold=gold_of(loaded, gold, id_column=id_column)
        )
    write_findings(findings, path=folder.findings)
    return findings


def findings_of(
    loaded: LoadedStudy, *, decisions: Sequence[Decisions], gold: GoldLabels | None
) -> StudyFindings:
    """Gather the findings of a loaded study."""
    return study_findings(
        loaded.labels,
        codebook=loaded.codebook,
        decisions=decisions,
        consensus_method=loaded.rules.method.name,
        policies=[policy.name for policy in loaded.rules.policies],
        rules=loaded.rules.content,
        gold=gold,
    )


def gold_of(
    loaded: LoadedStudy, gold: Path | None, *, id_column: str | None = None
) -> GoldLabels | None:
    """Read the gold labels of a loaded study, if there are any."""
    if gold is None:
        return None
    return read_gold(gold, codebook=loaded.codebook, labels=loaded.labels, id_column=id_column)
