"""Commands that read a study's ledger trust it only after deriving its hashes again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.studies import StudyFiles, change_behind_triggers, read_table, study_files


def labeled(run: Run, folder: Path, items: int = 30) -> StudyFiles:
    files = study_files(folder, [f"comment {n}" for n in range(items)])
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 0
    return files


def gold_for(files: StudyFiles) -> Path:
    path = files.folder / "gold.csv"
    rows = "".join(f"{row['id']},staff\n" for row in read_table(files.items))
    path.write_text(f"id,gold_topic\n{rows}", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "command",
    [
        ("report", "STUDY"),
        ("evaluate", "STUDY", "--gold", "GOLD"),
        ("consensus", "STUDY"),
        ("consensus", "STUDY", "--items", "ITEMS"),
        ("consensus", "STUDY", "--compare"),
        ("calibrate", "STUDY", "--gold", "GOLD", "--variable", "topic", "--alpha", "0.2"),
        ("agree", "STUDY"),
        ("sample", "STUDY", "--items", "ITEMS", "--n", "5", "-o", "SHEET"),
        ("label", "ITEMS", "-c", "CODEBOOK", "-e", "ENSEMBLE", "-o", "STUDY"),
    ],
    ids=" ".join,
)
def test_a_ledger_in_which_a_label_was_changed_is_refused(
    run: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    files = labeled(run, tmp_path)
    named: dict[str, object] = {
        "STUDY": files.study, "ITEMS": files.items, "GOLD": gold_for(files),
        "CODEBOOK": files.codebook, "ENSEMBLE": files.ensemble, "SHEET": tmp_path / "sheet.csv",
    }  # fmt: skip
    statement = "UPDATE label SET category = 1 - category % 2 WHERE item_key = 3"
    change_behind_triggers(files.study / "study.sqlite", lambda ledger: ledger.execute(statement))
    written = {path: path.read_bytes() for path in files.study.glob("*.[cjh]*")}
    ended = run(*(named.get(word, word) for word in command))
    assert ended.code == 1
    assert 'study.sqlite" is not what was written: event ' in ended.err
    assert "(labels_appended): record was changed" in ended.err
    assert {path: path.read_bytes() for path in files.study.glob("*.[cjh]*")} == written
