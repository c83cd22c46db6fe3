"""Write the reference of the command line from the program itself."""

from __future__ import annotations

from collections.abc import Iterator

import click

from localensemble.cli.main import cli

_WIDTH = 96
_HEAD = """\
# Command line

Written by `scripts/docs` from the program; a test compares the two.
"""


def cli_reference() -> str:
    """Give the help of every command as one Markdown page."""
    sections = [
        f"## `{path}`\n\n```text\n{text}\n```\n"
        for path, text in _helps(cli, "localensemble", None)
    ]
    return "\n".join((_HEAD, *sections))


def _helps(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )
    yield context.command_path, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            if child is not None:
                yield from _helps(child, child_name, context)
