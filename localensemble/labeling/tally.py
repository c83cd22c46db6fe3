"""How far a rater has come."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from localensemble.core.labels import RaterName
from localensemble.labeling.scoring import LabeledCells

# Progress is reported at most this often within a block.
_SECONDS_BETWEEN_REPORTS = 0.2


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of one rater.

    Attributes:
        items_done: items with labels; one for which half is computed counts half.
        items_total: items to label.
        resumed: how many of ``items_done`` were labeled before the run began.
        seconds: time since it began.
    """

    rater: RaterName
    items_done: float
    items_total: int
    resumed: float
    seconds: float

    @property
    def labeled_now(self) -> float:
        """The number of items labeled by this run."""
        return self.items_done - self.resumed

    @property
    def items_per_second(self) -> float | None:
        """The speed so far; None before the first labels."""
        if self.labeled_now <= 0 or self.seconds <= 0:
            return None
        return self.labeled_now / self.seconds

    @property
    def seconds_left(self) -> float | None:
        """The time that the rest takes at the speed so far; None before the first labels."""
        speed = self.items_per_second
        return None if speed is None else (self.items_total - self.items_done) / speed


class Tally:
    """Count the labels of one rater, and report progress."""

    def __init__(
        self,
        name: RaterName,
        wanted: int,
        variables: int,
        missing: int,
        on_progress: Callable[[Progress], None],
    ) -> None:
        """Begin with the labels that are wanted of a rater, and how many of them are missing."""
        self._name = name
        # A strategy may ask about one variable of an item; a part of an item counts as one.
        self._total = -(-wanted // variables)
        self._wanted = wanted
        self._variables = variables
        self._resumed = self._done = wanted - missing
        self._begun = 0.0
        self._on_progress = on_progress
        self._started = self._reported = time.monotonic()

    def add(self, cells: LabeledCells) -> None:
        """Count labels; report them unless others were reported a moment ago."""
        self._done += sum(map(len, cells.labels.values()))
        self._begun = cells.begun
        if time.monotonic() - self._reported >= _SECONDS_BETWEEN_REPORTS:
            self.report()

    def report(self) -> None:
        """Report the progress so far."""
        self._reported = time.monotonic()
        is_done = self._done == self._wanted
        self._on_progress(
            Progress(
                self._name,
                self._total if is_done else (self._done + self._begun) / self._variables,
                self._total,
                self._resumed / self._variables,
                self._reported - self._started,
            )
        )
