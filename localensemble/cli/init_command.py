"""The command ``init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.codebook import init
from localensemble.cli.command_options import with_options
from localensemble.cli.isolated import isolated_option
from localensemble.core.options import Option
from localensemble.tables.item_columns import IdColumn, TextColumn


@click.command("init")
@click.argument("items", type=click.Path(path_type=Path, dir_okay=False))
@with_options
@isolated_option
def command(
    items: Path,
    *,
    folder: Annotated[
        Path, Option("The folder for the two files.", "-o --output", folder=True)
    ] = Path(),
    id_column: IdColumn = None,
    text_column: TextColumn = None,
) -> None:
    """Draft a codebook and an ensemble file from the columns of ITEMS."""
    started = init(items, folder=folder, id_column=id_column, text_column=text_column)
    for message in started.messages:
        click.echo(message)
    if started.label_columns:
        names = ", ".join(started.label_columns)
        click.echo(f"Drafted variables from columns that repeat a few words: {names}.")
        click.echo("Delete the variables that are not questions about the text.")
    click.echo(f"Wrote {started.codebook} and {started.ensemble}.")
    click.echo(f"Next: fill in the codebook, then run `localensemble check {started.codebook}`.")
