"""Bring tables of spans together: one rater a table or a name, places checked against the texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from localensemble.core.errors import TableError
from localensemble.core.labels import ItemId
from localensemble.core.spans import PlaceCount, Span, SpanMatrix, in_code_points
from localensemble.tables.delimited import neutralize_formula
from localensemble.tables.item_file import ItemFile
from localensemble.tables.spans.span_tables import ReadSpan, SpanTable, read_spans

_BLOCK_ITEMS = 4096
# A line feed cannot stand in the name of a rater.
_GOLD = "gold\n"


@dataclass(frozen=True, slots=True)
class JoinedSpans:
    """The spans of several tables.

    Attributes:
        spans: the spans, in code points if the texts are known.
        texts: the text of each item; None if not all are known.
        messages: what was read and guessed, in sentences for the user.
    """

    spans: SpanMatrix
    texts: tuple[str, ...] | None = field(repr=False)
    messages: tuple[str, ...] = ()


def read_texts(
    items: Path, *, id_column: str | None, text_column: str | None
) -> tuple[dict[ItemId, str], tuple[str, ...]]:
    """Read the texts of a table of items, and what was guessed.

    Raises:
        TableError: the table cannot be read.
    """
    source = ItemFile.open(items, id_column=id_column, text_column=text_column)
    texts = {row.item.id: row.item.text for block in source.blocks(_BLOCK_ITEMS) for row in block}
    return texts, source.messages


def join_spans(
    tables: Sequence[Path],
    *,
    texts: Mapping[ItemId, str] | None,
    counted_in: PlaceCount,
    gold: Path | None = None,
) -> JoinedSpans:
    """Read tables of spans and put them side by side.

    Args:
        tables: the tables. A table without a column for the rater is one rater, named after its
            file.
        texts: the texts; None uses those in the tables, if they are there.
        counted_in: what the tables' places count.
        gold: a table of gold spans, whatever rater it names; they become the last column.

    Raises:
        TableError: a table cannot be read, a rater stands in two tables, the gold table has
            several raters, an item has no text, or a place is not where the table says its
            passage stands.
    """
    read = [read_spans(path) for path in tables]
    if gold is not None:
        read.append(_as_gold(read_spans(gold)))
    known = dict(texts) if texts is not None else _own_texts(read)
    items = _items(read, texts)
    if counted_in != "code-points" and any(item not in known for item in items):
        raise TableError(
            f"Cannot convert places counted in {counted_in}: the texts are not known.",
            hint="Give the table of the texts with --items.",
        )
    columns: dict[str, dict[ItemId, set[Span]]] = {}
    for table in read:
        for name in table.raters:
            rater = name or table.path.stem
            if rater in columns:
                raise TableError(
                    f'{table.path.name}: rater "{rater}" stands in two tables.',
                    hint="Give each rater one table, or another name in a column `rater`.",
                )
            columns[rater] = {item: set() for item in table.read[name]}
        for one in table.spans:
            span = _placed(table, one, text=known.get(one.item), counted_in=counted_in)
            columns[one.rater or table.path.stem][one.item].add(span)
    matrix = SpanMatrix(
        items,
        tuple(columns),
        tuple(
            tuple(
                tuple(sorted(cells[item])) if item in cells else None for cells in columns.values()
            )
            for item in items
        ),
    )
    complete = all(item in known for item in items)
    return JoinedSpans(matrix, tuple(known[item] for item in items) if complete else None)


def _as_gold(table: SpanTable) -> SpanTable:
    """Name the one rater of a table of gold spans so that it is no other table's."""
    if len(table.raters) != 1:
        raise TableError(
            f"{table.path.name}: found gold spans of {len(table.raters)} raters; expected one.",
            hint="Give a table with the spans that are right; `spans settle` makes one of several.",
        )
    (read,) = table.read.values()
    spans = tuple(replace(one, rater=_GOLD) for one in table.spans)
    return replace(table, raters=(_GOLD,), read={_GOLD: read}, spans=spans)


def _own_texts(tables: Sequence[SpanTable]) -> dict[ItemId, str]:
    texts: dict[ItemId, str] = {}
    for table in tables:
        for item, text in table.texts.items():
            if texts.setdefault(item, text) != text:
                raise TableError(
                    f"{table.path.name}: the text of an item differs from that in another table.",
                    hint="Compare tables of the same texts, or give the texts with --items.",
                )
    return texts


def _items(tables: Sequence[SpanTable], texts: Mapping[ItemId, str] | None) -> tuple[ItemId, ...]:
    """Return the items that anybody read, in the order of the texts or else of the first table."""
    read = dict.fromkeys(
        item for table in tables for items in table.read.values() for item in sorted(items)
    )
    if texts is None:
        return tuple(read)
    unknown = [item for item in read if item not in texts]
    if unknown:
        raise TableError(
            f"{len(unknown):,} of {len(read):,} items with spans are not in the table of texts, "
            f'such as "{unknown[0]}".',
            hint="Name the column of ids with --id-column, or use the table that was read.",
        )
    return tuple(item for item in texts if item in read)


def _placed(table: SpanTable, one: ReadSpan, *, text: str | None, counted_in: PlaceCount) -> Span:
    """Return a span in code points; check its place if the text is known."""
    if text is None:
        return Span(one.start, one.stop, one.category)
    start, stop = in_code_points(text, (one.start, one.stop), counted_in)
    if start is None or stop is None:
        raise TableError(
            f"{table.path.name}, row {one.row}: the span from {one.start} to {one.stop} does not "
            f"fit the text, which has {len(text)} characters.",
            hint="Check that these are the same texts, and what the places count (--places).",
        )
    passage = text[start:stop]
    if one.passage is not None and one.passage not in (passage, neutralize_formula(passage)):
        raise TableError(
            f"{table.path.name}, row {one.row}: the passage is not at its place "
            f"({one.start} to {one.stop}).",
            hint=_place_hint(text, one),
        )
    return Span(start, stop, one.category)


def _place_hint(text: str, one: ReadSpan) -> str:
    for counted_in in ("utf-16", "bytes"):
        start, stop = in_code_points(text, (one.start, one.stop), counted_in)
        if start is not None and stop is not None and text[start:stop] == one.passage:
            return f"It is there if places count {counted_in}: add --places {counted_in}."
    return "Check that these are the same texts, unchanged, with the same line ends and spaces."
