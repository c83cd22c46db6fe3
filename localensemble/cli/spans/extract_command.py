"""The command ``spans extract``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.extraction.extract_spans import (
    ExtractedSpans,
    ExtractionProgress,
    ExtractOptions,
    extract_spans,
)
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, progress_output, say
from localensemble.cli.isolated import isolated_option
from localensemble.core.options import Option
from localensemble.core.words import counted, listed

UNREAD_LEFT = 3

_REASONS = {
    "cut": "the response was cut; raise --most-tokens",
    "too_long": "the text and the codebook do not fit; raise context_tokens in the ensemble file",
    "not_text": "the text has characters that the model cannot read",
}


@click.command("extract")
@click.argument("items", type=click.Path(path_type=Path))
@with_options
@isolated_option
def extract_command(
    items: Path,
    *,
    options: ExtractOptions,
    codebook: Annotated[
        Path, Option("The codebook with variables of type spans or terms.", "-c --codebook")
    ],
    ensemble: Annotated[Path, Option("The ensemble file (YAML).", "-e --ensemble")],
    folder: Annotated[
        Path, Option("The folder for the ledger and the tables.", "-o --output", folder=True)
    ],
) -> None:
    """Let every rater of an ensemble mark passages in the texts of ITEMS.

    A model can write nothing but a category and words of the text, so every passage is literally
    there. Run the same command again to resume. Exits with code 3 if a rater could not be asked
    about an item.
    """
    progress = progress_output()
    found = extract_spans(
        items,
        codebook=codebook,
        ensemble=ensemble,
        folder=folder,
        options=options,
        on_progress=lambda one: say(progress, _line(one)),
        on_message=lambda message: say(progress, message),
    )
    for line in _lines(found, items):
        say(output(), line)
    if found.unread:
        sys.exit(UNREAD_LEFT)


def _line(progress: ExtractionProgress) -> str:
    return (
        f"{progress.rater}: {progress.done:,} of {counted(progress.total, 'item')}, "
        f"{counted(progress.calls, 'call')}"
    )


def _lines(found: ExtractedSpans, items: Path) -> list[str]:
    lines = []
    for variable in found.variables:
        spans = listed(
            [f"{counted(count, 'span')} by {rater}" for rater, count in variable.spans.items()]
        )
        lines.append(f"Wrote {variable.table}: {spans} on {variable.variable}.")
        for rater, reasons in variable.unread.items():
            for reason, count in reasons.items():
                lines.append(
                    f"{rater} did not read {counted(count, 'item')}: "
                    f"{_REASONS.get(reason, reason)}."
                )
    lines.append(
        f"{counted(found.items, 'item')} in {counted(found.calls, 'new call')} of models; what the "
        "ledger had was not asked again."
    )
    several = [one for one in found.variables if len(one.spans) > 1]
    if several:
        lines.append(f"Next: localensemble spans agree {several[0].table} --items {items}")
    elif found.variables:
        lines.append(
            "Next: mark some items by hand, and compare: localensemble spans agree "
            f"{found.variables[0].table} --gold GOLD --items {items}"
        )
    return lines
