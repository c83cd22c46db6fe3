"""The command ``label``."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.label import LabeledStudy, LabelOptions, label
from localensemble.api.shared_options import CodebookFile, StudyToWrite
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, progress_output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.progress import RaterBars
from localensemble.cli.results.study_summary import show_labeled
from localensemble.core.command_lines import command_line
from localensemble.core.errors import InputError
from localensemble.core.options import Option
from localensemble.tables.item_columns import table_options

UNLABELED = 3
BELOW_REQUIRED = 5
# What 0.1.0 called the option --control.
_CONTROL_BEFORE = "golden"


class _LabelCommand(click.Command):
    """The command; it also answers calls with a name that an option had before."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, unless they name the control items as an earlier version did.

        Raises:
            InputError: they do; click would suggest --gold, which means something else.
        """
        if any(arg.partition("=")[0] == f"--{_CONTROL_BEFORE}" for arg in args):
            line = [re.sub(f"^--{_CONTROL_BEFORE}", "--control", arg) for arg in args]
            raise InputError(
                f"Unknown option --{_CONTROL_BEFORE}; it is now called --control.",
                hint=f"Run:\n  localensemble label {command_line(line)}",
            )
        return super().parse_args(ctx, args)


@click.command("label", cls=_LabelCommand)
@click.argument("items", type=click.Path(path_type=Path, dir_okay=False))
@with_options
@isolated_option
def command(
    items: Path,
    *,
    codebook: CodebookFile,
    study: StudyToWrite,
    options: LabelOptions,
    strict: Annotated[
        bool, Option("Evaluate one prompt at a time and share nothing: slow, for checking.")
    ] = False,
    details: Annotated[bool, Option("Also show every table and remark.")] = False,
) -> None:
    """Label the texts of ITEMS (CSV or Excel workbook) with every rater of an ensemble.

    After an interruption, run the same command again to resume. Exits with code 5 if the raters
    agree less than the codebook requires, otherwise with 3 if some labels have no category.
    """
    options = replace(options, mode="strict" if strict else "batched")
    labeled = label_with_bars(items, codebook=codebook, study=study, options=options)
    table = table_options(items, id_column=options.id_column, text_column=options.text_column)
    show_labeled(labeled, console=output(), table=table, details=details)
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
