"""The command ``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.label import LabelOptions
from localensemble.api.shared_options import StudyToWrite
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output
from localensemble.cli.isolated import isolated_option
from localensemble.cli.label_command import label_with_bars
from localensemble.cli.results.study_summary import show_labeled
from localensemble.core.options import Option
from localensemble.core.resources import examples_dir
from localensemble.tables.item_columns import table_options


@click.command("demo")
@with_options
@isolated_option
def command(
    *,
    study: StudyToWrite = Path("demo-study"),
    limit: Annotated[
        int | None, Option("How many comments to label, from the first. [default: all]", least=1)
    ] = None,
) -> None:
    """Label 300 patient comments with the embedded models, from table to report.

    The comments and their gold labels come from a public data set. The models are tiny and
    suit only the demo.
    """
    items = examples_dir() / "patient_feedback.csv"
    labeled = label_with_bars(
        items,
        codebook=examples_dir() / "patient_feedback.yaml",
        study=study,
        options=LabelOptions(demo_models=True, gold=items, limit=limit),
    )
    show_labeled(labeled, console=output(), table=table_options(items))
