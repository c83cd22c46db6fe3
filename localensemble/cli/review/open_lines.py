"""Print how many decisions are still open, and which command comes next."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from localensemble.api.findings import StudyFindings
from localensemble.api.people.open_decisions import ways_to_decide
from localensemble.cli.console import say


def say_what_is_open(study: Path, table: str, *, findings: StudyFindings, console: Console) -> None:
    """Print what people must still decide, or that nothing is open.

    Args:
        study: the study folder.
        table: the options that give the labeled table, as `table_options` returns them.
        findings: those of the study with all decisions.
        console: where it is printed.
    """
    waiting = sum(variable.open for variable in findings.variables)
    if not waiting:
        say(
            console,
            f"No decision is open. Next: localensemble finalize {study}{table} -o final.csv",
        )
        return
    still = "decision is" if waiting == 1 else "decisions are"
    say(console, f"{waiting:,} {still} still open: see escalations.csv.")
    differing = sum(found.double_coding.conflicts for found in findings.review)
    for line in ways_to_decide(study, table, waiting=waiting, differing=differing):
        say(console, line)
