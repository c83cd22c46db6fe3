"""The command ``replay``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import click

from localensemble.api.replay.replay_study import (
    DifferentLabel,
    Replay,
    ReplayedRater,
    ReplayOptions,
    replay_study,
)
from localensemble.cli.command_options import with_options
from localensemble.cli.console import cut, output, progress_output, say
from localensemble.cli.isolated import isolated_option
from localensemble.cli.study_argument import StudyCommand
from localensemble.core.options import Option
from localensemble.core.words import counted

_MOST_SHOWN = 5


@click.command("replay", cls=StudyCommand)
@click.argument("study", type=click.Path(path_type=Path))
@with_options
@isolated_option
def command(
    study: Path,
    *,
    items: Annotated[Path, Option("The labeled table.")],
    options: ReplayOptions,
) -> None:
    """Label a random sample of STUDY's items again with its raters, and compare with the record.

    Says of each rater whether its labels are equal, equal within the tolerance or different, and
    what has changed since, as far as the study records it. Writes nothing. Exits with code 1 if a
    label is different.
    """
    progress = progress_output()
    found = replay_study(
        study,
        items=items,
        options=options,
        on_rater=lambda name: say(progress, f"Labeling again with {name}"),
    )
    console = output()
    say(
        console,
        f"Labeled {found.items:,} of {counted(found.item_count, 'item')} again, with "
        f"{counted(len(found.raters), 'rater')}: {found.verdict}.",
    )
    for rater in found.raters:
        for line in _lines(rater, found):
            say(console, line)
    if found.verdict == "different":
        sys.exit(1)


def _lines(rater: ReplayedRater, replay: Replay) -> Iterator[str]:
    parts = [f"{rater.equal:,} equal"]
    if rater.within_tolerance:
        parts.append(f"{rater.within_tolerance:,} within {replay.tolerance:g}")
    if rater.different:
        parts.append(f"{len(rater.different):,} different")
    yield f"{rater.name}: {rater.verdict}; of {counted(rater.labels, 'label')}, {', '.join(parts)}"
    if 0 < rater.largest_difference < float("inf"):
        yield f"  Largest difference of a probability: {rater.largest_difference:.2g}"
    for line in cut([_told(one) for one in rater.different], most=_MOST_SHOWN):
        yield f"  {line}"
    for change in rater.changes:
        yield f"  {change}"
    if rater.verdict != "equal" and not rater.changes:
        yield (
            "  Nothing that the study records has changed. Another processor of the same kind can "
            "change digits; otherwise the record is not what this rater said."
        )


def _told(label: DifferentLabel) -> str:
    same = label.recorded == label.again
    change = f"still {label.again}" if same else f"{label.recorded} then, {label.again} now"
    return f"{label.item}, {label.variable}: {change}"
