"""The command ``estimate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.before_a_run.estimate import (
    RaterEstimate,
    RunEstimate,
    advice,
    estimate,
    gibibytes,
)
from localensemble.api.label import LabelOptions
from localensemble.api.shared_options import CodebookFile
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, progress_output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.results.word_table import WordTable
from localensemble.core.options import Without
from localensemble.core.words import duration

_DOES_NOT_FIT = 4


@click.command("estimate")
@click.argument("items", type=click.Path(path_type=Path, dir_okay=False))
@with_options
@isolated_option
def command(
    items: Path,
    *,
    codebook: CodebookFile,
    options: Annotated[
        LabelOptions,
        Without(("gold", "stop_unfit", "certificates", "calibrations", "foreign_files", "control")),
    ],
) -> None:
    """Estimate the memory and time needed to label ITEMS.

    Each rater labels a few items; nothing is kept. Exits with code 4 if a model does not fit
    in memory.
    """
    console = progress_output()
    found = estimate(
        items,
        codebook=codebook,
        options=options,
        on_rater=lambda name: say(console, f"Trying {name} on a few items."),
    )
    for message in found.messages:
        say(console, message)
    _show(found)
    if not found.fits:
        sys.exit(_DOES_NOT_FIT)


def _show(found: RunEstimate) -> None:
    console = output()
    table = WordTable(
        f"Estimate for {found.item_count:,} items",
        words=("rater", "fits"),
        numbers=("memory", "weights", "context", "other", "free", "items/s", "time"),
    )
    for rater in found.raters:
        table.add_row(*_cells(rater, found.item_count))
    console.print(table)
    for rater in found.raters:
        if not rater.need.fits:
            say(console, f"{rater.name}: {advice(rater.need)}")
    for rater in found.raters:
        shared = rater.speed_if_shared
        if shared is not None:
            say(
                console,
                f"{rater.name}: if all texts got the same examples, "
                f"{1 / shared.seconds_an_item:,.3g} items/s, "
                f"{duration(shared.seconds_an_item * found.item_count)}.",
            )
    if found.seconds is not None:
        measured = (
            "All raters but verifiers"
            if any(one.verifies for one in found.raters)
            else "All raters"
        )
        say(
            console,
            f"{measured}, one after another: {duration(found.seconds)}, measured on a few items. "
            "The run needs the memory of its largest rater.",
        )


def _cells(rater: RaterEstimate, item_count: int) -> tuple[str, ...]:
    need, speed = rater.need, rater.speed
    if need.memory is None:
        memory = ("unknown", "", "", "")
    else:
        memory = (
            gibibytes(need.memory.total),
            gibibytes(need.memory.weights),
            gibibytes(need.memory.context + need.memory.beginnings),
            gibibytes(need.memory.buffers + need.memory.process),
        )
    fits = "unknown" if need.memory is None else "yes" if need.fits else "no"
    time = (
        ("not tried", "")
        if speed is None
        else (f"{1 / speed.seconds_an_item:,.3g}", duration(speed.seconds_an_item * item_count))
    )
    return (rater.name, fits, *memory, gibibytes(need.free_bytes), *time)
