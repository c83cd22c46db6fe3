"""The command ``report``: two files, and no text of an item unless both options say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localensemble.api.label import LabelOptions, label
from tests.cli.conftest import Run
from tests.studies import SCRIPTED, StudyFiles, study_files

pytestmark = pytest.mark.slow  # labels studies and draws their reports


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    """A labeled study of scripted raters, its report taken away."""
    texts = [f"a comment about matter {n}" for n in range(20)]
    made = study_files(tmp_path, texts, ensemble=SCRIPTED + "consensus: {method: unanimous}\n")
    options = LabelOptions(ensemble=made.ensemble)
    label(made.items, codebook=made.codebook, study=made.study, options=options)
    (made.study / "report.html").unlink()
    (made.study / "findings.json").unlink()
    return made


def test_report_writes_both_files_and_says_where(run: Run, files: StudyFiles) -> None:
    ended = run("report", files.study)
    assert ended.code == 0
    printed = "".join(ended.out.split())
    for name in ("report.html", "findings.json"):
        assert (files.study / name).is_file()
        assert name in printed
    assert json.loads((files.study / "findings.json").read_text())["item_count"] == 20
    assert "matter" not in (files.study / "report.html").read_text(encoding="utf-8")


def test_the_data_sheet_is_written_when_asked_for(run: Run, files: StudyFiles) -> None:
    ended = run("report", files.study, "--data-sheet")
    assert (ended.code, "data-sheet.md" in ended.out) == (0, True)
    sheet = (files.study / "data-sheet.md").read_text(encoding="utf-8")
    assert "20 items labeled of 20" in sheet
    assert sheet.count("[to be completed: ") >= 12
    assert "a comment about matter" not in sheet


def test_a_completed_data_sheet_is_kept(run: Run, files: StudyFiles) -> None:
    sheet = files.study / "data-sheet.md"
    kept = files.study / "data-sheet.before-1.md"
    assert run("report", files.study, "--data-sheet").code == 0
    assert run("report", files.study, "--data-sheet").code == 0
    assert not kept.exists()
    written = sheet.read_text(encoding="utf-8")
    sheet.write_text(written + "Controller: Ward 7\n", encoding="utf-8")
    ended = run("report", files.study, "--data-sheet")
    assert (ended.code, kept.name in ended.out) == (0, True)
    assert kept.read_text(encoding="utf-8").endswith("Controller: Ward 7\n")
    assert sheet.read_text(encoding="utf-8") == written


def test_texts_are_shown_when_asked_for(run: Run, files: StudyFiles) -> None:
    assert run("report", files.study, "--include-text", "--items", files.items).code == 0
    assert "a comment about matter" in (files.study / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("given", [["--include-text"], ["--items", "items.csv"]])
def test_one_of_the_two_options_alone_is_refused(
    run: Run, files: StudyFiles, given: list[str]
) -> None:
    ended = run("report", files.study, *given)
    assert ended.code == 2
    assert "--include-text and --items go together" in ended.err
    assert not (files.study / "report.html").exists()


def test_a_folder_without_a_study_is_refused(run: Run, tmp_path: Path) -> None:
    ended = run("report", tmp_path)
    assert ended.code != 0
    assert ended.out == ""


@pytest.mark.parametrize("options", [("--group", "site"), ("--random-sample",)])
def test_options_of_gold_labels_without_any_end_with_code_2(
    run: Run, tmp_path: Path, options: tuple[str, ...]
) -> None:
    ended = run("report", tmp_path / "study", *options)
    assert (ended.code, "--gold" in ended.err) == (2, True)
