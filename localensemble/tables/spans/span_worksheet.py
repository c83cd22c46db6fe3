"""The worksheet of spans that a person must decide, and the answers in it.

A person writes yes or no in the column ``keep``. To add a span, they write a row with the item,
the category and the passage, and yes; the program finds its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.errors import TableError
from localensemble.core.labels import ItemId
from localensemble.core.spans import Span
from localensemble.tables.delimited import TableFormat, neutralize_formula, write_table
from localensemble.tables.table_files import open_table_file

_COLUMNS = ("item", "start", "stop", "category", "passage", "keep", "reasons", "proposed_by", "id")
_CONTEXT = "text"
_ANSWERS = {"yes": True, "y": True, "1": True, "true": True, "no": False, "n": False, "0": False}
_ANSWERS |= {"false": False}


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """A row of the worksheet; without a span, a required category is missing.

    Attributes:
        item: the item.
        span: the span to decide; None if a category is missing.
        category: the category.
        reasons: why a person must decide.
        proposed_by: who proposes it.
        id: the ids that the vocabulary has for it.
    """

    item: ItemId
    span: Span | None
    category: str
    reasons: Sequence[str]
    proposed_by: Sequence[str] = ()
    id: Sequence[str] = ()


def write_span_worksheet(
    path: Path,
    rows: Iterable[tuple[OpenSpan, str]],
    *,
    format: TableFormat | None = None,  # noqa: A002
) -> None:
    """Write the rows to decide, each with the text of its item."""

    def cells(one: OpenSpan, text: str) -> tuple[str, ...]:
        span = one.span
        return (
            "" if span is None else str(span.start),
            "" if span is None else str(span.stop),
            one.category,
            "" if span is None else text[span.start : span.stop],
            "",
            " ".join(one.reasons),
            " ".join(one.proposed_by),
            " | ".join(one.id),
            text,
        )

    write_table(
        path,
        kept=_COLUMNS[:1],
        added=(*_COLUMNS[1:], _CONTEXT),
        rows=(((one.item,), cells(one, text)) for one, text in rows),
        format=TableFormat() if format is None else format,
    )


def read_span_answers(path: Path, *, texts: Mapping[ItemId, str]) -> dict[ItemId, dict[Span, bool]]:
    """Read whether a person keeps each span; rows without an answer are left out.

    Args:
        path: the worksheet.
        texts: the text of each item.

    Raises:
        TableError: a column is missing, an answer is neither yes nor no, two answers to a span
            differ, an item is unknown, or a passage is not at its place, or not exactly once in
            its text if it has no place.
    """
    table = open_table_file(path)
    lacking = [name for name in _COLUMNS[:6] if name not in table.columns]
    if lacking:
        raise TableError(
            f"{path.name}: found no column {', '.join(lacking)}.",
            hint="Use the worksheet that `localensemble spans settle` wrote.",
        )
    keeps: dict[ItemId, dict[Span, bool]] = {}
    for number, cells in enumerate(table.cells(_COLUMNS[:6]), start=1):
        answer = cells[5].strip().casefold()
        if not answer:
            continue
        try:
            span = _span(cells, texts.get(ItemId(cells[0].strip())))
            of_item = keeps.setdefault(ItemId(cells[0].strip()), {})
            if of_item.setdefault(span, _ANSWERS[answer]) != _ANSWERS[answer]:
                raise ValueError("an earlier row has the other answer to the same span")
        except KeyError:
            raise TableError(
                f"{path.name}, row {number}: the answer is neither yes nor no.",
                hint="Write yes to keep the span, or no.",
            ) from None
        except ValueError as error:
            raise TableError(
                f"{path.name}, row {number}: {error}.",
                hint="Copy the passage from the text of the item, name its category, and answer "
                "once.",
            ) from None
    return keeps


def _span(cells: Sequence[str], text: str | None) -> Span:
    """Return the span of a row.

    Raises:
        ValueError: it has none; the text says why.
    """
    _, start, stop, category, passage = (cell.strip() for cell in cells[:5])
    if text is None:
        raise ValueError("its item is not among the texts")
    if not category:
        raise ValueError("it has no category")
    if start.isdecimal() and stop.isdecimal():
        span = Span(int(start), int(stop), category)
        there = text[span.start : span.stop]
        if cells[4] not in (there, neutralize_formula(there)):
            raise ValueError("the passage is not at its place")
        return span
    count = text.count(passage) if passage else 0
    if count != 1:
        raise ValueError(f"the passage stands in the text {count} times; expected once")
    place = text.index(passage)
    return Span(place, place + len(passage), category)
