"""The command group ``ledger``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.ledger import back_up_ledger, history, item_history, verify_ledger
from localensemble.cli.command_group import CommandGroup
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.core.words import counted

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group("ledger", cls=CommandGroup)
def command() -> None:
    """Verify a study's ledger, list its history, or back it up."""


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
@click.argument("item", required=False)
def history_command(study: Path, item: str | None) -> None:
    """List the recorded events, or everything recorded about one ITEM, oldest first.

    The list about an item has its labels, people's decisions and withdrawals, but no text.
    """
    console = output()
    if item is not None:
        for one in item_history(study, item):
            words = (one.recorded_at, one.what, one.variable, one.by, one.answer)
            console.print("  ".join(filter(None, words)), highlight=False, markup=False)
        return
    for event in history(study):
        console.print(f"{event.recorded_at}  {event.kind}  {event.sha256[:12]}", highlight=False)


@command.command("backup", cls=StudyCommand)
@click.argument("study", type=_FOLDER)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup_command(study: Path, file: Path) -> None:
    """Copy the ledger to a new FILE, even while a run writes to it, and verify the copy."""
    found = back_up_ledger(study, target=file)
    say(
        output(),
        f"Wrote {file}, which is intact: {counted(found.events, 'event')}. "
        f"Last hash: {found.head_sha256}",
    )
