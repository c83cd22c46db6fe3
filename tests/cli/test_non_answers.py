"""Texts that answer nothing are counted apart, and nobody has to decide them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels studies in processes of their own

ANSWERS = [f"comment {n}" for n in range(40)]
NON_ANSWERS = ["", "NA", "n/a", "-", "\u2013", ".", "..."]
EVERYTHING = """\
escalation:
  - {policy: budget, items: 45}
  - {policy: random_audit, share: 1.0}
"""


def label(run: Run, files: StudyFiles) -> tuple[int, str]:
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    return ended.code, ended.out


def test_non_answers_are_counted_apart_and_leave_no_question(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, [*NON_ANSWERS, *ANSWERS])
    code, out = label(run, files)
    assert code == 0
    assert "7 items are blank or a non-answer" in " ".join(out.split())
    assert "have no category" not in out
    labeled = read_table(files.study / "labels.csv")
    for row in labeled[:7]:
        assert row["topic.status"] == "no_answer"
        assert row["topic.label"] == row["topic.reasons"] == row["topic.reason_codes"] == ""
        assert row["topic.rater.first"] == "<failed>"
    assert labeled[0]["topic.rater_reasons"].startswith("first: empty_text: ")
    assert labeled[1]["topic.rater_reasons"].startswith("first: no_answer: ")
    assert {row["topic.status"] for row in labeled[7:]} <= {"accepted", "escalated"}
    queued = read_table(files.study / "escalations.csv")
    assert not {row["text"] for row in queued} & set(NON_ANSWERS)
    found = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    assert found["unlabeled"] == 0
    for variable in found["variables"]:
        assert variable["no_answer"] == 7
        assert variable["accepted"] + variable["escalated"] == len(ANSWERS)
        assert all(one["items_used"] == len(ANSWERS) for one in variable["coefficients"])
    page = (files.study / "report.html").read_text(encoding="utf-8")
    assert "Non-answers on topic: 7 items" in page


def test_words_that_may_answer_nothing_but_are_not_listed_are_said(
    run: Run, tmp_path: Path
) -> None:
    files = study_files(tmp_path, ["None", "keine Angabe", "#N/A", "NA", *ANSWERS])
    for command in (("label", "-o", files.study), ("estimate",)):
        name, *more = command
        ended = run(name, files.items, "-c", files.codebook, "-e", files.ensemble, *more)
        said = " ".join((ended.out + ended.err).split())
        assert "3 texts may answer nothing but will be labeled" in said
        assert '"None", "keine Angabe" and "#N/A"' in said


def test_the_other_items_are_decided_as_if_non_answers_were_not_there(
    run: Run, tmp_path: Path
) -> None:
    without = study_files(tmp_path / "without", ANSWERS)
    files = study_files(tmp_path / "with", [*ANSWERS, *NON_ANSWERS])
    assert label(run, without)[0] == label(run, files)[0] == 0
    rows = read_table(files.study / "labels.csv")
    assert rows[: len(ANSWERS)] == read_table(without.study / "labels.csv")
    queue = (files.study / "escalations.csv").read_bytes()
    assert queue == (without.study / "escalations.csv").read_bytes()


def test_neither_a_budget_nor_an_audit_takes_a_non_answer(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, [*NON_ANSWERS, *ANSWERS], ensemble=SCRIPTED + EVERYTHING)
    assert label(run, files)[0] == 0
    assert len(read_table(files.study / "escalations.csv")) == 2 * len(ANSWERS)


def test_an_empty_list_labels_every_text(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, NON_ANSWERS, codebook=f"no_answer: []\n{CODEBOOK}")
    code, out = label(run, files)
    assert code == 3
    assert "non-answer" not in out
    rows = read_table(files.study / "labels.csv")
    assert rows[0]["topic.status"] == "escalated"
    assert all(row["topic.rater.first"] != "<failed>" for row in rows[1:])


def test_a_study_of_non_answers_alone_is_written(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, NON_ANSWERS)
    assert label(run, files)[0] == 0
    assert read_table(files.study / "escalations.csv") == []


def test_another_list_leaves_labeled_texts_as_they_are_and_this_is_said(
    run: Run, tmp_path: Path
) -> None:
    files = study_files(tmp_path, ["left blank", *ANSWERS])
    asked = ("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    run(*asked)
    before = (files.study / "labels.csv").read_bytes()
    files.codebook.write_text(CODEBOOK + "no_answer: [left blank]\n", encoding="utf-8")
    assert "under `no_answer` than before" in " ".join(run(*asked).err.split())
    assert (files.study / "labels.csv").read_bytes() == before
    assert not list(files.study.glob("labels.before-*"))
    assert "under `no_answer` than before" not in " ".join(run(*asked).err.split())
