"""A rater that a person declares unfit counts nowhere, and its labels are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.studies import SCRIPTED, StudyFiles, read_table, recorded, study_files

pytestmark = pytest.mark.slow  # labels and decides studies in processes of their own

TEXTS = [f"comment {n}" for n in range(60)]


@pytest.fixture
def labeled(run: Run, tmp_path: Path) -> StudyFiles:
    files = study_files(tmp_path, TEXTS)
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    return files


def findings(files: StudyFiles) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    return found


def test_without_an_unfit_rater_a_study_is_decided_as_if_it_had_never_labeled(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    ended = run("consensus", labeled.study, "--unfit", "second", "--items", labeled.items)
    assert ended.code == 0
    assert '"second" was declared unfit' in ended.out
    other = study_files(
        tmp_path / "other",
        TEXTS,
        ensemble=SCRIPTED.replace("  - {model: second, engine: scripted}\n", ""),
    )
    run("label", other.items, "-c", other.codebook, "-e", other.ensemble, "-o", other.study)
    for name in ("labels.csv", "escalations.csv"):
        assert (labeled.study / name).read_bytes() == (other.study / name).read_bytes()
    here, there = findings(labeled), findings(other)
    assert here["unfit"] == ["second"]
    assert here["record"]["rules"]["unfit"] == ["second"]
    for variable, without in zip(here["variables"], there["variables"], strict=True):
        assert variable["agreement"] == without["agreement"]
    page = (labeled.study / "report.html").read_text(encoding="utf-8")
    assert page.count("&#34;second&#34; was declared unfit") == 1
    assert page.count('<strong class="note">declared unfit</strong>') == len(here["variables"])
    assert "recorded but not used" in page


def test_the_labels_of_an_unfit_rater_stay_and_count_again_when_it_is_taken_back(
    run: Run, labeled: StudyFiles
) -> None:
    labels, before = recorded(labeled.study), read_table(labeled.study / "labels.csv")
    run("consensus", labeled.study, "--unfit", "second", "--items", labeled.items)
    assert "topic.second" not in read_table(labeled.study / "labels.csv")[0]
    run("consensus", labeled.study, "-e", labeled.ensemble, "--items", labeled.items)
    assert recorded(labeled.study) == labels
    assert read_table(labeled.study / "labels.csv") == before
    assert findings(labeled)["unfit"] == []


def test_labeling_again_keeps_a_rater_unfit(run: Run, labeled: StudyFiles) -> None:
    run("consensus", labeled.study, "--unfit", "second", "--items", labeled.items)
    again = ("label", labeled.items, "-c", labeled.codebook, "-e", labeled.ensemble)
    ended = run(*again, "-o", labeled.study)
    assert "unfit: second" in " ".join(ended.err.split())
    assert findings(labeled)["unfit"] == ["second"]


def test_the_ensemble_file_and_label_declare_a_rater_unfit_too(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS[:5], ensemble=SCRIPTED + "unfit: [first]\n")
    arguments = (files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    run("label", *arguments, "--unfit", "third")
    assert findings(files)["unfit"] == ["first", "third"]
    assert [one["name"] for one in findings(files)["raters"]] == ["second"]


def test_an_unknown_or_the_last_rater_cannot_be_unfit(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    ended = run("consensus", labeled.study, "--unfit", "secnd")
    assert ended.code == 2
    assert 'Did you mean "second"?' in ended.err
    everyone = [word for name in ("first", "second", "third") for word in ("--unfit", name)]
    ended = run("consensus", labeled.study, *everyone)
    assert (ended.code, "Every rater is declared unfit" in ended.err) == (2, True)
    files = study_files(tmp_path / "other", TEXTS[:5], ensemble=SCRIPTED + "unfit: [x]\n")
    arguments = ("-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    ended = run("label", files.items, *arguments)
    assert (ended.code, "ensemble.yaml" in ended.err) == (2, True)
    assert not files.study.exists()
