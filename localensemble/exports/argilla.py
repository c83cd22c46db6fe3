"""Export a study as records and settings of an Argilla 2 dataset.

The consensus becomes the suggestion of a question, and people's decisions its responses. Source:
``Record.from_dict`` in argilla/src/argilla/records/_resource.py, and the file settings.json of an
exported dataset (https://docs.argilla.io/latest/how_to_guides/import_export).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path

from localensemble.codebook.load import YES
from localensemble.core.files import replaced_text_file
from localensemble.exports.exported_study import ExportedItem, ExportedStudy, Question, questions

TEXT, ID = "text", "id"
# What people and questions are called is hashed in this namespace, so ids never change.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:localensemble:reviewer")


def write(study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
    """Write a list of records, and beside it ``NAME.settings.json``."""
    asked = questions(study.codebook)
    with replaced_text_file(path) as stream:
        stream.write("[")
        for place, item in enumerate(study.items()):
            stream.write(",\n" if place else "\n")
            json.dump(_record(item, asked), stream, allow_nan=False)
        stream.write("\n]\n")
    settings = path.with_suffix(".settings.json")
    with replaced_text_file(settings) as stream:
        json.dump(_settings(asked, shown=TEXT if study.with_texts else ID), stream, indent=1)
    return (path, settings)


def reviewer_id(name: str) -> str:
    """Return the user id that stands for a person."""
    return str(uuid.uuid5(_NAMESPACE, name))


def question_name(question: Question) -> str:
    """Return a name that Argilla accepts: lower case, without dots."""
    return question.name.lower().replace(".", "_")


def _record(item: ExportedItem, asked: Sequence[Question]) -> dict[str, object]:
    metadata: dict[str, object] = {}
    for row, said in zip(item.variables, item.people, strict=True):
        for part, value in (("label", row.label), ("status", row.status), ("origin", row.origin)):
            metadata[f"{row.variable}.{part}"] = value
        for label in row.raters:
            metadata[f"{row.variable}.rater.{label.rater}"] = label.word
        for one in said:
            metadata[f"{row.variable}.person.{one.reviewer}"] = one.word
    known = {name: value for name, value in metadata.items() if value is not None}
    suggestions = {question_name(one): _suggestion(item, one) for one in asked}
    responses = {question_name(one): _responses(item, one) for one in asked}
    return {
        "id": item.id,
        "fields": {ID: item.id} if item.text is None else {TEXT: item.text},
        "metadata": known,
        "suggestions": {name: one for name, one in suggestions.items() if one is not None},
        "responses": {name: some for name, some in responses.items() if some},
        "vectors": {},
    }


def _suggestion(item: ExportedItem, question: Question) -> dict[str, object] | None:
    rows = [item.variables[place] for place in question.places]
    given = [row.leading_category for row in rows]
    if any(one is None for one in given):
        return None
    known = [row.mean_probability for row in rows if row.mean_probability is not None]
    value = _value(question, given)
    return {"value": value, "score": min(known) if known else None, "agent": "consensus"}


def _responses(item: ExportedItem, question: Question) -> list[dict[str, object]]:
    """Return the answers of the people who gave a category for every part of a question."""
    people = dict.fromkeys(one.reviewer for place in question.places for one in item.people[place])
    found: list[dict[str, object]] = []
    for reviewer in people:
        # Whoever also settled an item says that last.
        said = [
            {one.reviewer: one.category for one in item.people[place]}.get(reviewer)
            for place in question.places
        ]
        if all(one is not None for one in said):
            found.append({"value": _value(question, said), "user_id": reviewer_id(reviewer)})
    return found


def _value(question: Question, given: Sequence[str | None]) -> object:
    if not question.is_multiple:
        return given[0]
    return [choice for choice, answer in zip(question.choices, given, strict=True) if answer == YES]


def _settings(asked: Sequence[Question], *, shown: str) -> dict[str, object]:
    return {
        "guidelines": None,
        "allow_extra_metadata": True,
        "fields": [
            {
                "name": shown,
                "title": shown,
                "required": True,
                "settings": {"type": "text", "use_markdown": False},
            }
        ],
        "questions": [
            {
                "name": question_name(one),
                "title": one.text,
                "description": "\n".join(
                    f"{choice}: {one.definition(place)}" for place, choice in enumerate(one.choices)
                ),
                "required": not one.is_multiple,
                "settings": {
                    "type": "multi_label_selection" if one.is_multiple else "label_selection",
                    "options": [
                        {"value": choice, "text": choice, "description": None}
                        for choice in one.choices
                    ],
                    "visible_options": None,
                },
            }
            for one in asked
        ],
        "metadata": [],
        "vectors": [],
    }
