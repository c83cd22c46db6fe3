"""Export a study as tasks of Label Studio, with the labeling configuration that reads them.

Raters' labels become predictions, and people's decisions annotations. Source: Label Studio
documentation, https://labelstud.io/guide/predictions (predictions, ``model_version``, ``score``),
https://labelstud.io/guide/task_format (``completed_by``, ``lead_time``) and
https://labelstud.io/tags/choices (configuration).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from localensemble.codebook.load import YES
from localensemble.core.files import replaced_binary_file, replaced_text_file
from localensemble.exports.exported_study import ExportedItem, ExportedStudy, Question, questions
from localensemble.exports.multi_labels import NOTHING_APPLIES
from localensemble.study.people.answer_words import ANSWER_WORDS

# Names of the tags in the configuration, and of what an item has.
TEXT_TAG, TEXT, ID = "text", "text", "id"
# In `meta` of a result: who decided, and each variable's decision, which choices may blur.
REVIEWER, DECISIONS, ROLE = "reviewer", "decisions", "role"


def write(study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
    """Write the tasks, and beside them ``NAME.config.xml``."""
    asked = questions(study.codebook)
    reviewers = {name: number for number, name in enumerate(study.reviewers, start=1)}
    with replaced_text_file(path) as stream:
        stream.write("[")
        for place, item in enumerate(study.items()):
            stream.write(",\n" if place else "\n")
            json.dump(_task(item, asked, reviewers), stream, allow_nan=False)
        stream.write("\n]\n")
    config = path.with_suffix(".config.xml")
    with replaced_binary_file(config) as out:
        out.write(_config(asked, shown=TEXT if study.with_texts else ID))
    return (path, config)


def _task(
    item: ExportedItem, asked: Sequence[Question], reviewers: Mapping[str, int]
) -> dict[str, object]:
    labels = {
        f"{row.variable}.{part}": value
        for row in item.variables
        for part, value in (("label", row.label), ("status", row.status), ("origin", row.origin))
    }
    text = {} if item.text is None else {TEXT: item.text}
    return {
        "data": {ID: item.id, **text, **labels},
        "predictions": [*_predictions(item, asked)],
        "annotations": [*_annotations(item, asked, reviewers)],
    }


def _predictions(item: ExportedItem, asked: Sequence[Question]) -> Iterator[dict[str, object]]:
    raters = [one.rater for one in item.variables[0].raters] if item.variables else []
    for column, rater in enumerate(raters):
        results: list[dict[str, object]] = []
        scores: list[float] = []
        for question in asked:
            labels = [item.variables[place].raters[column] for place in question.places]
            given = {
                variable.name: label.category
                for variable, label in zip(question.variables, labels, strict=True)
                if label.category is not None
            }
            known = [one.probability for one in labels if one.probability is not None]
            choices = chosen(question, given)
            # A rater without some of the labels has not said that nothing applies.
            if choices and (choices != [NOTHING_APPLIES] or len(given) == len(labels)):
                score: dict[str, object] = {"score": min(known)} if known else {}
                results.append(_result(item, rater, question, choices) | score)
                scores += known
        if results:
            # The least sure of the labels, so that sorting by score finds it.
            least: dict[str, object] = {"score": min(scores)} if scores else {}
            yield {"model_version": rater, "result": results} | least


def _annotations(
    item: ExportedItem, asked: Sequence[Question], reviewers: Mapping[str, int]
) -> Iterator[dict[str, object]]:
    pairs = dict.fromkeys((one.role, one.reviewer) for said in item.people for one in said)
    for role, reviewer in pairs:
        results: list[dict[str, object]] = []
        seconds: list[float] = []
        for question in asked:
            given: dict[str, str] = {}
            for place, variable in zip(question.places, question.variables, strict=True):
                for one in item.people[place]:
                    if (one.role, one.reviewer) == (role, reviewer):
                        given[variable.name] = one.word
                        seconds += [] if one.seconds is None else [one.seconds]
            choices = chosen(question, given)
            if choices:
                meta = {REVIEWER: reviewer, ROLE: role, DECISIONS: given}
                owner = f"{role}.{reviewer}"
                results.append(_result(item, owner, question, choices) | {"meta": meta})
        time: dict[str, object] = {"lead_time": sum(seconds)} if seconds else {}
        yield {
            "completed_by": reviewers[reviewer],
            "was_cancelled": False,
            "ground_truth": role == "adjudication",
            "result": results,
        } | time


def chosen(question: Question, given: Mapping[str, str]) -> list[str]:
    """Return the choices that say what was given for each variable of a question.

    Of a multi-label question these are the categories that apply, and a word in angle brackets
    for what is not a category, or where nothing applies.
    """
    if not question.is_multiple:
        return list(given.values())
    applied = [
        choice
        for choice, variable in zip(question.choices, question.variables, strict=True)
        if given.get(variable.name) == YES
    ]
    marks = [word for word in ANSWER_WORDS if word in given.values()]
    return [*applied, *marks] or ([NOTHING_APPLIES] if given else [])


def _result(
    item: ExportedItem, owner: str, question: Question, choices: Sequence[str]
) -> dict[str, object]:
    # Every result needs an id of its own.
    return {
        "id": f"{item.id}.{owner}.{question.name}",
        "from_name": question.name,
        "to_name": TEXT_TAG,
        "type": "choices",
        "value": {"choices": list(choices)},
    }


def _config(asked: Sequence[Question], *, shown: str) -> bytes:
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Text", name=TEXT_TAG, value=f"${shown}")
    for question in asked:
        ElementTree.SubElement(view, "Header", value=question.text)
        choices = ElementTree.SubElement(
            view,
            "Choices",
            name=question.name,
            toName=TEXT_TAG,
            choice="multiple" if question.is_multiple else "single",
        )
        for place, name in enumerate(question.choices):
            ElementTree.SubElement(choices, "Choice", value=name, hint=question.definition(place))
        for word in (*((NOTHING_APPLIES,) if question.is_multiple else ()), *ANSWER_WORDS):
            ElementTree.SubElement(choices, "Choice", value=word)
    ElementTree.indent(view)
    written: bytes = ElementTree.tostring(view, encoding="utf-8")
    return written + b"\n"
