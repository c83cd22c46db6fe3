"""The command ``consensus``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import click
from rich.console import Console

from localensemble.api.consensus import ConsensusOptions, compare, decide_again
from localensemble.cli.command_options import with_options
from localensemble.cli.console import cut, say
from localensemble.cli.console import output as standard_output
from localensemble.cli.isolated import isolated_option
from localensemble.cli.label_command import BELOW_REQUIRED
from localensemble.cli.results.consensus_tables import show_comparisons
from localensemble.cli.results.study_summary import show_summary
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.core.words import listed


@click.command("consensus", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def command(
    study: Path,
    *,
    options: ConsensusOptions,
    items: Annotated[
        Path | None, Option("The labeled table; its results are written again.")
    ] = None,
    write: Annotated[
        bool,
        Option("Write the results without --items, for a study imported without texts."),
    ] = False,
    side_by_side: Annotated[
        bool, Option("Show all methods side by side and write nothing.", "--compare")
    ] = False,
    details: Annotated[bool, Option("Also show every table and remark.")] = False,
) -> None:
    """Decide STUDY again with other rules, from its ledger; needs no model.

    With --gold and no method, the gold labels choose for each variable how the raters are pooled,
    by cross-validation, if there are at least 50.
    Without --items or --write, the decisions are only shown. With one of them, the rules are
    recorded, and labels.csv, escalations.csv, report.html and findings.json are written again.
    Exits with code 5 if the raters agree less than the codebook requires.
    """
    console = standard_output()
    if side_by_side:
        show_comparisons(compare(study, options=options), console=console)
        return
    decided = decide_again(study, options=options, items=items, write=write)
    show_summary(decided.findings, console=console, details=details)
    _say(decided.messages, console)
    if not decided.written:
        say(
            console,
            "Nothing was written. To write the results, give the labeled table (--items FILE), or "
            "--write if the study was imported without texts.",
        )
    if decided.written:
        say(console, f"Wrote {listed([str(path) for path in decided.written])}.")
    if not decided.findings.agreement_met:
        sys.exit(BELOW_REQUIRED)


def _say(messages: tuple[str, ...], console: Console) -> None:
    for message in cut(messages):
        say(console, message)
