"""Raters with roles on the command line: labels, replays, and questions about one text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localensemble.api.label import LabelOptions, label
from localensemble.api.review_page.open_review import ReviewOptions
from localensemble.exports.frames import labels_frame
from localensemble.study.study import Study
from tests.cli.conftest import Run
from tests.review.page.reviewed_study import Texts, browsing
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
    assert [row["topic.rater.judge"] == "<not asked>" for row in rows] == agreed


def test_a_label_that_was_not_asked_for_says_so_in_every_table(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    rows = read_table(labeled.study / "labels.csv")
    unasked = sum(value == "<not asked>" for row in rows for value in row.values())
    assert unasked > 50
    with Study.open(labeled.study) as study:
        labels = labels_frame(study)
    assert (labels["status"] == "not_asked").sum() == unasked
    assert (labels["status"] == "missing").sum() == 0
    for name, word in (("jsonl", '"status": "not_asked"'), ("csv", "<not asked>")):
        path = tmp_path / f"labels.{name}"
        ended = run("export", labeled.study, "--format", name, "-o", path)
        assert ended.code == 0, ended.err
        text = path.read_text(encoding="utf-8")
        assert text.count(word) == unasked
        assert '"missing"' not in text
        assert "<missing>" not in text


def test_the_review_page_shows_who_was_not_asked(labeled: StudyFiles) -> None:
    waiting = read_table(labeled.study / "escalations.csv")
    unjudged = next(row["id"] for row in waiting if row["rater.judge"] == "<not asked>")
    texts = Texts(labeled.study, labeled.items)
    with browsing(texts, ReviewOptions(reviewer="Ada", not_blind=True)) as browser:
        page = browser.get(f"/items/{unjudged.removeprefix('i-')}").text
    assert "<not asked>" in page
    assert "<missing>" not in page


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


def test_an_estimate_measures_no_verifier_and_says_so(run: Run, labeled: StudyFiles) -> None:
    ended = run("estimate", labeled.items, "-c", labeled.codebook, "-e", labeled.ensemble)
    assert ended.code == 0, ended.err
    assert "Time not measured: checker." in ended.err
    assert "strategy roles" in ended.err
    assert "Trying judge" in ended.err
    assert "Trying checker" not in ended.err
    assert "not tried" in ended.out
    assert "but verifiers" in ended.out


def test_a_pilot_leaves_verifiers_out_and_says_so(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    ensemble = tmp_path / "ensemble.yaml"
    ensemble.write_text(f"{ROLES}unfit: [checker]\n", encoding="utf-8")
    for file in (labeled.ensemble, ensemble):
        ended = run("pilot", labeled.items, "-c", labeled.codebook, "-e", file, "-o", tmp_path)
        assert ended.code == 0, ended.err
        assert "Not asked: checker." in ended.err
        found = json.loads((tmp_path / "pilot.json").read_text(encoding="utf-8"))
        assert [one["rater"] for one in found["times"]] == ["first", "second", "judge"]


def test_a_pilot_of_verifiers_alone_is_refused(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    ensemble = tmp_path / "ensemble.yaml"
    ensemble.write_text(
        "raters:\n  - {model: first, engine: scripted, role: verifier}\n", encoding="utf-8"
    )
    ended = run("pilot", labeled.items, "-c", labeled.codebook, "-e", ensemble)
    assert ended.code == 2
    assert "labeler" in ended.err
