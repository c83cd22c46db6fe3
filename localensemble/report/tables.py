"""Write the labeled table and the queue of items that wait for a person.

Input columns keep their order and their text; what is added stands after them. An item
that is escalated has no final label here: the empty cell is the truth until a person
decides. Both files are written whole or not at all.
"""

from __future__ import annotations

import csv
import io
import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from localensemble.core.errors import InputError
from localensemble.core.files import reported_writing
from localensemble.core.items import ItemRow
from localensemble.study.decisions import Decisions
from localensemble.study.study_labels import BLOCK_ITEMS, StudyLabels
from localensemble.tables.delimited import TableFormat, write_table

ACCEPTED = "accepted"
ESCALATED = "escalated"

# The columns that are added, without those of raters. The README explains each of them.
LABEL_PARTS = (
    "label",
    "status",
    "support",
    "mean_probability",
    "off_codebook_mass",
    "reasons",
    "reason_codes",
    "rater_reasons",
)
QUEUE_COLUMNS = (
    "variable",
    "reasons",
    "reason_codes",
    "doubt",
    "support",
    "mean_probability",
    "off_codebook_mass",
    "leading_category",
    "rater_reasons",
)
# The id that a table without ids gets, so that decisions can be brought together by it.
ID_COLUMN = "id"


class ItemTable(Protocol):
    """The items of a study with the cells that its tables repeat."""

    @property
    def path(self) -> Path:
        """The file, for messages."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the cells."""
        ...

    @property
    def id_column(self) -> str | None:
        """The column with the ids; None where the items are numbered."""
        ...

    @property
    def format(self) -> TableFormat:
        """How the tables are to be written."""
        ...

    def blocks(self, size: int) -> Iterator[tuple[ItemRow, ...]]:
        """Read the items in order, ``size`` at a time."""
        ...


@dataclass(frozen=True, slots=True)
class StudyTables:
    """What the two tables are made of."""

    items: ItemTable
    labels: StudyLabels
    decisions: tuple[Decisions, ...]


def check_columns(items: ItemTable, *, variables: Sequence[str], raters: Sequence[str]) -> None:
    """Refuse an input that already has a column which the output adds.

    Raises:
        InputError: names the columns.
    """
    added = {name for variable in variables for name in _label_columns(variable, raters)}
    added |= set(_added_id(items))
    taken = sorted(set(items.columns) & (added | set(_queue_columns(raters))))
    if taken:
        raise InputError(
            f"{items.path.name}: it already has a column named "
            + ", ".join(f'"{name}"' for name in taken)
            + ", which the output adds.",
            hint="Rename that column in the input.",
        )


def write_labels(study: StudyTables, *, path: Path) -> None:
    """Write the input table with, per variable, the final label and what stands behind it.

    Added columns: ``id``, where the input has none; per variable ``v`` each of `LABEL_PARTS`
    as ``v.part`` (``v.label`` is empty when escalated, ``v.status`` accepted or escalated);
    and for each rater ``v.rater.NAME`` (its category, or its status in angle brackets).
    """
    raters = study.labels.rater_names
    names = [decided.variable.name for decided in study.decisions]
    columns = [column for name in names for column in _label_columns(name, raters)]
    _write(study, path, [*_added_id(study.items), *columns], _labeled_rows(study))


def write_escalations(study: StudyTables, *, path: Path) -> None:
    """Write one row per escalated item and variable, most doubtful first.

    Added columns: ``id``, where the input has none, `QUEUE_COLUMNS` and ``rater.NAME`` for
    each rater. Rows of equal doubt keep the order of the items.
    """
    with reported_writing(path), tempfile.TemporaryFile(dir=path.parent) as spill:
        queue = _Spill(spill)
        for start, rows in _blocks(study):
            for decided in study.decisions:
                _queue_block(study, decided, start, rows, queue)
        columns = [*_added_id(study.items), *_queue_columns(study.labels.rater_names)]
        _write(study, path, columns, queue.in_order())


class _Spill:
    """Rows put aside on disk, to be read back in another order with bounded memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._doubt: list[float] = []
        self._place: list[int] = []

    def add(self, doubt: float, values: Sequence[str], added: Sequence[str]) -> None:
        self._doubt.append(doubt)
        self._place.append(self._stream.tell())
        text = io.StringIO()
        csv.writer(text).writerow([str(len(values)), *values, *added])
        encoded = text.getvalue().encode("utf-8", "surrogatepass")
        self._stream.write(len(encoded).to_bytes(8, "little") + encoded)

    def in_order(self) -> Iterator[tuple[list[str], list[str]]]:
        order = np.argsort(-np.array(self._doubt, dtype=np.float64), kind="stable")
        for index in order:
            self._stream.seek(self._place[index])
            size = int.from_bytes(self._stream.read(8), "little")
            line = self._stream.read(size).decode("utf-8", "surrogatepass")
            width, *cells = next(csv.reader(io.StringIO(line, newline="")))
            yield cells[: int(width)], cells[int(width) :]


def _queue_block(
    study: StudyTables, decided: Decisions, start: int, rows: Sequence[ItemRow], queue: _Spill
) -> None:
    stop = start + len(rows)
    waiting = np.flatnonzero(decided.escalated[start:stop])
    if not len(waiting):
        return
    said = study.labels.given_labels(decided.variable, start=start, stop=stop)
    names = decided.variable.answers
    for offset in map(int, waiting):
        item = start + offset
        leading = int(decided.categories[item])
        queue.add(
            float(decided.doubt[item]),
            rows[offset].values,
            [
                *_id_cell(study.items, rows[offset]),
                decided.variable.name,
                "; ".join(decided.reasons(item)),
                " ".join(decided.codes(item)),
                _number(decided.doubt[item]),
                _number(decided.support[item]),
                _number(decided.mean_probability[item]),
                _number(said.off_codebook_mass[offset]),
                names[leading] if leading >= 0 else "",
                said.reasons[offset],
                *said.words[offset],
            ],
        )


def _label_columns(variable: str, raters: Sequence[str]) -> list[str]:
    return [f"{variable}.{part}" for part in LABEL_PARTS] + [
        f"{variable}.rater.{r}" for r in raters
    ]


def _queue_columns(raters: Sequence[str]) -> list[str]:
    return [*QUEUE_COLUMNS, *(f"rater.{name}" for name in raters)]


def _added_id(items: ItemTable) -> tuple[str, ...]:
    return (ID_COLUMN,) if items.id_column is None else ()


def _id_cell(items: ItemTable, row: ItemRow) -> tuple[str, ...]:
    return (str(row.item.id),) if items.id_column is None else ()


def _label_cells(study: StudyTables, decided: Decisions, start: int, stop: int) -> list[list[str]]:
    said = study.labels.given_labels(decided.variable, start=start, stop=stop)
    names = decided.variable.answers
    cells = []
    for offset in range(stop - start):
        item = start + offset
        escalated = bool(decided.escalated[item])
        cells.append(
            [
                "" if escalated else names[decided.categories[item]],
                ESCALATED if escalated else ACCEPTED,
                _number(decided.support[item]),
                _number(decided.mean_probability[item]),
                _number(said.off_codebook_mass[offset]),
                "; ".join(decided.reasons(item)),
                " ".join(decided.codes(item)),
                said.reasons[offset],
                *said.words[offset],
            ]
        )
    return cells


def _labeled_rows(study: StudyTables) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    for start, rows in _blocks(study):
        stop = start + len(rows)
        cells = [_label_cells(study, decided, start, stop) for decided in study.decisions]
        for offset, row in enumerate(rows):
            added = [cell for column in cells for cell in column[offset]]
            yield row.values, [*_id_cell(study.items, row), *added]


def _write(
    study: StudyTables,
    path: Path,
    added: Sequence[str],
    rows: Iterable[tuple[Sequence[str], Sequence[str]]],
) -> None:
    items = study.items
    write_table(path, kept=items.columns, added=added, rows=rows, format=items.format)


def _blocks(study: StudyTables) -> Iterator[tuple[int, tuple[ItemRow, ...]]]:
    start = 0
    for rows in study.items.blocks(BLOCK_ITEMS):
        rows = rows[: study.labels.item_count - start]
        if not rows:
            return
        yield start, rows
        start += len(rows)


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
