"""The command ``spans match``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.extraction.match_terms import MatchOptions, match_terms
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.isolated import isolated_option
from localensemble.core.options import Option
from localensemble.core.words import counted


@click.command("match")
@click.argument("items", type=click.Path(path_type=Path))
@with_options
@isolated_option
def match_command(
    items: Path,
    *,
    options: MatchOptions,
    vocabulary: Annotated[
        Path, Option("A table of terms: term, id, synonyms and, if needed, category.")
    ],
    table: Annotated[Path, Option("The table of spans (CSV) to write.", "-o --output")],
) -> None:
    """Find the terms of a vocabulary in the texts of ITEMS; needs no model.

    Writes one row for each passage. Letter case, punctuation and forms of the same letter do not
    matter; misspelled terms count if they are similar enough and have the same numbers.
    """
    found = match_terms(items, vocabulary=vocabulary, output=table, options=options)
    console = output()
    for message in found.messages:
        say(console, message)
    say(
        console,
        f"Wrote {table}: {counted(found.spans, 'span')} in {found.items_with_spans:,} of "
        f"{counted(found.items, 'item')}, from {counted(found.concepts, 'concept')}.",
    )
