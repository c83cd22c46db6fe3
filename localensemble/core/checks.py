"""What `doctor` found out about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what was looked at.
        severity: ``problem`` keeps something from working; ``note`` could be better.
        found: what there is.
        what_to_do: empty where all is well.
    """

    name: str
    severity: Severity
    found: str
    what_to_do: str = ""
