"""The command ``demo``."""

from __future__ import annotations

from pathlib import Path

import click

from localensemble.api.label import LabelOptions
from localensemble.cli.console import output
from localensemble.cli.isolated import isolated_option
from localensemble.cli.label_command import label_with_bars
from localensemble.cli.study_tables import show_study
from localensemble.core.resources import examples_dir


@click.command("demo")
@click.option(
    "-o",
    "--output",
    "study",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-study"),
    show_default=True,
    help="The study folder; made if missing.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Label only the first comments.")
@isolated_option
def command(study: Path, limit: int | None) -> None:
    """Label 300 patient comments with the embedded models: the whole loop.

    The comments and their gold labels come from a public data set; the models are tiny and
    only good for the demo.
    """
    items = examples_dir() / "patient_feedback.csv"
    labeled = label_with_bars(
        items,
        codebook=examples_dir() / "patient_feedback.yaml",
        study=study,
        options=LabelOptions(gold=items, limit=limit),
    )
    show_study(labeled, console=output())
