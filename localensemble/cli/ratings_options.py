"""Options about a table of labels, as `agree` has them, for commands that decide or evaluate."""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast, get_args

import click

from localensemble.api.agree import NamedColumns, TableLayout
from localensemble.api.import_ratings import RatingsOptions, TableLevel

_FILE = click.Path(path_type=Path, dir_okay=False)


def names(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Split names at commas; a name with a comma stands in quotes."""
    if value is None:
        return None
    return tuple(cell.strip() for cell in next(csv.reader([value], skipinitialspace=True), []))


_OPTIONS = (
    click.option(
        "--level",
        type=click.Choice(get_args(TableLevel)),
        help="Ratings: level of measurement; a must without a codebook.",
    ),
    click.option("--layout", type=click.Choice(get_args(TableLayout)), help="Ratings: [a guess]"),
    click.option("--item", help="Ratings: the column with the item ids."),
    click.option("--rater", help="Ratings, long: the column that names the rater."),
    click.option(
        "--label",
        "label_columns",
        multiple=True,
        help="Ratings, long: the column with the labels; repeatable.",
    ),
    click.option("--raters", callback=names, help="Ratings, wide: columns of the raters: a,b,c."),
    click.option(
        "--variable-column", help="Ratings: the column that names the variable of each row."
    ),
    click.option("--sheet", help="Ratings: the sheet of a workbook. [default: the first]"),
    click.option(
        "--gap", "gaps", multiple=True, help="Ratings: a cell that means no label, such as NA."
    ),
    click.option(
        "--categories",
        callback=names,
        help="Ratings: all categories, in their order: low,medium,high.",
    ),
    click.option("-c", "--codebook", type=_FILE, help="Ratings: a codebook with the variables."),
)
_RULES = click.option(
    "-e",
    "--ensemble",
    type=_FILE,
    help="Ratings: decide by consensus and escalation of this ensemble file. [default: majority]",
)


def ratings_options(*, rules: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options about a table of ratings; the command gets them as ``table``.

    Args:
        rules: add the ensemble file, too, where the command has no such option of its own.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_table(
            *,
            level: str | None,
            layout: str | None,
            item: str | None,
            rater: str | None,
            label_columns: tuple[str, ...],
            raters: tuple[str, ...] | None,
            variable_column: str | None,
            sheet: str | None,
            gaps: tuple[str, ...],
            categories: tuple[str, ...] | None,
            codebook: Path | None,
            **others: Any,
        ) -> None:
            columns = NamedColumns(
                layout=cast(TableLayout | None, layout),
                item=item,
                rater=rater,
                labels=label_columns,
                raters=raters or (),
                variable=variable_column,
            )
            table = RatingsOptions(
                level=cast(TableLevel | None, level),
                columns=columns,
                gaps=gaps,
                sheet=sheet,
                categories=categories,
                codebook=codebook,
                rules=others.pop("ensemble") if rules else None,
            )
            command(table=table, **others)

        wrapped: Callable[..., None] = with_table
        for option in reversed((*_OPTIONS, _RULES) if rules else _OPTIONS):
            wrapped = option(wrapped)
        return wrapped

    return decorate
