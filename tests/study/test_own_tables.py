"""The files of a study are tied to its ledger: no command replaces those of another one."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from localensemble.api.consensus import decide_again
from localensemble.api.evaluate import gold_left_out, write_shown
from localensemble.api.import_ratings import RatingsOptions, import_ratings
from localensemble.api.label import LabelOptions, label
from localensemble.api.ledger import verify_ledger
from localensemble.api.report import write_report
from localensemble.api.withdrawal.withdraw_items import WithdrawOptions, withdraw
from localensemble.core.errors import InputError, LedgerError
from localensemble.core.identity import sha256_file
from localensemble.findings.study_findings import StudyFindings
from localensemble.ledger.ledger import Ledger
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import Manifest, open_ledger, record_hashes
from tests.studies import study_files


@pytest.fixture
def folder(of_models: Path, tmp_path: Path) -> StudyFolder:
    return StudyFolder(Path(shutil.copytree(of_models, tmp_path / "study")))


def content(folder: StudyFolder) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in folder.path.iterdir()
        if path.suffix in {".csv", ".json", ".html"}
    }


def lose(folder: StudyFolder, how: str) -> None:
    folder.ledger.unlink()
    if how == "empty":
        folder.ledger.touch()
    if how == "an SQLite file without tables":
        with closing(sqlite3.connect(folder.ledger)) as connection:
            connection.execute("PRAGMA user_version = 1")
    if how == "another ledger":
        Ledger.open(folder.ledger, create=True).close()


STATES = ("missing", "empty", "an SQLite file without tables", "another ledger")


@pytest.mark.parametrize("how", STATES)
def test_a_folder_whose_ledger_is_gone_is_refused_and_nothing_is_replaced(
    folder: StudyFolder, tmp_path: Path, how: str
) -> None:
    lose(folder, how)
    before = content(folder)
    files = study_files(tmp_path / "again", [f"comment {n}" for n in range(9)])
    ratings = tmp_path / "ratings.csv"
    ratings.write_text("id,ann,bob\n1,x,y\n2,x,x\n", encoding="utf-8")
    options = LabelOptions(ensemble=files.ensemble)
    nominal = RatingsOptions(level="nominal")
    for write in (
        lambda: label(files.items, codebook=files.codebook, study=folder.path, options=options),
        lambda: import_ratings(ratings, output=folder.path, options=nominal),
        lambda: decide_again(folder.path, items=files.items, write=True),
        lambda: withdraw(folder.path, options=WithdrawOptions(ids=("i-1",))),
        lambda: write_report(folder.path),
    ):
        with pytest.raises(LedgerError) as refused:
            write()
        assert refused.value.hint
    with pytest.raises(LedgerError, match=r"study\.sqlite"):
        open_ledger(folder, create=True)
    assert content(folder) == before


def test_tables_without_a_manifest_are_not_replaced_by_a_new_ledger(folder: StudyFolder) -> None:
    lose(folder, "missing")
    folder.manifest.unlink()
    with pytest.raises(LedgerError, match=r"labels\.csv and escalations\.csv.* is missing"):
        open_ledger(folder, create=True)
    folder.labels.unlink()
    folder.escalations.unlink()
    open_ledger(folder, create=True).close()


def test_tables_whose_manifest_names_no_event_are_judged_by_their_ledger(
    folder: StudyFolder,
) -> None:
    for text in ("{}", "[1]", "[" * 100_000, '{"ledger_head_sha256": 3, "files": 4}'):
        folder.manifest.write_text(text, encoding="utf-8")
        assert Manifest.of(folder).files == {}
        record_hashes(folder, (folder.report,))
        open_ledger(folder, create=False).close()


def test_verifying_names_tables_and_reports_that_were_edited(folder: StudyFolder) -> None:
    assert verify_ledger(folder.path).ok
    for path in (folder.labels, folder.escalations, folder.report, folder.findings):
        path.write_bytes(path.read_bytes() + b" ")
        found = verify_ledger(folder.path)
        assert (found.ledger.ok, found.ok) == (True, False)
        assert path.name in found.changed
    folder.labels.unlink()
    assert len(verify_ledger(folder.path).changed) == 4


@pytest.mark.slow  # changes every value of a manifest
def test_verifying_names_a_manifest_in_which_one_value_was_changed(folder: StudyFolder) -> None:
    written = json.loads(folder.manifest.read_text(encoding="utf-8"))
    files = {name: sha256 for name, sha256 in written["files"].items() if name != "labels.csv"}
    for edit in ({"localensemble": "9"}, {"files": files}, {"new": "\ud800"}):
        folder.manifest.write_text(json.dumps(written | edit), encoding="utf-8")
        assert verify_ledger(folder.path).changed == ("manifest.json",)
        write_report(folder.path)
        assert "manifest.json" in verify_ledger(folder.path).changed
    # One of an earlier version has no hash of its own.
    del written["files"]["manifest.json"]
    folder.manifest.write_text(json.dumps(written), encoding="utf-8")
    assert verify_ledger(folder.path).ok
    write_report(folder.path)
    again = json.loads(folder.manifest.read_text(encoding="utf-8"))
    assert len(again["files"]["manifest.json"]) == 64
    assert verify_ledger(folder.path).ok


def test_a_report_that_is_written_again_is_as_it_was_written(folder: StudyFolder) -> None:
    folder.report.write_text("edited", encoding="utf-8")
    write_report(folder.path)
    assert verify_ledger(folder.path).ok


def test_an_expected_event_may_be_followed_by_others(folder: StudyFolder) -> None:
    head = verify_ledger(folder.path).ledger.head_sha256
    with open_ledger(folder, create=False) as ledger:
        ledger.start_run({})
    for expect in (head, head[:12], f" {head.upper()}\n"):
        assert verify_ledger(folder.path, expect=expect).ok
    other = verify_ledger(folder.path, expect="0" * 64)
    assert (other.ledger.ok, other.ok, len(other.lost)) == (True, False, 1)
    for wrong in ("", "head", head[:11], head + "0"):
        with pytest.raises(InputError, match="--expect"):
            verify_ledger(folder.path, expect=wrong)


def test_every_cleanly_cut_tail_is_found_by_what_knows_of_it(
    folder: StudyFolder, tmp_path: Path
) -> None:
    cut = StudyFolder(tmp_path / "cut")
    cut.path.mkdir()
    heads = []
    # A ledger whose newest events were cut off is the ledger as it was before them.
    with Ledger.open(cut.ledger, create=True) as ledger:
        for number in range(12):
            heads.append(list(ledger.reader.history())[-1].sha256)
            shutil.copy(cut.ledger, tmp_path / f"before-{number}.sqlite")
            shutil.copy(f"{cut.ledger}-wal", tmp_path / f"before-{number}.sqlite-wal")
            ledger.finish_run(ledger.start_run({"n": number}), status="failed", summary={})
    (head,) = [verify_ledger(cut.path).ledger.head_sha256]
    for number in range(12):
        shutil.rmtree(cut.path)
        cut.path.mkdir()
        for end in ("", "-wal"):
            shutil.copy(tmp_path / f"before-{number}.sqlite{end}", f"{cut.ledger}{end}")
        alone = verify_ledger(cut.path)
        assert (alone.ok, alone.ledger.head_sha256) == (True, heads[number])
        assert not verify_ledger(cut.path, expect=head).ok
        cut.manifest.write_text(json.dumps({"ledger_head_sha256": head}), encoding="utf-8")
        assert [one.split()[0] for one in verify_ledger(cut.path).lost] == ["manifest.json"]
        with pytest.raises(LedgerError, match="another ledger"):
            open_ledger(cut, create=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("name", ["manifest.json", "findings.json"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(folder: StudyFolder, name: str) -> None:
    (folder.path / name).unlink()
    os.mkfifo(folder.path / name)
    assert Manifest.of(folder).changed(folder) == (name,)
    if name == "findings.json":
        without_gold = cast(StudyFindings, SimpleNamespace(variables=()))
        assert gold_left_out(without_gold, folder=folder) == ()


def test_findings_of_another_ledger_are_not_replaced(folder: StudyFolder) -> None:
    lose(folder, "another ledger")
    with pytest.raises(LedgerError, match="another ledger"):
        write_shown(None, codebook=None, folder=folder)  # type: ignore[arg-type]


def empty(path: Path) -> None:
    path.write_text("", encoding="utf-8")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def say_nothing(path: Path) -> None:
    path.write_text("{}", encoding="utf-8")


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("damage", [empty, cut, say_nothing, Path.unlink])
def test_a_manifest_that_says_nothing_is_named(
    folder: StudyFolder, damage: Callable[[Path], None]
) -> None:
    damage(folder.manifest)
    found = verify_ledger(folder.path)
    assert found.ledger.ok
    assert found.changed == ("manifest.json",)
    assert not found.ok


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["manifest.json", "labels.csv"])
def test_a_pipe_in_place_of_a_file_is_named_and_not_waited_for(
    folder: StudyFolder, name: str
) -> None:
    replace_by_pipe(folder.path / name)
    assert verify_ledger(folder.path).changed == (name,)


def test_a_table_that_cannot_be_read_is_named(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> str:
        if path.name == "labels.csv":
            raise PermissionError(13, "Permission denied", str(path))
        return sha256_file(path)

    monkeypatch.setattr("localensemble.study.folder_files.own_tables.sha256_file", refuse)
    assert Manifest.of(folder).changed(folder) == ("labels.csv",)


def test_a_ledger_alone_in_a_folder_is_whole(folder: StudyFolder, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(folder.ledger, alone)
    assert verify_ledger(alone).ok
