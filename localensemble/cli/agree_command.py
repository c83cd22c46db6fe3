"""The command ``agree``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.agree import (
    AgreeOptions,
    agree,
    write_agreement_html,
    write_agreement_json,
    write_coefficients,
    write_item_agreement,
)
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output
from localensemble.cli.isolated import isolated_option
from localensemble.cli.label_command import BELOW_REQUIRED
from localensemble.cli.results.agreement_summary import show_agreement_summary
from localensemble.cli.results.agreement_tables import show_agreement
from localensemble.core.options import Option


@click.command("agree")
@click.argument("labels", type=click.Path(path_type=Path))
@with_options
@isolated_option
def command(
    labels: Path,
    *,
    options: AgreeOptions,
    html: Annotated[Path | None, Option("Write a report as one HTML file.")] = None,
    json: Annotated[Path | None, Option("Write everything to a JSON file.")] = None,
    csv: Annotated[Path | None, Option("Write the coefficients to a CSV file.")] = None,
    items: Annotated[Path | None, Option("Write each item's agreement to a CSV file.")] = None,
    details: Annotated[bool, Option("Show every table, as in the report.")] = False,
) -> None:
    """Measure agreement between raters: people or models.

    LABELS is a study folder or a table (CSV, Excel workbook or Parquet). A table is long (item,
    rater, label) or wide (one column for each rater). Exits with code 5 if agreement is below a
    required level.
    """
    report = agree(labels, options=options)
    (show_agreement if details else show_agreement_summary)(report, console=output())
    for path, write in (
        (html, write_agreement_html),
        (json, write_agreement_json),
        (csv, write_coefficients),
        (items, write_item_agreement),
    ):
        if path is not None:
            write(report, path=path)
            click.echo(f"Wrote {path}.")
    if not report.met:
        sys.exit(BELOW_REQUIRED)
