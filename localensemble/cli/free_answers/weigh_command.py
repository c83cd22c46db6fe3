"""The command ``weigh``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.free_answers.weigh_answers import (
    WeighedAnswers,
    WeighOptions,
    weigh_answers,
    write_choices,
)
from localensemble.cli.command_options import with_options
from localensemble.cli.console import cut, say
from localensemble.cli.console import output as standard_output
from localensemble.cli.isolated import isolated_option
from localensemble.cli.results.word_table import WordTable
from localensemble.core.estimates import number
from localensemble.core.options import Option


@click.command("weigh")
@click.argument("answers", type=click.Path(path_type=Path, dir_okay=False))
@with_options
@isolated_option
def command(
    answers: Path,
    *,
    output: Annotated[
        Path | None,
        Option("Write the chosen answer of each item to this CSV file.", "-o --output"),
    ] = None,
    options: WeighOptions,
) -> None:
    """Choose among free-text answers of several raters by weighted consistency.

    ANSWERS is a table with one answer in each row: item, rater, answer. An answer is consistent if
    it is similar to those of the other raters; raters that are more consistent over all items
    count more. This shows how far raters agree, not whether they are right.
    """
    console = standard_output()
    found = weigh_answers(answers, options=options)
    for message in cut(found.messages):
        say(console, message)
    console.print(_table(found))
    if output is not None:
        write_choices(found, path=output)
        say(console, f"Wrote {output}. It has the texts of the answers.")


def _table(found: WeighedAnswers) -> WordTable:
    table = WordTable(
        f"Weighted consistency, {len(found.choices):,} items",
        words=("rater",),
        numbers=("weight", "answers", "compared", "chosen"),
    )
    for one in found.raters:
        weight = "none" if one.weight is None else number(one.weight)
        counts = (one.answers, one.compared, one.chosen)
        table.add_row(one.rater, weight, *(f"{count:,}" for count in counts))
    return table
