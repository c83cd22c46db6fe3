"""The command ``review problems``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.people.problem_table import write_problems
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output as results
from localensemble.cli.console import say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.core.words import counted


@click.command("problems", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def problems_command(
    study: Path, *, output: Annotated[Path, Option("The CSV file to write.", "-o --output")]
) -> None:
    """List where people found the codebook of STUDY unclear or could not decide.

    The file has one row per answer, sorted by variable and by the category that the raters gave,
    with the reviewer's note. Notes can quote the text of an item: protect the file as you protect
    the table of items.
    """
    written = write_problems(study, output=output)
    say(
        results(),
        f'Wrote {written.path}: {counted(written.unclear, "answer")} "codebook unclear" and '
        f'{counted(written.undecided, "answer")} "cannot decide".',
    )
