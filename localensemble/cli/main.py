"""The command group: finds commands by name and ends with the exit code of an error.

Each command's module is imported only when it is called, so that ``--help`` stays fast.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections.abc import Mapping

import click

from localensemble import __version__
from localensemble.api.privacy import guard_egress, isolate_if_asked, restart_isolated
from localensemble.cli.isolated import IsolationWantedError
from localensemble.core.errors import LocalEnsembleError, kind_and_place

FAILED = 1
INTERRUPTED = 130

# For developers: shows tracebacks, which may hold texts of items.
_SHOW_TRACEBACK = "LOCALENSEMBLE_TRACEBACK"

# The only command that may leave the machine. Whatever is not recognized as it is guarded.
_GOES_OUT = ["models", "pull"]

_COMMANDS: Mapping[str, str] = {
    "demo": "Label 300 patient comments with the embedded models: the whole loop.",
    "init": "Write a codebook and an ensemble file to start from, for a table.",
    "check": "Say what a methodologist would object to in a codebook.",
    "estimate": "Say what memory and time a labeling run takes, and what to change.",
    "label": "Label the items of a table with every rater of an ensemble.",
    "import": "Make a study of a table of ratings, of people or of other programs.",
    "agree": "Measure how far raters agree, people or models, on a table or a study.",
    "consensus": "Decide a labeled study again by other rules, without a model.",
    "sample": "Draw items of a study at random, for a person to label.",
    "evaluate": "Compare a study's labels with gold labels.",
    "certify": "Certify which labels may stand without a person, or plan what that takes.",
    "calibrate": "Make the probabilities of a study's raters mean frequencies.",
    "report": "Write a study's report as one HTML file, with its numbers as JSON.",
    "ledger": "Verify a study's ledger, or list its history.",
    "models": "List, pull, verify, add and bundle the models that can label.",
    "doctor": "Say whether this machine is ready to label, and what to do where not.",
}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"localensemble.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="localensemble")
def cli() -> None:
    """Label text with several local models, measure how far they agree, escalate the rest.

    Everything runs on this machine. Exit codes: 0 done, 1 failed, 2 usage or input file,
    3 finished with items unlabeled, 4 engine unavailable, 5 agreement below the required
    level, 130 interrupted (run again to resume).
    """


def main() -> None:
    """Run the command line and end the process with its exit code."""
    if sys.argv[1:3] != _GOES_OUT:
        guard_egress()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter must not turn a finished run into a failed one.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        isolate_if_asked()
        code = _run()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo(
            "Interrupted. What was done is kept; run the same command again to resume.", err=True
        )
        code = INTERRUPTED
    except LocalEnsembleError as error:
        click.echo(str(error), err=True)
        code = error.exit_code
    except Exception as error:
        click.echo(_fault(error), err=True)
        code = FAILED
    sys.exit(code)


def _run() -> int | None:
    try:
        code: int | None = cli.main(standalone_mode=False)
        return code
    except IsolationWantedError:
        restart_isolated()


def _fault(error: Exception) -> str:
    """Say that there is a fault, and where; its message is shown to developers only."""
    if os.environ.get(_SHOW_TRACEBACK) == "1":
        return "".join(traceback.format_exception(error)).rstrip()
    return (
        "Cannot go on, because of a fault in the program or in an engine of another package.\n"
        f"Found {kind_and_place(error)}; its message may hold text and is not shown.\n"
        "Please report it. What was labeled is kept. "
        f"{_SHOW_TRACEBACK}=1 shows everything, also texts."
    )
