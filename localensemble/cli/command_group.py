"""A group of commands whose list says of each what it does, in a whole sentence."""

from __future__ import annotations

import click

# No first sentence is longer; click cuts them to fit one line.
_LONGEST_SENTENCE = 500


class CommandGroup(click.Group):
    """A group that lists its commands with their first sentence, over lines and not cut."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, self.commands[name].get_short_help_str(_LONGEST_SENTENCE))
                    for name in self.list_commands(ctx)
                ]
            )
