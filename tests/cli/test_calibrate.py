"""Calibrating the raters' probabilities is a recorded step that nothing takes unless told."""

from __future__ import annotations

import csv
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localensemble.ledger.read import LedgerReader
from localensemble.study.study import Study
from tests.cli.conftest import Run
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels hundreds of items for every study

ITEMS = 320
TEXTS = [f"comment {n}" for n in range(ITEMS)]
POOLED = SCRIPTED + "consensus: {method: mean_probability}\n"
TOPIC = ("--variable", "topic")


def label(run: Run, files: StudyFiles, *more: object) -> str:
    arguments = ("-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    ended = run("label", files.items, *arguments, *more)
    assert ended.code == 0, ended.err
    return ended.err


@pytest.fixture
def labeled(run: Run, tmp_path: Path) -> StudyFiles:
    files = study_files(tmp_path, TEXTS, ensemble=POOLED)
    label(run, files)
    return files


def gold(files: StudyFiles, *, rows: range = range(ITEMS)) -> Path:
    """Call the first rater right on two of three items."""
    path = files.folder / "gold.csv"
    table = read_table(files.study / "labels.csv")
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_topic"))
        for n in rows:
            said = table[n]["topic.rater.first"]
            other = "food" if said == "staff" else "staff"
            writer.writerow((table[n]["id"], said if n % 3 else other))
    return path


def written(files: StudyFiles) -> dict[str, Any]:
    path = files.study / "rater-calibration-topic.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_nothing_changes_until_rules_name_the_calibration(run: Run, labeled: StudyFiles) -> None:
    tables = (labeled.study / "labels.csv", labeled.study / "report.html")
    before = [path.read_bytes() for path in tables]
    rows = read_table(labeled.study / "labels.csv")
    ended = run(
        "calibrate",
        labeled.study,
        *TOPIC,
        "--method",
        "temperature",
        "--gold",
        gold(labeled),
    )
    assert ended.code == 0, ended.err
    assert "calibrated on" in ended.out
    assert f"from {ITEMS:,} gold labels" in ended.out
    file = labeled.study / "rater-calibration-topic.json"
    assert (
        f"localensemble consensus {labeled.study} --calibration {file} --items ITEMS"
        in " ".join(ended.out.split())
    )
    assert [path.read_bytes() for path in tables] == before
    assert [rater["name"] for rater in written(labeled)["raters"]] == ["first", "second", "third"]
    calibration = ("--calibration", labeled.study / "rater-calibration-topic.json")
    ended = run("consensus", labeled.study, *calibration, "--items", labeled.items)
    assert ended.code == 0, ended.err
    assert f"temperature, from {ITEMS:,} gold labels" in ended.out
    calibrated = read_table(labeled.study / "labels.csv")
    for old, new in zip(rows, calibrated, strict=True):
        assert old["urgent.mean_probability"] == new["urgent.mean_probability"]
        assert old["topic.rater.first"] == new["topic.rater.first"]
    means = [[row["topic.mean_probability"] for row in table] for table in (rows, calibrated)]
    assert means[0] != means[1]
    findings = json.loads((labeled.study / "findings.json").read_text(encoding="utf-8"))
    assert findings["rater_calibrations"][0]["source_items"] == ITEMS
    page = (labeled.study / "report.html").read_text(encoding="utf-8")
    assert "Calibration of the raters on topic" in page
    assert run("ledger", "verify", labeled.study).code == 0


def test_the_calibration_stays_with_the_study_until_it_is_let_go(
    run: Run, labeled: StudyFiles
) -> None:
    own = (labeled.study / "labels.csv").read_bytes()
    by_temperature = ("--method", "temperature", "--gold", gold(labeled))
    run("calibrate", labeled.study, *TOPIC, *by_temperature)
    path = labeled.study / "rater-calibration-topic.json"
    label(run, labeled, "--calibration", path)
    calibrated = (labeled.study / "labels.csv").read_bytes()
    assert calibrated != own
    assert "chosen last" not in label(run, labeled)
    assert (labeled.study / "labels.csv").read_bytes() == calibrated
    again = run("calibrate", labeled.study, *TOPIC, *by_temperature)
    assert again.code == 0
    run("consensus", labeled.study, "--drop-calibrations", "--items", labeled.items)
    assert (labeled.study / "labels.csv").read_bytes() == own


def test_fitting_again_starts_from_the_raters_own_numbers(run: Run, labeled: StudyFiles) -> None:
    by_temperature = ("--method", "temperature", "--gold", gold(labeled))
    run("calibrate", labeled.study, *TOPIC, *by_temperature)
    first = written(labeled)["raters"]
    path = labeled.study / "rater-calibration-topic.json"
    run("consensus", labeled.study, "--calibration", path, "--items", labeled.items)
    run("calibrate", labeled.study, *TOPIC, *by_temperature)
    assert written(labeled)["raters"] == first


def test_no_promise_rests_on_the_gold_labels_of_a_calibration(
    run: Run, labeled: StudyFiles
) -> None:
    by_isotonic = ("--method", "isotonic", "--gold", gold(labeled, rows=range(300)))
    run("calibrate", labeled.study, *TOPIC, *by_isotonic)
    path = labeled.study / "rater-calibration-topic.json"
    run("consensus", labeled.study, "--calibration", path, "--items", labeled.items)
    promise = (*TOPIC, "--alpha", "0.9", "--gold")
    ended = run("certify", labeled.study, *promise, gold(labeled, rows=range(280, ITEMS)))
    assert (ended.code, "gold labels to calibrate the raters" in ended.err) == (2, True)
    ended = run("certify", labeled.study, *promise, gold(labeled, rows=range(300, ITEMS)))
    assert "gold labels to calibrate" not in ended.err
    assert ended.code in (0, 1)


def test_a_prior_comes_from_items_without_content_and_no_gold(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    words = ["N/A", "[MASK]"]
    asked = CODEBOOK + "no_answer: []\n"
    for name, codebook, items in (("apart", CODEBOOK, 1), ("empty", asked, 2)):
        empty = study_files(tmp_path / name, words, ensemble=POOLED, codebook=codebook)
        label(run, empty)
        ended = run(
            *("calibrate", labeled.study, *TOPIC, "--method", "contextual_prior"),
            *("--content-free", empty.study),
        )
        assert ended.code == 0, ended.err
        assert f"from {items} content-free item" in ended.out
    for rater in written(labeled)["raters"]:
        assert sum(rater["settings"]["prior"]) == pytest.approx(1.0)
    path = labeled.study / "rater-calibration-topic.json"
    ended = run("consensus", labeled.study, "--calibration", path)
    assert ended.code == 0, ended.err
    others = study_files(
        tmp_path / "others",
        ["N/A"],
        ensemble=POOLED.replace("model: third", "model: fourth"),
        codebook=asked,
    )
    label(run, others)
    ended = run(
        *("calibrate", labeled.study, *TOPIC, "--method", "contextual_prior"),
        *("--content-free", others.study),
    )
    assert (ended.code, 'Rater "third" has not labeled' in ended.err) == (2, True)
    none = study_files(tmp_path / "none", ["N/A"], ensemble=POOLED)
    label(run, none)
    ended = run(
        *("calibrate", labeled.study, *TOPIC, "--method", "contextual_prior"),
        *("--content-free", none.study),
    )
    assert (ended.code, "no_answer: []" in ended.err) == (2, True)


def test_a_calibration_of_other_raters_is_refused(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    run(
        *("calibrate", labeled.study, *TOPIC, "--method", "temperature"),
        *("--gold", gold(labeled)),
    )
    path = labeled.study / "rater-calibration-topic.json"
    other = study_files(
        tmp_path / "other", TEXTS[:9], ensemble=POOLED.replace("model: third", "model: fourth")
    )
    ended = run(
        *("label", other.items, "-c", other.codebook, "-e", other.ensemble, "-o", other.study),
        *("--calibration", path, "--foreign-files"),
    )
    assert (ended.code, "fourth, third" in ended.err) == (2, True), ended.err
    assert not other.study.exists()
    label(run, other)
    ended = run("consensus", other.study, "--calibration", path)
    assert (ended.code, "no record" in ended.err) == (2, True), ended.err
    ended = run("consensus", other.study, "--calibration", path, "--foreign-files")
    assert (ended.code, "does not apply" in ended.err) == (2, True), ended.err


@pytest.mark.parametrize(
    ("method", "rows", "found"),
    [
        ("temperature", 20, "at least 30"),
        ("isotonic", 250, "at least 300"),
        ("temperature", 0, "needs gold labels"),
        ("contextual_prior", 40, "needs a study of content-free items"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_with_what_it_takes(
    run: Run, labeled: StudyFiles, method: str, rows: int, found: str
) -> None:
    given = ("--gold", gold(labeled, rows=range(rows))) if rows else ()
    ended = run("calibrate", labeled.study, *TOPIC, "--method", method, *given)
    assert (ended.code, found in ended.err) == (2, True), ended.err
    assert not (labeled.study / "rater-calibration-topic.json").exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 1, "method": "magic"}'])
def test_a_file_that_is_no_calibration_is_refused(
    run: Run, labeled: StudyFiles, content: str
) -> None:
    path = labeled.folder / "broken.json"
    path.write_text(content, encoding="utf-8")
    ended = run("consensus", labeled.study, "--calibration", path)
    assert ended.code == 2
    assert "calibration" in ended.err or "not JSON" in ended.err


def test_a_calibrated_mean_is_the_mean_of_what_was_calibrated(
    run: Run, labeled: StudyFiles
) -> None:
    run(
        *("calibrate", labeled.study, *TOPIC, "--method", "temperature"),
        *("--gold", gold(labeled)),
    )
    temperatures = [rater["settings"]["temperature"] for rater in written(labeled)["raters"]]
    path = labeled.study / "rater-calibration-topic.json"
    run("consensus", labeled.study, "--calibration", path, "--items", labeled.items)
    rows = read_table(labeled.study / "labels.csv")
    own = recorded_probabilities(labeled)
    powered = own ** (1 / np.array(temperatures)[None, :, None])
    expected = (powered / powered.sum(axis=2, keepdims=True)).mean(axis=1).max(axis=1)
    for row, value in zip(rows, expected, strict=True):
        if row["topic.mean_probability"]:
            assert float(row["topic.mean_probability"]) == pytest.approx(value, abs=1e-5)


def recorded_probabilities(files: StudyFiles) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Read (N, R, K) of topic as the ledger has them."""
    with LedgerReader.open(files.study / "study.sqlite") as reader:
        labels = replace(Study.load(reader).recorded, calibrations={})
        block = labels.block("topic", start=0, stop=ITEMS, probabilities=True)
        assert block.probabilities is not None
        return block.probabilities


def test_a_calibration_takes_no_item_of_a_safety_category_from_a_person(
    run: Run, tmp_path: Path
) -> None:
    bound = CODEBOOK.replace(
        "definition: Meals", "always_review_above: 0.6\n        definition: Meals"
    )
    files = study_files(tmp_path, TEXTS, ensemble=POOLED, codebook=bound)
    label(run, files)
    reason = 'gave "food" a probability above 0.6'
    before = {
        row["id"]
        for row in read_table(files.study / "labels.csv")
        if reason in row["topic.reasons"]
    }
    # Every third gold label contradicts the first rater: all are found to be too sure.
    by_temperature = ("--method", "temperature", "--gold", gold(files))
    run("calibrate", files.study, *TOPIC, *by_temperature)
    assert max(one["settings"]["temperature"] for one in written(files)["raters"]) > 1.5
    path = files.study / "rater-calibration-topic.json"
    run("consensus", files.study, "--calibration", path, "--items", files.items)
    after = {
        row["id"]
        for row in read_table(files.study / "labels.csv")
        if reason in row["topic.reasons"]
    }
    assert before
    assert before <= after


def test_a_calibration_that_others_take_the_place_of_does_not_go_unsaid(
    run: Run, labeled: StudyFiles
) -> None:
    table = gold(labeled)
    with table.open(encoding="utf-8", newline="") as stream:
        rows = [*csv.reader(stream)]
    said = [row["urgent.rater.first"] for row in read_table(labeled.study / "labels.csv")]
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow((*rows[0], "gold_urgent"))
        writer.writerows((*row, said[n]) for n, row in enumerate(rows[1:]))
    given = []
    for variable in ("topic", "urgent"):
        by_isotonic = ("--method", "isotonic", "--gold", table)
        assert run("calibrate", labeled.study, "--variable", variable, *by_isotonic).code == 0
        given += ["--calibration", labeled.study / f"rater-calibration-{variable}.json"]
    ended = run("consensus", labeled.study, *given, "--items", labeled.items)
    assert (ended.code, "drops" in ended.out) == (0, False)
    lost = 'drops its calibration for "urgent"'
    assert lost in run("consensus", labeled.study, *given[:2]).out
    assert lost in label(run, labeled, *given[:2])


@pytest.mark.parametrize(
    ("earlier", "now"),
    [
        (
            "calibrate 'a study' --gold g.csv --variable topic",
            "certify 'a study' --gold g.csv --variable topic",
        ),
        ("calibrate s --gold=g.csv --variable topic", "certify s --gold=g.csv --variable topic"),
        ("calibrate s --gold g.csv --method crc", "certify s --gold g.csv --method crc"),
        ("calibrate --plan --alpha 0.1", "certify --plan --alpha 0.1"),
        (
            "calibrate s --variable topic --probabilities isotonic --gold g.csv",
            "calibrate s --variable topic --method isotonic --gold g.csv",
        ),
        ("calibrate s --probabilities=isotonic", "calibrate s --method=isotonic"),
    ],
)
def test_an_earlier_call_is_answered_with_the_line_to_type(
    run: Run, earlier: str, now: str
) -> None:
    ended = run(*shlex.split(earlier))
    assert (ended.code, ended.err.splitlines()[-1].strip()) == (2, f"localensemble {now}")
