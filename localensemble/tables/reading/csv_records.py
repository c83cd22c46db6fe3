"""Read the records of a CSV file one by one, in bounded memory.

Refuses unbalanced quotes, text that is not UTF-8, and a cell or row so long that it would fill the
memory: a file without line ends, or a quote that is never closed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from localensemble.core.errors import TableError
from localensemble.core.input_files import open_input
from localensemble.core.limits import MOST_CELL_CHARACTERS, MOST_ROW_CHARACTERS
from localensemble.tables.reading.damage import decoding_error, quoting_error


def open_text(path: Path) -> TextIO:
    """Open a CSV file as text.

    Raises:
        TableError: it cannot be opened, or it is not a file on a disk.
    """
    try:
        return io.TextIOWrapper(open_input(path), encoding="utf-8-sig", newline="")
    except OSError as error:
        raise TableError(
            f'Cannot read "{path.name}": {error.strerror or "it cannot be opened"}.',
            hint="Check that you can read the file, and that no other program has it open.",
        ) from error


def read_records(path: Path, stream: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Read records with the line each begins on; the header is the first one not empty.

    Raises:
        TableError: the file is damaged, or a cell or row is too long.
    """
    # The limit applies to the whole process and is 131,072 by default, too short for a
    # transcript. It is raised, not removed: an open quote must not load a whole file into memory.
    csv.field_size_limit(max(csv.field_size_limit(), MOST_CELL_CHARACTERS))
    lines = _BoundedLines(path, stream)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            lines.characters = 0
            line = reader.line_num + 1
    except csv.Error as error:
        # Neither this error nor the next is chained: the original exceptions may contain text.
        if str(error).startswith("field larger"):
            raise TableError(
                f"{path.name}, line {line}: the row that begins there has a cell of more than "
                f"{MOST_CELL_CHARACTERS:,} characters.",
                hint="Look for a quote that opens there and is never closed.",
            ) from None
        raise quoting_error(path, first_line=line, delimiter=delimiter) from None
    except UnicodeDecodeError:
        raise decoding_error(path) from None


class _BoundedLines:
    """The lines of a file; a line or a row that would fill the memory is refused.

    Attributes:
        characters: read since the last row ended.
    """

    def __init__(self, path: Path, stream: TextIO) -> None:
        self.characters = 0
        self._path = path
        self._readline = stream.readline
        self._number = 0

    def __iter__(self) -> _BoundedLines:
        return self

    def __next__(self) -> str:
        line = self._readline(MOST_ROW_CHARACTERS + 1)
        if not line:
            raise StopIteration
        self._number += 1
        self.characters += len(line)
        if self.characters > MOST_ROW_CHARACTERS:
            raise TableError(
                f"{self._path.name}, line {self._number}: the row that ends there or later has "
                f"{self.characters:,} characters or more; at most {MOST_ROW_CHARACTERS:,} are "
                "read.",
                hint="Check that the file has line ends, and look for a quote that is never "
                "closed.",
            )
        return line
