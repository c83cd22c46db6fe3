"""Find out what is wrong with a table, and where, after reading has failed.

This is slower than reading and runs only after a failure. Decides how the place is named: by
byte and line for text that is not UTF-8, and by the line where the quoted cell opens for
unbalanced quotes.
"""

from __future__ import annotations

import codecs
import itertools
import os
import re
from collections.abc import Iterable
from pathlib import Path

from localensemble.core.errors import TableError
from localensemble.core.input_files import open_input
from localensemble.core.limits import MOST_TABLE_BYTES

_CHUNK_BYTES = 1 << 20
_START_BYTES = 4096
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_FOREIGN_STARTS = {
    b"PK\x03\x04": "an Excel workbook or another archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a compressed file",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
    b"SQLite": "an SQLite database",
}
_JSON_START = re.compile(rb"\s*(\[\s*)?\{\s*\"")


def check_kind_of_file(path: Path) -> bytes:
    """Read the first bytes of a file that should be a CSV file.

    Raises:
        TableError: the file is missing, empty, or clearly of another kind.
    """
    try:
        with open_input(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            start = stream.read(_START_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TableError(
            f'Cannot read "{path.name}": there is no such file.',
            hint="Check the path; a table must be a single CSV file.",
        ) from error
    except OSError as error:
        raise TableError(
            f'Cannot read "{path.name}": {error.strerror or "it cannot be opened"}.',
            hint="Check that you can read the file, and that no other program has it open. What "
            "comes from a pipe or a device must be saved as a file first.",
        ) from error
    refuse_more(path, size, "bytes", most=MOST_TABLE_BYTES)
    if not start.removeprefix(codecs.BOM_UTF8):
        raise TableError(
            f"{path.name}: the file is empty.",
            hint="Use a CSV file with a header and one row per item.",
        )
    if start.startswith(_UTF_16_MARKS):
        raise TableError(
            f"{path.name}: the text is encoded in UTF-16, not UTF-8.",
            hint='Save it as "CSV UTF-8", or convert it with '
            f"`iconv -f UTF-16 -t UTF-8 {path.name}`.",
        )
    for bytes_of_kind, kind in _FOREIGN_STARTS.items():
        if start.startswith(bytes_of_kind):
            raise TableError(
                f"{path.name}: this is {kind}, not a CSV file.",
                hint='Open it in the program it came from and save it as "CSV UTF-8".',
            )
    if _JSON_START.match(start.removeprefix(codecs.BOM_UTF8)):
        raise TableError(
            f"{path.name}: this is JSON, not a CSV file.",
            hint='Convert it to a table with a header and one row per item, as "CSV UTF-8".',
        )
    return start


def refuse_more(path: Path, found: int, what: str, *, most: int) -> None:
    """Refuse a table that has more than is read of anything.

    Raises:
        TableError: ``found`` is more than ``most``; the message gives both.
    """
    if found > most:
        raise TableError(
            f"{path.name}: the table has {found:,} {what}; at most {most:,} are read.",
            hint="Check that this is the right file, and divide it into several if it is.",
        )


def decoding_error(path: Path) -> TableError:
    """Return an error that names the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line = 0, 1
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(_CHUNK_BYTES)
            waiting = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                # Bytes waiting for the rest of their character were counted with the last chunk.
                within = error.start - waiting
                line += chunk.count(b"\n", 0, max(within, 0))
                offset += within
                break
            if not chunk:
                return TableError(
                    f"{path.name}: the file changed while it was being read.",
                    hint="Run the command again, and do not change the file while it runs.",
                )
            offset += len(chunk)
            line += chunk.count(b"\n")
    return TableError(
        f"{path.name}, line {line}: the text is not UTF-8 (byte {offset:,}).",
        hint='Save it as "CSV UTF-8" in the spreadsheet program, or convert it; for Western '
        f"European Windows files use `iconv -f WINDOWS-1252 -t UTF-8 {path.name}`.",
    )


def quoting_error(path: Path, *, first_line: int, delimiter: str) -> TableError:
    """Return an error that names the line where the cell with unbalanced quotes opens.

    Args:
        first_line: the line where the unreadable record begins.
    """
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as stream:
        lines = itertools.islice(stream, first_line - 1, None)
        line = first_line + _open_quote(lines, delimiter=delimiter)
    return TableError(
        f"{path.name}, line {line}: the quotes are not balanced; the cell that opens there is "
        "not closed correctly.",
        hint='Close the cell with ", and double every " inside it.',
    )


def _open_quote(lines: Iterable[str], *, delimiter: str) -> int:
    """Count the lines before the one that opens the cell with unbalanced quotes."""
    opened = 0
    quoted = False
    for number, line in enumerate(lines):
        position = 0
        while position < len(line):
            if not quoted:
                if line[position] != '"':
                    # An unquoted cell ends at the delimiter; quotes inside it mean nothing.
                    end = line.find(delimiter, position)
                    position = len(line) if end < 0 else end + 1
                    continue
                opened, quoted = number, True
                position += 1
            end = line.find('"', position)
            if end < 0:
                break
            follows = line[end + 1 : end + 2]
            position = end + 2
            if follows != '"':
                quoted = False
                if follows not in {delimiter, "\r", "\n", ""}:
                    return opened
    return opened
