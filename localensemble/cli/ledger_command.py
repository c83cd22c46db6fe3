"""The command group ``ledger``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.ledger import history, verify_ledger
from localensemble.cli.command_group import CommandGroup
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.core.words import counted

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group("ledger", cls=CommandGroup)
def command() -> None:
    """Verify a study's ledger, or list its history."""


@command.command("verify", cls=StudyCommand)
@click.argument("study", type=_FOLDER)
@with_options
def verify_command(
    study: Path,
    *,
    expect: Annotated[
        str | None,
        Option(
            "The hash of an event that the ledger must have, such as a last hash kept elsewhere.",
            metavar="HASH",
        ),
    ] = None,
) -> None:
    """Compute every hash of the ledger again, and compare the files with manifest.json.

    Exits with code 1 if one differs, or if the newest events were cut off.
    """
    console = output()
    found = verify_ledger(study, expect=expect)
    verification = found.ledger
    for lost in found.lost:
        say(console, lost)
    for name in found.changed:
        say(console, f"{name} is not as it was written.")
    if verification.broken is not None:
        broken = verification.broken
        say(
            console,
            f"The ledger was changed: {broken.where}: "
            f"found {broken.found}, expected {broken.expected}.",
        )
        sys.exit(1)
    whole = "The ledger is intact." if not found.lost else "What is left of the ledger is intact."
    say(console, f"{whole} Last hash: {verification.head_sha256}")
    withdrawn = verification.counts["withdrawn_item"]
    if withdrawn:
        redacted = counted(verification.counts["redaction"], "change")
        say(
            console,
            f"Withdrawn on record: {counted(withdrawn, 'item')}. Only the withdrawal vouches for "
            f"{redacted} of earlier events; `localensemble ledger history` lists it.",
        )
    if not found.ok:
        sys.exit(1)


@command.command("history", cls=StudyCommand)
@click.argument("study", type=_FOLDER)
def history_command(study: Path) -> None:
    """List the recorded events, oldest first."""
    console = output()
    for event in history(study):
        console.print(f"{event.recorded_at}  {event.kind}  {event.sha256[:12]}", highlight=False)
