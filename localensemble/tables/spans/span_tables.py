"""Read tables of spans, and write them.

Decides which tables are understood: one row for each span with columns for the item, start, stop
and category, or one row for each item with a list of spans as JSON. A row with an item and
nothing else says that the item was read and has no span; an item without a row was not read.
What the places count is for the caller to know; it checks them against the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localensemble.core.errors import TableError
from localensemble.core.foreign_json import ForeignJsonError, read_json
from localensemble.core.labels import ItemId
from localensemble.core.spans import Span
from localensemble.tables.delimited import TableFormat, write_table
from localensemble.tables.table_files import TableFile, open_table_file

_ITEM = ("item", "item_id", "id", "doc_id")
_START = ("start", "begin", "start_offset", "start_char")
_STOP = ("stop", "end", "end_offset", "stop_char", "end_char")
_CATEGORY = ("category", "type", "label", "entity_type", "entity")
_PASSAGE = ("passage", "phrase", "text", "mention")
_RATER = ("rater", "annotator", "coder")
_LISTS = ("spans", "label", "labels", "entities")

COLUMNS = ("item", "rater", "start", "stop", "category", "passage")
"""The columns of a table of spans that this program writes, before those of its rows' origin."""


@dataclass(frozen=True, slots=True)
class ReadSpan:
    """One span of a table.

    Attributes:
        row: its row; row 1 is the first below the header.
        item: the item.
        rater: the rater; empty if the table names none.
        start: place of its first character, in the units of the table.
        stop: place after its last character.
        category: what it mentions.
        passage: the passage as the table has it; None if it has none.
    """

    row: int
    item: ItemId
    rater: str
    start: int
    stop: int
    category: str
    passage: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SpanTable:
    """A table of spans as it was read.

    Attributes:
        path: the file.
        raters: the names of its raters, in the order of the table; one empty name if it has none.
        read: the items that each rater read, with or without spans.
        spans: all spans, in the order of the table.
        texts: item -> its text, where each row is an item and has one.
    """

    path: Path
    raters: tuple[str, ...]
    read: Mapping[str, frozenset[ItemId]]
    spans: tuple[ReadSpan, ...]
    texts: Mapping[ItemId, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class WrittenSpan:
    """A span to write, with the cells of the columns that come after `COLUMNS`."""

    span: Span
    passage: str = field(repr=False)
    cells: tuple[str, ...] = ()


def read_spans(path: Path) -> SpanTable:
    """Read a table of spans.

    Raises:
        TableError: the file is no table of spans, or a row cannot be read.
    """
    table = open_table_file(path)
    if _column(table, _START) is not None:
        return _long(table)
    lists = _list_column(table)
    if lists is not None:
        return _wide(table, lists)
    raise TableError(
        f"{path.name}: found the columns {', '.join(table.columns)}; expected a table of spans.",
        hint="Give it the columns item, start, stop and category, with one row for each span, or "
        'the columns id and spans, with a list such as [{"start": 0, "stop": 4, "category": '
        '"Drug"}].',
    )


def write_spans(
    path: Path,
    rows: Iterable[tuple[ItemId, str, Sequence[WrittenSpan]]],
    *,
    more_columns: Sequence[str] = (),
    format: TableFormat | None = None,  # noqa: A002
) -> None:
    """Write a table with one row for each span; an item without spans has a row of its own.

    Args:
        path: the file to write.
        rows: for each item and rater that read it, the item, the rater and the spans.
        more_columns: the names of the spans' own cells.
        format: how to write it; None writes a usual CSV file.
    """
    write_table(
        path,
        kept=COLUMNS[:1],
        added=(*COLUMNS[1:], *more_columns),
        rows=((cells[:1], cells[1:]) for cells in _cells(rows, width=len(more_columns))),
        format=TableFormat() if format is None else format,
    )


def _cells(
    rows: Iterable[tuple[ItemId, str, Sequence[WrittenSpan]]], *, width: int
) -> Iterator[tuple[str, ...]]:
    for item, rater, spans in rows:
        if not spans:
            yield (item, rater, *[""] * (4 + width))
        for one in spans:
            span = one.span
            places = (str(span.start), str(span.stop), span.category)
            yield (item, rater, *places, one.passage, *one.cells)


def _column(table: TableFile, names: Sequence[str]) -> str | None:
    lower = {column.strip().casefold().replace(" ", "_"): column for column in table.columns}
    return next((lower[name] for name in names if name in lower), None)


def _wanted(table: TableFile, names: Sequence[str], what: str) -> str:
    column = _column(table, names)
    if column is None:
        raise TableError(
            f"{table.path.name}: found no column for the {what} of a span among "
            f"{', '.join(table.columns)}.",
            hint=f'Name it "{names[0]}".',
        )
    return column


def _list_column(table: TableFile) -> str | None:
    for column in (_column(table, (name,)) for name in _LISTS):
        if column is not None:
            cells = (cell.strip() for (cell,) in table.cells([column]))
            first = next((cell for cell in cells if cell), "")
            if first.startswith("["):
                return column
    return None


class _Rows:
    """Collects what the rows of a table say."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read: dict[str, set[ItemId]] = {}
        self.spans: list[ReadSpan] = []
        self.texts: dict[ItemId, str] = {}

    def saw(self, item: str, rater: str, *, row: int) -> ItemId:
        if not item.strip():
            raise self.error(row, "the id of the item is blank", "Write the id of its item.")
        found = ItemId(item.strip())
        self.read.setdefault(rater.strip(), set()).add(found)
        return found

    def error(self, row: int, found: str, hint: str) -> TableError:
        return TableError(f"{self.path.name}, row {row}: {found}.", hint=hint)

    def add(self, span: ReadSpan) -> None:
        if not 0 <= span.start < span.stop:
            raise self.error(
                span.row,
                f"the span runs from {span.start} to {span.stop}",
                "Start counts from 0, and stop is the place after the last character.",
            )
        if not span.category:
            raise self.error(span.row, "the span has no category", "Write what it mentions.")
        self.spans.append(span)

    def table(self) -> SpanTable:
        return SpanTable(
            self.path,
            tuple(self.read),
            {rater: frozenset(items) for rater, items in self.read.items()},
            tuple(self.spans),
            self.texts,
        )


def _long(table: TableFile) -> SpanTable:
    named = [
        _wanted(table, _ITEM, "item"),
        _wanted(table, _START, "start"),
        _wanted(table, _STOP, "stop"),
        _wanted(table, _CATEGORY, "category"),
    ]
    optional = [_column(table, _PASSAGE), _column(table, _RATER)]
    rows = _Rows(table.path)
    columns = [*named, *(column for column in optional if column is not None)]
    for number, cells in enumerate(table.cells(columns), start=1):
        item, start, stop, category, *rest = cells
        passage = rest.pop(0) if optional[0] is not None else None
        rater = rest.pop(0) if optional[1] is not None else ""
        read = rows.saw(item, rater, row=number)
        if not (start.strip() or stop.strip() or category.strip()):
            continue
        rows.add(
            ReadSpan(
                number,
                read,
                rater.strip(),
                _place(rows, number, start),
                _place(rows, number, stop),
                category.strip(),
                passage or None,
            )
        )
    return rows.table()


def _place(rows: _Rows, row: int, cell: str) -> int:
    digits = cell.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        raise rows.error(
            row, "a start or stop is not a whole number", "Count the characters before it, from 0."
        )
    return int(digits)


def _wide(table: TableFile, lists: str) -> SpanTable:
    item_column = _wanted(table, _ITEM, "item")
    optional = [_column(table, ("text",)), _column(table, _RATER)]
    columns = [item_column, lists, *(column for column in optional if column is not None)]
    rows = _Rows(table.path)
    for number, cells in enumerate(table.cells(columns), start=1):
        item, listed, *rest = cells
        text = rest.pop(0) if optional[0] is not None else None
        rater = rest.pop(0) if optional[1] is not None else ""
        if not listed.strip():
            continue  # not read: an empty list would be "[]"
        read = rows.saw(item, rater, row=number)
        if text is not None:
            rows.texts[read] = text
        for entry in _entries(rows, number, listed):
            rows.add(_listed_span(rows, number, read, rater.strip(), entry))
    return rows.table()


def _entries(rows: _Rows, row: int, listed: str) -> Sequence[Mapping[str, Any]]:
    try:
        found = read_json(listed)
    except ForeignJsonError as error:
        raise rows.error(
            row, f"the list of spans cannot be read: {error}", "Write it as JSON, such as []."
        ) from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise rows.error(row, "the cell is not a list of spans", "Write it as JSON, such as [].")
    return found


def _listed_span(
    rows: _Rows, row: int, item: ItemId, rater: str, entry: Mapping[str, Any]
) -> ReadSpan:
    start, stop, category = (
        next((entry[name] for name in names if name in entry), None)
        for names in (_START, _STOP, _CATEGORY)
    )
    passage = next((entry[name] for name in _PASSAGE if isinstance(entry.get(name), str)), None)
    if type(start) is not int or type(stop) is not int or not isinstance(category, str):
        raise rows.error(
            row,
            "a span of the list lacks a whole number for start or stop, or a category",
            'Write each as {"start": 0, "stop": 4, "category": "Drug"}.',
        )
    return ReadSpan(row, item, rater, start, stop, category.strip(), passage)
