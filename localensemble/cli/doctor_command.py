"""The command ``doctor``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import click

from localensemble.api.doctor import examine
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.core.options import Option

_MARKS = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}


@click.command("doctor")
@with_options
def command(
    *, as_json: Annotated[bool, Option("Print the checks as JSON.", "--json")] = False
) -> None:
    """Check this machine, the engines, the models and the network guard, and say what to fix.

    Changes nothing. Exits with code 1 if something keeps the program from working.
    """
    checks = examine()
    if as_json:
        click.echo(json.dumps({"checks": [asdict(check) for check in checks]}, indent=2))
    else:
        console = output()
        for check in checks:
            line = f"{_MARKS[check.severity]}  {check.name}: {check.found}"
            say(console, line)
            if check.what_to_do:
                say(console, f"         {check.what_to_do}")
    if any(check.severity == "problem" for check in checks):
        sys.exit(1)
