"""Comparing prompts: the same items under each, no labels kept, and no claim too many."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from localensemble.api.prompt.show_prompt import template_text
from tests.cli.conftest import Ended, Run
from tests.studies import SCRIPTED, StudyFiles, study_files

pytestmark = pytest.mark.slow  # labels items under several prompts

COUNT = 90


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    files = study_files(tmp_path, [f"comment {n}" for n in range(COUNT)], ensemble=SCRIPTED)
    changed = template_text().replace("You label texts", "You read texts")
    (tmp_path / "mine.yaml").write_text(changed, encoding="utf-8")
    with (tmp_path / "gold.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_topic"))
        writer.writerows((f"i-{n}", ("staff", "food", "food")[n % 3]) for n in range(60))
    return files


def compare(run: Run, files: StudyFiles, *arguments: object) -> Ended:
    return run(
        "prompt", "compare", *arguments,
        "--items", files.items, "-c", files.codebook, "-e", files.ensemble,
    )  # fmt: skip


def test_every_rater_and_variable_is_compared_on_fifty_items(run: Run, files: StudyFiles) -> None:
    before = sorted(files.folder.rglob("*"))
    ended = compare(run, files, "label/v1", files.folder / "mine.yaml", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["items"] == 50
    assert found["templates"] == ["label/v1", str(files.folder / "mine.yaml")]
    assert len(found["results"]) == 2 * 3 * 2
    for one in found["results"]:
        assert one["items"] == 50
        assert 0 < one["median_off_codebook_mass"] < 1
        assert one["accuracy"] is None
        assert (one["same_as_first"] is None) == (one["template"] == "label/v1")
    assert sorted(files.folder.rglob("*")) == before


def test_with_gold_the_items_are_those_with_a_gold_label(run: Run, files: StudyFiles) -> None:
    gold = files.folder / "gold.csv"
    ended = compare(run, files, "label/v1", files.folder / "mine.yaml", "--gold", gold)
    assert ended.code == 0, ended.err
    printed = " ".join(ended.out.split())
    assert "topic: 60 items with a gold label" in printed
    assert 'always "food"' in printed
    assert "67%" in printed
    assert "Use other gold labels for the final figure" in printed
    assert len(ended.out.splitlines()) <= 40


def test_fewer_items_and_variables_can_be_asked_for(run: Run, files: StudyFiles) -> None:
    ended = compare(
        run, files, "label/v1", files.folder / "mine.yaml", "--gold", files.folder / "gold.csv",
        "--n", 7, "--variable", "topic", "--json",
    )  # fmt: skip
    found = json.loads(ended.out)
    assert found["items"] == 7
    assert {one["variable"] for one in found["results"]} == {"topic"}
    assert {one["accuracy"]["items"] for one in found["results"]} == {7}


def test_the_same_comparison_gives_the_same_numbers(run: Run, files: StudyFiles) -> None:
    arguments = ("label/v1", files.folder / "mine.yaml", "--json")
    assert compare(run, files, *arguments).out == compare(run, files, *arguments).out


def test_category_orders_of_the_ensemble_file_are_asked(run: Run, files: StudyFiles) -> None:
    plain = compare(run, files, "label/v1", files.folder / "mine.yaml", "--json")
    files.ensemble.write_text(f"{SCRIPTED}prompt: {{orders: 3}}\n", encoding="utf-8")
    ended = compare(run, files, "label/v1", files.folder / "mine.yaml", "--json")
    assert "2.5 times as long" in " ".join(ended.err.split())
    assert json.loads(ended.out)["results"] != json.loads(plain.out)["results"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("label/v1",), ("Found 1", "two or more")),
        (("label/v1", "label/v1"), ("label/v1", "the same texts")),
        (("label/v1", "nowhere.yaml"), ("nowhere.yaml", "cannot be read")),
        (("label/v1", "label/v99"), ('"label" version 99',)),
        (("label/v1", "mine.yaml", "--variable", "tpic"), ('"tpic"', "topic, urgent")),
        (("label/v1", "mine.yaml", "--gold", "gold.csv", "--variable", "urgent"), ("urgent",)),
    ],
)
def test_what_cannot_be_compared_is_refused(
    run: Run,
    files: StudyFiles,
    arguments: tuple[str, ...],
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(files.folder)
    ended = compare(run, files, *arguments)
    assert ended.code == 2
    assert all(word in ended.err for word in words), ended.err


def test_a_table_without_a_text_to_label_is_refused(run: Run, files: StudyFiles) -> None:
    files.items.write_text("id,text\na,\nb,n/a\n", encoding="utf-8")
    ended = compare(run, files, "label/v1", files.folder / "mine.yaml")
    assert ended.code == 2
    assert files.items.name in ended.err
    assert "--text-column" in ended.err


def with_shots(files: StudyFiles, shots: str = "{gold: pool.csv, n: 3}") -> None:
    with (files.folder / "pool.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "text", "gold_topic"))
        writer.writerows((f"p-{n}", f"an earlier remark {n}", "food") for n in range(9))
    files.ensemble.write_text(f"{SCRIPTED}prompt: {{shots: {shots}}}\n", encoding="utf-8")


def test_ways_of_choosing_examples_are_compared_on_the_same_gold_labels(
    run: Run, files: StudyFiles
) -> None:
    with_shots(files)
    ended = compare(
        run, files, "--shots", "none", "--shots", "fixed", "--shots", "random",
        "--gold", files.folder / "gold.csv", "--variable", "topic", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["templates"] == ["no shots", "fixed shots", "random shots"]
    assert len(found["results"]) == 3 * 3
    for one in found["results"]:
        assert one["accuracy"]["items"] == 60
        assert (one["against_first"] is None) == (one["template"] == "no shots")
    assert "3 examples of its own" in " ".join(ended.err.split())
    assert "an earlier remark" not in ended.out + ended.err


def test_no_examples_give_what_an_ensemble_without_them_gives(run: Run, files: StudyFiles) -> None:
    mine = files.folder / "mine.yaml"
    plain = json.loads(compare(run, files, "label/v1", mine, "--json").out)
    with_shots(files)
    ended = compare(run, files, "label/v1", mine, "--shots", "none", "--json")
    assert json.loads(ended.out)["templates"] == ["label/v1, no shots", f"{mine}, no shots"]
    masses = [
        [one["median_off_codebook_mass"] for one in found["results"]]
        for found in (plain, json.loads(ended.out))
    ]
    assert masses[0] == masses[1]


@pytest.mark.parametrize("shots", ["", "{gold: pool.csv, per_category: 1}"])
def test_examples_without_a_stated_number_cannot_be_compared(
    run: Run, files: StudyFiles, shots: str
) -> None:
    if shots:
        with_shots(files, shots)
    ended = compare(run, files, "--shots", "none", "--shots", "retrieved")
    assert ended.code == 2
    assert "how many examples" in ended.err
