"""The command ``check``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from localensemble.api.codebook import check
from localensemble.cli.console import output, say


@click.command("check")
@click.argument("codebook", type=click.Path(path_type=Path, dir_okay=False))
def command(codebook: Path) -> None:
    """Check CODEBOOK for methodological problems; exits with code 1 if it finds an error."""
    console = output()
    loaded, remarks = check(codebook)
    for remark in remarks:
        say(console, f"{remark.severity}: {remark.where}: {remark.what} {remark.what_to_do}")
    console.print(
        f"{codebook.name}: variables: {len(loaded.variables)}, remarks: {len(remarks)}.",
        highlight=False,
    )
    if any(remark.severity == "error" for remark in remarks):
        sys.exit(1)
