"""The command ``import``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast, get_args

import click

from localensemble.api.agree import NamedColumns, TableLayout
from localensemble.api.import_ratings import RatingsLevel, RatingsOptions, import_ratings
from localensemble.cli.console import output as standard_output
from localensemble.cli.console import say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.label_command import BELOW_REQUIRED
from localensemble.cli.ratings_options import READING_OPTIONS
from localensemble.cli.study_tables import show_findings

_FILE = click.Path(path_type=Path, dir_okay=False)


def _reading_options(command: click.decorators.FC) -> click.decorators.FC:
    for option in reversed(READING_OPTIONS):
        command = option(command)
    return command


@click.command("import")
@click.argument("ratings", type=_FILE)
@click.option(
    "--level",
    type=click.Choice(get_args(RatingsLevel)),
    help="Level of measurement; required unless --codebook is given.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The study folder; made if missing.",
)
@_reading_options
@click.option(
    "-e",
    "--ensemble",
    "rules",
    type=_FILE,
    help="Decide by consensus and escalation of this ensemble file. [default: the rules of the "
    "study, or majority]",
)
@click.option("--items", type=_FILE, help="A table with the items and their texts.")
@click.option("--id-column", help="The column of the items that identifies an item.")
@click.option("--text-column", help="The column of the items that holds the text.")
@isolated_option
def command(
    *,
    ratings: Path,
    level: str | None,
    output: Path,
    layout: str | None,
    item: str | None,
    rater: str | None,
    label_columns: tuple[str, ...],
    raters: tuple[str, ...] | None,
    variable_column: str | None,
    sheet: str | None,
    gaps: tuple[str, ...],
    categories: tuple[str, ...] | None,
    codebook: Path | None,
    rules: Path | None,
    items: Path | None,
    id_column: str | None,
    text_column: str | None,
) -> None:
    """Make a study of RATINGS that people or other programs gave.

    RATINGS is a table (CSV, Excel workbook or Parquet), long (item, rater, label) or wide (one
    column for each rater), of one variable or several. The study is decided at once; `consensus`
    decides it by other rules. Without --items its tables hold the ids alone.

    Ends with exit code 5 when raters agree less than the codebook requires.
    """
    console = standard_output()
    imported = import_ratings(
        ratings,
        output=output,
        options=RatingsOptions(
            level=cast(RatingsLevel | None, level),
            columns=NamedColumns(
                layout=cast(TableLayout | None, layout),
                item=item,
                rater=rater,
                labels=label_columns,
                raters=raters or (),
                variable=variable_column,
            ),
            gaps=gaps,
            sheet=sheet,
            categories=categories,
            codebook=codebook,
            rules=rules,
            items=items,
            id_column=id_column,
            text_column=text_column,
        ),
    )
    show_findings(imported.findings, console=console)
    for message in imported.messages:
        say(console, message)
    for path in imported.files:
        say(console, f"Wrote {path}")
    if not imported.findings.agreement_met:
        sys.exit(BELOW_REQUIRED)
