"""List the formats in which a study's tables can be written.

To add a format, write a module that writes the typed rows of `rows`, and add one line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from localensemble.exports import csv_tables
from localensemble.exports.rows import DecidedStudy


class TableWriter(Protocol):
    """The functions that the module of a format has."""

    def write_labels(self, study: DecidedStudy, *, path: Path) -> None:
        """Write one row per item, completely or not at all."""
        ...

    def write_escalations(self, study: DecidedStudy, *, path: Path) -> None:
        """Write one row per open item and variable, the most doubtful item first."""
        ...


FORMATS: Mapping[str, TableWriter] = MappingProxyType(
    {
        "csv": csv_tables,
    }
)
