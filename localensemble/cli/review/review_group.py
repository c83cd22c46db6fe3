"""The command group ``review``: its first word is a subcommand or a study."""

from __future__ import annotations

import click

from localensemble.cli.command_group import CommandGroup
from localensemble.cli.review.import_decisions_command import import_command
from localensemble.cli.review.page_command import page_command
from localensemble.cli.review.problems_command import problems_command
from localensemble.cli.review.worksheet_command import worksheet_command


class _StudyOrCommand(CommandGroup):
    """A group whose first word may also be a study; then the page opens."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the command of the page if the first word is a study."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = [str(page_command.name), *args]
        return super().parse_args(ctx, args)


@click.group("review", cls=_StudyOrCommand, subcommand_metavar="STUDY | COMMAND [ARGS]...")
def command() -> None:
    """Let a person decide the items that await one.

    `localensemble review STUDY --items FILE` opens the page, like `review page STUDY`.
    """


command.add_command(import_command)
command.add_command(page_command)
command.add_command(problems_command)
command.add_command(worksheet_command)
