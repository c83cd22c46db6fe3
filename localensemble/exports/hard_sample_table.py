"""Export the hard samples of a study with their reviewed labels, to train a student on them.

A hard sample is an item whose label a person gave, or on which the labelers disagree and that an
adjudicator settled. The table has the columns that `probe` reads as gold labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from localensemble.core.errors import InputError
from localensemble.exports.exported_study import ExportedStudy
from localensemble.exports.rows import PERSON
from localensemble.study.recorded_proposals import recorded_proposals, roles_when_labeled
from localensemble.tables.delimited import write_table

REVIEWED_BY = "reviewed_by"


def write(study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
    """Write one row per item with a reviewed label.

    Raises:
        InputError: nothing was reviewed.
    """
    rows = [*_rows(study)]
    if not rows:
        raise InputError(
            "Cannot export hard samples: no label of the study was reviewed.",
            hint="Review items (`localensemble review`), or make a rater an adjudicator.",
        )
    kept = ("id", "text") if study.with_texts else ("id",)
    names = [one.name for one in study.codebook.variables]
    added = (*names, *(f"{name}.{REVIEWED_BY}" for name in names))
    write_table(path, kept=kept, added=added, rows=iter(rows))
    return (path,)


def item_count(study: ExportedStudy) -> int:
    """Count the items with a reviewed label."""
    return sum(1 for _ in _rows(study))


def _rows(study: ExportedStudy) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    disputed: Mapping[str, list[bool]] = {
        name: one.disputed.tolist() for name, one in recorded_proposals(study.study).items()
    }
    roles = roles_when_labeled(study.study)
    judges = " ".join(name for name, role in roles.items() if role == "adjudicator")
    for place, item in enumerate(study.items()):
        labels, reviewers = [], []
        for row in item.variables:
            by_person = row.origin == PERSON
            settled = bool(disputed) and disputed[row.variable][place] and row.label is not None
            labels.append((row.label or "") if by_person or settled else "")
            reviewers.append(PERSON if by_person else judges if settled else "")
        if any(labels):
            text = () if item.text is None else (item.text,)
            yield (item.id, *text), (*labels, *reviewers)
