"""The command ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.report import write_report
from localensemble.api.shared_options import (
    GoldTable,
    GroupColumn,
    IdColumnOfAll,
    RandomSample,
)
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.errors import InputError
from localensemble.core.options import Option
from localensemble.tables.item_columns import TextColumn


@click.command("report", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path, file_okay=False))
@with_options
@isolated_option
def command(
    study: Path,
    *,
    gold: GoldTable = None,
    id_column: IdColumnOfAll = None,
    group_column: GroupColumn = None,
    random_sample: RandomSample = False,
    include_text: Annotated[
        bool, Option("Show the texts of the most doubtful items. [needs --items]")
    ] = False,
    items: Annotated[
        Path | None, Option("The labeled table; required with --include-text.")
    ] = None,
    text_column: TextColumn = None,
    data_sheet: Annotated[
        bool,
        Option("Also write data-sheet.md: a record of processing activities (Article 30 GDPR)."),
    ] = False,
) -> None:
    """Write report.html and findings.json for STUDY; needs no model.

    The page is one file that loads nothing from anywhere. It contains no item texts
    unless --include-text is given.
    """
    if include_text != (items is not None):
        raise InputError(
            "--include-text and --items go together, because the ledger stores no texts.",
            hint="Give both, with the labeled table as --items, or neither.",
        )
    written = write_report(
        study,
        gold=gold,
        id_column=id_column,
        group_column=group_column,
        random_sample=random_sample,
        items=items,
        text_column=text_column,
        data_sheet=data_sheet,
    )
    console = output()
    for message in written.messages:
        say(console, message)
    for path in (written.html, written.json):
        say(console, str(path))
