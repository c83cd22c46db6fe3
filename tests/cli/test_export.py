"""The command `export`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import localensemble as le
from tests.cli.conftest import Run
from tests.studies import StudyFiles, study_files

pytestmark = pytest.mark.slow  # labels a study


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    folder = tmp_path_factory.mktemp("export")
    files = study_files(folder, ["the soup was cold", "a kind nurse", "no parking"])
    le.label(files.items, codebook=files.codebook, ensemble=files.ensemble, output=files.study)
    return files


def test_export_writes_the_file_and_tells_what_is_open(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    path = tmp_path / "out.json"
    ended = run("export", files.study, "--format", "label-studio", "-o", path)
    assert ended.code == 0, ended.err
    assert "3 items" in ended.out
    assert "without texts" in ended.out
    assert "out.config.xml" in ended.out
    tasks = json.loads(path.read_text(encoding="utf-8"))
    assert [task["data"]["id"] for task in tasks] == ["i-0", "i-1", "i-2"]


def test_texts_are_exported_only_when_asked_for(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    path = tmp_path / "out.jsonl"
    ended = run("export", files.study, "--format", "jsonl", "-o", path, "--include-text")
    assert ended.code == 2
    assert "--items" in ended.err
    assert not path.exists()
    arguments = ("--format", "jsonl", "-o", path, "--include-text", "--items", files.items)
    assert run("export", files.study, *arguments).code == 0
    assert "the soup was cold" in path.read_text(encoding="utf-8")


def test_an_unknown_format_is_a_usage_error(run: Run, files: StudyFiles, tmp_path: Path) -> None:
    ended = run("export", files.study, "--format", "word", "-o", tmp_path / "out")
    assert ended.code == 2
    assert "label-studio" in ended.err


def test_python_exports_the_same(files: StudyFiles, tmp_path: Path) -> None:
    written = le.export(le.open_study(files.study), format="csv", output=tmp_path / "out.csv")
    assert written.files == (tmp_path / "out.csv",)
    assert written.item_count == 3


def test_what_the_files_of_an_export_held_before_is_kept(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    path, other = tmp_path / "out.json", tmp_path / "outside.json"
    config = tmp_path / "out.config.xml"
    for one in (path, config, other):
        one.write_text("a person's", encoding="utf-8")
    command = ("export", files.study, "--format", "label-studio", "-o", path)
    said = " ".join(run(*command).out.split())
    assert "The previous out.json is kept as out.before-1.json" in said
    assert "The previous out.config.xml is kept as out.config.before-1.xml" in said
    assert (tmp_path / "out.before-1.json").read_text(encoding="utf-8") == "a person's"
    before = {one.name for one in tmp_path.iterdir()}
    again = run(*command)
    assert "kept as" not in again.out
    assert {one.name for one in tmp_path.iterdir()} == before
    assert other.read_text(encoding="utf-8") == "a person's"


def test_the_tables_of_agreement_that_were_edited_are_kept(
    files: StudyFiles, tmp_path: Path
) -> None:
    tables = tmp_path / "tables"
    study = le.open_study(files.study)
    assert le.export(study, format="agreement", output=tables).messages == ()
    (tables / "pairs.csv").write_text("edited", encoding="utf-8")
    (said,) = le.export(study, format="agreement", output=tables).messages
    assert "pairs.before-1.csv" in said
    assert not (tables / "items.before-1.csv").exists()
