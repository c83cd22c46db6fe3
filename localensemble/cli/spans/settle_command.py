"""The command ``spans settle``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.extraction.settle_spans import SettleOptions, settle_spans
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.isolated import isolated_option
from localensemble.core.options import Option
from localensemble.core.words import counted, listed


@click.command("settle")
@click.argument("tables", nargs=-1, required=True, type=click.Path(path_type=Path))
@with_options
@isolated_option
def settle_command(
    tables: tuple[Path, ...],
    *,
    items: Annotated[Path, Option("The table with the texts.")],
    options: SettleOptions,
    final: Annotated[Path, Option("The table of accepted spans to write.", "-o --output")],
    worksheet: Annotated[
        Path, Option("The worksheet to write, with what a person must decide.", "--queue")
    ],
) -> None:
    """Settle on the spans of each item: accept what is verified, and queue the rest for a person.

    With --vocabulary, a span is accepted if the vocabulary has it; otherwise, if more than half
    of the raters propose it. In the worksheet, write yes or no under `keep`, and run the command
    again with --answers.
    """
    found = settle_spans(tables, items=items, output=final, worksheet=worksheet, options=options)
    console = output()
    for message in found.messages:
        say(console, message)
    say(
        console,
        f"Wrote {final}: {counted(found.accepted, 'accepted span')} in "
        f"{counted(found.items, 'item')}, {found.by_person:,} decided by a person.",
    )
    if not found.open:
        say(console, "Nothing is left for a person to decide.")
        return
    reasons = listed([f"{count:,} {reason}" for reason, count in sorted(found.reasons.items())])
    say(console, f"Wrote {worksheet}: {counted(found.open, 'row')} to decide ({reasons}).")
    say(
        console,
        f"Next: write yes or no under keep, and run again with --answers {worksheet} and another "
        "name for --queue.",
    )
