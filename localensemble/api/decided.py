"""Write every file of a decided study except its ledger, and report what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from localensemble.api.evaluate import findings_of, gold_left_out, write_shown
from localensemble.consensus.policies.suspected_injection import SuspectedInjection
from localensemble.consensus.pooling.gold_pool import GoldPool
from localensemble.consensus.rules import DEFAULT_POLICIES, DecisionRules
from localensemble.core.identity import JsonValue, canonical_json
from localensemble.core.leftovers import remove_leftovers_in
from localensemble.exports.formats import FORMATS
from localensemble.exports.rows import DecidedStudy, ItemTable
from localensemble.findings.study_findings import StudyFindings
from localensemble.ledger.connection import is_begun
from localensemble.ledger.read import LedgerReader
from localensemble.privacy.egress import TestedGuard, tested_guard
from localensemble.privacy.isolation import isolation_evidence
from localensemble.report.json_files import write_manifest
from localensemble.report.methods_text import rule_in_words
from localensemble.study.decisions import Decisions
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.kept_tables import (
    put_aside_edited,
    put_aside_with_columns,
    without_needless_copies,
)
from localensemble.study.gold import GoldLabels
from localensemble.study.provenance import provenance
from localensemble.study.run_record import RunSettings, newest_finished
from localensemble.study.study import Study
from localensemble.study.unfit_signs import UnfitSign


@dataclass(frozen=True, slots=True)
class WrittenStudy:
    """The numbers and files that were written, and what the user should know.

    ``unfit_signs`` are those found while the study was labeled.
    """

    findings: StudyFindings
    files: tuple[Path, ...]
    messages: tuple[str, ...]
    unfit_signs: tuple[UnfitSign, ...] = ()


def write_decided(
    loaded: Study,
    *,
    decisions: tuple[Decisions, ...],
    items: ItemTable,
    folder: StudyFolder,
    gold: GoldLabels | None,
) -> WrittenStudy:
    """Write tables, manifest, report and findings; back up a table that was edited by hand."""
    findings = findings_of(loaded, decisions=decisions, gold=gold)
    tables = DecidedStudy.of(loaded, items=items, decisions=decisions)
    remove_leftovers_in(folder.path)
    guard = tested_guard()
    messages = (
        *put_aside_edited(folder),
        *put_aside_with_columns(folder, items.columns),
        *gold_left_out(findings, folder=folder),
        *_failed_test(guard),
    )
    csv = FORMATS["csv"]
    csv.write_labels(tables, path=folder.labels)
    csv.write_escalations(tables, path=folder.escalations)
    messages = without_needless_copies(folder, messages)
    manifest = provenance(
        loaded,
        input_columns=items.columns,
        egress_guard=asdict(guard),
        interfaces=isolation_evidence(),
    )
    write_manifest(manifest, path=folder.manifest, files=(folder.labels, folder.escalations))
    write_shown(findings, codebook=loaded.codebook, folder=folder)
    files = (*(folder.labels, folder.escalations, folder.report, folder.findings), folder.manifest)
    return WrittenStudy(findings, files, messages, loaded.run.summary.unfit_signs)


def _failed_test(guard: TestedGuard) -> tuple[str, ...]:
    if guard.self_test != "failed":
        return ()
    return (
        "At the end of this command, the guard did not refuse every attempt of its self-test: an "
        "engine or package has disabled part of it, and texts may have left this machine. The "
        'manifest says `"on": false`. Find out which package did this before you label more texts.',
    )


def rules_in_force(folder: StudyFolder, *, stated: DecisionRules) -> tuple[DecisionRules, str]:
    """Return the rules that labeling decides by, and a message if they may surprise.

    They are the rules of the ensemble file. But if `consensus` has chosen other rules since,
    and the file is unchanged, the chosen rules stay: labeling more items changes no final
    label.

    Args:
        folder: the study folder, which may not exist yet.
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
            f"The study keeps the rules that were chosen last ({_spoken(recorded)}), not those of "
            f"the ensemble file ({_spoken(stated)}). To apply the rules of a file, run "
            "`localensemble consensus STUDY -e FILE --items FILE`."
        )
    if settings.suspected_texts is None and _is_default_since(stated, settings.stated_rules):
        return recorded, (
            f"The study keeps the rules that it was made with ({_spoken(recorded)}). The "
            "default escalation rules now include suspected_injection; to apply it, run "
            "`localensemble consensus STUDY -e FILE --items FILE`."
        )
    # The check of certificates reports which of them do not hold under these rules.
    kept = stated.with_pools(_pools_kept(recorded, stated))
    kept = kept.with_calibrations(recorded.calibrations, foreign=recorded.foreign_calibrations)
    kept = kept.with_certificates(recorded.certificates, foreign=recorded.foreign_certificates)
    return kept, (
        f"The ensemble file has other rules than those that decided the study. Now: "
        f"{_spoken(stated)}. Before: {_spoken(recorded)}. Final labels may change."
    )


def last_settings(folder: StudyFolder) -> RunSettings | None:
    """Return the settings of the newest finished run in a folder, or None without one."""
    if not is_begun(folder.ledger):
        return None
    with LedgerReader.open(folder.ledger) as reader:
        last = newest_finished(reader)
    return None if last is None else last.settings


def _same(first: DecisionRules, second: DecisionRules) -> bool:
    return canonical_json(_bare(first).content) == canonical_json(_bare(second).content)


def _bare(rules: DecisionRules) -> DecisionRules:
    """Return the rules without certificates, calibrations and pools, which no file has."""
    return rules.with_certificates(()).with_calibrations(()).with_pools(())


def _is_default_since(stated: DecisionRules, before: JsonValue) -> bool:
    """Tell whether rules differ from earlier ones only by a policy that became a default."""
    if not isinstance(stated.content, Mapping) or stated.content["escalation"] != DEFAULT_POLICIES:
        return False
    earlier = [one for one in DEFAULT_POLICIES if one["policy"] != SuspectedInjection.name]
    return canonical_json({**stated.content, "escalation": earlier}) == canonical_json(before)


def _pools_kept(recorded: DecisionRules, stated: DecisionRules) -> Sequence[GoldPool]:
    """Return the pools, unless a file states another consensus method than it did."""
    before, now = (cast(Mapping[str, Any], one.content)["consensus"] for one in (recorded, stated))
    return recorded.pools if canonical_json(before) == canonical_json(now) else ()


def _spoken(rules: DecisionRules) -> str:
    content = cast(Mapping[str, Any], rules.content)
    policies = [rule_in_words(policy, key="policy") for policy in content["escalation"]]
    unfit = [f"unfit: {', '.join(rules.unfit)}"] if rules.unfit else []
    method = rule_in_words(content["consensus"], key="method")
    pools = [f"for {one.variable}, a pool fitted to gold labels" for one in rules.pools]
    return "; ".join([method, *pools, *policies, *unfit])
