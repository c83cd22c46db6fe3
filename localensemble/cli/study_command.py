"""The command group ``study``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.withdrawal.shred_study import files_to_shred, shred_study
from localensemble.cli.command_group import CommandGroup
from localensemble.cli.command_options import with_options
from localensemble.cli.console import output, progress_output, say
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.errors import InputError
from localensemble.core.options import Option
from localensemble.core.words import counted


@click.group("study", cls=CommandGroup)
def command() -> None:
    """Shred a study."""


@command.command("shred", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path, file_okay=False))
@with_options
def shred_command(
    study: Path,
    *,
    everything: Annotated[
        bool, Option("Also shred files in the folder that this program did not write.")
    ] = False,
    yes: Annotated[bool, Option("Do not ask.")] = False,
) -> None:
    """Overwrite and delete the files of STUDY that hold texts, ids or labels.

    Names each file, and asks before it begins. This cannot be undone. Content that was overwritten
    can survive on SSDs, in snapshots and in backups.
    """
    files, console = files_to_shred(study, everything=everything), progress_output()
    if not yes:
        for path in files.shredded:
            say(console, str(path))
        if not sys.stdin.isatty():
            raise InputError(
                "Nothing was shredded: there is no terminal to ask on.",
                hint="Check the files listed above, and add --yes.",
            )
        question = f"Overwrite and delete {counted(len(files.shredded), 'file')}?"
        if not click.confirm(question, default=False, err=True):
            raise InputError(
                "Nothing was shredded.", hint="Run the command again to shred the files."
            )
    shredded = shred_study(
        study, everything=everything, on_file=lambda path: say(output(), f"Shredded {path}")
    )
    for message in shredded.messages:
        say(console, message)
