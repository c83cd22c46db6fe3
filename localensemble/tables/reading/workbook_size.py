"""Find out whether a workbook can be read in bounded memory and time, before it is read.

A workbook is a compressed archive of XML: 5 kilobytes may unpack to gigabytes, and one cell far
out, one merged area or one shared formula may stand for millions of cells. Each part is unpacked
once, in pieces, and counted. Refuses with what was found and what is allowed.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, NoReturn
from xml.parsers import expat

from localensemble.core.errors import TableError
from localensemble.core.limits import (
    MOST_CELL_ELEMENTS,
    MOST_FORMULA_CHARACTERS,
    MOST_OTHER_ELEMENTS,
    MOST_SHEET_CELLS,
    MOST_TEXT_RUNS,
    MOST_UNPACKED_BYTES,
    MOST_WORKBOOK_PARTS,
)

_CHUNK_BYTES = 1 << 16
_XML_NAMES = (".xml", ".rels", ".vml")
# What rows and cells are made of, in a sheet and in the texts that sheets share.
_CELL_ELEMENTS = frozenset({"row", "c", "v", "f", "is", "t", "r", "si", "sst", "sheetData"})
# What begins a text; a second text, value or formula in it is one more part to read.
_HOLDERS = frozenset({"c", "is", "r", "si"})
_PARTS = frozenset({"f", "is", "t", "v"})
_AREAS = frozenset({"mergeCell", "hyperlink"})
_AREA = re.compile(r"\$?([A-Z]{1,5})\$?(\d{1,9}):\$?([A-Z]{1,5})\$?(\d{1,9})")
_HINT = 'Check that this is the right file, or save the table as "CSV UTF-8".'


def check_workbook_size(path: Path, stream: BinaryIO) -> None:
    """Refuse a workbook that unpacks to more than can be read.

    Raises:
        TableError: it has too many parts, bytes, elements, or cells in merged areas.
        zipfile.BadZipFile: the file is not an archive.
        expat.ExpatError: a part is not XML.
    """
    with zipfile.ZipFile(stream) as archive:
        parts = archive.infolist()
        _refuse_more(path, "parts", len(parts), MOST_WORKBOOK_PARTS)
        # `zipfile` unpacks no more of a part than is stated here, so the sum cannot be a lie.
        _refuse_more(path, "bytes", sum(one.file_size for one in parts), MOST_UNPACKED_BYTES)
        counts = _Counts(path)
        for part in parts:
            if part.filename.endswith(_XML_NAMES):
                with archive.open(part) as content:
                    counts.read(content)


@dataclass(slots=True)
class _Counts:
    """What the parts of a workbook hold, counted while they are read."""

    path: Path
    of_cells: int = 0
    others: int = 0
    text_runs: int = 0
    area_cells: int = 0
    formula_characters: int = 0
    _formula: str | None = None
    _has_shared_text: bool = False
    _in_index: bool = False
    _held: set[str] = field(default_factory=set)
    _lengths: Counter[str] = field(default_factory=Counter)

    def read(self, content: IO[bytes]) -> None:
        """Count a part.

        Raises:
            TableError: the workbook has too much of something.
            expat.ExpatError: the part is not XML.
        """
        self._lengths.clear()
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        while chunk := content.read(_CHUNK_BYTES):
            parser.Parse(chunk, False)
            _refuse_more(self.path, "elements", self.of_cells, MOST_CELL_ELEMENTS)
            _refuse_more(self.path, "elements other than cells", self.others, MOST_OTHER_ELEMENTS)
            _refuse_more(self.path, "parts of texts", self.text_runs, MOST_TEXT_RUNS)
            _refuse_more(
                self.path, "cells in merged or linked areas", self.area_cells, MOST_SHEET_CELLS
            )
            _refuse_more(
                self.path,
                "characters of shared formulas",
                self.formula_characters,
                MOST_FORMULA_CHARACTERS,
            )
        parser.Parse(b"", True)

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        name = element.rpartition(":")[2]
        if name not in _CELL_ELEMENTS:
            self.others += 1
            if name in _AREAS:
                self.area_cells += _area_cells(attributes.get("ref", ""))
            return
        self.of_cells += 1
        self.text_runs += name == "r" or (name in _PARTS and name in self._held)
        if name in _HOLDERS:
            self._held.clear()
        self._held.add(name)
        if name == "c":
            self._has_shared_text = attributes.get("t") == "s"
        elif name == "v":
            self._in_index = self._has_shared_text
        elif name == "f":
            self._formula = attributes.get("si") if attributes.get("t") == "shared" else None
            if self._formula is not None:
                self.formula_characters += self._lengths[self._formula]

    def _characters(self, text: str) -> None:
        if self._formula is not None:
            self._lengths[self._formula] += len(text)
        elif self._in_index and text.lstrip().startswith("-"):
            # Python would count from the last text back, and read another label.
            raise TableError(
                f"{self.path.name}: a cell names a shared text by a number below 0.", hint=_HINT
            )

    def _end(self, _: str) -> None:
        self._formula = None
        self._in_index = False

    def _refuse_doctype(self, *_: object) -> NoReturn:
        raise TableError(
            f"{self.path.name}: the workbook declares a document type, which workbooks do not "
            "have.",
            hint=_HINT,
        )


def _area_cells(reference: str) -> int:
    found = _AREA.fullmatch(reference.upper())
    if found is None:
        return 1
    left, top, right, bottom = found.groups()
    return (abs(_column(right) - _column(left)) + 1) * (abs(int(bottom) - int(top)) + 1)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number


def _refuse_more(path: Path, what: str, found: int, most: int) -> None:
    if found > most:
        raise TableError(
            f"{path.name}: the workbook has {found:,} {what} or more; at most {most:,} are read.",
            hint=_HINT,
        )
