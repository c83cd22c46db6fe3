"""The command ``init``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.codebook import StartFiles, init
from localensemble.cli.command_options import with_options
from localensemble.cli.console import cut, output, say
from localensemble.cli.isolated import isolated_option
from localensemble.core.command_lines import command_line
from localensemble.core.options import Option
from localensemble.tables.item_columns import IdColumn, TextColumn

_MOST_COLUMNS = 6


@click.command("init")
@click.argument("items", type=click.Path(path_type=Path, dir_okay=False))
@with_options
@isolated_option
def command(
    items: Path,
    *,
    folder: Annotated[
        Path, Option("The folder for the two files.", "-o --output", folder=True)
    ] = Path(),
    codes: Annotated[
        Path | None,
        Option("A REFI-QDA codebook (.qdc) to draft the codebook from.", "--from", metavar="FILE"),
    ] = None,
    id_column: IdColumn = None,
    text_column: TextColumn = None,
) -> None:
    """Draft a codebook from the columns of ITEMS, and an ensemble file of models on this machine.

    ITEMS is a table (CSV or Excel workbook). Without models on this machine, only the codebook is
    written, and the command that pulls models is shown. Files that exist are kept.
    """
    console = output()
    started = init(items, folder=folder, codes=codes, id_column=id_column, text_column=text_column)
    for line in (*cut(started.messages), *_written(started), *_no_models(started)):
        say(console, line)
    columns = {"--id-column": id_column, "--text-column": text_column}
    named = [word for name, given in columns.items() if given for word in (name, given)]
    say(console, "Next:")
    for arguments in _next(items, started, folder=folder, named=named):
        say(console, f"  {command_line(['localensemble', *arguments])}")


def _written(started: StartFiles) -> Iterator[str]:
    for path in started.kept:
        yield f"Kept {path}, which already exists."
    if started.codebook not in started.kept:
        yield f"Wrote {started.codebook}: complete it with questions and definitions."
    if started.label_columns:
        names = ", ".join(cut(started.label_columns, most=_MOST_COLUMNS))
        yield f"Drafted variables from columns with few different entries: {names}."
        yield "Delete the variables that are not questions about the text."
    if started.raters:
        yield f"Wrote {started.ensemble} with models on this machine: {', '.join(started.raters)}."


def _no_models(started: StartFiles) -> Iterator[str]:
    if started.ensemble is not None:
        return
    yield (
        "No ensemble file was written: the only models here that fit into memory are the three of "
        "the demo, and they know only the examples."
    )
    yield (
        "Pull models as shown below, or register a file of your own with `localensemble models "
        "add`; then run `init` again. If this machine has no network, pull them on another one, "
        "and carry them here with `localensemble models bundle`."
    )


def _next(
    items: Path, started: StartFiles, *, folder: Path, named: list[str]
) -> Iterator[list[str]]:
    if started.ensemble is None:
        if started.pull:
            yield ["models", "pull", *started.pull]
        place = [] if folder == Path() else ["-o", str(folder)]
        yield ["init", str(items), *named, *place]
    yield ["check", str(started.codebook)]
    rules = ["-c", str(started.codebook), "-e", str(folder / "ensemble.yaml")]
    yield ["pilot", str(items), *rules, *named]
    yield ["label", str(items), *rules, *named, "-o", str(folder / "study")]
