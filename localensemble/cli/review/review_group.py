"""The command group ``review``."""

from __future__ import annotations

import click

from localensemble.cli.command_group import CommandGroup
from localensemble.cli.review.worksheet_command import worksheet_command


@click.group("review", cls=CommandGroup)
def command() -> None:
    """Let a person decide the items that await one."""


command.add_command(worksheet_command)
