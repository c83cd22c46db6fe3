"""The command ``review import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.people.import_decisions import ImportDecisionsOptions, import_decisions
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.results.people_summary import people_lines
from localensemble.cli.review.open_lines import say_what_is_open
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.core.words import counted, listed
from localensemble.tables.item_columns import table_options


@click.command("import", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@with_options
@isolated_option
def import_command(
    study: Path,
    file: Path,
    *,
    options: ImportDecisionsOptions,
    items: Annotated[
        Path | None,
        Option("The labeled table; required unless the study was imported without texts."),
    ] = None,
) -> None:
    """Record in STUDY what people decided in FILE, and write its files again.

    FILE is a filled-in worksheet, or a copy of escalations.csv with a column `decision`; CSV,
    Excel or Parquet. A decision is a category, `<cannot decide>` or `<codebook unclear>`; an empty
    cell decides nothing. Rows are matched by id. If one does not belong to the study, nothing is
    recorded. Importing a file again changes nothing.
    """
    console = output()
    found = import_decisions(study, file, items=items, options=options)
    people = f" of {listed(found.reviewers)}" if found.reviewers else ""
    again = f"; {found.repeated:,} were recorded before" if found.repeated else ""
    say(console, f"Recorded {counted(found.recorded, 'decision')}{people}{again}.")
    for message in found.messages:
        say(console, message)
    for line in people_lines(found.findings.review):
        say(console, line)
    for path in found.files:
        say(console, f"Wrote {path}")
    table = table_options(
        items,
        id_column=options.id_column,
        text_column=options.text_column,
        deidentify=options.deidentify,
    )
    say_what_is_open(study, table, findings=found.findings, console=console)
