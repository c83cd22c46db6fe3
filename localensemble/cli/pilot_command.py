"""The command ``pilot``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click
from rich.console import Console

from localensemble.api.before_a_run.model_ranking import ModelRanking
from localensemble.api.before_a_run.pilot import Pilot, PilotFindings, PilotOptions, pilot, rows
from localensemble.api.shared_options import CodebookFile
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output as standard_output
from localensemble.cli.console import progress_output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.progress import RaterBars
from localensemble.cli.results.word_table import WordTable
from localensemble.core.options import Option
from localensemble.core.words import counted

# With more variables or raters, only the rows that show something fit on a screen.
_MOST_ROWS = 12


@click.command("pilot")
@click.argument("items", type=click.Path(path_type=Path, dir_okay=False))
@with_options
@isolated_option
def command(
    items: Path,
    *,
    codebook: CodebookFile,
    options: PilotOptions,
    output: Annotated[
        Path | None,
        Option(
            "A folder for pilot.json and for the calibrations that gold labels recommend.",
            "-o --output",
            folder=True,
        ),
    ] = None,
    details: Annotated[
        bool, Option("Also print how each calibration changes the shares of the categories.")
    ] = False,
) -> None:
    """Find out from 50 ITEMS which raters are fit, and how much a run would accept.

    Every rater labels the items twice, with the categories in the order of the codebook and in
    reverse, and a few texts without content. No label is recorded.
    """
    console = progress_output()
    with RaterBars(console) as bars:
        found = pilot(
            items,
            codebook=codebook,
            options=options,
            folder=output,
            on_message=lambda message: say(console, message),
            on_progress=bars.show,
        )
    _show(found, standard_output(), details=details)


def _show(found: Pilot, console: Console, *, details: bool) -> None:
    say(console, f"{found.heading}\n")
    for number, sentence in enumerate(found.advice, 1):
        say(console, f"{number}. {sentence}")
    say(console, "")
    table = WordTable(
        "Raters in the pilot",
        words=("variable", "rater", "sign"),
        numbers=(
            "off-codebook",
            f"above {found.findings.limit:g}",
            "most frequent",
            "changed",
            "first place",
        ),
    )
    every = rows(found.findings)
    shown = every if details or len(every) <= _MOST_ROWS else [row for row in every if row[2]]
    for row in shown:
        table.add_row(*row)
    if shown:
        console.print(table)
    if len(shown) < len(every):
        left_out = counted(len(every) - len(shown), "row")
        say(console, f"Left out: {left_out} without a sign (--details).\n")
    for sentence in found.outlook:
        say(console, sentence)
    for ranking in found.rankings:
        _show_ranking(ranking, console)
    if any(one.sentence for one in found.rankings):
        say(
            console,
            "The best of several looks better than it is. Evaluate it on other gold labels.\n",
        )
    if details:
        _show_priors(found.findings, console)
    if found.files:
        say(console, f"Wrote {', '.join(map(str, found.files))}.")


def _show_ranking(ranking: ModelRanking, console: Console) -> None:
    say(console, "")
    table = WordTable(
        f"{ranking.variable}: models by accuracy on the gold labels, then by size",
        words=("model", "refused"),
        numbers=("rank", "accuracy", "low", "high", "right", "items", "bytes"),
    )
    for one in ranking.models:
        rank, name, right, items, accuracy, low, high, size, refused = one.row
        table.add_row(name, refused, rank, accuracy, low, high, right, items, size)
    console.print(table)
    if ranking.sentence:
        say(console, ranking.sentence)


def _show_priors(found: PilotFindings, console: Console) -> None:
    """Show how a division by a prior changes the shares of the categories."""
    say(console, "")
    for variable in found.variables:
        table = WordTable(
            f"{variable.variable}: items per category, as they are and calibrated",
            words=("rater", "category"),
            numbers=("raw", "contextual", "batch"),
        )
        for rater in variable.priors.raters:
            counts = zip(variable.categories, rater.raw, rater.contextual, rater.batch, strict=True)
            for category, *given in counts:
                table.add_row(rater.rater, category, *map(str, given))
            if variable.priors.gold_items:
                right = (f"{one:,} of {variable.priors.gold_items:,}" for one in rater.right)
                table.add_row(rater.rater, "(equal to gold)", *right)
        console.print(table)
    say(
        console,
        "Batch: divided by the mean over these items; only for comparison, not for `label`.",
    )
