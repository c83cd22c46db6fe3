"""Read a vocabulary: a table of terms, each with an id and its synonyms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.errors import TableError
from localensemble.tables.table_files import TableFile, open_table_file

_BETWEEN_SYNONYMS = re.compile(r"[|;]")


@dataclass(frozen=True, slots=True)
class VocabularyEntry:
    """One concept of a vocabulary.

    Attributes:
        id: what identifies it, such as ``MESH:D003924``; its term if the table has no ids.
        term: its preferred name.
        names: the term and its synonyms, each once.
        category: the category of spans that mention it; empty if the table has none.
    """

    id: str
    term: str
    names: tuple[str, ...]
    category: str = ""


def read_vocabulary(path: Path) -> tuple[VocabularyEntry, ...]:
    """Read the table of a vocabulary.

    It needs a column ``term``. It may have ``id``, ``synonyms`` (several with ``|`` or ``;``
    between them) and ``category``. Other columns are not read.

    Raises:
        TableError: the file cannot be read, has no column ``term``, or a row has no term.
    """
    table = open_table_file(path)
    places = {column.strip().casefold(): column for column in table.columns}
    if "term" not in places:
        raise TableError(
            f'{path.name}: found the columns {", ".join(table.columns)}; expected "term".',
            hint='A vocabulary has the columns term, id and synonyms; put "|" between synonyms.',
        )
    wanted = [places[name] for name in ("term", "id", "synonyms", "category") if name in places]
    found = []
    for number, cells in enumerate(table.cells(wanted), start=1):
        given = dict(zip(wanted, (cell.strip() for cell in cells), strict=True))
        found.append(
            _entry(
                table,
                number,
                {
                    name: given.get(places.get(name, ""), "")
                    for name in ("term", "id", "synonyms", "category")
                },
            )
        )
    return tuple(found)


def _entry(table: TableFile, row: int, cells: dict[str, str]) -> VocabularyEntry:
    term = cells["term"]
    if not term:
        raise TableError(
            f"{table.path.name}, row {row}: the term is blank.",
            hint="Write the term, or remove the row.",
        )
    synonyms = (one.strip() for one in _BETWEEN_SYNONYMS.split(cells["synonyms"]))
    names = tuple(dict.fromkeys((term, *filter(None, synonyms))))
    return VocabularyEntry(cells["id"] or term, term, names, cells["category"])
