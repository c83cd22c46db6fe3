"""The command ``evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from localensemble.api.evaluate import evaluate
from localensemble.cli.console import output
from localensemble.cli.study_tables import show_findings


@click.command("evaluate")
@click.argument("study", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--gold",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A table with the item ids and a column gold_VARIABLE for each variable.",
)
@click.option("--id-column", help="The column of the gold table that identifies an item.")
def command(study: Path, gold: Path, id_column: str | None) -> None:
    """Compare the labels of STUDY with gold labels; needs no model."""
    show_findings(evaluate(study, gold=gold, id_column=id_column), console=output())
