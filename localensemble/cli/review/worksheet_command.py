"""The command ``review worksheet``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.deidentified.people_texts import DeidentifyBy
from localensemble.api.people.worksheet import ExistingLabels, write_worksheet
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output as results
from localensemble.cli.console import say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.tables.item_columns import IdColumn, TextColumn, table_options

_TODO = {
    ".html": "Open it in any browser; it needs no network. Its button saves the answers as a file.",
    ".xlsx": "Choose an answer in the yellow cells; the second sheet has the codebook.",
    ".csv": "Fill in the columns that open_variables names. Write the categories exactly, or "
    "<cannot decide> or <codebook unclear>.",
}


@click.command("worksheet", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def worksheet_command(
    study: Path,
    *,
    items: Annotated[
        Path | None,
        Option("The labeled table; required unless the study was imported without texts."),
    ] = None,
    output: Annotated[Path, Option("The worksheet to write: .xlsx, .csv or .html.", "-o --output")],
    count: Annotated[int | None, Option("How many items to write at most.", "--n", least=1)] = None,
    reviewer: Annotated[
        str | None, Option("Who decides; otherwise `review import` asks for the name.")
    ] = None,
    beside_labels: Annotated[
        bool,
        Option("Show the raters' labels. People who see them tend to agree with them."),
    ] = False,
    existing: ExistingLabels,
    id_column: IdColumn = None,
    text_column: TextColumn = None,
    deidentify: DeidentifyBy = None,
) -> None:
    """Write a worksheet in which a person decides the open items of STUDY without this program.

    The worksheet has one row per item that awaits a person, the most doubtful first. It is blind:
    it has the ids, the texts and the codebook, but no rater's label and no other column of the
    table, such as gold labels. An .xlsx file has lists to choose from, an .html file is one page
    that works from a USB stick without network, and a .csv file has the format of your table.

    With --against, the worksheet asks about the items whose existing label differs from the
    study's, in random order, and shows neither label.
    """
    written = write_worksheet(
        study,
        items=items,
        output=output,
        count=count,
        reviewer=reviewer,
        beside_labels=beside_labels,
        existing=existing,
        id_column=id_column,
        text_column=text_column,
        deidentify=deidentify,
    )
    console = results()
    asked = (
        "items that await a person"
        if existing.against is None
        else "items to decide for the comparison with existing labels"
    )
    say(
        console,
        f"Wrote {written.path}: {written.asked:,} of {written.waiting:,} {asked}. "
        f"Variables: {', '.join(written.variables)}.",
    )
    say(console, _TODO[written.path.suffix.lower()])
    given = table_options(
        items, id_column=id_column, text_column=text_column, deidentify=deidentify
    )
    say(console, f"Next: localensemble review import {study} FILE{given} --reviewer NAME")
