"""Decide a labeled study again from its ledger, without a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from localensemble import __version__
from localensemble.api.calibrate import read_calibrations
from localensemble.api.decided import write_decided
from localensemble.api.evaluate import findings_of, gold_of
from localensemble.api.shared_options import Calibrations, Certificates, GoldTable, UnfitRaters
from localensemble.consensus.methods.named_methods import methods_without_settings
from localensemble.consensus.protocol import ConsensusMethod
from localensemble.consensus.rules import DecisionRules, decision_rules
from localensemble.core.errors import EnsembleError, InputError
from localensemble.core.identity import canonical_json
from localensemble.core.options import Option
from localensemble.exports.columns import check_columns
from localensemble.findings.method_comparison import (
    MethodAgreement,
    MethodComparison,
    MethodResult,
    compare_methods,
)
from localensemble.findings.study_findings import StudyFindings
from localensemble.labeling.ensemble import EnsembleSource, load_rules
from localensemble.ledger.ledger import Ledger
from localensemble.study.certificate_files import lost_between, read_certificates
from localensemble.study.decisions import check_rules
from localensemble.study.folder import StudyFolder
from localensemble.study.gold import shared_id_column
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_columns import TextColumn

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
class ConsensusOptions:
    """The rules to decide by; what is not given stays as it is in the study.

    Attributes:
        method: name of the consensus method.
        settings: settings of the method, each as ``name=value`` with a YAML value.
        policies: escalation policies, each as YAML like ``{policy: support_below, limit: 0.8}``;
            they replace those of the study.
        ensemble: an ensemble file, or its content, whose consensus and escalation rules apply.
        unfit: raters that are unfit, besides those of the study; their labels stay in the
            ledger and count nowhere.
        certificates: certificate files; they replace those of the study.
        drop_certificates: drop the study's certificates.
        calibrations: files that `calibrate` wrote; they replace those of the study.
        drop_calibrations: decide by the raters' own probabilities.
        gold: table with gold labels.
        id_column: column of the gold table, and of the items, that identifies an item.
        text_column: column of the items that holds the text.
    """

    method: Annotated[str | None, Option("The consensus method. [default: the study's]")] = None
    settings: Annotated[
        tuple[str, ...],
        Option("A setting of the method; repeatable.", "--setting", metavar="NAME=VALUE"),
    ] = ()
    policies: Annotated[
        tuple[str, ...],
        Option(
            "An escalation policy, such as '{policy: support_below, limit: 0.8}', instead of the "
            "study's; repeatable.",
            "--policy",
            metavar="YAML",
        ),
    ] = ()
    ensemble: Annotated[
        EnsembleSource | None,
        Option("Use the consensus and escalation rules of this ensemble file.", "-e --ensemble"),
    ] = None
    unfit: UnfitRaters = ()
    certificates: Certificates = ()
    drop_certificates: Annotated[bool, Option("Drop the study's certificates.")] = False
    calibrations: Calibrations = ()
    drop_calibrations: Annotated[bool, Option("Drop the study's calibrations.")] = False
    gold: GoldTable = None
    id_column: Annotated[
        str | None,
        Option("The column with the item ids in items and gold table, or columns to combine: A,B."),
    ] = None
    text_column: TextColumn = None


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
    options: ConsensusOptions = ConsensusOptions(),
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
            findings = findings_of(loaded, decisions=loaded.decide(), gold=gold)
            return DecidedAgain(findings, (), lost_between(before.rules, loaded.rules))
    return _written_again(
        folder, options=options, items=items, choose=lambda one: under_new_rules(one, options)
    )


def decide_by(
    study: Path,
    *,
    rules: DecisionRules,
    items: TableSource | None = None,
    options: ConsensusOptions = ConsensusOptions(),
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
        choose=lambda one: one.with_rules(rules),
    )


def _written_again(
    folder: StudyFolder,
    *,
    options: ConsensusOptions,
    items: TableSource | None,
    choose: Callable[[Study], Study],
) -> DecidedAgain:
    with Ledger.open(folder.ledger, create=False) as ledger:
        before = Study.load(ledger.reader)
        table = items_of(
            before, items, id_column=options.id_column, text_column=options.text_column
        )
        check_columns(
            table,
            variables=[variable.name for variable in before.codebook.variables],
            raters=before.recorded.rater_names,
        )
        loaded = choose(before)
        id_column = options.id_column
        if items is not None and options.gold is not None:
            id_column = shared_id_column(options.gold, id_column)
        gold = gold_of(loaded, options.gold, id_column=id_column)
        decisions = loaded.decide()
        _record(ledger, before, loaded.rules)
        written = write_decided(loaded, decisions=decisions, items=table, folder=folder, gold=gold)
    messages = (*lost_between(before.rules, loaded.rules), *written.messages)
    return DecidedAgain(written.findings, written.files, messages)


def compare(
    study: Path, *, options: ConsensusOptions = ConsensusOptions()
) -> tuple[MethodComparison, ...]:
    """Compare all consensus methods under the study's policies, for each variable.

    Certificates are left out, because each holds for one method only. Nothing is written.

    Raises:
        InputError: the rules do not fit the study, or the gold table cannot be used.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    with Study.open(study) as loaded:
        rules = _chosen_rules(loaded, options)
        loaded = loaded.with_rules(_with_calibrations(rules, loaded, options))
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


def parsed_settings(settings: Sequence[str]) -> dict[str, object]:
    """Read settings written as ``name=value``; the value is YAML: a number, word or mapping.

    Raises:
        EnsembleError: a setting has no ``=``, or its value is not YAML.
    """
    parsed: dict[str, object] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name.strip():
            raise EnsembleError(
                f'Cannot read the setting "{setting}"; expected name=value.',
                hint="For example: --setting minimum_share=0.6",
            )
        try:
            parsed[name.strip()] = YAML(typ="safe", pure=True).load(value)
        except YAMLError as error:
            raise EnsembleError(
                f'Cannot read the value of the setting "{name}".',
                hint="For example: --setting 'accuracies={first: 0.8, second: 0.7}'",
            ) from error
    return parsed


def parsed_policies(policies: Sequence[str]) -> list[dict[str, Any]]:
    """Read policies written as in an ensemble file: ``{policy: support_below, limit: 0.8}``.

    Raises:
        EnsembleError: a policy is not YAML or has no name.
    """
    parsed = []
    for policy in policies:
        try:
            found = YAML(typ="safe", pure=True).load(policy)
        except YAMLError:
            found = None
        if not isinstance(found, Mapping) or not isinstance(found.get("policy"), str):
            raise EnsembleError(
                f'Cannot read the policy "{policy}"; expected a name with its settings.',
                hint="For example: --policy '{policy: support_below, limit: 0.8}'",
            )
        parsed.append(dict(found))
    return parsed


def _methods(chosen: ConsensusMethod) -> tuple[ConsensusMethod, ...]:
    return (chosen, *(one for one in methods_without_settings() if one.name != chosen.name))


def under_new_rules(loaded: Study, options: ConsensusOptions) -> Study:
    """Return the study with the rules that the options name, without recording them.

    Raises:
        InputError: the rules do not fit the study.
    """
    rules = _with_calibrations(_chosen_rules(loaded, options), loaded, options)
    check_rules(
        rules.method,
        rules.policies,
        variables=loaded.codebook.variables,
        raters=rules.fit(loaded.labeled.rater_names),
        control=bool(loaded.control),
        scored=loaded.recorded.scored,
    )
    if options.certificates:
        given = read_certificates(options.certificates, codebook=loaded.codebook)
        rules = rules.with_certificates(given)
    elif not options.drop_certificates:
        rules = rules.with_certificates(loaded.rules.certificates)
    return loaded.with_rules(rules)


def _with_calibrations(
    rules: DecisionRules, loaded: Study, options: ConsensusOptions
) -> DecisionRules:
    if options.calibrations:
        given = read_calibrations(options.calibrations, codebook=loaded.codebook)
        return rules.with_calibrations(given)
    if options.drop_calibrations:
        return rules
    return rules.with_calibrations(loaded.rules.calibrations)


def _chosen_rules(loaded: Study, options: ConsensusOptions) -> DecisionRules:
    """Return the rules to decide by, without certificates and calibrations."""
    if options.certificates and options.drop_certificates:
        raise InputError(
            "Cannot apply certificates and drop them at the same time.",
            hint="Give --certificate or --drop-certificates, not both.",
        )
    base = loaded.rules
    if options.ensemble is not None:
        usual = None if loaded.recorded.scored else ()
        base = load_rules(options.ensemble, unstated=usual)
    content = cast(Mapping[str, Any], base.content)
    consensus: Mapping[str, Any] = content["consensus"]
    settings = parsed_settings(options.settings)
    if options.method is not None and options.method != consensus["method"]:
        consensus = {"method": options.method}
    policies = parsed_policies(options.policies) or content["escalation"]
    unfit = (*base.unfit, *options.unfit)
    return decision_rules({**consensus, **settings}, policies, unfit=unfit)


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
