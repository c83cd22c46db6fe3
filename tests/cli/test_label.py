"""`label` writes its files and ends with the exit code that says how it went."""

from __future__ import annotations

import csv
import errno
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localensemble.catalog.located_models import locate_model
from localensemble.consensus.policies.named_policies import POLICY_NAMES
from localensemble.ledger.ledger import Ledger
from tests.cli.conftest import Run
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels and decides studies in processes of their own

SECRET = "Mrs Winterbottom"
DECIDED = ("decision_topic", "decision_urgent")


def test_labels_keep_the_input_and_add_what_stands_behind_each_label(
    run: Run, tmp_path: Path
) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(40)])
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert (ended.code, "Agreement of 3 raters on 40 items" in ended.out) == (0, True)
    given, labeled = read_table(files.items), read_table(files.study / "labels.csv")
    assert [{key: row[key] for key in given[0]} for row in labeled] == given
    assert list(labeled[0])[3:] == [
        f"{variable}.{part}"
        for variable in ("topic", "urgent")
        for part in (
            "label",
            "status",
            "origin",
            "support",
            "mean_probability",
            "off_codebook_mass",
            "reasons",
            "reason_codes",
            "rater_reasons",
            "rater.first",
            "rater.second",
            "rater.third",
        )
    ]
    for row in labeled:
        accepted = row["topic.status"] == "accepted"
        assert bool(row["topic.label"]) == accepted
        assert bool(row["topic.reasons"]) != accepted
        assert bool(row["topic.reason_codes"]) != accepted


def test_the_queue_holds_what_is_escalated_most_doubtful_first(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(60)])
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    labeled = read_table(files.study / "labels.csv")
    queue = read_table(files.study / "escalations.csv")
    assert {(row["id"], row["variable"]) for row in queue} == {
        (row["id"], variable)
        for row in labeled
        for variable in ("topic", "urgent")
        if row[f"{variable}.status"] == "escalated"
    }
    by_item: dict[str, float] = {}
    for row in queue:
        by_item[row["id"]] = max(float(row["doubt"]), by_item.get(row["id"], 0.0))
    assert list(by_item.values()) == sorted(by_item.values(), reverse=True)
    assert [item for item, _ in itertools.groupby(row["id"] for row in queue)] == [*by_item]
    assert all(row["reasons"] for row in queue)
    codes = {code for row in queue for code in row["reason_codes"].split(" ")}
    assert codes
    assert codes <= {"no_labels", "tie", "rule_not_met", *POLICY_NAMES}


def test_a_run_ends_with_what_to_do_next(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(60)])
    label = ("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    ended = run(*label)
    rows = len(read_table(files.study / "escalations.csv"))
    assert f"review the {rows} rows in {files.study / 'escalations.csv'}: " in ended.out
    assert f"`localensemble review {files.study} --items {files.items}`" in ended.out
    assert "how often these labels are right" in ended.out
    gold = files.folder / "gold.csv"
    gold.write_text("id,gold_topic\ni-1,staff\n", encoding="utf-8")
    assert "how often these labels are right" not in run(*label, "--gold", gold).out


def test_findings_count_what_the_tables_hold(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(50)])
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    findings = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    labeled = read_table(files.study / "labels.csv")
    for variable in findings["variables"]:
        statuses = [row[f"{variable['name']}.status"] for row in labeled]
        assert variable["accepted"] == statuses.count("accepted")
        assert variable["escalated"] == statuses.count("escalated")


def test_items_without_a_label_end_with_code_3_and_are_counted(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, ["fine", "", "also fine"], codebook=f"no_answer: []\n{CODEBOOK}")
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 3
    assert "6 labels have no category" in ended.out
    empty = read_table(files.study / "labels.csv")[1]
    assert empty["topic.status"] == "escalated"
    assert empty["topic.rater.first"] == "<failed>"
    empty_text = "empty_text: there is nothing to label"
    why = "; ".join(f"{rater}: {empty_text}" for rater in ("first", "second", "third"))
    assert (empty["topic.rater_reasons"], empty["topic.off_codebook_mass"]) == (why, "")
    queued = next(row for row in read_table(files.study / "escalations.csv") if not row["text"])
    assert queued["rater_reasons"] == why
    labeled = read_table(files.study / "labels.csv")[0]
    assert labeled["topic.rater_reasons"] == ""
    assert 0 < float(labeled["topic.off_codebook_mass"]) < 1


def test_a_table_without_ids_gets_the_ids_that_decisions_are_merged_by(
    run: Run, tmp_path: Path
) -> None:
    files = study_files(tmp_path, ["x"])
    rows = "".join(f"comment {n}\n" for n in range(30))
    files.items.write_text(f"text\n{rows}", encoding="utf-8")
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    labeled = read_table(files.study / "labels.csv")
    assert [row["id"] for row in labeled] == [f"row-{n}" for n in range(1, 31)]
    text_of = {row["id"]: row["text"] for row in labeled}
    queue = read_table(files.study / "escalations.csv")
    assert queue
    assert all(text_of[row["id"]] == row["text"] for row in queue)
    gold = tmp_path / "gold.csv"
    gold.write_text("id,gold_topic\nrow-30,staff\n", encoding="utf-8")
    assert run("evaluate", files.study, "--gold", gold).code == 0


def typed(run: Run, files: StudyFiles, folder: Path, *more: str) -> None:
    """Type the two lines of the README about decisions."""
    common = ("--items", files.items)
    ended = run(
        *("review", "import", files.study, folder / "decisions.csv", *common),
        *("--reviewer", "AB"),
    )
    assert ended.code == 0, ended.err
    ended = run("finalize", files.study, *common, "-o", folder / "final.csv", *more)
    assert ended.code == 0, ended.err


def test_decisions_come_into_the_labels_as_the_readme_says(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(40)])
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    labeled = read_table(files.study / "labels.csv")
    *decided, undecided = read_table(files.study / "escalations.csv")
    with (tmp_path / "decisions.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*undecided, "decision"])
        writer.writeheader()
        answers = {"topic": "food", "urgent": "no"}
        writer.writerows({**row, "decision": answers[row["variable"]]} for row in decided)
        writer.writerow({**undecided, "decision": ""})
    typed(run, files, tmp_path, "--allow-open")
    final = read_table(tmp_path / "final.csv")
    assert len(final) == len(labeled)
    for before, after in zip(labeled, final, strict=True):
        for variable, answer in answers.items():
            label = f"{variable}.label"
            if before[f"{variable}.status"] == "accepted":
                assert after[label] == before[label]
            elif (before["id"], variable) == (undecided["id"], undecided["variable"]):
                assert after[label] == ""
            else:
                assert after[label] == answer
        assert [after[column] for column in ("id", "text", "ward")] == [
            before[column] for column in ("id", "text", "ward")
        ]


def test_a_worksheet_of_decisions_comes_into_the_labels_as_the_readme_says(
    run: Run, tmp_path: Path
) -> None:
    rules = "escalation:\n  - {policy: random_audit, share: 0.5, seed: 1}\n"
    files = study_files(tmp_path, [f"comment {n}" for n in range(40)], ensemble=SCRIPTED + rules)
    items = read_table(files.items)
    with files.items.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, [*items[0], "gold_topic", "earlier.label"], delimiter=";")
        writer.writeheader()
        writer.writerows({**row, "gold_topic": "food", "earlier.label": "x"} for row in items)
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    sheet = tmp_path / "decisions.csv"
    arguments = ("review", "worksheet", files.study, "--items", files.items, "-o", sheet)
    ended = run(*arguments)
    assert (ended.code, "items that await a person" in ended.out) == (0, True), ended.err
    assert run(*arguments).code == 2, "a worksheet is never written over"
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        rows = [*csv.DictReader(stream, delimiter=";")]
    assert [*rows[0]] == ["id", "text", "open_variables", *DECIDED, "note"]
    assert {row[column] for row in rows for column in DECIDED} == {""}
    with (files.study / "escalations.csv").open(encoding="utf-8-sig", newline="") as stream:
        queue = [*csv.DictReader(stream, delimiter=";")]
    waiting: dict[str, list[str]] = {}
    for row in queue:
        waiting.setdefault(row["id"], []).append(row["variable"])
    assert [row["id"] for row in rows] == [*waiting]
    assert [row["open_variables"].split("; ") for row in rows] == [*waiting.values()]
    assert {"topic", "topic; urgent"} <= {row["open_variables"] for row in rows}
    answers = {"topic": "food", "urgent": "no"}
    with sheet.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0]], delimiter=";")
        writer.writeheader()
        writer.writerows({**row, **dict(zip(DECIDED, ("food", "no"), strict=True))} for row in rows)
    typed(run, files, tmp_path)
    final = tmp_path / "final.csv"
    assert final.read_bytes()[:3] == b"\xef\xbb\xbf"
    opened = {(row["id"], row["variable"]) for row in queue}
    with final.open(encoding="utf-8-sig", newline="") as stream:
        merged = {row["id"]: row for row in csv.DictReader(stream, delimiter=";")}
    with (files.study / "labels.csv").open(encoding="utf-8-sig", newline="") as stream:
        for before in csv.DictReader(stream, delimiter=";"):
            for variable, answer in answers.items():
                name = f"{variable}.label"
                expected = answer if (before["id"], variable) in opened else before[name]
                assert merged[before["id"]][name] == expected
            for column in ("id", "text", "gold_topic", "earlier.label"):
                assert merged[before["id"]][column] == before[column]


def test_a_worksheet_of_decisions_may_be_short_and_is_refused_where_nothing_waits(
    run: Run, tmp_path: Path
) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(40)])
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    common = (files.study, "--items", files.items)
    assert run("review", "worksheet", *common, "--n", "3", "-o", tmp_path / "w.csv").code == 0
    assert len(read_table(tmp_path / "w.csv")) == 3
    strange = run("review", "worksheet", *common, "-o", tmp_path / "x.ods")
    assert (strange.code, ".xlsx, .csv, .html" in strange.err) == (2, True)
    missing = run("sample", *common, "-o", tmp_path / "x.csv")
    assert (missing.code, "--n" in missing.err) == (2, True)
    lone = study_files(tmp_path / "lone", ["NA", "-"])
    run("label", lone.items, "-c", lone.codebook, "-e", lone.ensemble, "-o", lone.study)
    nothing = run(
        "review", "worksheet", lone.study, "--items", lone.items, "-o", tmp_path / "y.csv"
    )
    assert (nothing.code, "no item awaits a person" in nothing.err) == (2, True), nothing.err


def test_a_category_that_looks_like_a_formula_comes_back(run: Run, tmp_path: Path) -> None:
    codebook = CODEBOOK.replace("name: staff", 'name: "+"').replace("name: food", 'name: "=x"')
    files = study_files(tmp_path, [f"comment {n}" for n in range(30)], codebook=codebook)
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    labeled = read_table(files.study / "labels.csv")
    assert {row["topic.rater.first"] for row in labeled} == {"'+", "'=x", "other"}
    gold = tmp_path / "gold.csv"
    rows = "".join(f"{row['id']},{row['topic.rater.first']}\n" for row in labeled)
    gold.write_text(f"id,gold_topic\n{rows}", encoding="utf-8")
    assert run("evaluate", files.study, "--gold", gold).code == 0
    findings = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    first = findings["variables"][0]["raters"][0]["accuracy"]
    assert (first["correct"], first["items"]) == (30, 30)
    ended = run(
        "agree",
        files.study / "labels.csv",
        *("--level", "nominal", "--categories", "+,=x,other", "--item", "id"),
        *("--raters", "topic.rater.first", "--raters", "topic.rater.second"),
    )
    assert ended.code == 0, ended.err


def test_what_a_person_wrote_into_a_table_is_kept(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(30)])
    command = (
        *("label", files.items, "-c", files.codebook, "-e", files.ensemble),
        *("-o", files.study),
    )
    run(*command)
    unchanged = run(*command)
    assert "by hand" not in unchanged.err
    queue = files.study / "escalations.csv"
    edited = queue.read_text(encoding="utf-8") + "i-5,decided by me\r\n"
    queue.write_text(edited, encoding="utf-8", newline="")
    ended = run(*command)
    assert "escalations.csv was edited" in ended.err
    assert "kept as escalations.edited-1.csv" in ended.err
    kept = files.study / "escalations.edited-1.csv"
    assert "decided by me" in kept.read_text(encoding="utf-8")
    assert "decided by me" not in queue.read_text(encoding="utf-8")


def test_brackets_in_names_are_shown_as_they_are(run: Run, tmp_path: Path) -> None:
    marked = CODEBOOK.replace("name: food", 'name: "[/b] food"').replace(
        "definition: Meals and drinks.",
        "definition: Meals and drinks.\n        always_review: true",
    )
    files = study_files(tmp_path / "a[b]c", [f"comment {n}" for n in range(30)], codebook=marked)
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 0
    assert "[/b] food" in ended.out
    assert f"Files in {files.study}: labels.csv" in ended.out.replace("\n", "")


def test_gold_labels_without_ids_are_refused(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(6)])
    files.items.write_text(
        "patient,text\n" + "".join(f"p{n},comment {n}\n" for n in range(6)), encoding="utf-8"
    )
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    gold = tmp_path / "gold.csv"
    gold.write_text("patient,gold_topic\np3,staff\np1,food\n", encoding="utf-8")
    ended = run("evaluate", files.study, "--gold", gold)
    assert ended.code == 2
    assert "no column with item ids" in ended.err


def test_a_terminal_without_the_letters_does_not_fail_a_run(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["fine"], codebook=CODEBOOK.replace("name: food", "name: Größe"))
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "localensemble", "label", files.items, "-c", files.codebook),
            *("-e", files.ensemble, "-o", files.study),
        ],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_a_category_that_reads_like_a_status_is_refused(run: Run, tmp_path: Path) -> None:
    files = study_files(
        tmp_path, ["fine"], codebook=CODEBOOK.replace("name: food", 'name: "<failed>"')
    )
    ended = run("check", files.codebook)
    assert ended.code == 2
    assert "label status" in ended.err


def test_a_limited_run_counts_only_what_it_labeled(run: Run, tmp_path: Path) -> None:
    texts = [f"comment {n}" for n in range(20)] + [""] * 10
    files = study_files(tmp_path, texts)
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    with Ledger.open(files.study / "study.sqlite", create=False) as ledger:
        whole = ledger.reader.runs()[-1]
        assert isinstance(whole.summary, dict)
        limited = ledger.start_run(whole.settings)
        ledger.finish_run(limited, status="finished", summary={**whole.summary, "item_count": 5})
    ended = run("consensus", files.study, "--items", files.items)
    assert ended.code == 0
    assert "no category" not in ended.out
    findings = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    for rater in findings["variables"][0]["raters"]:
        assert dict(rater["status_counts"])["assigned"] == findings["item_count"] == 5
        assert rater["missing"] == 0
    assert [rater["labels"] for rater in findings["raters"]] == [10, 10, 10]


def test_a_safety_category_escalates_whatever_the_others_say(run: Run, tmp_path: Path) -> None:
    marked = CODEBOOK.replace(
        "definition: Meals and drinks.",
        "definition: Meals and drinks.\n        always_review: true",
    )
    files = study_files(tmp_path, [f"comment {n}" for n in range(60)], codebook=marked)
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    labeled = read_table(files.study / "labels.csv")
    raters = ("first", "second", "third")
    chosen = [row for row in labeled if "food" in [row[f"topic.rater.{r}"] for r in raters]]
    assert chosen
    assert {row["topic.status"] for row in chosen} == {"escalated"}


def test_gold_labels_add_accuracy_and_evaluate_says_the_same(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(30)])
    gold = tmp_path / "gold.csv"
    gold.write_text(
        "id,gold_topic\n" + "".join(f"i-{n},staff\n" for n in range(30)), encoding="utf-8"
    )
    ended = run(
        "label",
        files.items,
        *("-c", files.codebook, "-e", files.ensemble, "-o", files.study, "--gold", gold),
    )
    assert "accepted right" in " ".join(ended.out.split())
    assert "one answer for all" in " ".join(ended.out.split())
    labeled = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    again = run("evaluate", files.study, "--gold", gold)
    assert again.code == 0
    assert json.loads((files.study / "findings.json").read_text(encoding="utf-8")) == labeled


def write_items(files: StudyFiles, content: bytes) -> None:
    files.items.write_bytes(content)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (f"id,words\ni-1,{SECRET}\n".encode(), "text"),
        (f"id,text\ni-1,{SECRET}\ni-1,again\n".encode(), "rows 1 and 2"),
        (f"id,text\ni-1,{SECRET} caf\u00e9\n".encode("latin-1"), "UTF-8"),
        (f'id,text\ni-1,"{SECRET}\ni-2,b\n'.encode(), "quote"),
        (f"id,text\ni-1,{SECRET},extra\n".encode(), "3 cells"),
        (b"", "empty"),
        (b"id,text\n", "no row"),
        (f"id,text\n,{SECRET}\n".encode(), "blank"),
    ],
    ids=[
        "missing column",
        "duplicate ids",
        "not UTF-8",
        "unbalanced quotes",
        "ragged row",
        "empty file",
        "header only",
        "blank id",
    ],
)
def test_a_table_that_cannot_be_used_ends_with_code_2_and_shows_no_text(
    run: Run, tmp_path: Path, content: bytes, found: str
) -> None:
    files = study_files(tmp_path, ["fine"])
    write_items(files, content)
    ended = run(
        "label",
        files.items,
        *("-c", files.codebook, "-e", files.ensemble, "-o", files.study),
        *("--text-column", "text"),
    )
    assert ended.code == 2
    assert found in ended.err
    assert len(ended.err.strip().splitlines()) >= 2, "what was found, and what to do next"
    assert SECRET not in ended.err + ended.out
    assert not (files.study / "labels.csv").exists()


@pytest.mark.parametrize(
    ("codebook", "found"),
    [
        (CODEBOOK.replace("definition: Meals", "defintion: Meals"), "definition"),
        (CODEBOOK.replace("level: nominal", "level: nominel"), "nominal"),
        (CODEBOOK.replace("Meals and drinks.", ""), "definition"),
        ("variables: [", "YAML"),
        ("", "codebook.yaml"),
        (CODEBOOK.replace("Meals and drinks.", "Describe here what belongs to food."), "check"),
    ],
    ids=["unknown key", "unknown level", "empty definition", "broken", "empty", "placeholder"],
)
def test_a_codebook_that_cannot_be_used_ends_with_code_2(
    run: Run, tmp_path: Path, codebook: str, found: str
) -> None:
    files = study_files(tmp_path, ["fine"], codebook=codebook)
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 2
    assert found in ended.err
    assert len(ended.err.strip().splitlines()) >= 2


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "no file"),
        (b"<html>Not found</html>", "GGUF"),
        (b"GGUF\x03\x00\x00\x00", "broken.gguf"),
        (b"", "broken.gguf"),
    ],
    ids=["missing", "a web page", "cut off", "empty"],
)
def test_a_model_file_that_cannot_be_used_ends_with_code_2(
    run: Run, tmp_path: Path, content: bytes | None, found: str
) -> None:
    files = study_files(tmp_path, ["fine"], ensemble="raters:\n  - model: broken.gguf\n")
    if content is not None:
        (tmp_path / "broken.gguf").write_bytes(content)
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 2
    assert found in ended.err
    assert len(ended.err.strip().splitlines()) >= 2


def test_one_file_under_two_names_is_refused_before_anything_is_labeled(
    run: Run, tmp_path: Path
) -> None:
    ensemble = "raters:\n  - {model: a.gguf, name: a}\n  - {model: b.gguf, name: b}\n"
    files = study_files(tmp_path, ["fine"], ensemble=ensemble)
    weights = locate_model("le-llama-2m", folder=tmp_path).path
    (tmp_path / "a.gguf").write_bytes(weights.read_bytes())
    (tmp_path / "b.gguf").hardlink_to(tmp_path / "a.gguf")
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert (ended.code, '"a" and "b" are the same rater' in ended.err) == (2, True)
    assert not files.study.exists()


def test_an_unknown_model_name_is_answered_with_what_there_is(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, ["fine"], ensemble="raters:\n  - model: le-lama\n")
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 2
    assert "Unknown model" in ended.err


def test_an_unknown_engine_ends_with_code_4(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, ["fine"], ensemble="raters:\n  - {model: a, engine: telepathy}\n")
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 4
    assert "telepathy" in ended.err


def test_a_column_that_would_be_written_over_is_refused_before_labeling(
    run: Run, tmp_path: Path
) -> None:
    files = study_files(tmp_path, ["fine"])
    write_items(files, b"id,text,topic.label\ni-1,fine,mine\n")
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 2
    assert '"topic.label"' in ended.err
    assert not (files.study / "study.sqlite").exists()


def test_an_unknown_option_is_a_usage_error(run: Run) -> None:
    assert run("label", "--modle", "x").code == 2


def test_a_ledger_can_be_verified_and_a_changed_one_is_found(run: Run, tmp_path: Path) -> None:
    import sqlite3

    files = study_files(tmp_path, [f"comment {n}" for n in range(20)])
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert run("ledger", "verify", files.study).code == 0
    assert "run_finished" in run("ledger", "history", files.study).out
    with sqlite3.connect(files.study / "study.sqlite") as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE label SET category = 1 - category WHERE category < 2")
    connection.close()
    ended = run("ledger", "verify", files.study)
    assert ended.code == 1
    assert "was changed" in ended.out


def test_a_disk_that_fills_up_while_the_queue_is_sorted_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**options: object) -> object:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("localensemble.exports.rows.tempfile.TemporaryFile", full)
    files = study_files(tmp_path, ["fine"])
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 1
    assert 'escalations.csv": the disk is full' in ended.err


def test_a_caution_is_said_once_and_one_item_is_one_item(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, ["the soup was cold"])
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert (ended.out + ended.err).count("their labels mean nothing") == 1
    assert "first: 1 item, " in ended.err
    assert "Agreement of 3 raters on 1 item " in ended.out


def test_where_nothing_is_accepted_the_next_step_is_not_to_read_every_row(
    run: Run, tmp_path: Path
) -> None:
    everything = "escalation: [{policy: off_codebook_mass_above, limit: 0.0}]\n"
    for rules, words in ((everything, "change the raters or the codebook"), ("", "then review")):
        texts = [f"comment {n}" for n in range(20)]
        files = study_files(tmp_path, texts, ensemble=f"{SCRIPTED}{rules}")
        ended = run(
            "label", files.items, "-c", files.codebook, "-e", files.ensemble,
            "-o", tmp_path / f"study {len(rules)}",
        )  # fmt: skip
        assert words in " ".join(ended.out.split())


def test_one_rater_is_told_that_nothing_checks_it_instead_of_undefined_numbers(
    run: Run, tmp_path: Path
) -> None:
    one = "raters:\n  - {model: first, engine: scripted}\n"
    files = study_files(tmp_path, [f"comment {n}" for n in range(20)], ensemble=one)
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert "Only one rater labels" in ended.err
    assert "Decisions" in ended.out
    assert "undefined" not in ended.out
    assert "0 more remarks" not in ended.out
    assert "--details" in ended.out
    report = (files.study / "report.html").read_text(encoding="utf-8")
    assert "Only one rater labels" in report
    assert "accuracy unknown" in report


def test_five_variables_fit_on_a_screen_and_details_has_the_rest(run: Run, tmp_path: Path) -> None:
    names = ("pain", "sleep", "mood", "work", "home")
    head, _, variable = CODEBOOK.partition("  - name: topic")
    one = variable.partition("  - name: urgent")[0]
    codebook = head + "".join(f"  - name: {name}{one}" for name in names)
    files = study_files(tmp_path, [f"comment {n}" for n in range(20)], codebook=codebook)
    given = ("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    short = run(*given)
    assert (short.code, len(short.out.splitlines()) <= 40) == (0, True)
    assert "more remark" in short.out
    assert all(f"\n{name} " in short.out for name in names)
    whole = run(*given, "--details")
    assert "Fleiss kappa" in whole.out
    assert "Raters" in whole.out
    assert len(whole.out.splitlines()) > len(short.out.splitlines())
