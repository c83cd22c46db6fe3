"""What a report may state about an engine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What a report may state about an engine; the defaults state nothing.

    Attributes:
        scored_by: how the engine scores a category. It completes the sentence "Each rater scored
            every category of a variable" in the methods paragraph: "by the log-probability of ...".
        never_cuts: True if the engine refuses a text that does not fit instead of cutting it.
        scripted: True if no model runs, so that the labels mean nothing.
        model_kind: what its models are called, in the singular: "language model".
        without_prompt: True if the engine shows its model the text alone, without instructions.
    """

    scored_by: str = ""
    never_cuts: bool = False
    scripted: bool = False
    without_prompt: bool = False
    model_kind: str = "language model"


NOTHING_KNOWN = EngineFacts()
"""The facts of an engine that is not installed here or states none."""
