"""Every command that is given a text or a label can be run without a network."""

from __future__ import annotations

from collections.abc import Iterator

import click

from localensemble.cli.main import cli

# They delete a study; read a ledger, which holds no text, or models; look for a server; or print
# a template.
READ_NO_TEXT = {"study shred", "ledger", "models", "doctor", "prompt template"}
# Isolation cuts off 127.0.0.1, too, so no browser could reach the page.
SERVES_A_BROWSER = "review page"


def test_every_other_command_can_be_isolated() -> None:
    without = {
        name
        for name, command in named_commands(cli, "")
        if not any(option.name == "isolated" for option in command.params)
    }
    assert without == READ_NO_TEXT | {SERVES_A_BROWSER}


def named_commands(group: click.Group, before: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command by its words; a group that reads no text as one."""
    context = click.Context(group)
    for word in group.list_commands(context):
        name, command = f"{before}{word}", group.get_command(context, word)
        assert command is not None
        if isinstance(command, click.Group) and name not in READ_NO_TEXT:
            yield from named_commands(command, f"{name} ")
        else:
            yield name, command
