"""The command ``finalize``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.deidentified.people_texts import DeidentifyBy
from localensemble.api.people.finalize import finalize
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.results.people_summary import people_lines
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.core.words import counted
from localensemble.tables.item_columns import IdColumn, TextColumn


@click.command("finalize", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def command(
    study: Path,
    *,
    items: Annotated[
        Path | None,
        Option("The labeled table; required unless the study was imported without texts."),
    ] = None,
    final: Annotated[
        Path,
        Option("The table to write: its name ends with .csv, .xlsx or .parquet.", "-o --output"),
    ],
    allow_open: Annotated[
        bool, Option("Write the table although decisions are open; their labels are empty.")
    ] = False,
    id_column: IdColumn = None,
    text_column: TextColumn = None,
    deidentify: DeidentifyBy = None,
) -> None:
    """Write the finished table of STUDY: your columns, and each variable's final label.

    Beside each label stand its status and its origin: a person, models, or raters of an imported
    table. While decisions are open, nothing is written; the message names them.
    """
    console = output()
    done = finalize(
        study,
        output=final,
        items=items,
        allow_open=allow_open,
        id_column=id_column,
        text_column=text_column,
        deidentify=deidentify,
    )
    found = ", ".join(f"{count:,} {status}" for status, count in done.statuses if count)
    say(console, f"Wrote {done.path}: {counted(done.items, 'item')}; labels: {found}.")
    for line in (*done.messages, *people_lines(done.review)):
        say(console, line)
    if done.review:
        say(console, f"The report has the details: localensemble report {study}")
    if done.open:
        say(console, f"{counted(done.open, 'label')} left empty: a person must still decide.")
