"""Label a few items with every rater to find out which are fit, before a long run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

from localensemble.api.before_a_run.cautions import cautions
from localensemble.api.before_a_run.default_ensemble import choose_ensemble
from localensemble.api.before_a_run.model_ranking import (
    ModelRanking,
    candidates_of,
    rank_candidates,
    without_strangers,
)
from localensemble.api.before_a_run.verifiers import without_verifiers
from localensemble.api.deidentified.rater_texts import load_for_raters
from localensemble.api.prepared_raters import (
    PreparedRater,
    RaterOptions,
    locate_rater,
    prepare_raters,
    refuse_what_cannot_fit,
)
from localensemble.api.prompt.prompt_for_raters import prompt_for_raters
from localensemble.api.shared_options import DemoModels, EnsembleFile
from localensemble.codebook.checked import CodebookSource
from localensemble.codebook.model import Codebook
from localensemble.codebook.non_answers import NonAnswers, unlisted_sentences
from localensemble.core.errors import InputError
from localensemble.core.files import replaced_text_file
from localensemble.core.options import Option
from localensemble.engines.registry import engine_kind
from localensemble.labeling.ensemble import Ensemble
from localensemble.labeling.loaded_prompt import LoadedPrompt
from localensemble.labeling.tally import Progress
from localensemble.piloting.asked_rater import AskedRater, Readouts, ask_rater
from localensemble.piloting.pilot_findings import PilotFindings, pilot_findings
from localensemble.piloting.pilot_items import PilotItems, choose_items
from localensemble.piloting.recommended_calibrations import recommended_calibrations
from localensemble.piloting.sentences import advice, heading, outlook, rows
from localensemble.piloting.variable_answers import CategoryArray
from localensemble.study.decisions import check_rules
from localensemble.study.folder import StudyFolder
from localensemble.study.gold import GoldLabels, read_gold, shared_id_column
from localensemble.study.unfit_signs import off_codebook_limit
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.item_file import ItemFile

__all__ = ["Pilot", "PilotFindings", "PilotOptions", "pilot", "rows"]

_ROWS = 4096
FINDINGS = "pilot.json"


@dataclass(frozen=True, slots=True)
class PilotOptions:
    """Options of a pilot; every option has a default.

    Attributes:
        ensemble: ensemble file, or its content; None lets the program choose raters.
        demo_models: use the embedded models, whatever the codebook.
        count: how many items to label; those with a gold label come first.
        gold: table with gold labels, to report accuracy and to choose a calibration.
        rank: rank the models by accuracy on the gold labels; without an ensemble, all models on
            this machine are candidates.
        id_column: column that identifies an item; None detects it.
        text_column: column that holds the text; None detects it.
        threads: processor threads per model; None uses all cores.
    """

    ensemble: EnsembleFile = None
    demo_models: DemoModels = False
    count: Annotated[
        int,
        Option(
            "How many items to label; with --gold, those that have a gold label come first.",
            "--items",
            least=1,
        ),
    ] = 50
    gold: Annotated[
        TableSource | None,
        Option("A table with gold labels, to report accuracy and to choose a calibration."),
    ] = None
    rank: Annotated[
        bool,
        Option(
            "Rank the models by accuracy on the gold labels, then by size; needs --gold. Without "
            "-e, all models on this machine are candidates."
        ),
    ] = False
    id_column: IdColumn = None
    text_column: TextColumn = None
    threads: Annotated[int | None, Option("Processor threads. [default: all cores]", least=1)] = (
        None
    )


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a pilot found, and what the user should know.

    Attributes:
        findings: all numbers.
        messages: what was detected, and what you should know, in sentences.
        files: the files that were written; empty without a folder.
        rankings: the models by accuracy, for each variable with gold labels; empty unless asked.
    """

    findings: PilotFindings
    messages: tuple[str, ...]
    files: tuple[Path, ...]
    rankings: tuple[ModelRanking, ...] = ()

    @property
    def heading(self) -> str:
        """What was asked, in a sentence."""
        return heading(self.findings)

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do, the most important first."""
        return advice(self.findings, folder=str(self.files[0].parent) if self.files else "")

    @property
    def outlook(self) -> tuple[str, ...]:
        """What a run would accept and take, and how far the raters agree."""
        return outlook(self.findings)


def pilot(
    items: TableSource,
    *,
    codebook: CodebookSource,
    options: PilotOptions = PilotOptions(),
    folder: Path | None = None,
    on_message: Callable[[str], None] = lambda message: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Pilot:
    """Label a few items with every rater, in two orders of the categories; record no label.

    Args:
        items: the table of items.
        codebook: the codebook.
        options: the ensemble, how many items, gold labels.
        folder: where to write ``pilot.json`` and the calibrations that gold labels recommend;
            None writes nothing.
        on_message: called with each sentence that the user should know, before any model loads.
        on_progress: called with the progress of each rater.

    Raises:
        InputError: a file cannot be used, or no item can be asked about.
        EngineError: a model cannot be loaded, or fails.
    """
    texts, questions = load_for_raters(codebook)
    default = choose_ensemble(options, codebook=questions, every_model=options.rank)
    ensemble, verifiers = without_verifiers(default.ensemble)
    check_rules(
        ensemble.rules.method,
        ensemble.rules.policies,
        variables=questions.variables,
        raters=ensemble.rules.fit([rater.name for rater in ensemble.raters]),
        control=True,
    )
    models = [locate_rater(rater, folder=ensemble.folder) for rater in ensemble.raters]
    candidates = candidates_of(ensemble, models) if options.rank else ()
    ensemble, models = without_strangers(
        ensemble, models, candidates=candidates, codebook=questions
    )
    table = texts.table(
        ItemFile.open(items, id_column=options.id_column, text_column=options.text_column)
    )
    gold = _gold(table, questions, options)
    chosen = _chosen(table, questions, options, gold)
    prompt = prompt_for_raters(ensemble, questions, table, texts=texts, threads=options.threads)
    raters = prepare_raters(
        ensemble,
        models,
        codebook=prompt.codebook,
        template=prompt.template,
        options=RaterOptions("batched", options.threads),
    )
    refuse_what_cannot_fit(
        raters, prompt.codebook, template=prompt.template, layout=ensemble.layout
    )
    messages = (
        *default.messages,
        *verifiers,
        *table.messages,
        *unlisted_sentences(table.doubtful_texts, questions.no_answer),
        *(() if gold is None else gold.messages),
        *cautions(ensemble, codebook=questions, models=models),
        *prompt.messages,
        *(rater.message for rater in raters if rater.message),
    )
    for message in messages:
        on_message(message)
    asked = []
    for rater, plan in zip(raters, ensemble.raters, strict=True):
        readouts = Readouts(rater.readouts, engine_kind(plan.engine).readouts)
        asked.append(_asked(rater, readouts, chosen, table, prompt, ensemble, on_progress))
    known = None if gold is None else _of_items(gold, chosen)
    found = pilot_findings(
        asked, chosen=chosen, codebook=questions, rules=ensemble.rules, gold=known
    )
    files = () if folder is None else _write(found, asked, chosen, known or {}, folder)
    rankings = rank_candidates(candidates, found=found, codebook=questions) if options.rank else ()
    return Pilot(found, messages, files, rankings)


def _asked(
    rater: PreparedRater,
    readouts: Readouts,
    chosen: PilotItems,
    table: ItemFile,
    prompt: LoadedPrompt,
    ensemble: Ensemble,
    on_progress: Callable[[Progress], None],
) -> AskedRater:
    def progress(done: float) -> None:
        seconds = time.monotonic() - started
        on_progress(Progress(rater.name, done, len(chosen.items), 0, seconds))

    engine = rater.engine.load()
    started = time.monotonic()
    try:
        progress(0)
        return ask_rater(
            engine,
            name=rater.name,
            items=chosen.items,
            table=table,
            codebook=prompt.codebook,
            template=prompt.template,
            layout=ensemble.layout,
            orders=ensemble.orders,
            limit=off_codebook_limit(ensemble.rules),
            readouts=readouts,
            on_progress=progress,
        )
    finally:
        engine.close()


def _gold(table: ItemFile, codebook: Codebook, options: PilotOptions) -> GoldLabels | None:
    """Read the gold labels; refuse to rank models without any."""
    if options.gold is None and options.rank:
        raise InputError(
            "Cannot rank models without gold labels.", hint="Give a table with them: --gold."
        )
    if options.gold is None:
        return None
    named = ",".join(table.id_columns) or None
    return read_gold(
        options.gold,
        codebook=codebook,
        item_ids=[str(row.item.id) for block in table.blocks(_ROWS) for row in block],
        id_column=shared_id_column(options.gold, named),
    )


def _chosen(
    table: ItemFile, codebook: Codebook, options: PilotOptions, gold: GoldLabels | None
) -> PilotItems:
    """Choose the items.

    Raises:
        InputError: every item of the table answers nothing.
    """
    known: set[int] = set()
    for categories in () if gold is None else gold.categories.values():
        known.update(map(int, (categories >= 0).nonzero()[0]))
    chosen = choose_items(
        table,
        count=options.count,
        non_answers=NonAnswers.of(codebook.no_answer),
        first=known,
    )
    if not chosen.items:
        raise InputError(
            f"{table.path.name}: none of its {table.item_count:,} items has a text to label.",
            hint="Check the text column (--text-column) and `no_answer` in the codebook.",
        )
    return chosen


def _of_items(gold: GoldLabels, chosen: PilotItems) -> Mapping[str, CategoryArray]:
    places = [item.position for item in chosen.items]
    return {name: categories[places] for name, categories in gold.categories.items()}


def _write(
    found: PilotFindings,
    raters: list[AskedRater],
    chosen: PilotItems,
    gold: Mapping[str, CategoryArray],
    folder: Path,
) -> tuple[Path, ...]:
    """Write the findings and the recommended calibrations; return their files."""
    place = StudyFolder(folder)
    place.make()
    calibrations = recommended_calibrations(
        found, raters=raters, items=chosen.items, gold=gold, date=date.today().isoformat()
    )
    contents = {folder / FINDINGS: found.as_json()}
    contents |= {place.rater_calibration(one.variable): one.as_values() for one in calibrations}
    for path, content in contents.items():
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        with replaced_text_file(path) as stream:
            stream.write(text + "\n")
    return tuple(contents)
