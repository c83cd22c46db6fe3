"""Groups of commands: whole first sentences in help, and a suggestion for a misspelled name."""

from __future__ import annotations

import difflib

import click

# Longer than any first sentence; click would cut them to fit one line.
_LONGEST_SENTENCE = 500


class SuggestingGroup(click.Group):
    """A group that suggests the command that was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names.

        Raises:
            click.UsageError: there is no such command.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not close:
                raise
            raise click.UsageError(f"{error.message} Did you mean '{close[0]}'?", ctx) from error


class CommandGroup(SuggestingGroup):
    """A group that wraps the first sentence of each command instead of cutting it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, self.commands[name].get_short_help_str(_LONGEST_SENTENCE))
                    for name in self.list_commands(ctx)
                ]
            )
