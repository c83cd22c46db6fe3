"""Ask every rater of an ensemble about one text; nothing is recorded or written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from localensemble.api.before_a_run.cautions import cautions
from localensemble.api.before_a_run.default_ensemble import choose_ensemble
from localensemble.api.before_a_run.verifiers import without_verifiers
from localensemble.api.deidentified.rater_texts import RaterTexts, load_for_raters
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
from localensemble.codebook.model import Codebook, Variable
from localensemble.codebook.non_answers import NonAnswers
from localensemble.consensus.rules import DecisionRules
from localensemble.core.errors import InputError
from localensemble.core.injection_signs import as_bits
from localensemble.core.items import Item
from localensemble.core.labels import ItemId, Label, RaterName
from localensemble.core.options import Option
from localensemble.engines.protocol import Engine, ScoreFailure, WritingEngine
from localensemble.findings.asked_item import Asked, AskedRater, AskedVariable
from localensemble.injection.signs_in_text import InjectionScan
from localensemble.injection.without_signs import without_signs
from localensemble.labeling.asking_again import escalates_suspected
from localensemble.labeling.category_orders import in_all_orders
from localensemble.labeling.ensemble import Ensemble
from localensemble.labeling.layout import choose_layout, layout_for
from localensemble.labeling.loaded_prompt import LoadedPrompt
from localensemble.labeling.readout_choice import (
    items_that_choose,
    measure_readout,
    rater_template,
)
from localensemble.labeling.scoring import Questions, is_asked, label_block
from localensemble.study.decisions import check_rules
from localensemble.study.lone_item import decide_alone
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.item_file import ItemFile

# Enough to see how a response begins.
_MOST_TOKENS = 40

__all__ = ["AskOptions", "Asked", "AskedRater", "AskedVariable", "ask"]


@dataclass(frozen=True, slots=True)
class AskOptions:
    """Options of `ask`; every option has a default.

    Attributes:
        ensemble: ensemble file, or its content; None lets the program choose raters.
        demo_models: use the embedded models, whatever the codebook.
        items: a table with the text, in place of a text.
        item_id: id of the item in the table.
        id_column: column that identifies an item; None detects it.
        text_column: column that holds the text; None detects it.
        own_words: also let each model write what it would say, up to 40 tokens.
        threads: processor threads per model; None uses all cores.
    """

    ensemble: EnsembleFile = None
    demo_models: DemoModels = False
    items: Annotated[TableSource | None, Option("A table that holds the text; requires --id.")] = (
        None
    )
    item_id: Annotated[
        str | None, Option("The id of the item in the table.", "--id", metavar="ID")
    ] = None
    id_column: IdColumn = None
    text_column: TextColumn = None
    own_words: Annotated[
        bool, Option("Also show what each model writes when it is not bound to the categories.")
    ] = False
    threads: Annotated[int | None, Option("Processor threads. [default: all cores]", least=1)] = (
        None
    )


def ask(
    text: str | None = None,
    *,
    codebook: CodebookSource,
    options: AskOptions = AskOptions(),
    on_message: Callable[[str], None] = lambda message: None,
    on_rater: Callable[[RaterName], None] = lambda name: None,
) -> Asked:
    """Ask every rater about one text, and decide by the ensemble's rules; keep nothing.

    Every prompt is evaluated by itself, so the probabilities are those that ``label`` records
    in strict mode.

    Args:
        text: the text; None takes an item of the table in the options.
        codebook: the codebook.
        options: the ensemble, and which item of which table.
        on_message: called with each sentence that the user should know, before any model loads.
        on_rater: called with the name of each rater before its model loads.

    Raises:
        InputError: a file cannot be used, or there is no such item.
        EngineError: a model cannot be loaded, or fails.
    """
    texts, questions = load_for_raters(codebook)
    chosen = choose_ensemble(options, codebook=questions)
    ensemble, verifiers = without_verifiers(chosen.ensemble)
    rules = ensemble.rules
    check_rules(
        rules.method,
        rules.policies,
        variables=questions.variables,
        raters=rules.fit([rater.name for rater in ensemble.raters]),
        control=True,
    )
    item, table = _item(text, options, texts)
    models = [locate_rater(rater, folder=ensemble.folder) for rater in ensemble.raters]
    prompt = prompt_for_raters(ensemble, questions, table, texts=texts, threads=options.threads)
    raters = prepare_raters(
        ensemble,
        models,
        codebook=prompt.codebook,
        template=prompt.template,
        options=RaterOptions("strict", options.threads),
    )
    refuse_what_cannot_fit(
        raters, prompt.codebook, template=prompt.template, layout=ensemble.layout
    )
    messages = (
        *chosen.messages,
        *verifiers,
        *(() if table is None else table.messages),
        *cautions(ensemble, codebook=questions, models=models),
        *prompt.messages,
        *(rater.message for rater in raters if rater.message),
    )
    for message in messages:
        on_message(message)
    scan = InjectionScan(questions)
    signs = as_bits(scan.signs(item.text))
    left = without_signs(item.text, scan) if signs and escalates_suspected(rules) else None
    asked: list[Mapping[str, AskedRater]] = []
    for rater in raters:
        on_rater(rater.name)
        engine = rater.engine.load()
        try:
            asked.append(
                _answers(engine, rater, item, table, prompt, ensemble, left, options.own_words)
            )
        finally:
            engine.close()
    return Asked(
        None if table is None else str(item.id),
        tuple(
            _asked(variable, [found[variable.name] for found in asked], rules, questions, signs)
            for variable in questions.variables
        ),
        messages,
    )


def _answers(
    engine: Engine,
    rater: PreparedRater,
    item: Item,
    table: ItemFile | None,
    prompt: LoadedPrompt,
    ensemble: Ensemble,
    left: str | None,
    own_words: bool,
) -> Mapping[str, AskedRater]:
    """Ask a rater every question about the item: variable -> its answer."""
    variables, layout = prompt.codebook.variables, ensemble.layout
    asked = in_all_orders(variables, at_most=ensemble.orders)
    # As `label` chooses a readout on the table; a text alone chooses its own.
    chosen_on: Sequence[Item] = (item,)
    if table is not None and len(rater.readouts) > 1:
        chosen_on = items_that_choose(table, prompt.codebook) or chosen_on
    template = rater_template(
        engine,
        chosen_on,
        rater=rater.name,
        codebook=prompt.codebook,
        template=prompt.template,
        layout=layout,
        readouts=rater.readouts,
    )
    if table is not None:
        # As `label` chooses it for the whole table: another layout is another rater.
        layout = layout_for(engine, table, variables=asked, template=template, layout=layout)
    elif layout is None:
        layout = choose_layout(engine, [item], variables=asked, template=template)
    non_answers = NonAnswers.of(prompt.codebook.no_answer)
    questions = Questions(variables, template, layout, non_answers, ensemble.orders)
    found = label_block(engine, [item], questions=questions)
    second: Mapping[str, Sequence[Label]] = {}
    if left is not None:
        second = label_block(engine, [replace(item, text=left)], questions=questions)
    return {
        variable.name: AskedRater(
            rater.name,
            found[variable.name][0],
            _other_spellings(engine, item, replace(questions, variables=(variable,))),
            _own_words(engine, item, variable, questions) if own_words else None,
            second[variable.name][0] if second else None,
        )
        for variable in variables
    }


def _own_words(engine: Engine, item: Item, variable: Variable, questions: Questions) -> str | None:
    """Return what the model writes; None if it writes nothing itself, or is not asked."""
    if not isinstance(engine, WritingEngine) or not is_asked(item, questions.non_answers):
        return None
    prompt = questions.template.render(variable, item.text, layout=questions.layout)
    written = engine.write(prompt, at_most=_MOST_TOKENS)
    if isinstance(written, ScoreFailure):
        return None
    return written.text if written.is_whole else f"{written.text} ..."


def _other_spellings(engine: Engine, item: Item, questions: Questions) -> float | None:
    """Return the share of other spellings; None if only the exact ones are read."""
    if questions.template.readout is None or not engine.describe().sums_spellings:
        return None
    return measure_readout(engine, [item], questions=questions).other_spellings


def _asked(
    variable: Variable,
    raters: Sequence[AskedRater],
    rules: DecisionRules,
    codebook: Codebook,
    signs: int,
) -> AskedVariable:
    labels = {str(rater.name): rater.label for rater in raters}
    apart = bool(codebook.no_answer)
    decision = decide_alone(
        labels,
        variable=variable,
        rules=rules,
        sets_non_answers_apart=apart,
        injection_signs=signs,
        changed_without_signs=[str(one.name) for one in raters if one.changes_without_signs],
    )
    return AskedVariable(variable, tuple(raters), decision)


def _item(text: str | None, options: AskOptions, texts: RaterTexts) -> tuple[Item, ItemFile | None]:
    """Return the item to ask about as raters are shown it, and its table if it has one."""
    if options.items is None and options.item_id is None:
        if text is None:
            raise InputError(
                "Found no text to ask about.",
                hint="Give the text in quotes, or a table and an item: --items FILE --id ID.",
            )
        if not isinstance(text, str):
            raise InputError(
                f"text: expected a str, found {type(text).__name__}.", hint="Give one text."
            )
        return Item(ItemId("text"), texts.text(text), 0), None
    if text is not None:
        raise InputError(
            "Found both a text and an item of a table.",
            hint="Leave out the text, or leave out --items and --id.",
        )
    if options.items is None or options.item_id is None:
        found, missing = ("--id", "--items") if options.items is None else ("--items", "--id")
        raise InputError(
            f"Found {found} without {missing}.", hint="Give both: --items FILE --id ID."
        )
    table = texts.table(
        ItemFile.open(options.items, id_column=options.id_column, text_column=options.text_column)
    )
    return table.item_with_id(options.item_id), table
