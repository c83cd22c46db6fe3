"""Read and write tables as CSV, strictly and row by row.

Reading refuses what a forgiving reader would quietly misread: text that is not UTF-8,
quotes that are not balanced, rows with another number of cells than the header, columns
without a name of their own. Cells are kept exactly as they are. Writing goes whole or not
at all. No message holds a cell from below the header: rows and lines only.

Row 1 is the first row below the header; lines count from 1 and include the header.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from localensemble.core.errors import TableError
from localensemble.core.files import replaced_text_file
from localensemble.tables.damage import (
    check_kind_of_file,
    decoding_error,
    quoting_error,
)

DELIMITERS = (",", ";", "\t", "|")
MAX_CELL_CHARACTERS = 1 << 24
_SAMPLE_CHARACTERS = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
# The last four are the full-width forms of the first four; some spreadsheets read them alike.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How a table is written down, so that what comes out opens like what went in.

    ``byte_order_mark`` is what lets Excel see that a file is UTF-8.
    """

    delimiter: str = ","
    byte_order_mark: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file with a header and at least one row below it.

    Attributes:
        columns: names from the header, all different, none blank.
    """

    path: Path
    columns: tuple[str, ...]
    format: TableFormat

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Read the rows below the header, each with one cell per column.

        Lines with nothing on them are passed over. Every call reads the file anew.

        Raises:
            TableError: the file turns out damaged; the message names the row and the line.
        """
        width = len(self.columns)
        number = empty_line = 0
        with _opened(self.path) as stream:
            records = _records(self.path, stream, self.format.delimiter)
            if next((tuple(cells) for _, cells in records if cells), ()) != self.columns:
                raise TableError(
                    f"{self.path.name}: the header is no longer what it was.",
                    hint="Start again, and leave the file alone while it is read.",
                )
            for line, cells in records:
                if len(cells) == width:
                    if empty_line:
                        raise TableError(
                            f"{self.path.name}, line {empty_line}: there is nothing on the line, "
                            "and rows follow it.",
                            hint='Write "" for an empty text, or remove the line.',
                        )
                    number += 1
                    yield tuple(cells)
                elif cells:
                    raise TableError(
                        f"{self.path.name}, row {number + 1} (line {line}): the row has "
                        f"{len(cells)} cells, but the header has {width}.",
                        hint=f"Put quotes around a cell that holds a "
                        f"{_spoken(self.format.delimiter)}; fill up a row that is too short.",
                    )
                elif width == 1:
                    # In a table of one column nothing on a line may also be an empty text;
                    # at the end of the file it is only a line too many.
                    empty_line = line


@dataclass(frozen=True, slots=True)
class HeldTable(Table):
    """A table that is in memory already; ``path`` is no file, only its name for messages.

    Attributes:
        values: the rows below the header, each with one cell per column.
    """

    values: tuple[tuple[str, ...], ...] = field(repr=False)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Return the rows below the header."""
        return iter(self.values)


TableSource = Path | HeldTable
"""Where a table comes from: a file, or memory."""


def path_of(source: TableSource) -> Path:
    """Return the path of a table; of one in memory the name that messages give it."""
    return source.path if isinstance(source, HeldTable) else source


def open_table(source: TableSource, *, delimiter: str | None = None) -> Table:
    """Open a CSV file and read its header; a table in memory is open already.

    Args:
        source: the file or table.
        delimiter: one of ``DELIMITERS``; None finds out which one fits.

    Raises:
        TableError: the file is missing, empty or no UTF-8 text, or its header cannot be used.
    """
    if isinstance(source, HeldTable):
        return source
    path = source
    if delimiter is not None and delimiter not in DELIMITERS:
        raise TableError(
            f'Cannot read "{path.name}": "{delimiter}" is no delimiter.',
            hint=f"Choose one of: {', '.join(map(_spoken, DELIMITERS))}.",
        )
    start = check_kind_of_file(path)
    chosen = delimiter if delimiter is not None else _find_delimiter(path)
    with _opened(path) as stream:
        records = (cells for _, cells in _records(path, stream, chosen) if cells)
        columns = tuple(next(records, ()))
        check_header(path, columns)
        if next(records, None) is None:
            raise TableError(
                f"{path.name}: there is a header, but no row below it.",
                hint="Give a CSV file with a header and one row per item.",
            )
    return Table(path, columns, TableFormat(chosen, start.startswith(_BYTE_ORDER_MARK)))


def write_table(
    path: Path,
    *,
    kept: Sequence[str],
    added: Sequence[str],
    rows: Iterable[tuple[Sequence[str], Sequence[str]]],
    format: TableFormat = TableFormat(),  # noqa: A002
) -> None:
    """Write a CSV file whole or not at all, readable by its owner alone.

    Args:
        kept: columns that come from the user's file. Their cells are written as they are,
            even those that a spreadsheet would run as formulas: they are the user's data,
            and must be the same after a round trip.
        added: columns of ours, to the right. Their cells pass `neutralize_formula`.
        rows: for each row the cells of ``kept`` and of ``added``.

    Raises:
        LocalEnsembleError: the file cannot be written; what was there before still is.
    """
    encoding = "utf-8-sig" if format.byte_order_mark else "utf-8"
    with replaced_text_file(path, encoding=encoding) as stream:
        # With CRLF as line end the writer quotes every cell that holds either character.
        writer = csv.writer(stream, delimiter=format.delimiter, lineterminator="\r\n")
        writer.writerow((*kept, *map(neutralize_formula, added)))
        for kept_cells, added_cells in rows:
            if len(kept_cells) != len(kept) or len(added_cells) != len(added):
                raise ValueError(
                    f"A row has {len(kept_cells)} + {len(added_cells)} cells; "
                    f"expected {len(kept)} + {len(added)}."
                )
            writer.writerow((*kept_cells, *map(neutralize_formula, added_cells)))


def neutralize_formula(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would run as a formula.

    Numbers stay as they are, signs included.
    """
    if cell.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def restore_formula(cell: str) -> str:
    """Take away the apostrophe that `neutralize_formula` puts before a cell."""
    return cell[1:] if cell.startswith("'") and neutralize_formula(cell[1:]) == cell else cell


def _opened(path: Path) -> TextIO:
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise TableError(
            f'Cannot read "{path.name}": {error.strerror or "it cannot be opened"}.',
            hint="Check that you may read the file, and that no other program holds it.",
        ) from error


def _records(path: Path, stream: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Read records with the line each begins on; the header is the first that is not empty."""
    # The limit is one for the whole process and 131,072 by default, too short for a transcript.
    # It is raised, not lifted: an open quote must not pull a whole file into memory.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARACTERS))
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        # Not chained, as the next one: the exceptions of a decoder and their like hold text.
        if str(error).startswith("field larger"):
            raise TableError(
                f"{path.name}, line {line}: the row that begins there has a cell of more than "
                f"{MAX_CELL_CHARACTERS:,} characters.",
                hint="Look for a quote that is opened there and never closed.",
            ) from None
        raise quoting_error(path, first_line=line, delimiter=delimiter) from None
    except UnicodeDecodeError:
        raise decoding_error(path) from None


def _find_delimiter(path: Path) -> str:
    """Choose the delimiter under which the first rows are as wide as the header.

    Where none fits, the one with the widest header is tried, and reading says what is wrong.
    """
    with _opened(path) as stream:
        try:
            sample = stream.read(_SAMPLE_CHARACTERS)
            complete = not stream.read(1)
        except UnicodeDecodeError:
            raise decoding_error(path) from None
    widths = {
        delimiter: _sample_widths(sample, delimiter, complete=complete) for delimiter in DELIMITERS
    }
    split = {delimiter: found for delimiter, found in widths.items() if found[:1] > [1]}
    even = [delimiter for delimiter, found in split.items() if len(set(found)) == 1]
    if len(even) > 1:
        raise TableError(
            f"{path.name}: the delimiter is not clear; "
            f"{' and '.join(map(_spoken, even))} split the rows evenly.",
            hint="Put quotes around the cells that hold the one that is no delimiter.",
        )
    if even:
        return even[0]
    return max(split, key=lambda delimiter: split[delimiter][0], default=DELIMITERS[0])


def _sample_widths(sample: str, delimiter: str, *, complete: bool) -> list[int]:
    """Count the cells of each record of a sample; 0 marks where reading stopped."""
    widths: list[int] = []
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True)
    try:
        widths.extend(len(cells) for cells in reader if cells)
    except csv.Error as error:
        if complete or "unexpected end" not in str(error):
            return [*widths, 0]
        return widths
    # The last record of a sample may be cut off.
    return widths if complete or len(widths) < 2 else widths[:-1]


def check_header(path: Path, columns: tuple[str, ...]) -> None:
    """Refuse a header that is empty, or has columns without a name of their own.

    Raises:
        TableError: says which columns.
    """
    if not columns:
        raise TableError(
            f"{path.name}: the file is empty.",
            hint="Give a CSV file with a header and one row per item.",
        )
    seen: dict[str, int] = {}
    for position, column in enumerate(columns, start=1):
        if "\0" in column:
            raise TableError(
                f"{path.name}: the header holds NUL characters; the file seems to be UTF-16.",
                hint='Save it as "CSV UTF-8", or convert it with '
                f"`iconv -f UTF-16 -t UTF-8 {path.name}`.",
            )
        if not column.strip():
            raise TableError(
                f"{path.name}: column {position} of the header has no name.",
                hint="Give every column a name; a file needs a header in its first line.",
            )
        first = seen.setdefault(column.strip(), position)
        if first != position:
            raise TableError(
                f"{path.name}: columns {first} and {position} of the header have the same name.",
                hint="Give every column a name of its own.",
            )


def _spoken(delimiter: str) -> str:
    return {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[delimiter]
