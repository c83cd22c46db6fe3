"""Shots are gold that is then no gold, in every command that takes gold labels."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from localensemble.codebook.load import load_codebook
from localensemble.labeling.examples.shots import StatedShots, load_shots
from localensemble.study.study import Study
from tests.cli.conftest import Ended, Run
from tests.studies import SCRIPTED, StudyFiles, study_files

pytestmark = pytest.mark.slow  # labels whole studies

SHOTS = "prompt: {shots: {gold: gold.csv, per_category: 2, seed: 3}}\n"
# Labels of a first sample: some of its items become shots, the others are items of the study.
GOLD = [(f"g-{n}", f"gold text {n}", ("staff", "food", "other")[n % 3]) for n in range(24)]


@pytest.fixture
def files(tmp_path: Path, run: Run) -> StudyFiles:
    """A study whose table has every item of the gold table that is no shot."""
    files = study_files(tmp_path, [], ensemble=f"{SCRIPTED}{SHOTS}")
    write(tmp_path / "gold.csv", ("id", "text", "gold_topic"), GOLD)
    write(files.items, ("id", "text"), [row[:2] for row in GOLD])
    refused = label(run, files)
    assert refused.code == 2
    rows = refused.err.split("(", 1)[1].split(")", 1)[0]
    assert rows.endswith("...")
    assert "6 rows" in refused.err
    return files


def write(path: Path, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def label(run: Run, files: StudyFiles, *arguments: object) -> Ended:
    return run(
        "label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study,
        *arguments,
    )  # fmt: skip


def without_shots(files: StudyFiles) -> set[str]:
    """Leave the shots out of the table, as the message advises, and return their ids."""
    stated = StatedShots(files.folder / "gold.csv", 2, 3)
    ids = set(load_shots(stated, load_codebook(files.codebook)).ids)
    assert len(ids) == 6
    write(files.items, ("id", "text"), [row[:2] for row in GOLD if row[0] not in ids])
    return ids


def gold_items(findings: Path) -> set[int]:
    topic = json.loads(findings.read_text(encoding="utf-8"))["variables"][0]
    return {
        topic["accuracy_consensus"]["items"] + topic["accuracy_consensus"]["unlabeled"],
        topic["gold"]["gold_items"],
        *(one["accuracy"]["items"] + one["accuracy"]["unlabeled"] for one in topic["raters"]),
    }


def test_shots_are_no_gold_when_labeling_evaluating_and_reporting(
    run: Run, files: StudyFiles
) -> None:
    ids = without_shots(files)
    gold = files.folder / "gold.csv"
    ended = label(run, files, "--gold", gold)
    assert ended.code == 0, ended.err
    assert "6 items of gold.csv as examples" in ended.err
    assert gold_items(files.study / "findings.json") == {18}
    for verb in ("evaluate", "report"):
        ended = run(verb, files.study, "--gold", gold)
        assert ended.code == 0, ended.err
        assert gold_items(files.study / "findings.json") == {18}
    with Study.open(files.study) as study:
        assert set(study.shots) == ids
        assert not ids & set(study.items)
        recorded = study.run.settings.shots
        assert recorded is not None
        assert (recorded.per_category, recorded.seed) == (2, 3)
    ledger = (files.study / "study.sqlite").read_bytes()
    assert not any(text.encode() in ledger for _, text, _ in GOLD)


def test_what_is_left_of_the_gold_labels_is_not_taken_for_a_random_sample(
    run: Run, files: StudyFiles
) -> None:
    without_shots(files)
    label(run, files)
    gold = files.folder / "gold.csv"
    for arguments in (
        ("evaluate", files.study, "--gold", gold, "--random-sample"),
        ("report", files.study, "--gold", gold, "--random-sample"),
        ("certify", files.study, "--gold", gold, "--variable", "topic", "--alpha", "0.2"),
    ):
        ended = run(*arguments)
        assert ended.code == 2, arguments
        assert "6 of its items are shots" in ended.err
        assert "localensemble sample" in ended.err


def test_gold_labels_of_other_items_are_a_random_sample_as_before(
    run: Run, files: StudyFiles
) -> None:
    ids = without_shots(files)
    label(run, files)
    other = files.folder / "other.csv"
    rows = [(row[0], row[2]) for row in GOLD if row[0] not in ids]
    write(other, ("id", "gold_topic"), [*rows, ("elsewhere", "food")])
    ended = run("evaluate", files.study, "--gold", other, "--random-sample")
    assert ended.code == 0, ended.err


def test_other_shots_make_other_raters(run: Run, files: StudyFiles) -> None:
    without_shots(files)
    label(run, files)
    files.ensemble.write_text(SCRIPTED, encoding="utf-8")
    assert "is not the rater that used this name before" in label(run, files).err


def test_every_command_that_asks_refuses_shots_among_its_items(run: Run, files: StudyFiles) -> None:
    given = ("-c", files.codebook, "-e", files.ensemble)
    mine = files.folder / "mine.yaml"
    mine.write_text(
        run("prompt", "template").out.replace("You label", "You read"), encoding="utf-8"
    )
    for arguments in (
        ("estimate", files.items, *given),
        ("ask", "--items", files.items, "--id", "g-1", *given),
        ("prompt", "compare", "label/v1", mine, "--items", files.items, *given),
    ):
        ended = run(*arguments)
        assert ended.code == 2, arguments
        assert "6 rows" in ended.err
        assert "gold text" not in ended.err + ended.out


def test_the_prompt_is_shown_with_its_shots(run: Run, files: StudyFiles) -> None:
    ended = run("prompt", "show", "-c", files.codebook, "-e", files.ensemble)
    assert ended.code == 0, ended.err
    assert ended.out.count('- "gold text') == 6


@pytest.mark.parametrize(
    ("shots", "words"),
    [
        ("4", ("prompt.shots", "gold")),
        ("{per_category: 2}", ("prompt.shots.gold", "required")),
        ("{gold: nowhere.csv}", ("nowhere.csv",)),
        ("{gold: gold.csv, per_category: 0}", ("prompt.shots.per_category",)),
        ("{gold: gold.csv, count: 4}", ("prompt.shots.count", "unknown key")),
    ],
)
def test_shots_that_cannot_be_taken_are_refused(
    run: Run, files: StudyFiles, shots: str, words: tuple[str, ...]
) -> None:
    files.ensemble.write_text(f"{SCRIPTED}prompt: {{shots: {shots}}}\n", encoding="utf-8")
    ended = label(run, files)
    assert ended.code == 2
    assert all(word in ended.err for word in words), ended.err
