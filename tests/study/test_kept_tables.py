"""Tables that a person may have changed, or whose labels leave them, are never written over."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from localensemble.core.files import replaced_text_file
from localensemble.core.identity import sha256_file
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.kept_tables import (
    clear_of_items,
    keeping_previous,
    put_aside,
    put_aside_edited,
    put_aside_with_columns,
    without_needless_copies,
    written_before,
)
from localensemble.study.study import Study
from tests.study.ratings import record, wide


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A folder with two tables and their manifest."""
    folder = StudyFolder(tmp_path)
    folder.labels.write_text("labels", encoding="utf-8")
    folder.escalations.write_text("queue", encoding="utf-8")
    files = {path.name: sha256_file(path) for path in (folder.labels, folder.escalations)}
    write_manifest(folder, {"files": files, "item_set": {"columns": ["id", "text", "ward"]}})
    return folder


def write_manifest(folder: StudyFolder, content: object) -> None:
    folder.manifest.write_text(json.dumps(content), encoding="utf-8")


def names(folder: StudyFolder) -> set[str]:
    return {path.name for path in folder.path.iterdir()} - {"manifest.json"}


def test_tables_that_nobody_changed_stay_where_they_are(folder: StudyFolder) -> None:
    assert put_aside_edited(folder) == ()
    assert names(folder) == {"labels.csv", "escalations.csv"}


def test_a_table_that_somebody_changed_is_kept_under_a_new_name(folder: StudyFolder) -> None:
    for number in (1, 2):
        folder.labels.write_text(f"decided {number}", encoding="utf-8")
        (message,) = put_aside_edited(folder)
        assert f"labels.edited-{number}.csv" in message
    assert names(folder) == {"labels.edited-1.csv", "labels.edited-2.csv", "escalations.csv"}
    assert (folder.path / "labels.edited-2.csv").read_text(encoding="utf-8") == "decided 2"


@pytest.mark.parametrize("manifest", ["", "[]", '{"files": []}', "{}", "\xff"])
def test_tables_of_which_nothing_is_known_are_kept(folder: StudyFolder, manifest: str) -> None:
    folder.manifest.write_bytes(manifest.encode("latin-1"))
    assert len(put_aside_edited(folder)) == 2
    assert names(folder) == {"labels.edited-1.csv", "escalations.edited-1.csv"}


def test_a_folder_in_the_place_of_a_table_is_kept(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    folder.labels.mkdir()
    (message,) = put_aside_edited(folder)
    assert "labels.edited-1.csv" in message
    assert (tmp_path / "labels.edited-1.csv").is_dir()


def test_tables_whose_labels_leave_are_kept_as_they_were_before(folder: StudyFolder) -> None:
    first, second = put_aside(folder)
    assert "labels.before-1.csv" in first
    assert "escalations.before-1.csv" in second
    assert names(folder) == {"labels.before-1.csv", "escalations.before-1.csv"}
    assert put_aside(folder) == ()


def test_a_column_that_leaves_the_input_keeps_the_tables(folder: StudyFolder) -> None:
    assert put_aside_with_columns(folder, ("ward", "id", "text", "more")) == ()
    first, *kept = put_aside_with_columns(folder, ("id",))
    assert '"text", "ward"' in first
    assert len(kept) == 2
    assert put_aside_with_columns(folder, ("id",)) == (), "there is nothing left to keep"


@pytest.mark.parametrize("content", [{}, {"item_set": []}, {"item_set": {"columns": 3}}])
def test_columns_that_the_manifest_does_not_list_keep_nothing(
    folder: StudyFolder, content: object
) -> None:
    write_manifest(folder, content)
    assert put_aside_with_columns(folder, ()) == ()


def test_tables_are_of_an_earlier_run_where_the_manifest_lacks_the_last_one(
    tmp_path: Path,
) -> None:
    folder = record(wide(tmp_path, "xx", "yy"), tmp_path / "study")
    with Study.open(folder.path) as study:
        run = study.run
    assert not written_before(folder, run), "no tables are written yet"
    write_manifest(folder, {"runs": [{"finished_at": "earlier"}, {}]})
    assert written_before(folder, run)
    write_manifest(folder, {"runs": [{"finished_at": "earlier"}, {"finished_at": run.finished_at}]})
    assert not written_before(folder, run)
    assert written_before(folder, replace(run, finished_at="later"))
    write_manifest(folder, {"runs": "?"})
    assert not written_before(folder, run)


def test_a_table_that_only_looks_edited_is_not_kept_twice(folder: StudyFolder) -> None:
    """A kill between writing a table and recording its hash makes it look edited."""
    folder.labels.write_text("written, then killed", encoding="utf-8")
    folder.escalations.write_text("edited by a person", encoding="utf-8")
    messages = (*put_aside_edited(folder), "something else")
    folder.labels.write_text("written, then killed", encoding="utf-8")
    folder.escalations.write_text("queue", encoding="utf-8")
    left = without_needless_copies(folder, messages)
    assert [line.partition(" ")[0] for line in left] == ["escalations.csv", "something"]
    assert names(folder) == {"labels.csv", "escalations.csv", "escalations.edited-1.csv"}


def test_a_file_that_gets_another_content_is_kept_under_a_new_name(folder: StudyFolder) -> None:
    output, kept = folder.data_sheet, folder.path / "data-sheet.before-1.md"
    for text in ("new", "new"):
        with keeping_previous(output) as said, replaced_text_file(output) as stream:
            stream.write(text)
        assert said == []
    with keeping_previous(output) as said, replaced_text_file(output) as stream:
        stream.write("newer")
    assert kept.name in said[0]
    assert (output.read_text(encoding="utf-8"), kept.read_text(encoding="utf-8")) == (
        "newer",
        "new",
    )


def test_a_file_whose_replacement_fails_is_kept_once(folder: StudyFolder) -> None:
    with pytest.raises(ZeroDivisionError), keeping_previous(folder.labels):
        raise ZeroDivisionError
    assert names(folder) == {"labels.csv", "escalations.csv"}


def test_a_file_is_kept_where_no_file_can_have_two_names(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, target: Path) -> None:
        raise OSError

    monkeypatch.setattr(Path, "hardlink_to", refused)
    with keeping_previous(folder.labels) as said, replaced_text_file(folder.labels) as stream:
        stream.write("newer")
    assert len(said) == 1
    assert (folder.path / "labels.before-1.csv").read_text(encoding="utf-8") == "labels"


def test_studies_within_a_folder_are_left_alone_and_named(folder: StudyFolder) -> None:
    inner = folder.path / "within" / "study"
    inner.mkdir(parents=True)
    (inner / "study.sqlite").touch()
    for place in (inner, inner.parent):
        (place / "labels.csv").write_text("id\ni-1\ni-2\n", encoding="utf-8")
    for path in (folder.labels, folder.escalations):
        path.unlink()
    said = clear_of_items(folder, gone=["i-1"], id_columns=["id"], spared=())
    assert any("within/study is another study" in one for one in said)
    assert "i-1" in (inner / "labels.csv").read_text(encoding="utf-8")
    assert "i-1" not in (inner.parent / "labels.csv").read_text(encoding="utf-8")
