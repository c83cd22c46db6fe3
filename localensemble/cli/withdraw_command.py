"""The command ``withdraw``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from localensemble.api.withdrawal.withdraw_items import WithdrawOptions, withdraw
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.core.words import counted


@click.command("withdraw", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def command(
    study: Path,
    *,
    options: WithdrawOptions,
    items: Annotated[
        Path | None,
        Option("The labeled table, with or without the items to withdraw."),
    ] = None,
) -> None:
    """Take items out of STUDY for good, for example if a patient withdraws consent.

    Their ids, content hashes and labels leave the ledger, all tables, the report and the counts;
    no other item is labeled again, and no model runs. The ledger stays verifiable. If the command
    is cut off, run it again.
    """
    console = output()
    withdrawn = withdraw(study, options=options, items=items)
    left = withdrawn.items_left
    rest = "" if left is None else f" The study has {counted(left, 'labeled item')} left."
    say(console, f"Withdrew {counted(withdrawn.items, 'item')}.{rest}")
    for message in withdrawn.messages:
        say(console, message)
    for path in withdrawn.written:
        say(console, f"Wrote {path}")
