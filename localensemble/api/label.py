"""Label a table of items with an ensemble and write the study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated

from localensemble.api.before_a_run.cautions import cautions
from localensemble.api.before_a_run.default_ensemble import choose_ensemble
from localensemble.api.certificates.calibrate import read_calibrations
from localensemble.api.decided import WrittenStudy, rules_in_force, write_decided
from localensemble.api.deidentified.rater_texts import (
    RaterTexts,
    deidentification_messages,
    load_for_raters,
)
from localensemble.api.prepared_raters import (
    PreparedRater,
    RaterOptions,
    locate_rater,
    prepare_raters,
    refuse_what_cannot_fit,
)
from localensemble.api.prompt.prompt_for_raters import prompt_for_raters
from localensemble.api.shared_options import (
    Calibrations,
    Certificates,
    DemoModels,
    EnsembleFile,
    ForeignFiles,
    GoldTable,
    UnfitRaters,
)
from localensemble.api.unfit_raters import accepted_without
from localensemble.codebook.checked import CodebookSource
from localensemble.codebook.model import Codebook
from localensemble.codebook.non_answers import unlisted_sentences
from localensemble.consensus.rules import DecisionRules
from localensemble.core.options import Option
from localensemble.engines.protocol import ScoringMode
from localensemble.exports.columns import check_columns
from localensemble.findings.study_findings import StudyFindings
from localensemble.labeling.ensemble import Ensemble
from localensemble.labeling.examples.shot_table import write_shot_table
from localensemble.labeling.examples.shots import Shots
from localensemble.labeling.labeling_plan import LabelingPlan
from localensemble.labeling.loaded_prompt import LoadedPrompt
from localensemble.labeling.reuse import check_reuse
from localensemble.labeling.run import run_labeling
from localensemble.labeling.settled_readouts import settle_readouts
from localensemble.labeling.tally import Progress
from localensemble.privacy.egress import guard_state
from localensemble.study.certificate_files import (
    LabelingConditions,
    certified_raters,
    lost_between,
    read_certificates,
    refuse_what_does_not_hold,
)
from localensemble.study.control_items import ControlItems, read_control_items
from localensemble.study.decisions import check_rules
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import open_ledger, refuse_tables_of_another_ledger
from localensemble.study.folder_files.shared_folder import sharing_warnings
from localensemble.study.given_files import GivenFiles
from localensemble.study.gold import GoldLabels, read_gold, shared_id_column
from localensemble.study.recorded_deidentification import RecordedDeidentification
from localensemble.study.study import Study
from localensemble.study.withdrawn_items import without_withdrawn
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.item_file import ItemFile

__all__ = [
    "LabelOptions",
    "LabeledStudy",
    "Progress",
    "StudyFindings",
    "label",
]

_ROWS = 4096


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """Options of a labeling run; every option has a default.

    Attributes:
        ensemble: ensemble file, or its content; None lets the program choose raters.
        demo_models: use the embedded models, whatever the codebook.
        id_column: column that identifies an item; None detects it.
        text_column: column that holds the text; None detects it.
        limit: label only this many items, from the first.
        gold: table with gold labels, to report accuracy.
        unfit: raters that are unfit, besides those in the ensemble file; they label, but their
            labels count nowhere.
        stop_unfit: stop when the first block of a rater shows a sign that it is unfit.
        certificates: certificate files, one per variable; their thresholds decide what is
            accepted.
        calibrations: files that `calibrate` wrote, one per variable.
        foreign_files: the files may be foreign: made for another study, or by other means.
        control: table with control items for the policy ``control_missed``.
        mode: ``strict`` scores one prompt at a time and shares no work between prompts; it is
            slow and serves as a check.
        threads: processor threads per model; None uses all cores.
    """

    ensemble: EnsembleFile = None
    demo_models: DemoModels = False
    id_column: IdColumn = None
    text_column: TextColumn = None
    limit: Annotated[
        int | None, Option("How many items to label, from the first. [default: all]", least=1)
    ] = None
    gold: GoldTable = None
    unfit: UnfitRaters = ()
    stop_unfit: Annotated[
        bool,
        Option(
            "Stop with exit code 6 if the first items of a rater show a sign that it is unfit, "
            "instead of only warning. Labels so far are kept."
        ),
    ] = False
    certificates: Certificates = ()
    calibrations: Calibrations = ()
    foreign_files: ForeignFiles = False
    control: Annotated[
        TableSource | None,
        Option("A table of control items, whose category is known, for the policy control_missed."),
    ] = None
    mode: ScoringMode = "batched"
    threads: Annotated[int | None, Option("Processor threads. [default: all cores]", least=1)] = (
        None
    )


@dataclass(frozen=True, slots=True)
class LabeledStudy:
    """The findings and folder of a labeling run, and what the user should know."""

    findings: StudyFindings
    folder: StudyFolder
    messages: tuple[str, ...]


def label(
    items: TableSource,
    *,
    codebook: CodebookSource,
    study: Path,
    options: LabelOptions = LabelOptions(),
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_message: Callable[[str], None] = lambda message: None,
) -> LabeledStudy:
    """Label every item with every rater, decide, and write the study's files.

    After an interruption, run it again: labels that the ledger has are not made again.

    Raises:
        InputError: a file cannot be used, the folder has another study, or a certificate belongs
            to other models, another prompt, codebook or rules; nothing was labeled. The engine
            and settings that a certificate requires are checked when a model is loaded, before
            its first item.
        EngineError: a model cannot continue; labels made so far are kept.
        UnfitRaterError: a rater shows a sign of being unfit; labels made so far are kept.
    """
    refuse_tables_of_another_ledger(folder := StudyFolder(study))
    texts, questions = load_for_raters(codebook)
    chosen = choose_ensemble(options, codebook=questions, study=study)
    ensemble = chosen.ensemble
    models = [locate_rater(rater, folder=ensemble.folder) for rater in ensemble.raters]
    table = _items(items, options, folder)
    warnings = cautions(ensemble, codebook=questions, models=models)
    unlisted = unlisted_sentences(table.doubtful_texts, questions.no_answer)
    shared = sharing_warnings(study)
    for message in (messages := (*shared, *chosen.messages, *table.messages, *unlisted, *warnings)):
        on_message(message)
    as_shown = texts.table(table)
    prompt = prompt_for_raters(ensemble, questions, as_shown, texts=texts, threads=options.threads)
    shown, template = prompt.codebook, prompt.template
    sha256 = {rater.name: one.sha256 for rater, one in zip(ensemble.raters, models, strict=True)}
    check_columns(table, variables=questions.variables, raters=tuple(sha256))
    conditions = _conditions(prompt, sha256, table, options.limit)
    rules, rule_messages = _rules(ensemble, folder, options, conditions)
    gold, control = _known_labels(table, questions, options, prompt.shots)
    for message in (*prompt.messages, *rule_messages, *(control.messages if control else ())):
        on_message(message)
    raters = prepare_raters(
        ensemble,
        models,
        codebook=shown,
        template=template,
        options=RaterOptions(options.mode, options.threads),
    )
    refuse_what_cannot_fit(raters, shown, template=template, layout=ensemble.layout)
    for message in filter(None, (rater.message for rater in raters)):
        on_message(message)
    deidentified = _deidentified(texts, table, raters, options.limit)
    for message in (removed := deidentification_messages(deidentified)):
        on_message(message)
    folder.make()
    plan = LabelingPlan(
        items=as_shown,
        codebook=questions,
        engines=tuple(rater.engine for rater in raters),
        template=template,
        shots=_recorded(prompt.shots, as_shown, questions, options, folder),
        layout=ensemble.layout,
        rules=rules,
        limit=options.limit,
        orders=ensemble.orders,
        control=None if control is None else control.labels,
        cautions=warnings,
        stated_rules=ensemble.rules,
        certified_raters=certified_raters(rules),
        stop_unfit=options.stop_unfit,
        strategy=ensemble.strategy,
        deidentified=deidentified,
    )
    written = _labeled(plan, folder, table, gold, on_progress, on_message)
    signs = tuple(one.sentence for one in written.unfit_signs)
    return LabeledStudy(written.findings, folder, (*messages, *removed, *signs))


def _items(source: TableSource, options: LabelOptions, folder: StudyFolder) -> ItemFile:
    table = ItemFile.open(source, id_column=options.id_column, text_column=options.text_column)
    return without_withdrawn(table, folder)


def _labeled(
    plan: LabelingPlan,
    folder: StudyFolder,
    table: ItemFile,
    gold: GoldLabels | None,
    on_progress: Callable[[Progress], None],
    on_message: Callable[[str], None],
) -> WrittenStudy:
    """Make the missing labels, decide, and write the study's files."""
    with open_ledger(folder, create=True) as ledger:
        reuse = check_reuse(plan, folder=folder, reader=ledger.reader)
        for message in (*reuse.messages, *reuse.notes):
            on_message(message)
        settled = settle_readouts(
            plan, reader=ledger.reader, on_choice=lambda choice: on_message(choice.sentence)
        )
        run_labeling(
            settled,
            ledger=ledger,
            on_progress=on_progress,
            on_sign=lambda sign: on_message(sign.sentence),
        )
        loaded = Study.load(ledger.reader)
        decisions = loaded.decide()
        for message in accepted_without(loaded, decisions=decisions):
            on_message(message)
        for message in reuse.keep_tables(folder, loaded):
            on_message(message)
        written = write_decided(
            loaded,
            decisions=decisions,
            items=table,
            folder=folder,
            gold=gold,
        )
    for message in written.messages:
        on_message(message)
    attempts = guard_state().attempts
    if attempts:
        on_message(f"Refused attempts to connect to another machine: {attempts}.")
    return written


def _recorded(
    shots: Shots, table: ItemFile, codebook: Codebook, options: LabelOptions, folder: StudyFolder
) -> Shots:
    """Choose the shots of each text, write them down, and return the shots with their record."""
    if shots.of_texts is None or shots.recorded is None:
        return shots
    sha256 = write_shot_table(
        table,
        shots=shots.of_texts,
        codebook=codebook,
        limit=options.limit,
        path=folder.shots,
    )
    return replace(shots, recorded=replace(shots.recorded, table_sha256=sha256))


def _conditions(
    prompt: LoadedPrompt, models: Mapping[str, str], table: ItemFile, limit: int | None
) -> LabelingConditions:
    return LabelingConditions(
        codebook=prompt.codebook,
        prompt_sha256=prompt.template.sha256,
        models=models,
        items_sha256=table.sha256,
        item_count=min(table.item_count, limit or table.item_count),
    )


def _deidentified(
    texts: RaterTexts, table: ItemFile, raters: Sequence[PreparedRater], limit: int | None
) -> RecordedDeidentification | None:
    for rater in raters:
        texts.refuse_trained_on_others(table, rater=rater.name, trained_on=rater.engine.trained_on)
    return texts.recorded(table, limit=limit)


def _known_labels(
    table: ItemFile, codebook: Codebook, options: LabelOptions, shots: Shots
) -> tuple[GoldLabels | None, ControlItems | None]:
    """Read gold and control labels before labeling starts, so that a mistake costs no time."""
    if options.gold is None and options.control is None:
        return None, None
    ids = (str(row.item.id) for block in table.blocks(_ROWS) for row in block)
    item_ids = tuple(islice(ids, options.limit))
    named = ",".join(table.id_columns) or None
    gold = control = None
    if options.gold is not None:
        gold = read_gold(
            options.gold,
            codebook=codebook,
            item_ids=item_ids,
            id_column=shared_id_column(options.gold, named),
            shots=shots.ids,
        )
    if options.control is not None:
        control = read_control_items(
            options.control,
            codebook=codebook,
            item_ids=frozenset(item_ids),
            id_column=shared_id_column(options.control, named),
        )
    return gold, control


def _rules(
    ensemble: Ensemble, folder: StudyFolder, options: LabelOptions, conditions: LabelingConditions
) -> tuple[DecisionRules, tuple[str, ...]]:
    """Choose the rules to decide by, refuse unusable ones, and return messages on what changes."""
    rules, message = rules_in_force(folder, stated=ensemble.rules)
    rules = rules.with_unfit((*rules.unfit, *options.unfit))
    check_rules(
        rules.method,
        rules.policies,
        variables=conditions.codebook.variables,
        raters=rules.fit(list(conditions.models)),
        control=options.control is not None,
    )
    messages = (message,) if message else ()
    files = GivenFiles.of_folder(folder, foreign_stated=options.foreign_files)
    if options.calibrations:
        calibrations, foreign = read_calibrations(
            options.calibrations, codebook=conditions.codebook, files=files
        )
        for calibration in calibrations:
            conditions.refuse_other_raters(calibration, unfit=rules.unfit)
        recorded, rules = rules, rules.with_calibrations(calibrations, foreign=foreign)
        messages = (*messages, *lost_between(recorded, rules))
    if options.certificates:
        given, foreign = read_certificates(
            options.certificates, codebook=conditions.codebook, files=files
        )
        for certificate in given:
            conditions.refuse_others(certificate, rules=rules)
        recorded, rules = rules, rules.with_certificates(given, foreign=foreign)
        messages = (*messages, *lost_between(recorded, rules))
    refuse_what_does_not_hold(rules, conditions=conditions)
    about_strategy = ensemble.check_strategy(conditions.codebook.variables, rules=rules)
    return rules, (*messages, *about_strategy)
