"""Read people's decisions from a JSON export of Label Studio.

Annotations that Label Studio marks as cancelled (skipped) are left out. Source:
https://labelstud.io/guide/export and https://labelstud.io/guide/task_format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from localensemble.codebook.load import NO, YES
from localensemble.codebook.model import Codebook
from localensemble.core.errors import TableError
from localensemble.core.input_files import read_json_file
from localensemble.exports.exported_study import Question, questions
from localensemble.exports.label_studio import DECISIONS, ID, REVIEWER, ROLE, chosen
from localensemble.exports.multi_labels import NOTHING_APPLIES
from localensemble.study.people.answer_words import ANSWER_WORDS
from localensemble.tables.delimited import HeldTable, TableFormat

COLUMNS = ("id", "variable", "decision", "reviewer", "role", "decided_at")


def label_studio_answers(path: Path, *, codebook: Codebook) -> HeldTable:
    """Return one row per decision; a row names the item by the id in its ``data``.

    Raises:
        TableError: the file is not such an export, or holds no annotation.
    """
    asked = {one.name: one for one in questions(codebook)}
    rows: list[tuple[str, ...]] = []
    for number, task in enumerate(_tasks(path), start=1):
        try:
            item_id = str(task["data"][ID])
            for annotation in task.get("annotations", ()):
                if not annotation.get("was_cancelled"):
                    rows += _rows(item_id, annotation, asked)
        except (KeyError, TypeError, AttributeError, IndexError):
            # Not chained: the error may quote the task.
            raise TableError(
                f"{path.name}, task {number}: found no item id in its data, or results that are "
                "not those of this codebook.",
                hint="Export the project in the format JSON, not JSON-MIN or CSV.",
            ) from None
    if not rows:
        raise TableError(
            f"{path.name}: found no annotations.",
            hint="Export the project after people have submitted annotations.",
        )
    return HeldTable(path, COLUMNS, TableFormat(), tuple(rows))


def _tasks(path: Path) -> list[dict[str, Any]]:
    try:
        tasks = read_json_file(path)
    except OSError as error:
        raise TableError(
            f'Cannot read "{path.name}": {error.strerror or "it cannot be opened"}.',
            hint="Check that you can read the file, or export fewer tasks into each file.",
        ) from error
    except ValueError:
        tasks = None
    if not isinstance(tasks, list):
        raise TableError(
            f"{path.name}: the file is not a list of Label Studio tasks in JSON.",
            hint="Export the project in the format JSON.",
        )
    return tasks


def _rows(
    item_id: str, annotation: Mapping[str, Any], asked: Mapping[str, Question]
) -> Iterator[tuple[str, ...]]:
    time = str(annotation.get("updated_at") or annotation.get("created_at") or "")
    for result in annotation["result"]:
        if result["type"] != "choices" or result["from_name"] not in asked:
            continue
        question = asked[result["from_name"]]
        meta = result.get("meta") or {}
        choices = [str(one) for one in result["value"]["choices"]]
        reviewer = str(meta.get(REVIEWER) or _user(annotation.get("completed_by")))
        for variable, word in _decisions(question, choices, meta.get(DECISIONS) or {}):
            yield item_id, variable, word, reviewer, str(meta.get(ROLE) or "review"), time


def _decisions(
    question: Question, choices: list[str], exported: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield what is decided for each variable of a question.

    ``exported`` is what the export held. If the choices still say the same, it stands;
    otherwise somebody changed them, and they count.
    """
    if exported and set(chosen(question, exported)) == set(choices):
        yield from exported.items()
        return
    if not question.is_multiple:
        yield question.name, choices[0]
        return
    known = {*question.choices, *ANSWER_WORDS, NOTHING_APPLIES}
    if set(choices) - known:
        raise KeyError(question.name)
    marks = [one for one in choices if one in ANSWER_WORDS]
    for choice, variable in zip(question.choices, question.variables, strict=True):
        if choice in choices:
            yield variable.name, YES
        elif not exported or variable.name in exported:
            yield variable.name, marks[0] if marks else NO


def _user(completed_by: object) -> str:
    """Return a name for a user of Label Studio: the address, else the number."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return "" if completed_by is None else f"{completed_by}"
