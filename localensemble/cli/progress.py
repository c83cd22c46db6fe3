"""Show the progress of each rater: items, speed, time left."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from localensemble.api.findings import counted
from localensemble.api.label import Progress as RaterProgress
from localensemble.core.words import duration, pace


class RaterBars:
    """One bar per rater on standard error; a plain line per rater if that is not a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tasks: dict[str, TaskID] = {}
        self._ended: set[str] = set()
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[done]:,} of {task.total:,.0f} items"),
            TextColumn("{task.fields[speed]}"),
            TextColumn("{task.fields[left]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> RaterBars:
        self._bars.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.__exit__(kind, error, trace)

    def show(self, progress: RaterProgress) -> None:
        """Draw one rater's progress."""
        speed, left = progress.items_per_second, progress.seconds_left
        shown_speed = pace(speed) if speed is not None else ""
        if progress.rater not in self._tasks:
            self._tasks[progress.rater] = self._bars.add_task(
                progress.rater, total=progress.items_total, done=0, speed="", left=""
            )
        self._bars.update(
            self._tasks[progress.rater],
            completed=progress.items_done,
            # Not rounded up: the last item is done when it is.
            done=int(progress.items_done),
            speed=shown_speed,
            left=f"{duration(left)} left" if left else "",
        )
        if self._console.is_terminal or progress.rater in self._ended:
            return
        # The last batch of a block and the block itself can both be the end.
        if progress.items_done == progress.items_total:
            self._ended.add(progress.rater)
            resumed = f", {int(progress.resumed):,} labeled earlier" if progress.resumed else ""
            self._console.print(
                f"{progress.rater}: {counted(progress.items_total, 'item')}{resumed}"
                + (f", {shown_speed}" if shown_speed else "")
            )
