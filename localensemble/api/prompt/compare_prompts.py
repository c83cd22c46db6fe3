"""Compare prompts on a few items, or on those with gold labels; record nothing.

Prompts differ in their template, or in the examples that they show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, cast

import numpy as np

from localensemble.api.before_a_run.default_ensemble import choose_ensemble
from localensemble.api.deidentified.rater_texts import RaterTexts, load_for_raters
from localensemble.api.prepared_raters import (
    PreparedRater,
    RaterOptions,
    locate_rater,
    prepare_raters,
    refuse_what_cannot_fit,
)
from localensemble.api.prompt.text_embedder import embedder_opener
from localensemble.api.shared_options import DemoModels, EnsembleFile, GoldTable
from localensemble.codebook.checked import CodebookSource
from localensemble.codebook.model import Codebook, Variable
from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.errors import InputError
from localensemble.core.items import Item
from localensemble.core.labels import Label
from localensemble.core.options import Option
from localensemble.core.prompts import Readout
from localensemble.findings.evaluation import CategoryArray
from localensemble.findings.prompt_comparison import (
    PromptBaseline,
    PromptComparison,
    PromptResult,
    Share,
)
from localensemble.findings.prompt_comparison import compare_prompts as compared
from localensemble.labeling.category_orders import in_all_orders, order_cost
from localensemble.labeling.ensemble import Ensemble
from localensemble.labeling.examples.shots import Shots, ShotSelection, StatedShots, load_shots
from localensemble.labeling.layout import layout_for
from localensemble.labeling.packing import BLOCK_SIZE
from localensemble.labeling.readout_choice import ITEMS_THAT_CHOOSE, rater_template
from localensemble.labeling.scoring import Questions, label_block
from localensemble.piloting.pilot_items import choose_items
from localensemble.prompting.template import PromptTemplate, load_own_template, load_template
from localensemble.study.gold import read_gold, shared_id_column
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.item_file import ItemFile

__all__ = [
    "ComparePromptsOptions",
    "PromptBaseline",
    "PromptComparison",
    "PromptResult",
    "Share",
    "compare_prompts",
]

_WITHOUT_GOLD = 50
_WITH_GOLD = 200
_ROWS = 4096
# How a table calls a way of choosing shots.
_WAYS = {"none": "no shots", "fixed": "fixed shots", "random": "random shots"} | {
    "retrieved": "retrieved shots",
    "balanced": "balanced shots",
}
_SHIPS = re.compile(r"([a-z][a-z0-9_-]*)/v(\d+)")


@dataclass(frozen=True, slots=True)
class ComparePromptsOptions:
    """Options of `compare_prompts`; every option has a default.

    Attributes:
        ensemble: ensemble file, or its content; None lets the program choose raters. Its
            template is not used.
        demo_models: use the embedded models, whatever the codebook.
        gold: table with gold labels; then only items with a gold label are labeled.
        count: how many items to label at most, spread over the table; None labels 50, or 200
            with gold.
        shots: ways of choosing examples to compare under each template, from the table that the
            ensemble file names; empty for the shots as the file states them.
        variables: the variables to compare on; empty for all.
        id_column: column that identifies an item; None detects it.
        text_column: column that holds the text; None detects it.
        threads: processor threads per model; None uses all cores.
    """

    ensemble: EnsembleFile = None
    demo_models: DemoModels = False
    gold: GoldTable = None
    count: Annotated[
        int | None,
        Option(
            "How many items to label, spread over the table. [default: 50, or those with a gold "
            "label, at most 200]",
            "--n",
            least=2,
        ),
    ] = None
    shots: Annotated[
        tuple[Literal["none", ShotSelection], ...],
        Option(
            "Compare ways of choosing the examples that the ensemble file asks for with `shots`; "
            "repeatable, and the others are compared with the first.",
            "--shots",
        ),
    ] = ()
    variables: Annotated[
        tuple[str, ...],
        Option("Compare on this variable only; repeatable.", "--variable", metavar="NAME"),
    ] = ()
    id_column: IdColumn = None
    text_column: TextColumn = None
    threads: Annotated[int | None, Option("Processor threads. [default: all cores]", least=1)] = (
        None
    )


def compare_prompts(
    templates: Sequence[str | Path],
    *,
    items: TableSource,
    codebook: CodebookSource,
    options: ComparePromptsOptions = ComparePromptsOptions(),
    on_message: Callable[[str], None] = lambda message: None,
    on_rater: Callable[[str, str], None] = lambda rater, template: None,
) -> PromptComparison:
    """Label the same items with every rater under each prompt, and compare; keep no labels.

    Args:
        templates: two or more: files, or names of templates that ship, such as ``label/v1``. One is
            enough, or none for that of the ensemble file, if ``shots`` are compared.
        items: the table of items.
        codebook: the codebook.
        options: the ensemble, the gold labels, and how many items.
        on_message: called with each sentence that the user should know, before any model loads.
        on_rater: called with the rater and the template before they label.

    Raises:
        InputError: a file cannot be used, or two templates are the same.
        EngineError: a model cannot be loaded, or fails.
    """
    texts, questions = load_for_raters(codebook)
    chosen = choose_ensemble(options, codebook=questions)
    ensemble = chosen.ensemble
    table = texts.table(
        ItemFile.open(items, id_column=options.id_column, text_column=options.text_column)
    )
    prompts, shots = _prompts(templates, ensemble, questions, options, table, texts)
    few, gold, gold_messages = _items(table, questions, options, shots)
    models = [locate_rater(rater, folder=ensemble.folder) for rater in ensemble.raters]
    largest = max(prompts.values(), key=lambda one: len(str(one.codebook.as_json())))
    raters = prepare_raters(
        ensemble,
        models,
        codebook=largest.codebook,
        template=largest.template,
        options=RaterOptions("batched", options.threads),
    )
    for one in prompts.values():
        refuse_what_cannot_fit(raters, one.codebook, template=one.template, layout=ensemble.layout)
    variables = _chosen(questions, options.variables)
    cost = order_cost(variables, at_most=ensemble.orders)
    said = dict.fromkeys(message for one in prompts.values() for message in one.shots.messages)
    messages = (*chosen.messages, *table.messages, *said, *gold_messages, *cost)
    for message in messages:
        on_message(message)
    labels: dict[tuple[str, str], Mapping[str, Sequence[Label]]] = {}
    for rater in raters:
        for name, one in prompts.items():
            on_rater(rater.name, name)
            labels[rater.name, name] = _labels(rater, one, few, table, ensemble, options)
    asked = {variable.name for variable in variables}
    return compared(
        labels,
        variables=variables,
        gold={name: found for name, found in gold.items() if name in asked},
        messages=messages,
    )


@dataclass(frozen=True, slots=True)
class _ComparedPrompt:
    """A template with its shots, and the codebook as it shows it."""

    template: PromptTemplate
    shots: Shots
    codebook: Codebook


def _prompts(
    templates: Sequence[str | Path],
    ensemble: Ensemble,
    codebook: Codebook,
    options: ComparePromptsOptions,
    table: ItemFile,
    texts: RaterTexts,
) -> tuple[Mapping[str, _ComparedPrompt], frozenset[str]]:
    """Return the prompts to compare by name, and the ids of all items that are shots of one."""
    opener = embedder_opener(ensemble.folder, options.threads)
    ways = {
        way: load_shots(
            _stated(ensemble.shots, way),
            codebook,
            items=table,
            open_embedder=opener,
            shown_table=texts.table,
        )
        for way in options.shots or ("",)
    }
    shown = {way: shots.shown(codebook) for way, shots in ways.items()}
    variables = [variable for one in shown.values() for variable in _chosen(one, options.variables)]
    if len(ways) > 1 and not templates:
        loaded = {"": ensemble.load_template(variables)}
    else:
        least = 1 if len(ways) > 1 else 2
        loaded = _load(templates, variables, ensemble.readouts, least=least)
    prompts = {}
    for name, template in loaded.items():
        for way, shots in ways.items():
            shots.refuse_among(table)
            shots.refuse_unshown(template, codebook)
            named = ", ".join(filter(None, (name if len(loaded) > 1 else "", _WAYS.get(way, way))))
            prompts[named or name] = _ComparedPrompt(
                template.with_shots(shots.of_texts), shots, shown[way]
            )
    return prompts, frozenset().union(*(shots.ids for shots in ways.values()))


def _stated(stated: StatedShots | None, way: str) -> StatedShots | None:
    """Return the shots that a way of choosing them asks for.

    Raises:
        InputError: the ensemble file does not say how many shots, and from where.
    """
    if not way:
        return stated
    if way == "none":
        return None
    if stated is None or stated.count is None:
        raise InputError(
            f"Cannot compare {way} shots: the ensemble file does not say how many examples to "
            "show, and from which table.",
            hint="Write it there, for example prompt: {shots: {gold: pool.csv, n: 4}}.",
        )
    return replace(stated, select=cast(ShotSelection, way))


def _chosen(codebook: Codebook, names: Sequence[str]) -> tuple[Variable, ...]:
    known = [variable.name for variable in codebook.variables]
    for name in names:
        if name not in known:
            raise InputError(
                f'The codebook has no variable "{name}".',
                hint=f"Choose from: {', '.join(known)}.",
            )
    return tuple(one for one in codebook.variables if not names or one.name in names)


def _load(
    templates: Sequence[str | Path],
    variables: Sequence[Variable],
    readouts: Sequence[Readout],
    *,
    least: int,
) -> dict[str, PromptTemplate]:
    if len(templates) < least:
        raise InputError(
            f"Found {len(templates)} prompt templates to compare; expected two or more.",
            hint="Name the files, the current prompt first. label/v1 is the one that ships. Or "
            "compare examples: --shots none --shots retrieved.",
        )
    loaded: dict[str, PromptTemplate] = {}
    for given in templates:
        ships = None if Path(given).is_file() else _SHIPS.fullmatch(str(given))
        template = (
            load_template(ships[1], int(ships[2])) if ships else load_own_template(Path(given))
        )
        for shown in (template, *map(template.reading, readouts)):
            shown.check(variables)
        same = [name for name, other in loaded.items() if other.content == template.content]
        if same:
            raise InputError(
                f"{given} and {same[0]} have the same texts.", hint="Leave out one of them."
            )
        loaded[str(given)] = template
    short = {Path(name).stem: template for name, template in loaded.items()}
    return short if len(short) == len(loaded) and "v1" not in short else loaded


def _items(
    table: ItemFile, codebook: Codebook, options: ComparePromptsOptions, shots: frozenset[str]
) -> tuple[tuple[Item, ...], Mapping[str, CategoryArray], tuple[str, ...]]:
    """Choose the items, and return the gold labels of the chosen ones."""
    if options.gold is None:
        chosen_items = choose_items(
            table,
            count=options.count or _WITHOUT_GOLD,
            non_answers=NonAnswers.of(codebook.no_answer),
        ).items
        if not chosen_items:
            raise InputError(
                f"{table.path.name}: none of its {table.item_count:,} items has a text to label.",
                hint="Check the text column (--text-column) and `no_answer` in the codebook.",
            )
        return chosen_items, {}, ()
    named = ",".join(table.id_columns) or None
    gold = read_gold(
        options.gold,
        codebook=codebook,
        item_ids=[str(row.item.id) for block in table.blocks(_ROWS) for row in block],
        id_column=shared_id_column(options.gold, named),
        shots=shots,
    )
    wanted = options.variables or tuple(gold.categories)
    known = np.zeros(table.item_count, dtype=np.bool_)
    for name in wanted:
        if name in gold.categories:
            known |= gold.categories[name] >= 0
    positions = np.flatnonzero(known)
    if not len(positions):
        raise InputError(
            f"No item has a gold label of {', '.join(wanted)}.",
            hint="Choose another --variable, or leave out --gold.",
        )
    most = options.count or _WITH_GOLD
    if len(positions) > most:
        spread = np.linspace(0, len(positions) - 1, most).round().astype(np.int64)
        positions = positions[spread]
    chosen = frozenset(positions.tolist())
    items = tuple(
        row.item for block in table.blocks(_ROWS) for row in block if row.item.position in chosen
    )
    return items, {name: one[positions] for name, one in gold.categories.items()}, gold.messages


def _labels(
    rater: PreparedRater,
    prompt: _ComparedPrompt,
    items: Sequence[Item],
    table: ItemFile,
    ensemble: Ensemble,
    options: ComparePromptsOptions,
) -> Mapping[str, Sequence[Label]]:
    variables = _chosen(prompt.codebook, options.variables)
    # The model is loaded anew for each template, so that what it keeps of prompts does not pile up.
    engine = rater.engine.load()
    try:
        template = rater_template(
            engine,
            items[:ITEMS_THAT_CHOOSE],
            rater=rater.name,
            codebook=replace(prompt.codebook, variables=variables),
            template=prompt.template,
            layout=ensemble.layout,
            readouts=rater.readouts,
        )
        asked = in_all_orders(variables, at_most=ensemble.orders)
        layout = layout_for(
            engine, table, variables=asked, template=template, layout=ensemble.layout
        )
        non_answers = NonAnswers.of(prompt.codebook.no_answer)
        questions = Questions(variables, template, layout, non_answers, ensemble.orders)
        found: dict[str, list[Label]] = {variable.name: [] for variable in variables}
        for start in range(0, len(items), BLOCK_SIZE):
            block = label_block(engine, items[start : start + BLOCK_SIZE], questions=questions)
            for name, labels in block.items():
                found[name].extend(labels)
        return found
    finally:
        engine.close()
