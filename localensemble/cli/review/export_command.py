"""The command ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.deidentified.people_texts import DeidentifyBy
from localensemble.api.export_formats.export_study import ExportFormat, export_study
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.core.words import counted
from localensemble.tables.item_columns import IdColumn, TextColumn


@click.command("export", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def command(
    study: Path,
    *,
    format: Annotated[ExportFormat, Option("The format to write.")],  # noqa: A002
    path: Annotated[Path, Option("The file to write.", "-o --output")],
    items: Annotated[
        Path | None, Option("The labeled table; required for --include-text only.")
    ] = None,
    include_text: Annotated[
        bool, Option("Also export the texts of the items and the notes of people.")
    ] = False,
    id_column: IdColumn = None,
    text_column: TextColumn = None,
    deidentify: DeidentifyBy = None,
) -> None:
    """Export the labels of STUDY to another program.

    An export has final labels, their status and origin, the labels of all raters, and the
    decisions of people. It has no item text unless --include-text is given. docs/exports.md
    describes every format.
    """
    console = output()
    written = export_study(
        study,
        format=format,
        output=path,
        items=items,
        include_text=include_text,
        id_column=id_column,
        text_column=text_column,
        deidentify=deidentify,
    )
    texts = "with their texts" if written.with_texts else "without texts"
    first, *others = written.files
    say(console, f"Wrote {first}: {counted(written.item_count, 'item')}, {texts}.")
    for other in others:
        say(console, f"Wrote {other}.")
    for message in written.messages:
        say(console, message)
    if written.open_count:
        say(
            console,
            f"{counted(written.open_count, 'decision')} still open; their labels are empty.",
        )
