"""Every command that is given a text or a label can be run without a network."""

from __future__ import annotations

import click

from localensemble.cli.main import cli

# They read a codebook, a ledger, which holds no text, or models; or look for a server.
READ_NO_TEXT = {"check", "ledger", "models", "doctor"}


def test_every_other_command_can_be_isolated() -> None:
    context = click.Context(cli)
    without = set()
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        if not any(option.name == "isolated" for option in command.params):
            without.add(name)
    assert without == READ_NO_TEXT
