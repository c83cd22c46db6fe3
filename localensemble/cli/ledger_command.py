"""The command group ``ledger``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from localensemble.api.ledger import history, verify_ledger
from localensemble.cli.command_group import CommandGroup
from localensemble.cli.console import output, say
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.words import counted

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group("ledger", cls=CommandGroup)
def command() -> None:
    """Verify a study's ledger, or list its history."""


@command.command("verify", cls=StudyCommand)
@click.argument("study", type=_FOLDER)
def verify_command(study: Path) -> None:
    """Compute every hash of the ledger again; exits with code 1 if one differs."""
    console = output()
    verification = verify_ledger(study)
    if verification.broken is not None:
        broken = verification.broken
        say(
            console,
            f"The ledger was changed: {broken.where}: "
            f"found {broken.found}, expected {broken.expected}.",
        )
        sys.exit(1)
    say(console, f"The ledger is intact. Last hash: {verification.head_sha256}")
    withdrawn = verification.counts["withdrawn_item"]
    if withdrawn:
        redacted = counted(verification.counts["redaction"], "change")
        say(
            console,
            f"Withdrawn on record: {counted(withdrawn, 'item')}. Only the withdrawal vouches for "
            f"{redacted} of earlier events; `localensemble ledger history` lists it.",
        )


@command.command("history", cls=StudyCommand)
@click.argument("study", type=_FOLDER)
def history_command(study: Path) -> None:
    """List the recorded events, oldest first."""
    console = output()
    for event in history(study):
        console.print(f"{event.recorded_at}  {event.kind}  {event.sha256[:12]}", highlight=False)
