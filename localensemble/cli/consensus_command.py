"""The command ``consensus``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from localensemble.api.consensus import ConsensusOptions, compare, decide_again
from localensemble.cli.consensus_tables import show_comparisons
from localensemble.cli.console import output as standard_output
from localensemble.cli.console import say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.label_command import BELOW_REQUIRED
from localensemble.cli.ratings_options import StudyCommand
from localensemble.cli.study_tables import show_findings

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("consensus", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--method", help="The consensus method. [default: the study's]")
@click.option(
    "--setting",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the method; can be given several times.",
)
@click.option(
    "-e", "--ensemble", type=_FILE, help="Take consensus and escalation from this ensemble file."
)
@click.option(
    "--certificate",
    "certificates",
    type=_FILE,
    multiple=True,
    help="Accept by a certified threshold; one file per variable.",
)
@click.option("--drop-certificates", is_flag=True, help="Let go of the study's certificates.")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="YAML",
    help="An escalation policy, as '{policy: support_below, limit: 0.8}', in place of the "
    "study's; can be given several times.",
)
@click.option(
    "--calibration",
    "calibrations",
    type=_FILE,
    multiple=True,
    help="Change the raters' probabilities as `calibrate` found; one file per variable.",
)
@click.option("--drop-calibrations", is_flag=True, help="Take the raters' own probabilities again.")
@click.option("--items", type=_FILE, help="The labeled table; its results are written anew.")
@click.option(
    "--write",
    is_flag=True,
    help="Write the results without --items, where the study was imported without texts.",
)
@click.option(
    "--compare", "side_by_side", is_flag=True, help="Show all methods side by side; write nothing."
)
@click.option("--gold", type=_FILE, help="A table with gold labels, to report accuracy.")
@click.option("--id-column", help="The column that identifies an item.")
@click.option("--text-column", help="The column that holds the text.")
@isolated_option
def command(
    *,
    study: Path,
    method: str | None,
    settings: tuple[str, ...],
    policies: tuple[str, ...],
    ensemble: Path | None,
    certificates: tuple[Path, ...],
    drop_certificates: bool,
    calibrations: tuple[Path, ...],
    drop_calibrations: bool,
    items: Path | None,
    write: bool,
    side_by_side: bool,
    gold: Path | None,
    id_column: str | None,
    text_column: str | None,
) -> None:
    """Decide STUDY again by other rules, from its ledger; needs no model.

    Without --items or --write the decisions are only shown. With one of them the rules are
    recorded, and labels.csv, escalations.csv, report.html and findings.json are written anew.
    Ends with exit code 5 when raters agree less than the codebook requires.
    """
    console = standard_output()
    options = ConsensusOptions(
        method=method,
        settings=settings,
        policies=policies,
        ensemble=ensemble,
        certificates=certificates,
        drop_certificates=drop_certificates,
        calibrations=calibrations,
        drop_calibrations=drop_calibrations,
        gold=gold,
        id_column=id_column,
        text_column=text_column,
    )
    if side_by_side:
        show_comparisons(compare(study, options=options), console=console)
        return
    decided = decide_again(study, options=options, items=items, write=write)
    show_findings(decided.findings, console=console)
    _say(decided.messages, console)
    if not decided.written:
        say(
            console,
            "Nothing was written. To write the results, give the table (--items FILE), or --write "
            "where the study was imported without texts.",
        )
    for path in decided.written:
        say(console, f"Wrote {path}")
    if not decided.findings.agreement_met:
        sys.exit(BELOW_REQUIRED)


def _say(messages: tuple[str, ...], console: Console) -> None:
    for message in messages:
        say(console, message)
