"""Read the ids of rows, and check that they are usable and unique.

In a table without an id column, the row numbers become the ids. The cells of several id columns
are joined with ``|``; all but the first may be blank. Refuses ids that are blank,
repeated, too long, or look the same to a reader. Messages name rows and never an id, because
a column named by mistake may hold texts.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from localensemble.core.errors import TableError
from localensemble.core.labels import ItemId
from localensemble.tables.delimited import Table, TableSource, path_of
from localensemble.tables.doubts.lookalikes import plain_form
from localensemble.tables.doubts.totals_row import refuse_totals
from localensemble.tables.item_columns import choose_id_columns, id_option
from localensemble.tables.table_files import open_item_table, table_messages

ID_SEPARATOR = "|"
_MAX_ID_CHARACTERS = 200
# With these columns, REDCap tells the rows of one record apart.
_REDCAP_COLUMNS = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
_SHOWN_ROWS = 5
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class KeyedRow:
    """A row and the id of its item; ``number`` counts from 1 below the header."""

    id: ItemId
    number: int
    values: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyedTable:
    """A table of known labels of items, with checked ids; it need not contain the texts.

    Attributes:
        id_columns: empty if the file has no id column; ids are then ``row-1``, ``row-2``, ...
        messages: what was found and guessed, in sentences for the user.
        found: those of them about the file: what was left out, or which sheet was read.
        proposed_id: a column that could be named for the ids; None without one.
    """

    path: Path
    columns: tuple[str, ...]
    id_columns: tuple[str, ...]
    messages: tuple[str, ...]
    found: tuple[str, ...]
    proposed_id: str | None
    _table: Table = field(repr=False)

    @classmethod
    def open(cls, source: TableSource, *, id_column: str | None = None) -> KeyedTable:
        """Read the whole table once, and check that every row has a unique id.

        Args:
            source: the file, or a table in memory.
            id_column: a column, or several with commas between them; None guesses it by name.

        Raises:
            TableError: the file cannot be read, or its ids cannot be used.
        """
        table = open_item_table(source)
        chosen = choose_id_columns(table, named=id_column, known_labels=True)
        found = table_messages(table, used=chosen.names)
        messages = (*found, *chosen.messages)
        opened = cls(
            path_of(source), table.columns, chosen.names, messages, found, chosen.proposed, table
        )
        ids = IdCheck(table, places=id_places(table, chosen.names))
        for row in opened.rows():
            ids.add(row.id)
        ids.finish()
        return opened

    def rows(self) -> Iterator[KeyedRow]:
        """Read the rows in file order.

        Raises:
            TableError: the file is damaged.
        """
        places = id_places(self._table, self.id_columns)
        for position, values in enumerate(self._table.rows()):
            yield KeyedRow(row_id(values, places=places, position=position), position + 1, values)


def id_places(table: Table, columns: Sequence[str]) -> tuple[int, ...]:
    """Return where the cells of the ids stand in a row."""
    return tuple(table.columns.index(name) for name in columns)


def row_id(values: tuple[str, ...], *, places: tuple[int, ...], position: int) -> ItemId:
    """Read the id of a row from its cells, or make it from the position, which counts from 0."""
    if not places:
        return ItemId(f"row-{position + 1}")
    if len(places) == 1:
        return ItemId(values[places[0]])
    return ItemId(ID_SEPARATOR.join([values[place].strip() for place in places]))


class IdCheck:
    """Check the ids of a table in one pass that stores eight bytes per id.

    Args:
        places: where the cells of the ids stand; empty if ids come from the row numbers and
            need no check.
    """

    def __init__(self, table: Table, *, places: tuple[int, ...]) -> None:
        self._table = table
        self._places = places
        self._hashes = array("q")
        self._last = ItemId("")

    def add(self, item_id: ItemId) -> None:
        """Check and store the id of the next row.

        Raises:
            TableError: the id is blank or unusable.
        """
        if not self._places:
            return
        if _is_blank(item_id, self._places) or _is_unusable(item_id):
            raise _unusable_ids_error(self._table, self._places)
        self._hashes.append(hash(_as_seen(item_id)))
        self._last = item_id

    def finish(self) -> None:
        """Check that no two ids are the same or look the same, and that no totals follow the items.

        Raises:
            TableError: some ids are, or the last row seems to hold totals.
        """
        if self._places:
            refuse_totals(
                self._table.path,
                column=self._table.columns[self._places[0]],
                row=len(self._hashes),
                cell=self._last,
            )
            _refuse_repeated_ids(self._table, self._places, self._hashes)


def _is_blank(item_id: str, places: tuple[int, ...]) -> bool:
    # Combined with others, the first column names the record; later ones may be blank.
    return not (item_id.partition(ID_SEPARATOR)[0] if len(places) > 1 else item_id).strip()


def _is_unusable(item_id: str) -> bool:
    return len(item_id) > _MAX_ID_CHARACTERS or bool(_CONTROL.search(item_id))


def _unusable_ids_error(table: Table, places: tuple[int, ...]) -> TableError:
    """Read the table again to name all rows without a usable id, not only the first."""
    blank: list[int] = []
    unusable: list[int] = []
    for number, values in enumerate(table.rows(), start=1):
        item_id = row_id(values, places=places, position=number - 1)
        if _is_blank(item_id, places):
            blank.append(number)
        elif _is_unusable(item_id):
            unusable.append(number)
    where = _place(table, places)
    if blank:
        return TableError(
            f"{where}: the id is blank in {_rows(blank)}.",
            hint="Give every item an id, or name another column (`--id-column`).",
        )
    return TableError(
        f"{where}: no usable id in {_rows(unusable)}; an id is one line of at most "
        f"{_MAX_ID_CHARACTERS} characters.",
        hint="Name another column (`--id-column`); this one seems to hold texts.",
    )


def _refuse_repeated_ids(table: Table, places: tuple[int, ...], id_hashes: array[int]) -> None:
    ordered = np.sort(np.frombuffer(id_hashes, dtype=np.int64))
    repeated = set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
    if not repeated:
        return
    # Different ids may share a hash, so the ids themselves decide.
    first_rows: dict[str, tuple[int, str]] = {}
    same: list[tuple[int, int]] = []
    alike: list[tuple[int, int]] = []
    for number, values in enumerate(table.rows(), start=1):
        item_id = row_id(values, places=places, position=number - 1)
        seen = _as_seen(item_id)
        if hash(seen) in repeated:
            first, first_id = first_rows.setdefault(seen, (number, item_id))
            if first != number:
                (same if item_id == first_id else alike).append((first, number))
    where = _place(table, places)
    hint = _repeated_hint(table, places)
    if same:
        raise TableError(f"{where}: the same id appears in rows {_pairs(same)}.", hint=hint)
    if alike:
        raise TableError(
            f"{where}: rows {_pairs(alike)} have ids that look the same; they differ only in "
            "spaces, in the kind of a dash or quote, or in how an accented letter is stored "
            "(Unicode NFC, NFD).",
            hint=hint,
        )


def _place(table: Table, places: tuple[int, ...]) -> str:
    names = " and ".join(f'"{table.columns[place]}"' for place in places)
    return f"{table.path.name}, column{'s' if len(places) > 1 else ''} {names}"


def _repeated_hint(table: Table, places: tuple[int, ...]) -> str:
    named = [table.columns[place] for place in places]
    more = [name for name in _REDCAP_COLUMNS if name in table.columns and name not in named]
    return (
        "Give every item a unique id, name another column (`--id-column`), or combine columns "
        f"that together differ in every row: `{id_option(*named, *(more or ['COLUMN']))}`."
    )


def _as_seen(item_id: str) -> str:
    """Return a form that is equal for two ids that a reader cannot tell apart."""
    return plain_form(item_id)


def _pairs(pairs: list[tuple[int, int]]) -> str:
    shown = ", ".join(f"{first} and {second}" for first, second in pairs[:_SHOWN_ROWS])
    return f"{shown} (and {len(pairs) - _SHOWN_ROWS:,} more)" if len(pairs) > _SHOWN_ROWS else shown


def _rows(numbers: list[int]) -> str:
    shown = ", ".join(f"{number}" for number in numbers[:_SHOWN_ROWS])
    more = f" and {len(numbers) - _SHOWN_ROWS:,} more" if len(numbers) > _SHOWN_ROWS else ""
    return f"row{'s' if len(numbers) > 1 else ''} {shown}{more}"
