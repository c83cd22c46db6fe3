"""Raters with roles on the command line: labels, replays, and questions about one text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localensemble.api.label import LabelOptions, label
from tests.cli.conftest import Run
from tests.studies import StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels a study with four raters

ROLES = """\
raters:
  - {model: first, engine: scripted}
  - {model: second, engine: scripted}
  - {model: third, name: judge, engine: scripted, role: adjudicator}
  - {model: first, name: checker, engine: scripted, role: verifier}
"""
TEXTS = [f"comment {n}" for n in range(100)]


@pytest.fixture(scope="module")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    files = study_files(tmp_path_factory.mktemp("roles"), TEXTS, ensemble=ROLES)
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files


def test_only_what_is_confirmed_is_accepted(labeled: StudyFiles) -> None:
    rows = read_table(labeled.study / "labels.csv")
    accepted = [row for row in rows if row["topic.status"] == "accepted"]
    assert 0 < len(accepted) < 100
    assert all(row["topic.label"] == row["topic.rater.checker"] for row in accepted)
    agreed = [row["topic.rater.first"] == row["topic.rater.second"] for row in rows]
    assert [row["topic.rater.judge"] == "<missing>" for row in rows] == agreed


def test_every_role_gives_its_labels_again(run: Run, labeled: StudyFiles) -> None:
    ended = run("replay", labeled.study, "--items", labeled.items, "-e", labeled.ensemble)
    assert ended.code == 0, ended.err
    assert "with 4 raters: equal." in ended.out


def test_a_verifier_is_not_asked_about_a_text_alone(run: Run, labeled: StudyFiles) -> None:
    ended = run("ask", "comment 1", "-c", labeled.codebook, "-e", labeled.ensemble, "--json")
    assert ended.code == 0, ended.err
    assert "checker" in ended.err
    raters = [one["rater"] for one in json.loads(ended.out)["variables"][0]["raters"]]
    assert raters == ["first", "second", "judge"]


def test_agreement_is_measured_among_the_labelers_alone(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    findings = json.loads((labeled.study / "findings.json").read_text(encoding="utf-8"))
    measured = findings["variables"][0]["agreement"]
    assert measured["raters"] == ["first", "second"]
    assert any("among the labelers" in one for one in findings["cautions"])
    assert all(one["raters"] == 2 for one in measured["coefficients"])
    rows = read_table(labeled.study / "labels.csv")
    agreed = sum(row["topic.rater.first"] == row["topic.rater.second"] for row in rows)
    assert measured["coefficients"][0]["observed_agreement"] == pytest.approx(agreed / 100)
    table = tmp_path / "agree.json"
    ended = run("agree", labeled.study, "--json", table)
    assert ended.code == 0, ended.err
    assert '"checker"' not in table.read_text(encoding="utf-8")
