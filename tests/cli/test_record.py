"""Commands that read a study's ledger trust it only after deriving its hashes again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localensemble.ledger.ledger import Ledger
from tests.cli.conftest import Run
from tests.studies import StudyFiles, change_behind_triggers, read_table, study_files

pytestmark = pytest.mark.slow  # labels every study several times, in processes of their own


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
        ("certify", "STUDY", "--gold", "GOLD", "--variable", "topic", "--alpha", "0.2"),
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
    assert 'study.sqlite" has been changed: event ' in ended.err
    assert "(labels_appended): record" in ended.err
    assert {path: path.read_bytes() for path in files.study.glob("*.[cjh]*")} == written


def test_a_newer_run_that_has_not_finished_is_said_wherever_findings_are(
    run: Run, tmp_path: Path
) -> None:
    word = "interrupted"
    files = labeled(run, tmp_path)
    with Ledger.open(files.study / "study.sqlite", create=False) as ledger:
        newer = ledger.start_run(ledger.reader.runs()[-1].settings)
        ledger.finish_run(newer, status="interrupted", summary={})
    for command in (
        ("evaluate", files.study, "--gold", gold_for(files)),
        ("consensus", files.study),
        # Deciding again makes no labels: what it is about stays unfinished.
        ("consensus", files.study, "--items", files.items, "--method", "mean_probability"),
    ):
        shown = " ".join(run(*command).out.split())
        assert "Caution: A newer run, begun" in shown, command
        assert word in shown
    promise = ("--gold", gold_for(files), "--variable", "topic", "--alpha", "0.2")
    for ended in (run("agree", files.study), run("certify", files.study, *promise)):
        assert "A newer run, begun" in " ".join(ended.out.split())
    assert run("report", files.study).code == 0
    findings = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    assert [word in caution for caution in findings["cautions"]][-1:] == [True]
    assert word in (files.study / "report.html").read_text(encoding="utf-8")
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    findings = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    assert not any("newer run" in caution for caution in findings["cautions"])
