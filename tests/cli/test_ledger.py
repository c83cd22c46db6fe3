"""`ledger`: what it verifies, lists and copies, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.slow  # imports a study for each test

RATINGS = "id,ann,bob\n" + "".join(f"i-{n},x,{'xy'[n % 2]}\n" for n in range(6))


@pytest.fixture
def study(run: Run, tmp_path: Path) -> Path:
    table = tmp_path / "ratings.csv"
    table.write_text(RATINGS, encoding="utf-8")
    ended = run("import", table, "--level", "nominal", "-o", tmp_path / "study")
    assert ended.code == 0, ended.err
    return tmp_path / "study"


def test_an_edited_table_and_a_missing_event_end_verification_with_code_1(
    run: Run, study: Path
) -> None:
    whole = run("ledger", "verify", study)
    assert whole.code == 0
    head = whole.out.split()[-1]
    assert run("ledger", "verify", study, "--expect", head).code == 0
    ended = run("ledger", "verify", study, "--expect", "0" * 64)
    assert (ended.code, "--expect names the event" in ended.out) == (1, True)
    ended = run("ledger", "verify", study, "--expect", "head")
    assert (ended.code, "hexadecimal" in ended.err) == (2, True)
    (study / "labels.csv").write_text("edited", encoding="utf-8")
    ended = run("ledger", "verify", study)
    assert (ended.code, "labels.csv is not as it was written" in ended.out) == (1, True)


def test_a_folder_whose_ledger_is_gone_is_refused(run: Run, study: Path, tmp_path: Path) -> None:
    (study / "study.sqlite").unlink()
    before = (study / "labels.csv").read_bytes()
    again = ("import", tmp_path / "ratings.csv", "--level", "nominal", "-o", study)
    ended = run(*again)
    assert (ended.code, "study.sqlite is missing" in ended.err) == (1, True)
    assert (study / "labels.csv").read_bytes() == before
    assert not (study / "study.sqlite").exists()
