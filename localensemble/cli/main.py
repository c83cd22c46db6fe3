"""The command group: find a command by name, and exit with the code of its error.

A command's module is imported only when the command is called, so that ``--help`` stays fast.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path

import click

from localensemble.api.privacy import guard_egress, isolate_if_asked, restart_isolated
from localensemble.cli.command_group import SuggestingGroup
from localensemble.cli.isolated import IsolationWantedError
from localensemble.core.disk_errors import is_environmental, trouble_of
from localensemble.core.errors import LocalEnsembleError, kind_and_place
from localensemble.core.leftovers import remove_leftovers
from localensemble.core.memory_dumps import refuse_memory_dumps
from localensemble.core.native_code import import_trouble
from localensemble.core.shown_text import shown

FAILED = 1
INTERRUPTED = 130

# For developers: shows tracebacks, which may contain item texts.
_SHOW_TRACEBACK = "LOCALENSEMBLE_TRACEBACK"

# The only command that may leave the machine. Every other call is guarded.
_GOES_OUT = ["models", "pull"]

_COMMANDS: Mapping[str, str] = {
    "demo": "Label 300 patient comments with the embedded models, from table to report.",
    "init": "Draft a codebook and an ensemble file for a table.",
    "check": "Check a codebook for methodological problems.",
    "prompt": "Show what raters are asked, write your own prompt, and compare prompts.",
    "ask": "Show what every rater says about one text; records nothing.",
    "pilot": "Find out from a few items which raters are fit, and what a run would accept.",
    "estimate": "Estimate the memory and time that a labeling run needs.",
    "label": "Label the items of a table with every rater of an ensemble.",
    "import": "Make a study from a table of ratings by people or other programs.",
    "agree": "Measure agreement between raters, people or models, in a table or a study.",
    "spans": "Find passages in texts, measure how far raters mark the same ones, and settle them.",
    "weigh": "Choose among free-text answers of several raters by weighted consistency.",
    "consensus": "Decide a labeled study again with other rules; needs no model.",
    "review": "Let a person decide the items that await one.",
    "finalize": "Write the finished table, once people have decided.",
    "sample": "Draw random items from a study for a person to label.",
    "evaluate": "Compare a study's labels with gold labels.",
    "certify": "Certify which labels can be accepted without review, or estimate the sample this "
    "needs.",
    "calibrate": "Calibrate the raters' probabilities so that they match frequencies.",
    "probe": "Train a rater on gold labels.",
    "relevancy": "Combine the raters of a study on yes/no topics by what they quote.",
    "relabel": "Let other raters label what differs between a study and existing labels.",
    "replay": "Label a random sample of a study again, and compare with its record.",
    "report": "Write a study's report as one HTML file, with its numbers as JSON.",
    "export": "Export labels and decisions to spreadsheets and other annotation programs.",
    "withdraw": "Take items out of a study, for example if consent is withdrawn.",
    "study": "Shred a study: overwrite and delete its files.",
    "ledger": "Verify a study's ledger, or list its history.",
    "models": "List, pull, verify, add and bundle models.",
    "doctor": "Check whether this machine is ready to label, and say what to fix.",
}

# Command -> its module, if that is in a room of its own.
_ROOMS = {
    "review": "review.review_group",
    "finalize": "review.finalize_command",
    "export": "review.export_command",
    "relevancy": "relevancy.relevancy_command",
    "replay": "replay.replay_command",
    "spans": "spans.spans_group",
    "weigh": "free_answers.weigh_command",
}


class _LazyGroup(SuggestingGroup):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        home = _ROOMS.get(cmd_name, f"{cmd_name}_command")
        module = importlib.import_module(f"localensemble.cli.{home}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, option, asked: _show_version(context, asked),
    help="Show the version and what models are run with, and exit.",
)
def cli() -> None:
    """Label text with several local models, measure their agreement, and escalate doubtful items.

    Everything runs on this machine. Exit codes: 0 done, 1 failed, 2 usage or input file,
    3 finished with items unlabeled, 4 engine unavailable, 5 agreement below the required
    level, 6 stopped at an unfit rater (--stop-unfit), 130 interrupted (run again to resume).
    """


def _show_version(context: click.Context, asked: bool) -> None:
    if not asked or context.resilient_parsing:
        return
    api = importlib.import_module("localensemble.api.program_version")
    click.echo(api.program_version())
    context.exit()


def main() -> None:
    """Run the command line and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character must not turn a finished run into a failed one.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    _quiet_unhandled_errors()
    try:
        # In here, because its file in the temporary folder may find the disk full.
        if sys.argv[1:3] != _GOES_OUT:
            guard_egress()
        isolate_if_asked()
        # Before a text is read. Not earlier: such a process may not enter its own network.
        refuse_memory_dumps()
        remove_leftovers()
        code = _run()
    except click.ClickException as error:
        _show_usage_error(error)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo(
            "Interrupted. Finished work is kept; run the same command again to resume.", err=True
        )
        code = INTERRUPTED
    except LocalEnsembleError as error:
        click.echo(shown(str(error)), err=True)
        code = error.exit_code
    except OSError as error:
        click.echo(_trouble(error), err=True)
        code = FAILED
    except ImportError as error:
        code = _show_import_error(error)
    except Exception as error:
        click.echo(shown(_fault(error)), err=True)
        code = FAILED
    sys.exit(code)


def _show_usage_error(error: click.ClickException) -> None:
    """Show the error as click does, without what an argument could do to the terminal."""
    text = io.StringIO()
    error.show(file=text)
    click.echo(shown(text.getvalue()), err=True, nl=False)


def _show_import_error(error: ImportError) -> int:
    """Say which compiled code cannot be loaded, and why; return the exit code."""
    trouble = import_trouble(error)
    if trouble is None or os.environ.get(_SHOW_TRACEBACK) == "1":
        click.echo(shown(_fault(error)), err=True)
        return FAILED
    told = trouble.as_error()
    click.echo(shown(str(told)), err=True)
    return told.exit_code


def _run() -> int | None:
    try:
        code: int | None = cli.main(standalone_mode=False)
        return code
    except IsolationWantedError:
        restart_isolated()


def _trouble(error: OSError) -> str:
    """Describe what the disk or a path refused; anything else is a fault."""
    if not is_environmental(error) or os.environ.get(_SHOW_TRACEBACK) == "1":
        return _fault(error)
    trouble = trouble_of(error)
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    # What another package's engine takes for a name may be anything, a text too.
    place = f'"{name}"' if Path(name).is_absolute() or name in sys.argv else "a file"
    return f"Cannot use {place}: {trouble.found}.\n{trouble.hint}"


def _quiet_unhandled_errors() -> None:
    """Keep Python from printing errors that nothing can catch: their messages may quote texts.

    They come from objects that are removed and from threads, usually after another error that
    is reported, such as a full disk. Another program's own hooks stay.
    """
    if os.environ.get(_SHOW_TRACEBACK) == "1":
        return
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda unraisable: None
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda unhandled: None


def _fault(error: Exception) -> str:
    """Describe a fault by its kind and place; only developers see its message."""
    if os.environ.get(_SHOW_TRACEBACK) == "1":
        return "".join(traceback.format_exception(error)).rstrip()
    return (
        "Cannot continue because of a fault in the program or in another package's engine.\n"
        f"Found {kind_and_place(error)}; its message may contain item text and is not shown.\n"
        "Please report it. Finished labels are kept. "
        f"Set {_SHOW_TRACEBACK}=1 to show everything, including item text."
    )
