"""Tables of ratings, and studies made of them without a command."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from localensemble.consensus.rules import DecisionRules, decision_rules
from localensemble.core.label_matrix import GAP, LabelMatrix
from localensemble.ledger.ledger import Ledger
from localensemble.study.folder import StudyFolder
from localensemble.study.rating_table.read_ratings import (
    RatingsOptions,
    ReadRatings,
    read_ratings_table,
)
from localensemble.study.rating_table.recorded_ratings import AlignedRatings, record_labels
from localensemble.tables.rating_columns import NamedColumns

MAJORITY = decision_rules({"method": "majority"}, [])

Said = set[tuple[str, str, str]]


def write_rows(path: Path, rows: Iterable[Sequence[str]]) -> Path:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def read(path: Path, **options: Any) -> ReadRatings:
    """Read a table of ratings; nominal, and without a guess which columns are raters."""
    named = {name: options.pop(name) for name in NamedColumns.__slots__ if name in options}
    level = None if "codebook" in options else "nominal"
    return read_ratings_table(
        path, options=RatingsOptions(**{"level": level, "columns": NamedColumns(**named)} | options)
    )


def wide(folder: Path, *rows: str, **options: Any) -> AlignedRatings:
    """Read a table with a header and one string of letters for each item, ``.`` for a gap."""
    raters = [f"r{place}" for place in range(len(rows[0]))]
    cells = [
        (str(number), *("" if letter == "." else letter for letter in row))
        for number, row in enumerate(rows, start=1)
    ]
    path = write_rows(folder / "v.csv", [("id", *raters), *cells])
    return read(path, raters=tuple(raters), **options).labels


def record(labels: AlignedRatings, folder: Path, *, rules: DecisionRules = MAJORITY) -> StudyFolder:
    """Record ratings in a study folder, a new one or one that is there."""
    study = StudyFolder(folder)
    study.make()
    with Ledger.open(study.ledger, create=True) as ledger:
        record_labels(labels, ledger=ledger, rules=rules)
    return study


def said(matrix: LabelMatrix, items: Iterable[str]) -> Said:
    """List what a matrix holds, whatever the order of its items, raters and categories."""
    return {
        (str(item), rater, matrix.categories[index])
        for item, row in zip(items, matrix.indices, strict=True)
        for rater, index in zip(matrix.raters, row, strict=True)
        if index != GAP
    }
