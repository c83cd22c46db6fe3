"""Settle on the spans of each item: accept what is verified, and leave the rest to a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from localensemble.api.extraction.joined_tables import join_spans, read_texts
from localensemble.codebook.span_variables import SpanVariable, load_span_codebook
from localensemble.core.errors import InputError
from localensemble.core.labels import ItemId
from localensemble.core.options import Option
from localensemble.core.spans import Span
from localensemble.core.words import listed
from localensemble.extraction.same_terms import as_terms
from localensemble.extraction.settled_spans import SettledItem, SettledSpan, settle_item
from localensemble.extraction.vocabulary import Vocabulary
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.spans.span_tables import WrittenSpan, write_spans
from localensemble.tables.spans.span_worksheet import (
    OpenSpan,
    read_span_answers,
    write_span_worksheet,
)
from localensemble.tables.spans.vocabulary_file import read_vocabulary

_MORE_COLUMNS = ("proposed_by", "by_person", "required", "id", "match")
_RATER = "settled"


@dataclass(frozen=True, slots=True)
class SettleOptions:
    """How spans are verified and settled."""

    vocabulary: Annotated[
        Path | None,
        Option("A table of terms to verify spans against. [default: count the raters]"),
    ] = None
    codebook: Annotated[
        Path | None,
        Option("The codebook; it says what is required, and what is a term.", "-c --codebook"),
    ] = None
    variable: Annotated[
        str | None, Option("The variable to settle; required if several ask for passages.")
    ] = None
    answers: Annotated[
        tuple[Path, ...],
        Option("A worksheet that an earlier call wrote, filled in; repeatable."),
    ] = ()
    id_column: IdColumn = None
    text_column: TextColumn = None


@dataclass(frozen=True, slots=True)
class SettledSpans:
    """What was settled.

    Attributes:
        items: items that a rater read.
        accepted: spans accepted.
        by_person: those that a person decided.
        open: rows that a person must decide.
        reasons: reason -> number of rows.
        messages: what was read and guessed, in sentences for the user.
    """

    items: int
    accepted: int
    by_person: int
    open: int
    reasons: Mapping[str, int]
    messages: tuple[str, ...]


def settle_spans(
    tables: Sequence[Path], *, items: Path, output: Path, worksheet: Path, options: SettleOptions
) -> SettledSpans:
    """Join what raters propose, verify it, and write what is accepted and what a person decides.

    Args:
        tables: tables of spans.
        items: the table of texts.
        output: the table of accepted spans to write.
        worksheet: the table to write, with what a person must decide.
        options: how spans are verified.

    Raises:
        InputError: a file cannot be used, or the worksheet to write has answers.
    """
    if worksheet.exists():
        raise InputError(
            f"Cannot write {worksheet}: it already exists and may contain answers.",
            hint="Choose another name with --queue; --answers brings in the answers of this one.",
        )
    variable = _variable(options)
    vocabulary = None
    if options.vocabulary is not None:
        vocabulary = Vocabulary(read_vocabulary(options.vocabulary))
    texts, messages = read_texts(
        items, id_column=options.id_column, text_column=options.text_column
    )
    answers = _answers(options.answers, texts)
    spans = join_spans(tables, texts=texts, counted_in="code-points").spans
    if variable is not None and variable.type == "terms":
        spans = as_terms(spans, tuple(texts[item] for item in spans.items))
    settled: dict[ItemId, SettledItem] = {}
    for item, row in zip(spans.items, spans.cells, strict=True):
        read = zip(spans.raters, row, strict=True)
        settled[item] = settle_item(
            texts[item],
            {rater: cell for rater, cell in read if cell is not None},
            vocabulary=vocabulary,
            required=frozenset() if variable is None else variable.required,
            answers=answers.get(item),
        )
    write_spans(
        output,
        (
            (item, _RATER, [_written(kept, texts[item]) for kept in one.accepted])
            for item, one in settled.items()
        ),
        more_columns=_MORE_COLUMNS,
    )
    rows = [(row, texts[item]) for item, one in settled.items() for row in _open(item, one)]
    if rows:
        write_span_worksheet(worksheet, rows)
    return SettledSpans(
        len(settled),
        sum(len(one.accepted) for one in settled.values()),
        sum(kept.by_person for one in settled.values() for kept in one.accepted),
        len(rows),
        Counter(reason for row, _ in rows for reason in row.reasons),
        messages,
    )


def _answers(
    worksheets: Sequence[Path], texts: Mapping[ItemId, str]
) -> dict[ItemId, dict[Span, bool]]:
    """Join the answers of several worksheets; the last one given decides."""
    found: dict[ItemId, dict[Span, bool]] = {}
    for path in worksheets:
        for item, keeps in read_span_answers(path, texts=texts).items():
            found.setdefault(item, {}).update(keeps)
    return found


def _variable(options: SettleOptions) -> SpanVariable | None:
    if options.codebook is None:
        return None
    variables = load_span_codebook(options.codebook).variables
    chosen = [one for one in variables if options.variable in (None, one.name)]
    if len(chosen) != 1:
        raise InputError(
            f"{options.codebook.name}: found {len(chosen)} variables to settle; expected one.",
            hint=f"Name one with --variable: {listed([one.name for one in variables])}.",
        )
    return chosen[0]


def _written(one: SettledSpan, text: str) -> WrittenSpan:
    match = one.match
    cells = (
        " ".join(one.proposed_by),
        "yes" if one.by_person else "",
        "yes" if one.required else "",
        " | ".join(match.ids) if match else "",
        match.kind if match else "",
    )
    return WrittenSpan(one.span, text[one.span.start : one.span.stop], cells)


def _open(item: ItemId, settled: SettledItem) -> list[OpenSpan]:
    rows = [
        OpenSpan(
            item,
            one.span,
            one.span.category,
            one.reasons,
            one.proposed_by,
            one.match.ids if one.match else (),
        )
        for one in settled.open
    ]
    return [
        *rows,
        *(OpenSpan(item, None, category, ("missing",)) for category in settled.missing),
    ]
