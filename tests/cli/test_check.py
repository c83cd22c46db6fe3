"""`check` lists each remark once, errors first, on one screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.codebook.scaffold import scaffold_codebook
from tests.cli.conftest import Run
from tests.studies import CODEBOOK

MANY = {f"column {n}": [f"value {m}" for m in range(8)] for n in range(12)}


@pytest.fixture
def scaffold(tmp_path: Path) -> Path:
    path = tmp_path / "codebook.yaml"
    path.write_text(scaffold_codebook("notes", label_columns=MANY), encoding="utf-8")
    return path


def test_a_remark_about_many_places_is_listed_once(run: Run, scaffold: Path) -> None:
    ended = run("check", scaffold)
    assert ended.code == 1
    assert ended.out.count("Describe here") == 2  # the description, and 12 x 9 other texts
    assert "error: 108 places:" in ended.out
    assert "variable column_0; variable column_0, category value 0;" in ended.out
    assert "and 104 more" in ended.out
    assert "12 variables, 1 error," in ended.out
    assert len(ended.out.splitlines()) <= 24


def test_all_places_are_listed_when_asked(run: Run, scaffold: Path) -> None:
    ended = run("check", scaffold, "--all")
    assert "variable column_11, category value 7" in ended.out
    assert " more" not in ended.out


def test_errors_stand_apart_from_remarks(run: Run, scaffold: Path) -> None:
    out = run("check", scaffold).out
    errors, remarks = out.split("Remarks:")
    assert errors.startswith("Errors:")
    assert "error:" not in remarks
    assert "warning:" not in errors


def test_a_codebook_with_few_remarks_names_their_places(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "codebook.yaml"
    path.write_text(CODEBOOK.replace("topic\n", "topic\n", 1), encoding="utf-8")
    ended = run("check", path)
    assert (ended.code, "Errors:" in ended.out) == (0, False)
    assert "2 variables, 0 errors" in ended.out
    assert "variable topic" in ended.out


def test_privacy_counts_identifiers_by_column_and_shows_no_value(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "notes.csv"
    table.write_text(
        "id,patient_name,note\n"
        "1,Quentin,Call 07700 900123 on 2021-03-04\n"
        "2,Rosalind,nothing here\n"
        "3,,write to zelda@mail.example\n",
        encoding="utf-8",
    )
    ended = run("check", table, "--privacy")
    assert ended.code == 0
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert "patient_name A name heading 2 2" in lines
    assert "note C date or age over 89 pattern 1 1" in lines
    assert "note D telephone number pattern 1 1" in lines
    assert "note F e-mail address pattern 1 1" in lines
    assert "3 rows; 2 of 3 columns" in ended.out
    for value in ("Quentin", "Rosalind", "07700", "2021-03", "zelda"):
        assert value not in ended.out + ended.err


def test_privacy_says_that_no_finding_is_no_proof(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "notes.csv"
    table.write_text("id,note\n1,the ward was clean\n", encoding="utf-8")
    ended = run("check", table, "--privacy")
    assert (ended.code, "0 of 2 columns" in ended.out) == (0, True)
    assert "does not mean that there are none" in ended.out
