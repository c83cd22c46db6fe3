"""The command ``review STUDY``: open the page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.review_page.open_review import ReviewOptions, ReviewTables, review
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.review.open_lines import say_what_is_open
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.tables.item_columns import table_options


@click.command("page", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
def page_command(
    study: Path,
    *,
    items: Annotated[
        Path | None,
        Option("The labeled table; required unless the study was imported without texts."),
    ] = None,
    options: ReviewOptions,
    tables: ReviewTables,
) -> None:
    """Open a page on this machine where you decide the items of STUDY that wait for a person.

    You answer first and see the raters' labels afterwards. Each answer is recorded in the study's
    ledger at once. Stop with Ctrl-C: this writes the study's files again. Run the same command
    again to continue.

    With --double-coded, some items wait for a second person. --adjudicate then asks a third one
    about the items on which they differ. --control mixes in items whose category is known, to see
    who reads carefully. --against asks only about items whose existing label differs.

    The command prints an address; open it in a browser. No browser is started, because other users
    of the machine could read the address in its command line.
    """
    console = output()
    shown: list[str] = []

    def announce(address: str) -> None:
        if shown:
            say(console, f"For another reviewer's browser: {address}")
            return
        shown.append(address)
        say(console, f"Open this address in your browser: {address}")
        say(console, "It works once. Stop with Ctrl-C; every answer is saved at once.")

    def caution(sentence: str) -> None:
        say(console, f"Caution: {sentence}")

    written = review(
        study, items=items, options=options, tables=tables, announce=announce, caution=caution
    )
    say(console, "Stopped. All answers are in the study.")
    if written is None:
        return
    for message in written.messages:
        say(console, message)
    for path in written.files:
        say(console, f"Wrote {path}")
    table = table_options(
        items,
        id_column=options.id_column,
        text_column=options.text_column,
        deidentify=options.deidentify,
    )
    say_what_is_open(study, table, findings=written.findings, console=console)
