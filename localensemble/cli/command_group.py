"""A command group that lists each command with its whole first sentence."""

from __future__ import annotations

import click

# Longer than any first sentence; click would cut them to fit one line.
_LONGEST_SENTENCE = 500


class CommandGroup(click.Group):
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
