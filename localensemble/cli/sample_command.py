"""The command ``sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.certificates.certify import plan
from localensemble.api.sample import Sample, sample
from localensemble.cli.command_options import with_options
from localensemble.cli.console import cut, output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.tables.item_columns import IdColumn, TextColumn


@click.command("sample", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def command(
    study: Path,
    *,
    items: Annotated[
        Path | None,
        Option("The labeled table; required unless the study was imported without texts."),
    ] = None,
    count: Annotated[
        int | None,
        Option(
            "How many items to draw; required unless --check-certificate is given.", "--n", least=1
        ),
    ] = None,
    check_certificate: Annotated[
        str | None,
        Option(
            "Draw from the accepted labels of this VARIABLE, to check on these texts a certificate "
            "made on others. [default of --n: as many as the check needs]",
        ),
    ] = None,
    seed: Annotated[int, Option("The random seed; another seed draws other items.", least=0)] = 0,
    worksheet: Annotated[Path, Option("The worksheet (CSV) to write.", "-o --output")],
    id_column: IdColumn = None,
    text_column: TextColumn = None,
) -> None:
    """Draw random items from STUDY and write a worksheet for a person to label.

    The worksheet is blind: it has the ids, the texts and empty columns, but no rater's labels and
    no other column of the table, such as gold labels. For a study imported without texts, it has
    no texts.
    """
    if count is None and check_certificate is None:
        raise click.UsageError("Give --n, or --check-certificate VARIABLE.")
    console = output()
    drawn = sample(
        study,
        items=items,
        count=count,
        seed=seed,
        worksheet=worksheet,
        id_column=id_column,
        text_column=text_column,
        check_certificate=check_certificate,
    )
    which = "items" if drawn.checks is None else f"items with an accepted label of {drawn.checks}"
    say(
        console,
        f"Wrote {drawn.path}: {drawn.drawn:,} of {drawn.item_count:,} {which}, drawn at random.",
    )
    console.print("Fill in every row, from the top. Write the categories exactly as shown:")
    columns = [
        f"  gold_{one.name}: {', '.join(one.answers)}"
        for one in drawn.codebook.variables
        if drawn.checks in (None, one.name)
    ]
    for line in cut(columns, whole="the codebook has all"):
        say(console, line)
    for line in _next(study, drawn):
        say(console, line)


def _next(study: Path, drawn: Sample) -> tuple[str, ...]:
    """Name the next step that fits the worksheet: few gold labels certify nothing."""
    if drawn.checks is not None:
        return (f"Next: localensemble evaluate {study} --gold {drawn.path}",)
    usual = plan()
    variable = drawn.codebook.variables[0].name
    if usual.items_needed is None or drawn.drawn >= usual.items_needed:
        gold = f"--gold {drawn.path} --variable {variable}"
        return (f"Next: localensemble certify {study} {gold}",)
    held = ""
    if usual.items_needed > drawn.item_count:
        held = f", which is more than the {drawn.item_count:,} of this study"
    return (
        f"Next: localensemble evaluate {study} --gold {drawn.path} --random-sample",
        f"You drew {drawn.drawn:,} items. The default promise of `certify` (at most "
        f"{usual.alpha:.0%} wrong, confidence {1 - usual.delta:.0%}) needs about "
        f"{usual.items_needed:,} items if {usual.error_rate:.0%} of the accepted labels are wrong "
        f"and {usual.accepted_share:.0%} of the items are accepted{held}. "
        "For other promises, run `localensemble certify --plan`.",
    )
