"""`study shred` removes a study's texts and labels, and promises no more than it can."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from localensemble.api.label import LabelOptions, label
from localensemble.api.withdrawal import shred_study as module
from localensemble.api.withdrawal.shred_study import files_to_shred, shred_study
from localensemble.core.errors import LedgerError
from localensemble.ledger.connection import take_writing_lock
from tests.cli.conftest import Run
from tests.studies import StudyFiles, study_files


@pytest.fixture(scope="module")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    """A labeled study; tests shred copies of it."""
    files = study_files(tmp_path_factory.mktemp("shred"), ["a canary one", "a canary two"])
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files


@pytest.fixture
def study(labeled: StudyFiles, tmp_path: Path) -> Path:
    files = StudyFiles(Path(shutil.copytree(labeled.folder, tmp_path, dirs_exist_ok=True)))
    (files.study / "labels.before-1.csv").write_text("id,text\n1,a canary one\n")
    (files.study / ".labels.csv.x.part").write_text("a canary half\n")
    return files.study


def test_every_file_of_a_study_is_overwritten_deleted_and_named(
    run: Run, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(path.name for path in study.iterdir())
    assert {"study.sqlite", "labels.csv", "escalations.csv", "report.html"} <= set(names)
    before = {path: path.read_bytes() for path in study.iterdir()}
    overwritten: dict[str, bytes] = {}
    unlink = Path.unlink

    def kept(path: Path, missing_ok: bool = False) -> None:
        overwritten[path.name] = path.read_bytes()
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", kept)
    written: list[int] = []
    random = os.urandom

    def counted(size: int) -> bytes:
        written.append(size)
        return random(size)

    monkeypatch.setattr(os, "urandom", counted)
    ended = run("study", "shred", study, "--yes")
    assert ended.code == 0, ended.err
    assert not study.exists()
    assert set(overwritten.values()) == {b""}
    assert sum(written) >= sum(map(len, before.values()))
    for name in names:
        assert f"{study / name}" in ended.out
    assert "SSD" in ended.err
    assert "backups" in ended.err


def test_nothing_is_shredded_without_an_answer(run: Run, study: Path) -> None:
    before = sorted(study.iterdir())
    ended = run("study", "shred", study)
    assert (ended.code, "Nothing was shredded" in ended.err) == (2, True)
    assert f"{study / 'labels.csv'}" in ended.err
    assert sorted(study.iterdir()) == before


def test_a_file_of_the_user_is_left_and_named_unless_everything_is_asked_for(
    run: Run, study: Path
) -> None:
    mine = study / "notes of mine.txt"
    mine.write_text("mine")
    ended = run("study", "shred", study, "--yes")
    assert ended.code == 0
    assert [path.name for path in study.iterdir()] == [mine.name]
    assert mine.name in ended.err
    (study / "manifest.json").write_text("{}")
    assert run("study", "shred", study, "--yes", "--everything").code == 0
    assert not study.exists()


def test_another_study_and_files_in_folders_inside_are_left_alone(run: Run, study: Path) -> None:
    for name in ("next/study.sqlite", "next/labels.csv", "data/sample.csv"):
        (study / name).parent.mkdir(exist_ok=True)
        (study / name).write_text("keep me")
    ended = run("study", "shred", study, "--yes")
    assert ended.code == 0, ended.err
    left = sorted(str(path.relative_to(study)) for path in study.rglob("*") if path.is_file())
    assert left == ["data/sample.csv", "next/labels.csv", "next/study.sqlite"]
    assert all(name in ended.err for name in left)


def test_no_run_starts_while_a_study_is_shredded(run: Run, study: Path) -> None:
    refused: list[str] = []

    def try_to_write(path: Path) -> None:
        if path.name in ("labels.csv", "study.sqlite"):
            with pytest.raises(LedgerError, match="another run is writing"):
                take_writing_lock(study / "study.sqlite")
            refused.append(path.name)

    shred_study(study, on_file=try_to_write)
    assert sorted(refused) == ["labels.csv", "study.sqlite"]
    assert not study.exists()


def test_what_a_killed_process_left_is_overwritten_not_only_removed(study: Path) -> None:
    left = study / ".labels.csv.abcd1234.part"
    left.write_text("a canary")
    assert left in files_to_shred(study).shredded
    assert left.exists()


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_study_given_by_a_link_is_shredded(run: Run, study: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(study)
    assert run("study", "shred", link, "--yes").code == 0
    assert list(study.iterdir()) == []


def test_a_link_loses_only_its_name(run: Run, study: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("keep me")
    (study / "labels.before-2.csv").symlink_to(outside)
    (study / "labels.before-3.csv").hardlink_to(outside)
    ended = run("study", "shred", study, "--yes")
    assert (ended.code, outside.read_text()) == (0, "keep me")
    assert ended.err.count("content is still there") == 2


def test_a_folder_that_is_not_a_study_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("x")
    ended = run("study", "shred", tmp_path, "--yes")
    assert (ended.code, "not a study" in ended.err) == (2, True)
    assert (tmp_path / "labels.csv").read_text() == "x"


def test_a_study_that_a_run_writes_to_is_left_alone(run: Run, study: Path) -> None:
    lock = take_writing_lock(study / "study.sqlite")
    try:
        ended = run("study", "shred", study, "--yes")
    finally:
        lock.close()
    assert (ended.code, "another run is writing" in ended.err) == (1, True)
    assert (study / "labels.csv").exists()


def test_a_study_whose_ledger_is_damaged_can_be_shredded(run: Run, study: Path) -> None:
    (study / "study.sqlite").write_bytes(b"not a ledger, a canary")
    assert run("study", "shred", study, "--yes").code == 0
    assert not study.exists()


def test_a_file_that_cannot_be_overwritten_is_named(
    run: Run, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(module, "_overwrite", refuse)
    ended = run("study", "shred", study, "--yes")
    assert (ended.code, "Cannot shred" in ended.err) == (1, True)
    assert len(files_to_shred(study).shredded) >= 5
