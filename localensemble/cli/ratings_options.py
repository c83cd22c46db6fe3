"""Options that say how to read a table of ratings, and what to answer where one is out of place."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import get_args

import click

from localensemble.api.agree import TableLayout
from localensemble.core.command_lines import import_line
from localensemble.core.errors import InputError

_FILE = click.Path(path_type=Path, dir_okay=False)


def names(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Split names at commas; a name with a comma stands in quotes."""
    if value is None:
        return None
    return tuple(cell.strip() for cell in next(csv.reader([value], skipinitialspace=True), []))


READING_OPTIONS = (
    click.option("--layout", type=click.Choice(get_args(TableLayout)), help="[default: detected]"),
    click.option("--item", help="The column with the item ids."),
    click.option("--rater", help="Long: the column that names the rater."),
    click.option(
        "--label",
        "label_columns",
        multiple=True,
        help="Long: the column with the labels; repeatable.",
    ),
    click.option("--raters", callback=names, help="Wide: the columns of the raters: a,b,c."),
    click.option("--variable-column", help="The column that names the variable of each row."),
    click.option("--sheet", help="The sheet of a workbook. [default: the first]"),
    click.option("--gap", "gaps", multiple=True, help="A cell that means no label, such as NA."),
    click.option(
        "--categories", callback=names, help="All categories, in their order: low,medium,high."
    ),
    click.option("-c", "--codebook", type=_FILE, help="A codebook with the variables."),
)
"""How to read a table of ratings."""

_TAKEN_BY_IMPORT = frozenset(
    {"--level", "--layout", "--item", "--rater", "--label", "--raters", "--variable-column"}
    | {"--sheet", "--gap", "--categories", "--codebook", "-c", "--items", "--ensemble", "-e"}
)


class StudyCommand(click.Command):
    """A command on a study; one that gets a table of ratings answers with the line to type."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, unless the first one is a file.

        Raises:
            InputError: it is.
        """
        if args and not args[0].startswith("-") and Path(args[0]).is_file():
            table = Path(args[0])
            raise InputError(
                f"{table.name} is a file; `{self.name}` takes a study folder.",
                hint="Make a study of the ratings first:\n  "
                + import_line(table, _for_import(args[1:]) or ("--level", "nominal")),
            )
        return super().parse_args(ctx, args)


def _for_import(args: list[str]) -> list[str]:
    """Return those of the arguments that `import` takes."""
    taken: list[str] = []
    for place, arg in enumerate(args):
        name, equals, _ = arg.partition("=")
        if name in _TAKEN_BY_IMPORT:
            taken += [arg] if equals else args[place : place + 2]
    return taken
