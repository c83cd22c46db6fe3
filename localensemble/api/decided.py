"""Write everything a decided study consists of but its ledger, and say what changes by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from localensemble.api.evaluate import findings_of, gold_left_out, write_shown
from localensemble.consensus.rules import DecisionRules
from localensemble.core.identity import canonical_json
from localensemble.exports.formats import FORMATS
from localensemble.exports.rows import DecidedStudy, ItemTable
from localensemble.findings.study_findings import StudyFindings
from localensemble.ledger.connection import is_begun
from localensemble.ledger.read import LedgerReader
from localensemble.privacy.egress import guard_state
from localensemble.privacy.isolation import isolation_evidence
from localensemble.report.json_files import write_manifest
from localensemble.report.methods_text import rule_in_words
from localensemble.study.decisions import Decisions
from localensemble.study.folder import StudyFolder
from localensemble.study.gold import GoldLabels
from localensemble.study.kept_tables import (
    put_aside_edited,
    put_aside_with_columns,
    remove_leftovers,
)
from localensemble.study.provenance import provenance
from localensemble.study.run_record import RunSettings, newest_finished
from localensemble.study.study import Study


@dataclass(frozen=True, slots=True)
class WrittenStudy:
    """What was written: the numbers, the files, and what a person should know."""

    findings: StudyFindings
    files: tuple[Path, ...]
    messages: tuple[str, ...]


def write_decided(
    loaded: Study,
    *,
    decisions: tuple[Decisions, ...],
    items: ItemTable,
    folder: StudyFolder,
    gold: GoldLabels | None,
) -> WrittenStudy:
    """Write tables, manifest, report and findings of a study; a table changed by hand is kept."""
    findings = findings_of(loaded, decisions=decisions, gold=gold)
    tables = DecidedStudy(items, loaded.recorded, decisions)
    remove_leftovers(folder)
    said = (
        *put_aside_edited(folder),
        *put_aside_with_columns(folder, items.columns),
        *gold_left_out(findings, folder=folder),
    )
    csv = FORMATS["csv"]
    csv.write_labels(tables, path=folder.labels)
    csv.write_escalations(tables, path=folder.escalations)
    guard = guard_state()
    manifest = provenance(
        loaded,
        input_columns=items.columns,
        egress_guard=guard.on,
        egress_attempts=guard.attempts,
        interfaces=isolation_evidence(),
    )
    write_manifest(manifest, path=folder.manifest, files=(folder.labels, folder.escalations))
    write_shown(findings, codebook=loaded.codebook, folder=folder)
    files = (*(folder.labels, folder.escalations, folder.report, folder.findings), folder.manifest)
    return WrittenStudy(findings, files, said)


def rules_in_force(folder: StudyFolder, *, stated: DecisionRules) -> tuple[DecisionRules, str]:
    """Give the rules by which labeling is to decide, and say so where that is no matter of course.

    They are those of the ensemble file, unless `consensus` chose others since and the file
    still says what it said: no final label changes by labeling more.

    Args:
        folder: of the study, which may not be there yet.
        stated: the rules of the ensemble file.
    """
    settings = last_settings(folder)
    if settings is None:
        return stated, ""
    recorded = settings.rules
    if _same(recorded, stated):
        return recorded, ""
    if canonical_json(settings.stated_rules) == canonical_json(stated.content):
        return recorded, (
            f"Decides by the rules that were chosen last ({_spoken(recorded)}), not as the "
            f"ensemble file says ({_spoken(stated)}); `localensemble consensus STUDY -e FILE "
            "--items FILE` takes the rules of a file."
        )
    # Whoever checks the certificates says which of them do not hold under these rules.
    kept = stated.with_calibrations(recorded.calibrations)
    return kept.with_certificates(recorded.certificates), (
        f"The ensemble file has other rules than the study was decided by: now "
        f"{_spoken(stated)}, before {_spoken(recorded)}. Final labels may change."
    )


def last_settings(folder: StudyFolder) -> RunSettings | None:
    """Return the settings of the newest finished run in a folder; None if there is none."""
    if not is_begun(folder.ledger):
        return None
    with LedgerReader.open(folder.ledger) as reader:
        last = newest_finished(reader)
    return None if last is None else last.settings


def _same(first: DecisionRules, second: DecisionRules) -> bool:
    return canonical_json(_bare(first).content) == canonical_json(_bare(second).content)


def _bare(rules: DecisionRules) -> DecisionRules:
    """Leave out what no ensemble file can state."""
    return rules.with_certificates(()).with_calibrations(())


def _spoken(rules: DecisionRules) -> str:
    content = cast(Mapping[str, Any], rules.content)
    policies = [rule_in_words(policy, key="policy") for policy in content["escalation"]]
    return "; ".join([rule_in_words(content["consensus"], key="method"), *policies])
