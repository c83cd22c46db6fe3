"""A study exported to Label Studio: tasks, predictions, annotations and the configuration."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.exports.formats.conftest import Reviewed

pytestmark = pytest.mark.slow  # labels a study


def _tasks(reviewed: Reviewed, *, include_text: bool = False) -> list[dict[str, Any]]:
    written = reviewed.export("label-studio", "tasks.json", include_text=include_text)
    assert [path.name for path in written.files] == ["tasks.json", "tasks.config.xml"]
    tasks: list[dict[str, Any]] = json.loads(written.files[0].read_text(encoding="utf-8"))
    return tasks


def _choices(results: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {one["from_name"]: one["value"]["choices"] for one in results}


def test_every_rater_is_a_prediction_with_its_labels_and_scores(reviewed: Reviewed) -> None:
    tasks, rows = _tasks(reviewed), reviewed.rows()
    assert [task["data"]["id"] for task in tasks] == [row.item.id for row in rows]
    for task, row in zip(tasks, rows, strict=True):
        assert [one["model_version"] for one in task["predictions"]] == ["first", "second", "third"]
        for column, prediction in enumerate(task["predictions"]):
            labels = {one.variable: one.raters[column] for one in row.variables}
            found = _choices(prediction["result"])
            assert found["topic"] == [labels["topic"].category]
            pain_and_sleep = [
                name for name in ("pain", "sleep") if labels[f"problems.{name}"].category == "yes"
            ]
            assert found["problems"] == (pain_and_sleep or ["<none>"])
            probabilities = [one.probability for one in labels.values() if one.probability]
            assert prediction["score"] == min(probabilities)
        for one in row.variables:
            assert task["data"][f"{one.variable}.label"] == one.label
            assert task["data"][f"{one.variable}.origin"] == one.origin


def test_every_person_is_an_annotation_with_an_id(reviewed: Reviewed) -> None:
    tasks = _tasks(reviewed)
    first, settled = tasks[0]["annotations"], tasks[3]["annotations"]
    assert [(one["completed_by"], _choices(one["result"])) for one in first] == [
        (1, {"topic": ["staff"], "problems": ["pain"]}),
        (2, {"topic": ["staff"]}),
    ]
    assert [(one["completed_by"], one["ground_truth"]) for one in settled] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert _choices(tasks[2]["annotations"][0]["result"]) == {"topic": ["<cannot decide>"]}
    assert tasks[7]["annotations"] == []


def test_results_have_ids_of_their_own_and_fit_the_configuration(reviewed: Reviewed) -> None:
    tasks = _tasks(reviewed, include_text=True)
    view = ElementTree.parse(reviewed.folder / "tasks.config.xml").getroot()
    shown = view.find("Text")
    assert shown is not None
    assert shown.get("value") == "$text"
    allowed = {
        tag.get("name"): {choice.get("value") for choice in tag} for tag in view.iter("Choices")
    }
    assert {tag.get("name"): tag.get("choice") for tag in view.iter("Choices")} == {
        "topic": "single",
        "urgent": "single",
        "problems": "multiple",
        "degree": "single",
    }
    results = [
        result
        for task in tasks
        for part in (*task["predictions"], *task["annotations"])
        for result in part["result"]
    ]
    assert len({one["id"] for one in results}) == len(results)
    for one in results:
        assert one["to_name"] == shown.get("name")
        assert set(one["value"]["choices"]) <= allowed[one["from_name"]]
        assert one["value"]["choices"]


def test_without_texts_the_configuration_shows_ids(untouched: Reviewed) -> None:
    assert all(task["annotations"] == [] for task in _tasks(untouched))
    view = ElementTree.parse(untouched.folder / "tasks.config.xml").getroot()
    shown = view.find("Text")
    assert shown is not None
    assert shown.get("value") == "$id"
