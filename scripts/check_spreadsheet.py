#!/usr/bin/env python3
"""Open tables in LibreOffice and save them again, in German and in English: no cell may change.

    scripts/check_spreadsheet.py STUDY/labels.csv STUDY/escalations.csv ...

Prints every changed cell by table, row and column, never its content, and ends with 1 if there is
one. A number that only loses zeros at its end (0.1250) is the same number. Needs `soffice`
(LibreOffice Calc) on the path or in SOFFICE; without it, says so and checks nothing. The test
suite does not need it.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

LOCALES = ("de-DE", "en-US")
_MOST_SECONDS = 120
# Below <profile>/user: the locale decides how numbers and dates are read and written.
_SETTINGS = """\
<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">\
<value>{locale}</value></prop></item>
</oor:items>
"""
_UTF_8 = 76


@dataclass(frozen=True, slots=True)
class Change:
    """A cell that a spreadsheet changed; row 1 is the first row below the header."""

    table: str
    locale: str
    special: bool
    row: int
    column: str


def find_soffice() -> str | None:
    """Return the program of LibreOffice, or None if it is not on this machine."""
    return os.environ.get("SOFFICE") or shutil.which("soffice") or shutil.which("libreoffice")


def changed_cells(soffice: str, tables: list[Path], *, locale: str, special: bool) -> list[Change]:
    """Return the cells that a round trip through LibreOffice changes.

    Args:
        soffice: the program.
        tables: CSV files with different names.
        locale: the language and country of LibreOffice.
        special: whether to recognize dates and the like, as its dialog offers.
    """
    changes = []
    by_delimiter: dict[str, list[Path]] = {}
    for table in tables:
        by_delimiter.setdefault(_delimiter(table), []).append(table)
    with tempfile.TemporaryDirectory() as folder:
        for delimiter, alike in by_delimiter.items():
            # Delimiter, quote, encoding, first line, columns, language (0: of the profile), all
            # quoted cells as text (no). The last option recognizes dates and the like when
            # reading, and saves cells as they are shown when writing.
            start = f"{ord(delimiter)},34,{_UTF_8},1,,0,false"
            _save_again(
                soffice,
                alike,
                Path(folder),
                locale=locale,
                read=f"{start},{str(special).lower()}",
                write=f"{start},true",
            )
            for table in alike:
                before = _rows(table, delimiter)
                after = _rows(Path(folder) / f"{table.stem}.csv", delimiter)
                if len(before) != len(after):
                    changes.append(Change(table.name, locale, special, len(after), "(rows)"))
                changes += [
                    Change(table.name, locale, special, number, column)
                    for number, (old, new) in enumerate(zip(before, after, strict=False))
                    for column, *cells in zip(before[0], old, new, strict=True)
                    if not _same(*cells)
                ]
    return changes


def _save_again(
    soffice: str, tables: list[Path], folder: Path, *, locale: str, read: str, write: str
) -> None:
    profile = folder / f"profile-{locale}"
    settings = profile / "user" / "registrymodifications.xcu"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(_SETTINGS.format(locale=locale), encoding="utf-8")
    name = "Text - txt - csv (StarCalc)"
    ended = subprocess.run(
        [
            soffice,
            f"-env:UserInstallation={profile.as_uri()}",
            "--headless",
            f"--infilter={name}:{read}",
            "--convert-to",
            f"csv:{name}:{write}",
            "--outdir",
            str(folder),
            *(str(table.resolve()) for table in tables),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=_MOST_SECONDS,
    )
    for table in tables:
        if ended.returncode or not (folder / f"{table.stem}.csv").exists():
            raise RuntimeError(f"LibreOffice could not save {table.name} again: {ended.stderr}")


def _rows(table: Path, delimiter: str) -> list[list[str]]:
    with table.open(encoding="utf-8-sig", newline="") as stream:
        return [
            [cell.replace("\r\n", "\n") for cell in cells]
            for cells in csv.reader(stream, delimiter=delimiter)
            if cells
        ]


def _delimiter(table: Path) -> str:
    with table.open(encoding="utf-8-sig") as stream:
        header = stream.readline()
    return max(",;\t|", key=header.count)


def _same(old: str, new: str) -> bool:
    return old == new or _without_zeros(old) == new


def _without_zeros(number: str) -> str:
    whole, mark, decimals = number.partition(",") if "," in number else number.partition(".")
    if not (whole.lstrip("-").isdigit() and decimals.isdigit()):
        return number
    decimals = decimals.rstrip("0")
    return f"{whole}{mark}{decimals}" if decimals else whole


def main(tables: list[Path]) -> int:
    """Check the tables and print what changed."""
    soffice = find_soffice()
    if soffice is None:
        print("Skipped; nothing was checked: soffice was not found; install LibreOffice Calc.")
        return 0
    changes = [
        change
        for locale in LOCALES
        for special in (False, True)
        for change in changed_cells(soffice, tables, locale=locale, special=special)
    ]
    for change in changes:
        print(
            f"{change.table}, row {change.row}, column {change.column}: changed in {change.locale}"
            f"{' with special numbers' if change.special else ''}."
        )
    print(f"Tables: {len(tables)}; languages: {len(LOCALES)}; changed cells: {len(changes)}.")
    return 1 if changes else 0


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("Name one or more CSV files.")
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
