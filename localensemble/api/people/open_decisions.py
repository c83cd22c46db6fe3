"""Name the commands with which people make the decisions that are still open.

The page asks only about items that still need an answer. Where reviewers differ, all of them have
answered, so that only an adjudication settles it.
"""

from __future__ import annotations

from pathlib import Path

from localensemble.core.words import counted

__all__ = ["ways_to_decide"]


def ways_to_decide(study: Path, table: str, *, waiting: int, differing: int) -> tuple[str, ...]:
    """Return the lines that name the commands, each command on a line of its own.

    Args:
        study: the study folder.
        table: the options that give the labeled table, as `table_options` returns them.
        waiting: how many decisions are open.
        differing: on how many of these reviewers differ; a third person settles them.
    """
    lines: list[str] = []
    if waiting > differing:
        lines += (
            "Decide on the review page:",
            f"  localensemble review {study}{table}",
            "Or import what you decided in a worksheet or beside escalations.csv:",
            f"  localensemble review import {study} decisions.csv{table} --reviewer NAME",
        )
    if differing:
        them = "it" if differing == 1 else "them"
        lines += (
            f"Reviewers differ on {counted(differing, 'decision')}. Someone who has not answered "
            f"{them} must settle {them}:",
            f"  localensemble review {study}{table} --adjudicate",
        )
    return tuple(lines)
