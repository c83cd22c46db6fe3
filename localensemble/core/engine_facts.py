"""What a report may state of an engine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What a report may state of an engine; without any, it states nothing.

    Attributes:
        scored_by: how the engine scores a category, as the methods paragraph goes on after "Each
            rater scored every category of a variable": "by the log-probability of ...".
        never_cuts: the engine refuses a text that does not fit, and never cuts one.
        scripted: no model runs, and the labels mean nothing.
    """

    scored_by: str = ""
    never_cuts: bool = False
    scripted: bool = False


NOTHING_KNOWN = EngineFacts()
"""Of an engine that is not installed here, or states nothing of itself."""
