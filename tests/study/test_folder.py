"""A study folder names its files and lets nobody else in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localensemble.core.errors import InputError
from localensemble.study.folder import StudyFolder


def test_every_file_of_a_study_has_one_name(tmp_path: Path) -> None:
    folder = StudyFolder.of(tmp_path)
    files = (
        *(folder.ledger, folder.labels, folder.escalations, folder.findings),
        *(folder.report, folder.manifest, folder.shots),
        *(folder.certificate("topic"), folder.rater_calibration("topic"), folder.spans("topic")),
    )
    assert [path.relative_to(tmp_path).as_posix() for path in files] == [
        *("study.sqlite", "labels.csv", "escalations.csv", "findings.json"),
        *("report.html", "manifest.json", "shots.csv"),
        *("certificate-topic.json", "rater-calibration-topic.json", "spans-topic.csv"),
    ]


@pytest.mark.parametrize("name", ["mood/affect", "../../mood", "a\\b", "c:d", "how much?"])
def test_files_of_a_variable_are_in_the_folder_whatever_its_name(name: str, tmp_path: Path) -> None:
    folder = StudyFolder.of(tmp_path)
    for path in (folder.certificate(name), folder.rater_calibration(name)):
        assert path.parent == tmp_path
        assert not set(path.name) & set('/\\:?*"<>|')
    assert folder.certificate("a/b") != folder.certificate("a_b")


def test_a_table_in_the_place_of_a_study_is_answered_with_the_line_to_type(
    tmp_path: Path,
) -> None:
    table = tmp_path / "my ratings.csv"
    table.write_text("id,a\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"my ratings\.csv") as refused:
        StudyFolder.of(table)
    assert f"localensemble import '{table}' --level nominal" in refused.value.hint


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
def test_a_new_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "of" / "mine")
    folder.make()
    folder.make()
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="taken") as refused:
        StudyFolder(tmp_path / "taken" / "study").make()
    assert "--output" in refused.value.hint
