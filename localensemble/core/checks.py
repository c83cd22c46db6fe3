"""The result of one check that `doctor` makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check.

    Attributes:
        name: what was checked.
        severity: ``problem`` if something does not work, ``note`` if it could be better.
        found: what was found.
        what_to_do: the next step; empty if nothing needs to be done.
    """

    name: str
    severity: Severity
    found: str
    what_to_do: str = ""
