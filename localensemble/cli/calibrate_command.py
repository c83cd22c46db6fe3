"""The command ``calibrate``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import click
from rich.console import Console

from localensemble.api.certificates.calibrate import (
    Calibrated,
    RaterCalibrationMethod,
    calibrate,
)
from localensemble.api.shared_options import GoldIdColumn
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output as standard_output
from localensemble.cli.console import say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.command_lines import command_line
from localensemble.core.errors import InputError
from localensemble.core.options import Option

_LONGEST_SHOWN = 200
_CERTIFYING = frozenset({"--alpha", "--delta", "--by", "--plan", "ltt", "crc"})


class _CalibrateCommand(StudyCommand):
    """The command; it also answers calls from when it certified thresholds."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, unless they are those of an earlier version.

        Raises:
            InputError: they belong to an earlier version; names the line to type.
        """
        words = [word for arg in args for word in arg.split("=", 1)]
        if "--probabilities" in words:
            line = [re.sub("^--probabilities", "--method", arg) for arg in args]
            raise InputError(
                "Unknown option --probabilities; it is now called --method.",
                hint=f"Run:\n  localensemble calibrate {command_line(line)}",
            )
        if _CERTIFYING & {*words} or ("--gold" in words and "--method" not in words):
            raise InputError(
                "`calibrate` changes the raters' probabilities and needs --method.",
                hint="To certify which labels can be accepted without review, run:\n"
                f"  localensemble certify {command_line(args)}",
            )
        return super().parse_args(ctx, args)


@click.command("calibrate", cls=_CalibrateCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def command(
    study: Path,
    *,
    variable: Annotated[str, Option("The variable to calibrate.")],
    method: Annotated[
        RaterCalibrationMethod,
        Option(
            "temperature needs at least 30 gold labels, isotonic at least 300; contextual_prior "
            "needs --content-free instead of gold labels."
        ),
    ],
    gold: Annotated[Path | None, Option("A table with gold labels.")] = None,
    content_free: Annotated[
        Path | None,
        Option(
            "A study in which the same raters labeled items without content, such as N/A.",
            folder=True,
        ),
    ] = None,
    id_column: GoldIdColumn = None,
    output: Annotated[
        Path | None,
        Option(
            "The calibration to write (JSON). [default: rater-calibration-VARIABLE.json in the "
            "study folder]",
            "-o --output",
        ),
    ] = None,
) -> None:
    """Calibrate the raters' probabilities in STUDY so that they match frequencies.

    Fits a correction of each rater's probabilities for one variable and writes it to a file.
    The calibration has no effect until you give the file to `consensus` or `label`.
    """
    calibrated = calibrate(
        study,
        variable=variable,
        method=method,
        gold=gold,
        content_free=content_free,
        path=output,
        id_column=id_column,
    )
    _show(calibrated, study, standard_output())


def _show(calibrated: Calibrated, study: Path, console: Console) -> None:
    say(console, calibrated.calibration.sentence())
    for rater in calibrated.calibration.raters:
        fitted = ", ".join(f"{name} = {value}" for name, value in rater.calibration.settings)
        say(
            console, f"  {rater.name}: {fitted if len(fitted) < _LONGEST_SHOWN else 'see the file'}"
        )
    say(console, f"Wrote {calibrated.path}. To apply it, give the table that was labeled:")
    given = command_line(["consensus", str(study), "--calibration", str(calibrated.path)])
    say(console, f"  localensemble {given} --items ITEMS")
    say(console, "`label` also takes --calibration.")
