"""Ask models for the passages that a codebook asks for, and write them as tables of spans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from localensemble.api.prepared_raters import (
    RaterOptions,
    locate_rater,
    prepare_raters,
    refuse_unready,
    refuse_what_cannot_fit,
)
from localensemble.codebook.span_variables import SpanVariable, load_span_codebook
from localensemble.core.errors import InputError
from localensemble.core.labels import ItemId
from localensemble.core.options import Option
from localensemble.core.spans import Span
from localensemble.core.words import listed
from localensemble.extraction.quoting_run import (
    MOST_TOKENS,
    Asked,
    ExtractionPlan,
    ExtractionProgress,
    run_extraction,
)
from localensemble.labeling.ensemble import Ensemble, EnsembleSource, load_ensemble
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import ItemPassages
from localensemble.prompting.template import load_template
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import open_ledger
from localensemble.study.withdrawn_items import without_withdrawn
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.item_file import ItemFile
from localensemble.tables.spans.span_tables import WrittenSpan, write_spans

__all__ = ["ExtractOptions", "ExtractedSpans", "ExtractionProgress", "extract_spans"]

_BLOCK_ITEMS = 4096
_TEMPLATE = ("spans", 1)


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """Options of `spans extract`; every option has a default."""

    id_column: IdColumn = None
    text_column: TextColumn = None
    limit: Annotated[
        int | None, Option("How many items to read, from the first. [default: all]", least=1)
    ] = None
    most_tokens: Annotated[
        int, Option("The longest response, in tokens; a longer one is cut and not used.", least=8)
    ] = MOST_TOKENS
    threads: Annotated[int | None, Option("Processor threads. [default: all cores]", least=1)] = (
        None
    )


@dataclass(frozen=True, slots=True)
class ExtractedVariable:
    """The passages of one variable.

    Attributes:
        variable: the name of the variable.
        table: the table of spans.
        spans: rater -> its number of spans.
        unread: rater -> reason -> items that have no row, because the rater could not be asked
            or its response was cut.
    """

    variable: str
    table: Path
    spans: Mapping[str, int]
    unread: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class ExtractedSpans:
    """What was found.

    Attributes:
        variables: the variables, in the codebook's order.
        items: items that were asked about.
        calls: calls of models; what the ledger had was not asked again.
    """

    variables: tuple[ExtractedVariable, ...]
    items: int
    calls: int

    @property
    def unread(self) -> int:
        """How many items a rater could not be asked about, over all raters and variables."""
        return sum(
            count
            for variable in self.variables
            for reasons in variable.unread.values()
            for count in reasons.values()
        )


def extract_spans(
    items: Path,
    *,
    codebook: Path,
    ensemble: EnsembleSource,
    folder: Path,
    options: ExtractOptions,
    on_progress: Callable[[ExtractionProgress], None] = lambda progress: None,
    on_message: Callable[[str], None] = lambda message: None,
) -> ExtractedSpans:
    """Find the passages that the variables of type ``spans`` and ``terms`` ask for.

    After an interruption, run it again: what the ledger has is not asked again.

    Raises:
        InputError: a file cannot be used, or the folder is not one of passages.
        EngineError: a model cannot continue; what was found so far is kept.
    """
    asked = load_span_codebook(codebook)
    if asked.asks_to_deidentify:
        raise InputError(
            f"{codebook.name}: found `deidentify`, which spans extract cannot apply: the places of "
            "passages would not be those of the texts of the table.",
            hint="De-identify the texts first, and extract from that table with a codebook "
            "without `deidentify`.",
        )
    chosen = load_ensemble(ensemble)
    for message in _unused_keys(chosen):
        on_message(message)
    refuse_unready(chosen)
    place = StudyFolder(folder)
    table = without_withdrawn(
        ItemFile.open(items, id_column=options.id_column, text_column=options.text_column), place
    )
    for message in table.messages:
        on_message(message)
    template = load_template(*_TEMPLATE)
    models = [locate_rater(rater, folder=chosen.folder) for rater in chosen.raters]
    raters = prepare_raters(
        chosen,
        models,
        codebook=asked.asked,
        template=template,
        options=RaterOptions("batched", options.threads),
    )
    refuse_what_cannot_fit(raters, asked.asked, template=template, layout="codebook_first")
    plan = ExtractionPlan(
        table,
        asked.asked,
        tuple(rater.engine for rater in raters),
        template,
        options.most_tokens,
        options.limit,
    )
    place.make()
    with open_ledger(place, create=True) as ledger:
        if ledger.reader.runs():
            raise InputError(
                f"Cannot write passages to {folder}: it is the folder of a labeled study.",
                hint="Choose another folder with --output.",
            )
        found = run_extraction(plan, ledger=ledger, on_progress=on_progress)
        written = tuple(
            _written(one, [a for a in found if a.variable == one.name], ledger.reader, plan, place)
            for one in asked.variables
        )
    return ExtractedSpans(written, plan.total, sum(one.calls for one in found))


def _unused_keys(ensemble: Ensemble) -> Iterator[str]:
    """Say which keys of an ensemble file change who labels what, but no passages."""
    has_roles = any(rater.role != "labeler" for rater in ensemble.raters)
    stated = {
        "role": has_roles,
        "strategy": ensemble.strategy is not None and not has_roles,
        "shots": ensemble.shots is not None,
        "orders": ensemble.orders > 1,
        "file": ensemble.prompt_file is not None,
    }
    if unused := [f"`{key}`" for key, is_stated in stated.items() if is_stated]:
        yield (
            f"The ensemble file states {listed(unused)}, which spans extract does not use: every "
            "rater is asked about every item, with the prompt template for spans."
        )


def _written(
    variable: SpanVariable,
    asked: Sequence[Asked],
    reader: LedgerReader,
    plan: ExtractionPlan,
    folder: StudyFolder,
) -> ExtractedVariable:
    """Write the table of one variable from the ledger."""
    passages: dict[str, Mapping[int, ItemPassages]] = {
        one.rater: reader.passages(one.place) for one in asked
    }
    names = [one.name for one in plan.codebook.variables]
    path = folder.spans(variable.name, among=names)
    write_spans(
        path,
        _rows(variable, passages, plan),
        more_columns=("probability",),
        format=plan.items.format,
    )
    spans: dict[str, int] = {}
    unread: dict[str, dict[str, int]] = {}
    for rater, by_position in passages.items():
        spans[rater] = sum(len(one.passages) for one in by_position.values() if not one.reason)
        reasons = unread.setdefault(rater, {})
        for one in by_position.values():
            if reason := one.reason.partition(":")[0]:
                reasons[reason] = reasons.get(reason, 0) + 1
    return ExtractedVariable(variable.name, path, spans, unread)


def _rows(
    variable: SpanVariable,
    passages: Mapping[str, Mapping[int, ItemPassages]],
    plan: ExtractionPlan,
) -> Iterator[tuple[ItemId, str, Sequence[WrittenSpan]]]:
    names = variable.asked.answers
    for block in plan.items.blocks(_BLOCK_ITEMS):
        for row in block:
            for rater, by_position in passages.items():
                found = by_position.get(row.item.position)
                if found is None or found.reason:
                    continue
                yield (
                    row.item.id,
                    rater,
                    [
                        WrittenSpan(
                            Span(one.start, one.stop, names[one.category or 0]),
                            row.item.text[one.start : one.stop],
                            ("" if one.score is None else f"{one.score:.4f}",),
                        )
                        for one in found.passages
                    ],
                )
