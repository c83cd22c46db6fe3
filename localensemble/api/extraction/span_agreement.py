"""Measure how far raters mark the same passages, and compare them with gold spans."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from localensemble import __version__
from localensemble.agreement.spans.pairwise_f1 import PairwiseF1, pairwise_f1
from localensemble.agreement.spans.word_labels import WordAlpha, word_alpha
from localensemble.api.extraction.joined_tables import join_spans, read_texts
from localensemble.core.errors import TableError
from localensemble.core.files import replaced_text_file
from localensemble.core.labels import ItemId
from localensemble.core.options import Option
from localensemble.core.spans import PlaceCount, Span, SpanMatrix, words_of
from localensemble.extraction.same_terms import as_terms
from localensemble.findings.spans.span_evaluation import SpanEvaluation, evaluate_spans
from localensemble.tables.delimited import write_table
from localensemble.tables.item_columns import IdColumn, TextColumn

_BY_ITEM = ("item", "rater", "compared", "matched", "found", "gold")


@dataclass(frozen=True, slots=True)
class SpanAgreeOptions:
    """How tables of spans are read and compared."""

    items: Annotated[
        Path | None, Option("The table with the texts, to check places and compare words.")
    ] = None
    gold: Annotated[Path | None, Option("A table of gold spans to compare each rater with.")] = None
    places: Annotated[
        PlaceCount, Option("What start and stop count; many programs count UTF-16 units.")
    ] = "code-points"
    terms: Annotated[
        bool, Option("Compare which terms an item mentions, wherever they stand; needs texts.")
    ] = False
    resamples: Annotated[int, Option("Bootstrap draws of items for intervals.", least=0)] = 1000
    seed: Annotated[int, Option("The seed of the draws.", least=0)] = 0
    id_column: IdColumn = None
    text_column: TextColumn = None


@dataclass(frozen=True, slots=True)
class SpanAgreement:
    """How far raters mark the same passages.

    Attributes:
        raters: the raters.
        items: items that at least one of them read.
        found: rater -> its number of spans.
        categories: the categories that occur.
        terms: whether terms were compared, wherever they stand.
        exact: F1 of every two raters on spans with the same ends and category.
        overlap: F1 of every two raters on spans that overlap; None if terms were compared.
        words: alpha on the labels of words; None without texts or if terms were compared.
        gold: each rater against the gold spans; empty without them.
        messages: what was read and guessed, in sentences for the user.
    """

    raters: tuple[str, ...]
    items: int
    found: tuple[int, ...]
    categories: tuple[str, ...]
    terms: bool
    exact: PairwiseF1
    overlap: PairwiseF1 | None
    words: WordAlpha | None
    gold: tuple[SpanEvaluation, ...]
    messages: tuple[str, ...]


def agree_on_spans(tables: Sequence[Path], *, options: SpanAgreeOptions) -> SpanAgreement:
    """Measure the agreement of raters on passages.

    Args:
        tables: tables of spans, one rater each unless a column names the raters.
        options: how they are read and compared.

    Raises:
        TableError: a table cannot be read, or its places do not fit the texts.
    """
    texts: Mapping[ItemId, str] | None = None
    messages: tuple[str, ...] = ()
    if options.items is not None:
        texts, messages = read_texts(
            options.items, id_column=options.id_column, text_column=options.text_column
        )
    joined = join_spans(tables, texts=texts, counted_in=options.places, gold=options.gold)
    spans, gold = _without_gold(joined.spans, has_gold=options.gold is not None)
    words = None if joined.texts is None else [words_of(text) for text in joined.texts]
    if options.terms:
        if joined.texts is None:
            raise TableError(
                "Cannot compare terms: the texts are not known.",
                hint="Give the table of the texts with --items.",
            )
        whole = as_terms(joined.spans, joined.texts)
        spans, gold = _without_gold(whole, has_gold=options.gold is not None)
        words = None
    draws = {"resamples": options.resamples, "seed": options.seed}
    return SpanAgreement(
        raters=spans.raters,
        items=sum(any(cell is not None for cell in row) for row in spans.cells),
        found=tuple(
            sum(len(row[place] or ()) for row in spans.cells) for place in range(len(spans.raters))
        ),
        categories=spans.categories,
        terms=options.terms,
        exact=pairwise_f1(spans, matching="exact", **draws),
        overlap=None if options.terms else pairwise_f1(spans, matching="overlap", **draws),
        words=None if words is None else word_alpha(spans, words, **draws),
        gold=() if gold is None else evaluate_spans(spans, gold, words=words, **draws),
        messages=messages,
    )


def write_span_agreement(found: SpanAgreement, *, path: Path) -> None:
    """Write everything as JSON.

    Raises:
        LocalEnsembleError: the file cannot be written.
    """
    content = {"localensemble": __version__, **asdict(found)}
    with replaced_text_file(path) as stream:
        json.dump(content, stream, ensure_ascii=False, indent=1, allow_nan=False)
        stream.write("\n")


def write_matches_by_item(found: SpanAgreement, *, path: Path) -> None:
    """Write how many spans of each item match the gold ones, as CSV.

    Raises:
        LocalEnsembleError: the file cannot be written.
    """
    write_table(
        path,
        kept=_BY_ITEM[:1],
        added=_BY_ITEM[1:],
        rows=(
            (
                (one.item,),
                (compared.rater, compared.part, *map(str, (one.matched, one.found, one.gold))),
            )
            for compared in found.gold
            if compared.category is None
            for one in compared.by_item
        ),
    )


def _without_gold(
    spans: SpanMatrix, *, has_gold: bool
) -> tuple[SpanMatrix, tuple[tuple[Span, ...] | None, ...] | None]:
    """Take the last column, the gold spans, out of a matrix."""
    if not has_gold:
        return spans, None
    raters = SpanMatrix(spans.items, spans.raters[:-1], tuple(row[:-1] for row in spans.cells))
    return raters, tuple(row[-1] for row in spans.cells)
