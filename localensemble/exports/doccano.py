"""Export a study as JSON Lines for a text classification project of doccano.

Source: doccano's import of text classification data: one object per line with ``text`` and a list
``label``; other keys are kept as metadata (https://github.com/doccano/doccano,
backend/data_import).
"""

from __future__ import annotations

from pathlib import Path

from localensemble.codebook.load import YES
from localensemble.exports.exported_study import ExportedItem, ExportedStudy
from localensemble.exports.json_lines import write_lines

SEPARATOR = ": "


def write(study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
    """Write one line per item, with a label ``VARIABLE: CATEGORY`` for each final label.

    Of yes/no variables only those that apply have a label. Without texts, the id takes the place
    of the text, which doccano requires.
    """
    write_lines((_line(item) for item in study.items()), path=path)
    return (path,)


def _line(item: ExportedItem) -> dict[str, object]:
    facts = {
        f"{row.variable}.{part}": value
        for row in item.variables
        for part, value in (("label", row.label), ("status", row.status), ("origin", row.origin))
    }
    raters = {
        f"{row.variable}.rater.{one.rater}": one.word
        for row in item.variables
        for one in row.raters
    }
    people = {
        f"{row.variable}.person.{one.reviewer}": one.word
        for row, said in zip(item.variables, item.people, strict=True)
        for one in said
    }
    return {
        "id": item.id,
        "text": item.id if item.text is None else item.text,
        "label": [
            row.variable if _is_part(row.variable) else f"{row.variable}{SEPARATOR}{row.label}"
            for row in item.variables
            if row.label is not None and (not _is_part(row.variable) or row.label == YES)
        ],
        **facts,
        **raters,
        **people,
    }


def _is_part(variable: str) -> bool:
    """Tell whether a variable is one category of a multi-label variable."""
    return "." in variable
