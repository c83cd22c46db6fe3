"""Find the terms of a vocabulary in texts: a rater that follows a rule and needs no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from localensemble.core.labels import ItemId
from localensemble.core.options import Option
from localensemble.extraction.vocabulary import Vocabulary
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.item_file import ItemFile
from localensemble.tables.spans.span_tables import WrittenSpan, write_spans
from localensemble.tables.spans.vocabulary_file import read_vocabulary

VOCABULARY_COLUMNS = ("id", "term", "match")
"""The columns that say which concept a passage matches, and how."""

_BLOCK_ITEMS = 4096


@dataclass(frozen=True, slots=True)
class MatchOptions:
    """How terms are found."""

    category: Annotated[str, Option("The category of terms for which the vocabulary has none.")] = (
        "term"
    )
    exact_spelling: Annotated[bool, Option("Find no misspelled terms.")] = False
    rater: Annotated[str, Option("The name of this rater in the table.")] = "vocabulary"
    id_column: IdColumn = None
    text_column: TextColumn = None


@dataclass(frozen=True, slots=True)
class MatchedTerms:
    """What was found.

    Attributes:
        items: items that were read.
        items_with_spans: those in which a term was found.
        spans: spans found.
        concepts: concepts of the vocabulary.
        messages: what was guessed, in sentences for the user.
    """

    items: int
    items_with_spans: int
    spans: int
    concepts: int
    messages: tuple[str, ...]


def match_terms(
    items: Path, *, vocabulary: Path, output: Path, options: MatchOptions
) -> MatchedTerms:
    """Find a vocabulary's terms in each text, and write them as a table of spans.

    Args:
        items: the table of texts.
        vocabulary: the table of terms.
        output: the table to write.
        options: how terms are found.

    Raises:
        TableError: a table cannot be read.
    """
    entries = read_vocabulary(vocabulary)
    known = Vocabulary(entries, fuzzy=not options.exact_spelling, category=options.category)
    source = ItemFile.open(items, id_column=options.id_column, text_column=options.text_column)
    counts: Counter[str] = Counter()

    def rows() -> Iterator[tuple[ItemId, str, Sequence[WrittenSpan]]]:
        for block in source.blocks(_BLOCK_ITEMS):
            for row in block:
                found = _found(known, row.item.text)
                counts.update(items=1, items_with_spans=bool(found), spans=len(found))
                yield row.item.id, options.rater, found

    write_spans(output, rows(), more_columns=VOCABULARY_COLUMNS, format=source.format)
    return MatchedTerms(
        counts["items"],
        counts["items_with_spans"],
        counts["spans"],
        len(entries),
        source.messages,
    )


def _found(vocabulary: Vocabulary, text: str) -> list[WrittenSpan]:
    return [
        WrittenSpan(
            one.span,
            text[one.span.start : one.span.stop],
            (
                " | ".join(one.match.ids),
                " | ".join(dict.fromkeys(entry.term for entry in one.match.entries)),
                one.match.kind,
            ),
        )
        for one in vocabulary.find(text)
    ]
