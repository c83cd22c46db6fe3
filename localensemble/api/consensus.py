"""Decide a labeled study again from its ledger, without a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from localensemble import __version__
from localensemble.api.decided import write_decided
from localensemble.api.evaluate import findings_of, gold_of
from localensemble.api.rules.new_rules import (
    AS_BEFORE,
    ConsensusOptions,
    chosen_rules,
    fitted_to_gold,
    under_new_rules,
    with_kept,
)
from localensemble.consensus.methods.named_methods import methods_without_settings
from localensemble.consensus.protocol import ConsensusMethod
from localensemble.consensus.rules import DecisionRules
from localensemble.core.identity import canonical_json
from localensemble.exports.columns import check_columns
from localensemble.findings.fitted_pools import PooledStudy
from localensemble.findings.method_comparison import (
    MethodAgreement,
    MethodComparison,
    MethodResult,
    compare_methods,
)
from localensemble.findings.study_findings import StudyFindings
from localensemble.labeling.suspected_texts import looked_through
from localensemble.ledger.ledger import Ledger
from localensemble.study.certificate_files import lost_between
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import open_ledger
from localensemble.study.gold import GoldLabels, shared_id_column
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_file import ItemFile

__all__ = [
    "ConsensusOptions",
    "DecidedAgain",
    "MethodAgreement",
    "MethodComparison",
    "MethodResult",
    "compare",
    "decide_again",
    "decide_by",
    "under_new_rules",
]


@dataclass(frozen=True, slots=True)
class DecidedAgain:
    """The result of deciding again.

    Attributes:
        findings: findings under the new rules.
        written: the files written; empty if nothing was written.
        messages: what the user should know, in sentences.
    """

    findings: StudyFindings
    written: tuple[Path, ...]
    messages: tuple[str, ...]


def decide_again(
    study: Path,
    *,
    options: ConsensusOptions = AS_BEFORE,
    items: TableSource | None = None,
    write: bool = False,
) -> DecidedAgain:
    """Derive consensus and escalation again, and rewrite the study's files if asked to.

    With ``items`` or ``write`` the rules are recorded in the ledger and every later command
    decides by them; without them nothing is written or recorded.

    Args:
        study: the study folder.
        options: the rules to decide by.
        items: the table that was labeled; the study does not keep the texts.
        write: write and record without ``items``, which works only for a study that was
            imported without texts.

    Raises:
        InputError: the rules do not fit the study, or the table is missing or is not the one
            that was labeled.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    folder = StudyFolder.of(study)
    if items is None and not write:
        with Study.open(study) as before:
            loaded = under_new_rules(before, options)
            gold = gold_of(loaded, options.gold, id_column=options.id_column)
            pooled = fitted_to_gold(loaded, options, gold)
            decisions = pooled.study.decide()
            findings = findings_of(pooled.study, decisions=decisions, gold=gold)
            lost = lost_between(before.rules, pooled.study.rules)
            return DecidedAgain(findings, (), (*lost, *pooled.messages))
    return _written_again(
        folder,
        options=options,
        items=items,
        choose=lambda one, gold: fitted_to_gold(under_new_rules(one, options), options, gold),
    )


def decide_by(
    study: Path,
    *,
    rules: DecisionRules,
    items: TableSource | None = None,
    options: ConsensusOptions = AS_BEFORE,
) -> DecidedAgain:
    """Record rules that were already checked, decide by them, and rewrite the study's files.

    Args:
        study: the study folder.
        rules: rules that `under_new_rules` returned.
        items: the table that was labeled; None for a study that was imported without texts.
        options: only the gold table and the columns are used.

    Raises:
        InputError: the table is missing or is not the one that was labeled.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    return _written_again(
        StudyFolder.of(study),
        options=options,
        items=items,
        choose=lambda one, gold: PooledStudy(one.with_rules(rules), ()),
    )


def _written_again(
    folder: StudyFolder,
    *,
    options: ConsensusOptions,
    items: TableSource | None,
    choose: Callable[[Study, GoldLabels | None], PooledStudy],
) -> DecidedAgain:
    with open_ledger(folder, create=False) as ledger:
        before = Study.load(ledger.reader)
        table = items_of(
            before, items, id_column=options.id_column, text_column=options.text_column
        )
        if isinstance(table, ItemFile):
            before = looked_through(before, table)
        check_columns(
            table,
            variables=before.codebook.variables,
            raters=before.recorded.rater_names,
        )
        id_column = options.id_column
        if items is not None and options.gold is not None:
            id_column = shared_id_column(options.gold, id_column)
        gold = gold_of(before, options.gold, id_column=id_column)
        pooled = choose(before, gold)
        loaded = pooled.study
        decisions = loaded.decide()
        _record(ledger, before, loaded.rules)
        written = write_decided(loaded, decisions=decisions, items=table, folder=folder, gold=gold)
    lost = lost_between(before.rules, loaded.rules)
    messages = (*lost, *pooled.messages, *written.messages)
    return DecidedAgain(written.findings, written.files, messages)


def compare(study: Path, *, options: ConsensusOptions = AS_BEFORE) -> tuple[MethodComparison, ...]:
    """Compare all consensus methods under the study's policies, for each variable.

    Certificates are left out, because each holds for one method only, and so are pools, whose
    accuracy on the gold labels that they were fitted to is too good. Nothing is written.

    Raises:
        InputError: the rules do not fit the study, or the gold table cannot be used.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    with Study.open(study) as loaded:
        rules = chosen_rules(loaded, options)
        loaded = loaded.with_rules(with_kept(rules, loaded, options).with_pools(()))
        gold = gold_of(loaded, options.gold, id_column=options.id_column)
        return tuple(
            compare_methods(
                loaded.recorded,
                variable=variable,
                methods=_methods(rules.method),
                policies=rules.policies,
                gold=gold.categories.get(variable.name) if gold else None,
                control=loaded.control.get(variable.name),
            )
            for variable in loaded.codebook.variables
        )


def _methods(chosen: ConsensusMethod) -> tuple[ConsensusMethod, ...]:
    return (chosen, *(one for one in methods_without_settings() if one.name != chosen.name))


def _record(ledger: Ledger, before: Study, rules: DecisionRules) -> None:
    """Record the rules as a run that labels nothing, unless the ledger has them already."""
    if canonical_json(rules.content) == canonical_json(before.rules.content):
        return
    settings = replace(
        before.run.settings,
        rules=rules,
        decides_again=int(before.run.key),
        program_version=__version__,
    )
    run = ledger.start_run(settings.as_json())
    ledger.finish_run(run, status="finished", summary=before.run.summary.as_json())
