"""The command ``sample``."""

from __future__ import annotations

from pathlib import Path

import click

from localensemble.api.certify import plan
from localensemble.api.sample import Sample, sample
from localensemble.cli.console import output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.ratings_options import StudyCommand

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("sample", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--items",
    type=_FILE,
    help="The table that was labeled; required unless the study was imported without texts.",
)
@click.option(
    "--n", "count", type=click.IntRange(min=1), required=True, help="How many items to draw."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another draws others."
)
@click.option(
    "-o", "--output", "worksheet", type=_FILE, required=True, help="The worksheet (CSV) to write."
)
@click.option("--id-column", help="The column of the items that identifies an item.")
@click.option("--text-column", help="The column of the items that holds the text.")
@isolated_option
def command(
    *,
    study: Path,
    items: Path | None,
    count: int,
    seed: int,
    worksheet: Path,
    id_column: str | None,
    text_column: str | None,
) -> None:
    """Draw items of STUDY at random and write a worksheet for a person to label.

    The worksheet is blind: it holds no label of any rater. For a study that was imported
    without texts it holds ids alone.
    """
    console = output()
    drawn = sample(
        study,
        items=items,
        count=count,
        seed=seed,
        worksheet=worksheet,
        id_column=id_column,
        text_column=text_column,
    )
    say(
        console,
        f"Wrote {drawn.path}: {drawn.drawn:,} of {drawn.item_count:,} items, drawn at random.",
    )
    console.print("Fill in every row, from the top; write the categories exactly so:")
    for variable in drawn.codebook.variables:
        say(console, f"  gold_{variable.name}: {', '.join(variable.answers)}")
    for line in _next(study, drawn):
        say(console, line)


def _next(study: Path, drawn: Sample) -> tuple[str, ...]:
    """Say what the worksheet is good for: few gold labels certify nothing."""
    usual = plan()
    variable = drawn.codebook.variables[0].name
    if usual.items_needed is None or drawn.drawn >= usual.items_needed:
        gold = f"--gold {drawn.path} --variable {variable}"
        return (f"Next: localensemble certify {study} {gold}",)
    return (
        f"Next: localensemble evaluate {study} --gold {drawn.path} --random-sample",
        f"The usual promise of `certify` (at most {usual.alpha:.0%} wrong, confidence "
        f"{1 - usual.delta:.0%}) takes about {usual.items_needed:,} items if {usual.error_rate:.0%}"
        f" of the accepted are wrong and {usual.accepted_share:.0%} are accepted; these are "
        f"{drawn.drawn:,}. `localensemble certify --plan` works it out for other promises.",
    )
