"""List the formats in which a study can be exported.

To add a format, write a module with a function `write`, and add one line here and the name to
`ExportFormat`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

from localensemble.exports import (
    argilla,
    doccano,
    hard_sample_table,
    json_lines,
    label_studio,
    rater_tables,
    redcap,
    refi_qda_codebook,
    wide_csv,
    wide_parquet,
    wide_workbook,
)
from localensemble.exports.exported_study import ExportedStudy

ExportFormat = Literal[
    "csv",
    "xlsx",
    "parquet",
    "jsonl",
    "label-studio",
    "redcap",
    "refi-qda",
    "doccano",
    "argilla",
    "agreement",
    "hard-samples",
]


def item_count(study: ExportedStudy, *, format: ExportFormat) -> int:  # noqa: A002
    """Count the items that an export in the format has: all of them, or the hard samples."""
    if format == "hard-samples":
        return hard_sample_table.item_count(study)
    return study.item_count


class StudyWriter(Protocol):
    """What the module of a format has."""

    def write(self, study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
        """Write the study, and return the files that were written, ``path`` first."""
        ...


EXPORT_FORMATS: Mapping[ExportFormat, StudyWriter] = MappingProxyType(
    {
        "csv": wide_csv,
        "xlsx": wide_workbook,
        "parquet": wide_parquet,
        "jsonl": json_lines,
        "label-studio": label_studio,
        "redcap": redcap,
        "refi-qda": refi_qda_codebook,
        "doccano": doccano,
        "argilla": argilla,
        "agreement": rater_tables,
        "hard-samples": hard_sample_table,
    }
)
