"""A level of agreement that the codebook requires decides what a run's labels are worth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.studies import CODEBOOK, StudyFiles, read_table, recorded, study_files

pytestmark = pytest.mark.slow  # labels and decides studies in processes of their own

RULE = """\
    required_agreement:
      coefficient: AC1
      at_least: {at_least}
      below: {below}
"""
REASON = "agreement below what the codebook requires"


def files_with(folder: Path, *, at_least: float, below: str) -> StudyFiles:
    """Write a study whose second variable, "urgent", requires a level of agreement."""
    rule = RULE.format(at_least=at_least, below=below)
    return study_files(folder, [f"comment {n}" for n in range(30)], codebook=CODEBOOK + rule)


def label(run: Run, files: StudyFiles) -> tuple[int, str]:
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    return ended.code, ended.out


def test_review_sends_every_item_of_the_variable_to_a_person(run: Run, tmp_path: Path) -> None:
    files = files_with(tmp_path, at_least=1, below="review")
    code, out = label(run, files)
    assert code == 5
    assert "urgent: The codebook requires AC1 >= 1: NOT MET; the lower end" in out
    assert "All items are escalated" in out
    labeled = read_table(files.study / "labels.csv")
    assert {row["urgent.status"] for row in labeled} == {"escalated"}
    assert all(f"{REASON} (AC1 >= 1)" in row["urgent.reasons"] for row in labeled)
    assert not any(REASON in row["topic.reasons"] for row in labeled)
    queue = read_table(files.study / "escalations.csv")
    assert sum(row["variable"] == "urgent" for row in queue) == 30


def test_warn_says_so_and_lets_labels_stand(run: Run, tmp_path: Path) -> None:
    files = files_with(tmp_path, at_least=1, below="warn")
    code, out = label(run, files)
    assert code == 5
    assert "urgent: The codebook requires AC1 >= 1: NOT MET" in out
    assert "only for this warning" in out
    labeled = read_table(files.study / "labels.csv")
    assert "accepted" in {row["urgent.status"] for row in labeled}
    assert not any(REASON in row["urgent.reasons"] for row in labeled)


def test_findings_and_report_hold_the_verdict(run: Run, tmp_path: Path) -> None:
    files = files_with(tmp_path, at_least=0.999, below="review")
    label(run, files)
    assert run("report", files.study).code == 0
    page = (files.study / "report.html").read_text(encoding="utf-8")
    assert "for urgent, by the codebook, all items unless AC1 &gt;= 0.999" in page
    findings = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    topic, urgent = findings["variables"]
    assert topic["required"] is None
    assert urgent["required"]["below"] == "review"
    verdict = urgent["required"]["verdict"]
    assert verdict["met"] is False
    ac1 = next(one for one in urgent["agreement"]["coefficients"] if one["name"] == "AC1")
    assert verdict["interval_low"] == ac1["interval_low"]
    page = (files.study / "report.html").read_text(encoding="utf-8")
    assert "The codebook requires AC1 &gt;= 0.999: NOT MET" in page


def test_consensus_and_agree_end_with_code_5_too(run: Run, tmp_path: Path) -> None:
    files = files_with(tmp_path, at_least=1, below="warn")
    label(run, files)
    assert run("consensus", files.study).code == 5
    ended = run("agree", files.study, "--bootstrap", "10", "--json", tmp_path / "agreement.json")
    assert ended.code == 5
    assert "Required AC1 >= 1: NOT MET" in ended.out
    written = json.loads((tmp_path / "agreement.json").read_text(encoding="utf-8"))
    assert written["met"] is False
    assert [len(one["requirements"]) for one in written["variables"]] == [0, 1]


def test_agree_checks_a_table_against_the_codebook(run: Run, tmp_path: Path) -> None:
    files = files_with(tmp_path, at_least=1, below="warn")
    table = tmp_path / "labels.csv"
    table.write_text("id,rater,urgent\n1,a,yes\n1,b,no\n2,a,no\n2,b,no\n", encoding="utf-8")
    ended = run("agree", table, "-c", files.codebook, "--bootstrap", "0")
    assert ended.code == 5
    assert "Required AC1 >= 1: NOT MET" in ended.out


def test_requiring_agreement_later_asks_no_model_again(run: Run, tmp_path: Path) -> None:
    plain = study_files(tmp_path, [f"comment {n}" for n in range(30)])
    assert label(run, plain)[0] == 0
    before = recorded(plain.study)
    plain.codebook.write_text(CODEBOOK + RULE.format(at_least=1, below="review"), encoding="utf-8")
    assert label(run, plain)[0] == 5
    assert recorded(plain.study) == before
