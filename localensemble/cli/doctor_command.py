"""The command ``doctor``."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import asdict, astuple, fields
from typing import Annotated

import click

from localensemble.api.doctor import examine
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, say
from localensemble.core.native_files import NativeFile, native_files
from localensemble.core.options import Option

_MARKS = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}


@click.command("doctor")
@with_options
def command(
    *,
    as_json: Annotated[bool, Option("Print the checks as JSON.", "--json")] = False,
    allowlist: Annotated[
        bool,
        Option(
            "Instead, list every file with machine code that the program can load, as CSV: its "
            "path, sha256, publisher (whom its signature names; not verified), package and version."
        ),
    ] = False,
) -> None:
    """Check this machine, the engines, the models and the network guard, and say what to fix.

    Changes nothing. Exits with code 1 if something keeps the program from working.
    """
    if allowlist:
        if as_json:
            raise click.UsageError("Choose one of --json and --allowlist.")
        click.echo(_allowlist(), nl=False)
        return
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


def _allowlist() -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(field.name for field in fields(NativeFile))
    writer.writerows(astuple(file) for file in native_files())
    return table.getvalue()
