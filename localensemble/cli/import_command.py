"""The command ``import``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.import_ratings import RatingsOptions, import_ratings
from localensemble.api.shared_options import StudyToWrite
from localensemble.cli.command_options import with_options
from localensemble.cli.console import cut, say
from localensemble.cli.console import output as standard_output
from localensemble.cli.isolated import isolated_option
from localensemble.cli.label_command import BELOW_REQUIRED
from localensemble.cli.results.study_summary import show_summary
from localensemble.core.options import Option
from localensemble.core.words import listed


@click.command("import")
@click.argument("ratings", type=click.Path(path_type=Path, dir_okay=False))
@with_options
@isolated_option
def command(
    ratings: Path,
    *,
    output: StudyToWrite,
    options: RatingsOptions,
    details: Annotated[bool, Option("Also show every table and remark.")] = False,
) -> None:
    """Make a study from RATINGS that people or other programs gave.

    RATINGS is a table (CSV, Excel workbook or Parquet), long (item, rater, label) or wide (one
    column for each rater), with one variable or several. The study is decided right away; use
    `consensus` to decide it with other rules. Without --items, its tables contain only ids.

    Exits with code 5 if the raters agree less than the codebook requires.
    """
    console = standard_output()
    imported = import_ratings(ratings, output=output, options=options)
    show_summary(imported.findings, console=console, details=details)
    for message in cut(imported.messages):
        say(console, message)
    if imported.files:
        say(console, f"Wrote {listed([str(path) for path in imported.files])}.")
    if not imported.findings.agreement_met:
        sys.exit(BELOW_REQUIRED)
