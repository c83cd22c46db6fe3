"""The command group ``spans``."""

from __future__ import annotations

import click

from localensemble.cli.command_group import CommandGroup
from localensemble.cli.spans.agree_spans_command import agree_command
from localensemble.cli.spans.extract_command import extract_command
from localensemble.cli.spans.match_command import match_command
from localensemble.cli.spans.settle_command import settle_command


@click.group("spans", cls=CommandGroup)
def command() -> None:
    """Find passages in texts, measure how far raters mark the same ones, and settle them."""


command.add_command(extract_command)
command.add_command(match_command)
command.add_command(agree_command)
command.add_command(settle_command)
