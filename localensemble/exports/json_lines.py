"""Export a study as JSON Lines: one object per item, numbers as numbers, absence as null."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from localensemble.core.files import replaced_text_file
from localensemble.exports.exported_study import ExportedItem, ExportedStudy
from localensemble.exports.rows import VariableRow
from localensemble.study.people.current_answers import PersonAnswer


def write(study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
    """Write one line per item: its id, its text if asked for, and its variables by name."""
    write_lines((_item(item) for item in study.items()), path=path)
    return (path,)


def write_lines(lines: Iterable[Mapping[str, object]], *, path: Path) -> None:
    """Write one JSON object per line."""
    with replaced_text_file(path) as stream:
        for line in lines:
            # A lone surrogate is no Unicode text; with escapes, any text can be written.
            stream.write(json.dumps(line, allow_nan=False) + "\n")


def _item(item: ExportedItem) -> dict[str, object]:
    variables = {
        row.variable: _variable(row, people)
        for row, people in zip(item.variables, item.people, strict=True)
    }
    text = {} if item.text is None else {"text": item.text}
    return {"id": item.id, **text, "variables": variables}


def _variable(row: VariableRow, people: tuple[PersonAnswer, ...]) -> dict[str, object]:
    return {
        "label": row.label,
        "status": row.status,
        "origin": row.origin,
        "support": row.support,
        "mean_probability": row.mean_probability,
        "off_codebook_mass": row.off_codebook_mass,
        "reason_codes": list(row.reason_codes),
        "raters": {
            one.rater: {
                "label": one.category,
                "status": one.state,
                "probability": one.probability,
            }
            for one in row.raters
        },
        "people": [
            {
                "reviewer": one.reviewer,
                "role": one.role,
                "decision": one.word,
                "seconds": one.seconds,
            }
            for one in people
        ],
    }
