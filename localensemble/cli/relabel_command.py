"""The command ``relabel``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click
from rich.console import Console

from localensemble.api.relabeling.relabel_differences import (
    Relabeling,
    RelabelOptions,
    relabel_differences,
    write_relabeled,
)
from localensemble.api.shared_options import CodebookFile
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output as standard_output
from localensemble.cli.console import progress_output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.progress import RaterBars
from localensemble.cli.results.word_table import WordTable
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.core.words import counted


@click.command("relabel", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def command(
    study: Path,
    *,
    against: Annotated[
        Path, Option("Existing labels: item ids and a column for each variable.", metavar="FILE")
    ],
    items: Annotated[Path, Option("The labeled table.")],
    codebook: CodebookFile,
    ensemble: Annotated[
        Path, Option("The ensemble file (YAML) of the other raters.", "-e --ensemble")
    ],
    output: Annotated[
        Path, Option("The study folder of the other raters.", "-o --output", folder=True)
    ],
    table: Annotated[
        Path | None, Option("Write each item that was labeled again to this CSV file.")
    ] = None,
    options: RelabelOptions,
) -> None:
    """Let other raters label the items of STUDY whose existing label differs.

    Where the existing label and the label of STUDY differ, each has one vote, and the majority of
    the other raters has the third. Shows how far the two agree before and after, and who won, by
    existing label. --audit-share also labels some of the items on which the two agree.

    The other raters label into a study of their own. After an interruption, run the same command
    again to resume. STUDY does not change.
    """
    console = progress_output()
    with RaterBars(console) as bars:
        found = relabel_differences(
            study,
            against=against,
            items=items,
            codebook=codebook,
            ensemble=ensemble,
            output=output,
            options=options,
            on_progress=bars.show,
            on_message=lambda message: say(console, message),
        )
    _show(found, standard_output())
    if table is not None:
        write_relabeled(found, path=table)
        say(standard_output(), f"Wrote {table}: {counted(len(found.items), 'row')}, without texts.")


def _show(found: Relabeling, console: Console) -> None:
    for one in found.variables:
        say(console, f"{one.variable}: {' '.join(one.sentences())}\n")
    table = WordTable(
        "Disagreements by existing label",
        words=("variable", "existing label"),
        numbers=("compared", "differ", "study won", "existing won", "neither", "open"),
    )
    for one in found.variables:
        for category in one.comparison.categories:
            won = (category.study_right, category.existing_right, category.neither_right)
            differ = category.disagreements
            counts = (category.compared, differ, *won, differ - sum(won))
            table.add_row(one.variable, category.category, *(f"{count:,}" for count in counts))
    console.print(table)
    if found.raters:
        say(console, f"Other raters: {', '.join(found.raters)}. Their labels: {found.folder}")
    else:
        say(console, "Nothing was labeled again: the labels do not differ.")
