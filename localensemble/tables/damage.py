"""Find out what is wrong with a table, and where, once reading has failed.

Slower than reading and used only then. Decides how the place is named: byte and line for
text that is not UTF-8, the line where a quoted cell opens for quotes that do not balance.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterable
from pathlib import Path

from localensemble.core.errors import TableError

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
    """Read the first bytes of a file that may be a CSV file.

    Raises:
        TableError: the file is missing, empty, or plainly something else.
    """
    if not path.is_file():
        raise TableError(
            f'Cannot read "{path.name}": there is no such file.',
            hint="Check the path; a table is one CSV file.",
        )
    try:
        with path.open("rb") as stream:
            start = stream.read(_START_BYTES)
    except OSError as error:
        raise TableError(
            f'Cannot read "{path.name}": {error.strerror or "it cannot be opened"}.',
            hint="Check that you may read the file, and that no other program holds it.",
        ) from error
    if not start.removeprefix(codecs.BOM_UTF8):
        raise TableError(
            f"{path.name}: the file is empty.",
            hint="Give a CSV file with a header and one row per item.",
        )
    if start.startswith(_UTF_16_MARKS):
        raise TableError(
            f"{path.name}: the text is UTF-16, not UTF-8.",
            hint='Save it as "CSV UTF-8", or convert it with '
            f"`iconv -f UTF-16 -t UTF-8 {path.name}`.",
        )
    for bytes_of_kind, kind in _FOREIGN_STARTS.items():
        if start.startswith(bytes_of_kind):
            raise TableError(
                f"{path.name}: this is {kind}, not a CSV file.",
                hint='Open it in its own program and save it as "CSV UTF-8".',
            )
    if _JSON_START.match(start.removeprefix(codecs.BOM_UTF8)):
        raise TableError(
            f"{path.name}: this is JSON, not a CSV file.",
            hint='Write it as a table with a header and one row per item, as "CSV UTF-8".',
        )
    return start


def decoding_error(path: Path) -> TableError:
    """Find the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line = 0, 1
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(_CHUNK_BYTES)
            waiting = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                # Bytes that wait for the rest of their character were counted before.
                within = error.start - waiting
                line += chunk.count(b"\n", 0, max(within, 0))
                offset += within
                break
            if not chunk:
                return TableError(
                    f"{path.name}: the file has changed while it was read.",
                    hint="Run again, and leave the file alone meanwhile.",
                )
            offset += len(chunk)
            line += chunk.count(b"\n")
    return TableError(
        f"{path.name}, line {line}: the text is not UTF-8 (byte {offset:,}).",
        hint='Save it as "CSV UTF-8" in the spreadsheet program, or convert it, from Western '
        f"European Windows with `iconv -f WINDOWS-1252 -t UTF-8 {path.name}`.",
    )


def quoting_error(path: Path, *, first_line: int, delimiter: str) -> TableError:
    """Find the line where the cell opens that the reader could not finish.

    Args:
        first_line: the line on which the record begins that could not be read.
    """
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as stream:
        lines = itertools.islice(stream, first_line - 1, None)
        line = first_line + _open_quote(lines, delimiter=delimiter)
    return TableError(
        f"{path.name}, line {line}: the quotes are not balanced; the cell that opens there does "
        "not end as it must.",
        hint='Close the cell with ", and write every " inside of it twice.',
    )


def _open_quote(lines: Iterable[str], *, delimiter: str) -> int:
    """Count the lines before the one that opens the cell which does not end well."""
    opened = 0
    quoted = False
    for number, line in enumerate(lines):
        position = 0
        while position < len(line):
            if not quoted:
                if line[position] != '"':
                    # An unquoted cell ends at the delimiter; quotes inside of it mean nothing.
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
