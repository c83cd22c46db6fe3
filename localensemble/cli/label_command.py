"""The command ``label``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from localensemble.api.label import LabeledStudy, LabelOptions, label
from localensemble.cli.console import output, progress_output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.progress import RaterBars
from localensemble.cli.study_tables import show_study

UNLABELED = 3
BELOW_REQUIRED = 5

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command("label")
@click.argument("items", type=_FILE)
@click.option("-c", "--codebook", type=_FILE, required=True, help="The codebook (YAML).")
@click.option(
    "-e", "--ensemble", type=_FILE, help="The ensemble file (YAML). [default: the embedded models]"
)
@click.option(
    "-o",
    "--output",
    "study",
    type=_FOLDER,
    required=True,
    help="The study folder; made if missing.",
)
@click.option("--id-column", help="The column that identifies an item.")
@click.option("--text-column", help="The column that holds the text.")
@click.option("--gold", type=_FILE, help="A table with gold labels, to report accuracy.")
@click.option(
    "--certificate",
    "certificates",
    type=_FILE,
    multiple=True,
    help="Accept by a threshold that `certify` certified; one file per variable.",
)
@click.option(
    "--calibration",
    "calibrations",
    type=_FILE,
    multiple=True,
    help="Change the raters' probabilities as `calibrate` found; one file per variable.",
)
@click.option(
    "--control",
    type=_FILE,
    help="A table with items whose category is known, for the policy control_missed.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Label only the first items.")
@click.option(
    "--strict", is_flag=True, help="One prompt at a time, nothing shared: slow, to check by."
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="Processor threads. [default: all cores]"
)
@isolated_option
def command(
    items: Path,
    codebook: Path,
    ensemble: Path | None,
    study: Path,
    id_column: str | None,
    text_column: str | None,
    gold: Path | None,
    certificates: tuple[Path, ...],
    calibrations: tuple[Path, ...],
    control: Path | None,
    limit: int | None,
    strict: bool,
    threads: int | None,
) -> None:
    """Label the texts of ITEMS (a CSV file) with every rater of an ensemble.

    Run the same command again after an interruption: it goes on where it stopped.
    Ends with exit code 5 when raters agree less than the codebook requires, else with 3 when
    some labels have no category.
    """
    options = LabelOptions(
        ensemble=ensemble,
        id_column=id_column,
        text_column=text_column,
        limit=limit,
        gold=gold,
        certificates=certificates,
        calibrations=calibrations,
        control=control,
        mode="strict" if strict else "batched",
        threads=threads,
    )
    labeled = label_with_bars(items, codebook=codebook, study=study, options=options)
    show_study(labeled, console=output())
    if not labeled.findings.agreement_met:
        sys.exit(BELOW_REQUIRED)
    if labeled.findings.unlabeled:
        sys.exit(UNLABELED)


def label_with_bars(
    items: Path, *, codebook: Path, study: Path, options: LabelOptions
) -> LabeledStudy:
    """Label with a progress bar per rater on standard error."""
    console = progress_output()
    with RaterBars(console) as bars:
        return label(
            items,
            codebook=codebook,
            study=study,
            options=options,
            on_progress=bars.show,
            on_message=lambda message: say(console, message),
        )
