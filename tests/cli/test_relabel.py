"""Other raters label again what differs between a study and existing labels."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import localensemble as le
from localensemble.api.label import LabelOptions, label
from tests.cli.conftest import Run
from tests.studies import StudyFiles, read_table, recorded, study_files

pytestmark = pytest.mark.slow  # labels small studies

OTHERS = """\
raters:
  - {model: fourth, engine: scripted}
  - {model: fifth, engine: scripted}
  - {model: sixth, engine: scripted}
"""
TEXTS = [f"comment {n}" for n in range(40)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    made = study_files(tmp_path_factory.mktemp("relabel"), TEXTS)
    options = LabelOptions(ensemble=made.ensemble)
    label(made.items, codebook=made.codebook, study=made.study, options=options)
    (made.folder / "others.yaml").write_text(OTHERS, encoding="utf-8")
    return made


def existing_labels(files: StudyFiles, path: Path, *, changed: int) -> Path:
    """Write the accepted topics of the study, the first of them changed."""
    names = ("staff", "food", "other")
    rows = [row for row in read_table(files.study / "labels.csv") if row["topic.label"]]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "topic"))
        for place, row in enumerate(rows):
            own = row["topic.label"]
            other = names[(names.index(own) + 1) % 3]
            writer.writerow((row["id"], other if place < changed else own))
    return path


def arguments(files: StudyFiles, against: Path, output: Path) -> list[object]:
    return [
        *("relabel", files.study, "--against", against, "--items", files.items),
        *("-c", files.codebook, "-e", files.folder / "others.yaml", "-o", output),
    ]


def test_only_what_differs_is_labeled_again_and_the_majority_of_three_decides(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    against = existing_labels(files, tmp_path / "old.csv", changed=8)
    before = recorded(files.study)
    table, other = tmp_path / "again.csv", tmp_path / "other"
    ended = run(*arguments(files, against, other), "--table", table)
    assert ended.code == 0, ended.err
    rows = read_table(table)
    given = {row["id"]: row for row in read_table(files.study / "labels.csv")}
    assert len(rows) == 8
    assert {row["id"] for row in read_table(other / "labels.csv")} == {row["id"] for row in rows}
    won = 0
    for row in rows:
        assert row["study"] == given[row["id"]]["topic.label"] != row["existing"]
        sides = [row["existing"], row["study"]]
        assert row["majority"] == (row["relabel"] if row["relabel"] in sides else "")
        assert row["audited"] == "no"
        won += row["relabel"] == row["study"]
    assert "8 disagreements" in ended.out
    assert f"decided {won} " in ended.out
    assert "too high as an accuracy" in ended.out
    assert recorded(files.study) == before
    assert "comment" not in table.read_text(encoding="utf-8")


def test_an_audit_has_an_exact_interval_and_the_same_draw_again(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    against = existing_labels(files, tmp_path / "old.csv", changed=3)
    found = []
    for _ in range(2):
        table = tmp_path / "again.csv"
        call = arguments(files, against, tmp_path / "other")
        ended = run(*call, "--audit-share", 0.5, "--table", table)
        assert ended.code == 0, ended.err
        assert "drawn at random (" in ended.out
        assert "only gold labels show" in ended.out
        found.append(table.read_bytes())
    assert found[0] == found[1]
    rows = read_table(tmp_path / "again.csv")
    audited = [row for row in rows if row["audited"] == "yes"]
    accepted = len(read_table(against))
    assert len(rows) - len(audited) == 3
    assert len(audited) == -(-(accepted - 3) // 2)
    # Two of three votes are the same, so an agreement stands whatever the others say.
    assert all(row["majority"] == row["study"] == row["existing"] for row in audited)


def test_python_has_the_same_numbers(files: StudyFiles, tmp_path: Path) -> None:
    against = existing_labels(files, tmp_path / "old.csv", changed=8)
    found = le.relabel(
        files.study,
        against=against,
        items=files.items,
        codebook=files.codebook,
        ensemble=files.folder / "others.yaml",
        output=tmp_path / "other",
        audit_share=0.2,
    )
    (topic,) = found.variables
    numbers = topic.comparison
    accepted = len(read_table(against))
    assert (numbers.compared, numbers.disagreements) == (accepted, 8)
    assert numbers.before == pytest.approx((accepted - 8) / accepted)
    assert topic.after_range is not None
    low, high = topic.after_range
    assert low == pytest.approx((accepted - 8 + numbers.study_right) / accepted)
    assert high == pytest.approx(low + numbers.undecided / accepted)
    assert topic.share_won == numbers.study_right / 8
    assert sum(one.audited for one in found.items) == topic.drawn > 0
    assert found.raters == ("fourth", "fifth", "sixth")


def test_labels_that_do_not_differ_ask_nobody(run: Run, files: StudyFiles, tmp_path: Path) -> None:
    against = existing_labels(files, tmp_path / "old.csv", changed=0)
    ended = run(*arguments(files, against, tmp_path / "other"))
    assert ended.code == 0, ended.err
    assert "100.0%" in ended.out
    assert "Nothing was labeled again" in ended.out
    assert not (tmp_path / "other").exists()


def test_a_rater_of_the_study_that_votes_again_is_named(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    against = existing_labels(files, tmp_path / "old.csv", changed=2)
    call = arguments(files, against, tmp_path / "other")
    call[call.index("-e") + 1] = files.ensemble
    ended = run(*call)
    assert ended.code == 0, ended.err
    assert "first, second and third" in ended.err
    assert "the same model" in ended.err


def test_the_study_itself_and_another_codebook_are_refused(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    against = existing_labels(files, tmp_path / "old.csv", changed=2)
    ended = run(*arguments(files, against, files.study))
    assert ended.code == 2
    assert "another folder" in ended.err
    codebook = tmp_path / "codebook.yaml"
    content = files.codebook.read_text(encoding="utf-8")
    codebook.write_text(content.replace("Meals and drinks.", "Meals."), encoding="utf-8")
    call = arguments(files, against, tmp_path / "other")
    call[call.index("-c") + 1] = codebook
    ended = run(*call)
    assert ended.code == 2
    assert "not that of the study" in ended.err
    assert not (tmp_path / "other").exists()
