"""The command ``report``."""

from __future__ import annotations

from pathlib import Path

import click

from localensemble.api.report import write_report
from localensemble.cli.console import output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.ratings_options import StudyCommand
from localensemble.core.errors import InputError

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("report", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path, file_okay=False))
@click.option("--gold", type=_FILE, help="A table with gold labels, to report accuracy.")
@click.option("--id-column", help="The column of the tables that identifies an item.")
@click.option(
    "--group",
    "group_column",
    metavar="COLUMN",
    help="A column of the gold table (site, language): each group is evaluated by itself.",
)
@click.option(
    "--random-sample",
    is_flag=True,
    help="State that the gold items were drawn at random from all items.",
)
@click.option(
    "--include-text",
    is_flag=True,
    help="Show the texts of the most doubtful items. [needs --items]",
)
@click.option("--items", type=_FILE, help="The table that was labeled, for --include-text.")
@click.option("--text-column", help="The column of --items that holds the text.")
@isolated_option
def command(
    study: Path,
    gold: Path | None,
    id_column: str | None,
    group_column: str | None,
    random_sample: bool,
    include_text: bool,
    items: Path | None,
    text_column: str | None,
) -> None:
    """Write report.html and findings.json of STUDY; needs no model.

    The page is one file that loads nothing from anywhere. It holds no text of an item
    unless --include-text is given.
    """
    if include_text != (items is not None):
        raise InputError(
            "--include-text and --items go together: the ledger holds no texts.",
            hint="Give both, with the table that was labeled, or neither.",
        )
    written = write_report(
        study,
        gold=gold,
        id_column=id_column,
        group_column=group_column,
        random_sample=random_sample,
        items=items,
        text_column=text_column,
    )
    console = output()
    for message in written.messages:
        say(console, message)
    for path in (written.html, written.json):
        say(console, str(path))
