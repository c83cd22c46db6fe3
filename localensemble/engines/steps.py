"""Count the steps of work of this process, so that another process can tell slow from wedged.

A step is a piece of work that takes seconds even on a slow machine: one operation of a model's
graph, one part of a file that is read, one text that is embedded. The number means nothing by
itself; only whether it has changed does.
"""

from __future__ import annotations


class StepCounter:
    """The number of steps so far; it only grows."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def take(self, *_: object) -> None:
        """Count a step; arguments of whoever calls back are ignored."""
        self.count += 1


# One for the process, because all of its work is one answer to one question: is it alive?
STEPS = StepCounter()
