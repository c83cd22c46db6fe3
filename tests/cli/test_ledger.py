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


def test_the_history_of_an_item_has_its_labels_and_no_other_item(run: Run, study: Path) -> None:
    ended = run("ledger", "history", study, "i-3")
    lines = ended.out.splitlines()
    assert (ended.code, len(lines)) == (0, 3)
    assert [line.split()[1] for line in lines] == ["registered", "label", "label"]
    assert "i-2" not in ended.out
    unknown = run("ledger", "history", study, "i-99")
    assert (unknown.code, '"i-99"' in unknown.err) == (2, True)
    assert len(run("ledger", "history", study).out.splitlines()) > 5


def test_a_backup_is_a_ledger_and_replaces_no_file(run: Run, study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "study.sqlite"
    copy.parent.mkdir()
    ended = run("ledger", "backup", study, copy)
    assert (ended.code, "intact" in ended.out) == (0, True)
    assert run("ledger", "verify", copy.parent).code == 0
    again = run("ledger", "backup", study, copy)
    assert (again.code, "already exists" in again.err) == (2, True)


def test_a_synchronized_study_folder_is_warned_of(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "ratings.csv"
    table.write_text(RATINGS, encoding="utf-8")
    ended = run("import", table, "--level", "nominal", "-o", tmp_path / "OneDrive" / "study")
    assert ended.code == 0
    assert "synchronized by OneDrive" in " ".join((ended.out + ended.err).split())


def test_a_backup_is_verified_in_a_folder_of_its_own(run: Run, study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "backup.sqlite"
    assert run("ledger", "backup", study, copy).code == 0
    named = run("ledger", "verify", copy)
    assert (named.code, "study.sqlite" in named.err, "import" in named.err) == (2, True, False)
    folder = tmp_path / "restored"
    folder.mkdir()
    copy.rename(folder / "study.sqlite")
    assert run("ledger", "verify", folder).out == run("ledger", "verify", study).out
    assert run("consensus", folder, "--write").code == 0
    assert (folder / "labels.csv").read_bytes() == (study / "labels.csv").read_bytes()
