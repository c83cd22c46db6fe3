"""The command ``evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click
from rich.console import Console

from localensemble.api.before_a_run.proposed_probe import proposed_probe
from localensemble.api.evaluate import evaluate
from localensemble.api.findings import PREVALENCE_ASSUMPTIONS, Prices, StudyFindings
from localensemble.api.shared_options import GroupColumn, IdColumnOfAll, RandomSample
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.results.evaluation_summary import next_step, summary
from localensemble.cli.results.evaluation_tables import show_evaluation, show_prevalence
from localensemble.cli.results.study_tables import show_findings
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.tables.item_columns import TextColumn


@click.command("evaluate", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def command(
    study: Path,
    *,
    gold: Annotated[
        Path, Option("A table with the item ids and a column gold_VARIABLE for each variable.")
    ],
    items: Annotated[
        Path | None,
        Option("The labeled table; adds a classifier trained on the gold labels, for comparison."),
    ] = None,
    id_column: IdColumnOfAll = None,
    text_column: TextColumn = None,
    group_column: GroupColumn = None,
    random_sample: RandomSample = False,
    prices: Prices,
    details: Annotated[bool, Option("Also show every table, as in the report.")] = False,
) -> None:
    """Compare the labels of STUDY with gold labels; needs no model.

    Shows the main numbers and what to do next. Writes report.html and findings.json again;
    findings.json has every number at full precision.
    """
    console = output()
    findings = evaluate(
        study,
        gold=gold,
        items=items,
        id_column=id_column,
        text_column=text_column,
        group_column=group_column,
        random_sample=random_sample,
        prices=prices,
    )
    for line in summary(findings):
        say(console, line)
    console.print()
    if details:
        _show_details(findings, console)
    else:
        say(console, f"To see every table, add --details or open {study / 'report.html'}.")
    if items is None and findings.ratings_sha256 is None:
        say(
            console,
            "To compare a classifier trained on the gold labels, add --items: it needs the texts.",
        )
    if proposal := proposed_probe(findings, study=study, gold=gold, items=items):
        say(console, proposal)
    say(console, next_step(findings, study=study, gold=gold))


def _show_details(findings: StudyFindings, console: Console) -> None:
    show_findings(findings, console=console)
    show_evaluation(findings, console=console)
    for variable in findings.variables:
        if variable.gold is not None and variable.gold.prevalence:
            show_prevalence(
                variable.gold.prevalence,
                variable=variable.name,
                assumptions=PREVALENCE_ASSUMPTIONS,
                console=console,
            )
