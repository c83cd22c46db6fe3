"""The command ``agree``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast, get_args

import click

from localensemble.api.agree import (
    AgreeOptions,
    Level,
    NamedColumns,
    TableLayout,
    agree,
    write_agreement_html,
    write_agreement_json,
    write_coefficients,
    write_item_agreement,
)
from localensemble.cli.agreement_tables import show_agreement
from localensemble.cli.console import output
from localensemble.cli.isolated import isolated_option
from localensemble.cli.label_command import BELOW_REQUIRED
from localensemble.cli.ratings_options import names

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("agree")
@click.argument("labels", type=click.Path(path_type=Path))
@click.option(
    "--level",
    type=click.Choice(get_args(Level)),
    help="Level of measurement; a must without a codebook. A wrong one gives a believable wrong "
    "number.",
)
@click.option("--layout", type=click.Choice(get_args(TableLayout)), help="[default: a guess]")
@click.option("--item", help="The column with the item ids.")
@click.option("--rater", help="Long: the column that names the rater.")
@click.option(
    "--label", "label_columns", multiple=True, help="Long: the column with the labels; repeatable."
)
@click.option("--raters", callback=names, help="Wide: the columns of the raters: a,b,c.")
@click.option("--variable-column", help="The column that names the variable of each row.")
@click.option("--group", help="The column by which rows are measured apart.")
@click.option("--gold", help="The column with gold labels: shows how far raters err together.")
@click.option("--sheet", help="The sheet of a workbook. [default: the first]")
@click.option("--gap", "gaps", multiple=True, help="A cell that means no label, such as NA.")
@click.option(
    "--categories", callback=names, help="All categories, in their order: low,medium,high."
)
@click.option("-c", "--codebook", type=_FILE, help="A codebook with the variables.")
@click.option("--coefficients", callback=names, help="Those to show: AC1,alpha. [default: all]")
@click.option("--weights", help="A weighting scheme, or a CSV file of weights. [default: by level]")
@click.option(
    "--confidence",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Of the intervals.",
)
@click.option(
    "--bootstrap",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Draws over items; 0 for none.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--require",
    "requirements",
    multiple=True,
    help='For example "AC1 >= 0.6": exit code 5 if the interval reaches below; repeatable.',
)
@click.option("--cross-check", is_flag=True, help="Compare with irrCAC and krippendorff.")
@click.option("--html", "html_file", type=_FILE, help="Write a report as one HTML file.")
@click.option("--json", "json_file", type=_FILE, help="Write everything to a JSON file.")
@click.option("--csv", "csv_file", type=_FILE, help="Write the coefficients to a CSV file.")
@click.option(
    "--items", "items_file", type=_FILE, help="Write each item's agreement to a CSV file."
)
@isolated_option
def command(
    labels: Path,
    level: str | None,
    layout: str | None,
    item: str | None,
    rater: str | None,
    label_columns: tuple[str, ...],
    raters: tuple[str, ...] | None,
    variable_column: str | None,
    group: str | None,
    gold: str | None,
    sheet: str | None,
    gaps: tuple[str, ...],
    categories: tuple[str, ...] | None,
    codebook: Path | None,
    coefficients: tuple[str, ...] | None,
    weights: str | None,
    confidence: float,
    bootstrap: int,
    seed: int,
    requirements: tuple[str, ...],
    cross_check: bool,
    html_file: Path | None,
    json_file: Path | None,
    csv_file: Path | None,
    items_file: Path | None,
) -> None:
    """Measure how far raters agree: people or models.

    LABELS is a table (CSV, Excel workbook or Parquet), long (item, rater, label) or wide (one
    column for each rater), or a study folder. Ends with exit code 5 when agreement is below a
    required level.
    """
    report = agree(
        labels,
        options=AgreeOptions(
            level=cast(Level | None, level),
            columns=NamedColumns(
                layout=cast(TableLayout | None, layout),
                item=item,
                rater=rater,
                labels=label_columns,
                raters=raters or (),
                variable=variable_column,
                group=group,
                gold=gold,
            ),
            gaps=gaps,
            sheet=sheet,
            categories=categories,
            codebook=codebook,
            coefficients=coefficients or (),
            weights=weights,
            confidence_level=confidence,
            resamples=bootstrap,
            seed=seed,
            requirements=requirements,
            cross_check=cross_check,
        ),
    )
    show_agreement(report, console=output())
    for path, write in (
        (html_file, write_agreement_html),
        (json_file, write_agreement_json),
        (csv_file, write_coefficients),
        (items_file, write_item_agreement),
    ):
        if path is not None:
            write(report, path=path)
            click.echo(f"Wrote {path}.")
    if not report.met:
        sys.exit(BELOW_REQUIRED)
