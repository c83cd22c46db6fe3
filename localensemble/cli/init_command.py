"""The command ``init``."""

from __future__ import annotations

from pathlib import Path

import click

from localensemble.api.codebook import init
from localensemble.cli.isolated import isolated_option


@click.command("init")
@click.argument("items", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder for the two files. [default: this one]",
)
@click.option("--id-column", help="The column that identifies an item.")
@click.option("--text-column", help="The column that holds the text.")
@isolated_option
def command(folder: Path, items: Path, id_column: str | None, text_column: str | None) -> None:
    """Write a codebook and an ensemble file to start from, guided by the columns of ITEMS."""
    started = init(items, folder=folder, id_column=id_column, text_column=text_column)
    for message in started.messages:
        click.echo(message)
    if started.label_columns:
        names = ", ".join(started.label_columns)
        click.echo(f"Drafted variables from columns that repeat a few words: {names}.")
        click.echo("Delete from the codebook those that ask nothing of a text.")
    click.echo(f"Wrote {started.codebook} and {started.ensemble}.")
    click.echo(f"Next: fill in the codebook, then run `localensemble check {started.codebook}`.")
