"""The command ``check``."""

from __future__ import annotations

from pathlib import Path

import click

from localensemble.api.codebook import check
from localensemble.cli.console import output


@click.command("check")
@click.argument("codebook", type=click.Path(path_type=Path, dir_okay=False))
def command(codebook: Path) -> None:
    """Say what a methodologist would object to in CODEBOOK."""
    console = output()
    loaded, remarks = check(codebook)
    for remark in remarks:
        console.print(
            f"{remark.severity}: {remark.where}: {remark.what} {remark.what_to_do}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    console.print(
        f"{codebook.name}: {len(loaded.variables)} variables, {len(remarks)} remarks.",
        highlight=False,
    )
