"""Show how far each rater is: in place in a notebook, in a terminal only when asked to."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from html import escape
from importlib import import_module
from typing import Any, Protocol

from localensemble.core.words import counted, duration, pace
from localensemble.labeling.tally import Progress


class Display(Protocol):
    """Shows progress when it is told of it."""

    def show(self, progress: Progress) -> None:
        """Show one rater's progress in the place of what was shown of it before."""
        ...


def progress_display(shown: bool | None) -> Display:
    """Choose where progress is shown.

    Args:
        shown: None shows it in a notebook and nowhere else; True also on standard error.
    """
    if shown is not False and _in_notebook():
        return NotebookDisplay()
    return StandardError() if shown else Nothing()


class Nothing:
    """Shows nothing."""

    def show(self, progress: Progress) -> None:
        """Do nothing."""


class StandardError:
    """Shows one line a rater on standard error, written over until the rater is done."""

    def __init__(self) -> None:
        self._width = 0

    def show(self, progress: Progress) -> None:
        """Write the line of a rater."""
        done = progress.items_done >= progress.items_total
        line = _line(progress)
        # Spaces cover what a longer line left behind.
        sys.stderr.write(f"\r{line.ljust(self._width)}" + ("\n" if done else ""))
        sys.stderr.flush()
        self._width = 0 if done else len(line)


class NotebookDisplay:
    """Shows one line a rater in the output of a notebook cell."""

    def __init__(self) -> None:
        self._raters: dict[str, Progress] = {}
        self._shown: Any = None

    def show(self, progress: Progress) -> None:
        """Draw all lines again where they stand."""
        self._raters[progress.rater] = progress
        lines = _Lines(self._raters)
        if self._shown is None:
            self._shown = import_module("IPython.display").display(lines, display_id=True)
        else:
            self._shown.update(lines)


class _Lines:
    def __init__(self, raters: Mapping[str, Progress]) -> None:
        self._raters = tuple(raters.values())

    def __repr__(self) -> str:
        return "\n".join(map(_line, self._raters))

    def _repr_html_(self) -> str:
        rows = (
            f'<div><progress max="{one.items_total}" value="{one.items_done}"></progress> '
            f"{escape(_line(one))}</div>"
            for one in self._raters
        )
        return "".join(rows)


def _line(progress: Progress) -> str:
    speed, left = progress.items_per_second, progress.seconds_left
    return (
        f"{progress.rater}: {int(progress.items_done):,} of {counted(progress.items_total, 'item')}"
        + (f", {pace(speed)}" if speed is not None else "")
        + (f", {duration(left)} left" if left else "")
    )


def _in_notebook() -> bool:
    """Tell whether a notebook kernel runs this; IPython is never imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")
