"""The command ``probe``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.before_a_run.train_probe import ProbeOptions, TrainedProbe, train_probe
from localensemble.api.shared_options import CodebookFile
from localensemble.cli.command_options import with_options
from localensemble.cli.console import cut, say
from localensemble.cli.console import output as standard_output
from localensemble.cli.isolated import isolated_option
from localensemble.cli.results.word_table import WordTable
from localensemble.core.estimates import estimate, interval, number
from localensemble.core.options import Option
from localensemble.core.words import counted


@click.command("probe")
@click.argument("items", type=click.Path(path_type=Path, dir_okay=False))
@with_options
@isolated_option
def command(
    items: Path,
    *,
    gold: Annotated[Path, Option("The table of gold labels; it can be ITEMS itself.")],
    codebook: CodebookFile,
    output: Annotated[Path, Option("The file to write, such as topics.probe.", "-o --output")],
    options: ProbeOptions,
) -> None:
    """Train a rater on the ITEMS that have gold labels.

    A probe is a small classifier over the vectors of all-minilm-l6-v2, or over words. It needs
    about a hundred gold labels, labels hundreds of texts a second, and never judges a text
    with a classifier that saw it. The file is confidential: it reveals something about the texts.
    """
    console = standard_output()
    trained = train_probe(items, gold=gold, codebook=codebook, output=output, options=options)
    for message in cut(trained.messages):
        say(console, message)
    console.print(_table(trained))
    say(
        console,
        f"Trained on {counted(trained.texts, 'text')}; {trained.held_out:,} set aside. The "
        "accuracy of each text is that of a classifier that had not seen it. Only gold labels "
        "that were set aside or are new can serve a certificate.",
    )
    say(console, f"Wrote {trained.path}. Add it to the raters of the ensemble file:")
    say(console, f"  - {{model: ./{trained.path.name}, engine: probe}}")


def _table(trained: TrainedProbe) -> WordTable:
    table = WordTable(
        "Accuracy on texts that the classifier had not seen",
        words=("variable", "95% interval", "fewest gold labels"),
        numbers=("gold labels", "accuracy", "most frequent category"),
    )
    for one in trained.variables:
        low, high = one.interval
        name, count = one.fewest
        table.add_row(
            one.name,
            interval(low, high),
            f"{name} ({count:,})",
            f"{one.gold:,}",
            estimate(one.right / one.gold, low, high),
            number(one.most_frequent / one.gold),
        )
    return table
