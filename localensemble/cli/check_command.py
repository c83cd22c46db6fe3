"""The command ``check``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import click
from rich.console import Console

from localensemble.api.before_a_run.identifiers import KINDS, ScannedTable, count_identifiers
from localensemble.api.codebook import SharedRemark, check
from localensemble.api.findings import counted
from localensemble.cli.command_options import with_options
from localensemble.cli.console import cut, output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.results.word_table import WordTable
from localensemble.core.options import Option

_MOST_PLACES = 4
# A remark takes one line, or two if it is about several places.
_MOST_REMARKS = 8


@click.command("check")
@click.argument("file", metavar="CODEBOOK", type=click.Path(path_type=Path, dir_okay=False))
@with_options
@isolated_option
def command(
    file: Path,
    *,
    list_all: Annotated[bool, Option("List every remark and every place.", "--all")] = False,
    privacy: Annotated[
        bool, Option("Read CODEBOOK as a table, and count the identifiers in its columns.")
    ] = False,
) -> None:
    """Check CODEBOOK for methodological problems; exits with code 1 if it finds an error.

    A remark about several places is listed once.

    With --privacy, give a table. Its columns are searched for the eighteen kinds of identifiers
    that HIPAA's Safe Harbor names. The command shows counts by column and kind, never a value.
    """
    console = output()
    if privacy:
        _show_identifiers(file, count_identifiers(file), console)
        return
    codebook = file
    loaded, remarks = check(codebook)
    errors = [remark for remark in remarks if remark.severity == "error"]
    others = [remark for remark in remarks if remark.severity != "error"]
    for title, found in (("Errors", errors), ("Remarks", others)):
        if found:
            _show(title, found, console, list_all=list_all)
    console.print(
        f"{codebook.name}: {counted(len(loaded.variables), 'variable')}, "
        f"{counted(len(errors), 'error')}, {counted(len(others), 'remark')}.",
        highlight=False,
    )
    if errors:
        sys.exit(1)


def _show_identifiers(file: Path, scanned: ScannedTable, console: Console) -> None:
    names = {kind.letter: f"{kind.letter} {kind.name}" for kind in KINDS}
    table = WordTable(
        "Identifiers by column and kind of 45 CFR 164.514(b)(2)(i)",
        words=("column", "kind", "found by"),
        numbers=("cells", "identifiers"),
    )
    for one in scanned.identifiers:
        by = "heading" if one.by_heading else "pattern"
        table.add_row(one.column, names[one.kind], by, f"{one.cells:,}", f"{one.found:,}")
    if scanned.identifiers:
        console.print(table)
    columns = {one.column for one in scanned.identifiers}
    say(
        console,
        f"{file.name}: {counted(scanned.rows, 'row')}; {len(columns):,} of "
        f"{counted(scanned.columns, 'column')} with identifiers. Patterns miss identifiers without "
        "a form of their own, especially names: a count of 0 does not mean that there are none.",
    )


def _show(title: str, remarks: Sequence[SharedRemark], console: Console, *, list_all: bool) -> None:
    say(console, f"{title}:")
    shown = [_lines(remark, list_all=list_all) for remark in remarks]
    most = len(shown) if list_all else _MOST_REMARKS
    for line in cut(shown, most=most, whole="--all lists them"):
        say(console, line)
    console.print()


def _lines(remark: SharedRemark, *, list_all: bool) -> str:
    said = f"{remark.what} {remark.what_to_do}"
    if len(remark.places) == 1:
        return f"  {remark.severity}: {remark.places[0]}: {said}"
    most = len(remark.places) if list_all else _MOST_PLACES
    places = "; ".join(cut(remark.places, most=most))
    return f"  {remark.severity}: {len(remark.places):,} places: {said}\n    {places}"
