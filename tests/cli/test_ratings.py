"""Ratings of people become a study by `import`; every other command takes the study."""

from __future__ import annotations

import csv
import json
import random
import shlex
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from localensemble.ledger.ledger import Ledger
from tests.cli.conftest import Run
from tests.studies import CODEBOOK, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # imports and decides many studies

RATERS = ("ann", "bo", "cy", "di", "ed")
TOPICS = ("staff", "food", "other")
ITEMS = 200
NOMINAL = ("--level", "nominal")


def truth(item: int) -> str:
    return TOPICS[item % 3]


def given(item: int, rater: int) -> str:
    """Right in four of five, and a gap now and then."""
    drawn = random.Random(f"{item} {rater}")
    if drawn.random() < 0.05:
        return ""
    return truth(item) if drawn.random() < 0.8 else drawn.choice(TOPICS)


def write(path: Path, rows: list[tuple[str, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def wide(folder: Path, *, raters: tuple[str, ...] = RATERS, column: str = "id") -> Path:
    rows = [
        (f"i-{item}", *(given(item, RATERS.index(rater)) for rater in raters))
        for item in range(ITEMS)
    ]
    return write(folder / "topic.csv", [(column, *raters), *rows])


def long(folder: Path) -> Path:
    rows = [
        (rater, f"i-{item}", given(item, place))
        for item in range(ITEMS)
        for place, rater in enumerate(RATERS)
        if given(item, place)
    ]
    return write(folder / "ratings.csv", [("rater", "id", "topic"), *rows])


def gold(folder: Path) -> Path:
    rows = [(f"i-{item}", truth(item)) for item in range(ITEMS)]
    return write(folder / "gold.csv", [("id", "gold_topic"), *rows])


def test_ratings_become_a_study_that_every_command_takes(run: Run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    ended = run("import", wide(tmp_path), *NOMINAL, "-o", study)
    assert ended.code == 0, ended.err
    assert "Using columns" in ended.out
    rows = read_table(study / "labels.csv")
    assert [row["id"] for row in rows] == [f"i-{item}" for item in range(ITEMS)]
    for item, row in enumerate(rows):
        labels = [given(item, rater) for rater in range(5) if given(item, rater)]
        most = max(map(labels.count, labels))
        if 2 * most > len(labels):
            assert labels.count(row["topic.label"]) == most
        else:
            assert row["topic.status"] == "escalated"
        assert row["topic.rater.ann"] == (given(item, 0) or "<missing>")
    waiting = [row for row in rows if row["topic.status"] == "escalated"]
    queue = read_table(study / "escalations.csv")
    assert {row["id"] for row in queue} == {row["id"] for row in waiting}
    findings = json.loads((study / "findings.json").read_text(encoding="utf-8"))
    assert findings["variables"][0]["escalated"] == len(waiting)
    assert findings["ratings_sha256"]
    page = (study / "report.html").read_text(encoding="utf-8")
    assert "The labels come from a table of ratings" in page
    assert "language model" not in page
    assert "model rater" not in page
    for command in (
        ("ledger", "verify", study),
        ("evaluate", study, "--gold", gold(tmp_path)),
        ("report", study, "--gold", gold(tmp_path)),
        ("agree", study),
        ("consensus", study, "--compare"),
    ):
        ended = run(*command)
        assert ended.code == 0, ended.err


def test_long_wide_workbook_and_parquet_decide_alike(run: Run, tmp_path: Path) -> None:
    rows = read_table(wide(tmp_path))
    book = openpyxl.Workbook()
    for row in (list(rows[0]), *(list(row.values()) for row in rows)):
        book.active.append(row)
    book.save(tmp_path / "topic.xlsx")
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "topic.parquet")
    written = set()
    for path, options in (
        (tmp_path / "topic.csv", ()),
        (tmp_path / "topic.xlsx", ()),
        (tmp_path / "topic.parquet", ()),
        (long(tmp_path), ("--rater", "rater", "--item", "id", "--label", "topic")),
    ):
        study = tmp_path / f"study of {path.name}"
        ended = run("import", path, *NOMINAL, *options, "-o", study)
        assert ended.code == 0, ended.err
        written.add((study / "labels.csv").read_bytes())
    assert len(written) == 1


@pytest.mark.parametrize("method", ["majority", "unanimous", "dawid_skene", "mace"])
def test_the_order_of_the_raters_changes_nothing(run: Run, tmp_path: Path, method: str) -> None:
    columns = ("id", "topic.label", "topic.status", "topic.reasons")
    found = []
    for order in (RATERS, tuple(reversed(RATERS))):
        study = tmp_path / order[0]
        ratings = wide(tmp_path, raters=order)
        options = ("--method", method, "--policy", "{policy: support_below, limit: 0.7}")
        assert run("import", ratings, *NOMINAL, "-o", study).code == 0
        assert run("consensus", study, *options, "--write").code == 0
        rows = read_table(study / "labels.csv")
        queue = [row["id"] for row in read_table(study / "escalations.csv")]
        manifest = json.loads((study / "manifest.json").read_text(encoding="utf-8"))
        hashes = {rater["identity"]["model_sha256"] for rater in manifest["raters"]}
        found.append(([[row[name] for name in columns] for row in rows], queue, hashes))
    assert found[0] == found[1]


def test_methods_stand_side_by_side_and_say_why_one_cannot(run: Run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    assert run("import", wide(tmp_path), *NOMINAL, "-o", study).code == 0
    before = (study / "findings.json").read_bytes()
    ended = run("consensus", study, "--compare", "--gold", gold(tmp_path))
    assert ended.code == 0, ended.err
    for method in ("majority", "unanimous", "one_coin_dawid_skene", "dawid_skene", "mace"):
        assert method in ended.out
    assert "mean_probability is left out." in ended.out
    assert "needs probabilities" in ended.out
    assert "median is left out." in ended.out
    assert "topic: accuracy against the gold labels" in ended.out
    assert "right of all" in ended.out
    unanimous = next(
        line.split()
        for line in reversed(ended.out.splitlines())
        if " unanimous " in f" {line}" and "to" in line
    )
    right, of = float(unanimous[1]), int(unanimous[5])
    assert float(unanimous[6]) == pytest.approx(right * of / ITEMS, abs=0.0015)
    assert (study / "findings.json").read_bytes() == before


def test_a_safety_category_of_one_rater_of_five_escalates(run: Run, tmp_path: Path) -> None:
    codebook = tmp_path / "codebook.yaml"
    codebook.write_text(
        CODEBOOK.replace("definition: Meals", "always_review: true\n        definition: Meals"),
        encoding="utf-8",
    )
    rows = [(f"i-{item}", *(["staff"] * 5)) for item in range(40)]
    for item in range(0, 40, 4):
        said = ("food" if place == item % 5 else "staff" for place in range(5))
        rows[item] = (f"i-{item}", *said)
    ratings = write(
        tmp_path / "topics.csv",
        [("id", "variable", *RATERS), *((row[0], "topic", *row[1:]) for row in rows)],
    )
    ended = run(
        *("import", ratings, "-c", codebook, "--raters", ",".join(RATERS)),
        *("--variable-column", "variable", "-o", tmp_path / "study"),
    )
    assert ended.code == 0, ended.err
    assert '"urgent" has no ratings' in ended.out
    for item, row in enumerate(read_table(tmp_path / "study" / "labels.csv")):
        assert (row["topic.status"] == "escalated") == (item % 4 == 0)
        assert ("always review" in row["topic.reasons"]) == (item % 4 == 0)


def test_an_evaluation_counts_the_cells_without_a_label(run: Run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    assert run("import", wide(tmp_path), *NOMINAL, "-o", study).code == 0
    ended = run("evaluate", study, "--gold", gold(tmp_path))
    assert ended.code == 0, ended.err
    assert "Accuracy against the gold labels" in ended.out
    assert "cells (item by rater) have no label" in ended.out


def test_a_certificate_holds_for_the_ratings_it_was_made_on(run: Run, tmp_path: Path) -> None:
    ratings, study = wide(tmp_path), tmp_path / "study"
    certificate = study / "certificate-topic.json"
    promise = ("--variable", "topic", "--alpha", "0.1", "--gold", gold(tmp_path))
    assert run("import", ratings, *NOMINAL, "-o", study).code == 0
    ended = run("certify", study, *promise)
    assert ended.code == 0, ended.err
    values = json.loads(certificate.read_text(encoding="utf-8"))
    assert values["by"] == "support"
    assert [name for name, _ in values["hashes"]] == ["codebook", "decision rules", "label table"]
    ended = run("consensus", study, "--certificate", certificate, "--write")
    assert ended.code == 0, ended.err
    accepted = [row for row in read_table(study / "labels.csv") if row["topic.label"]]
    assert len(accepted) == values["pool_accepted"] > 0
    assert min(float(row["topic.support"]) for row in accepted) >= (
        values["certified"]["chosen"]["threshold"] - 1e-6
    )
    lines = ratings.read_text(encoding="utf-8").splitlines()
    cells = lines[5].split(",")
    cells[1] = "other" if cells[1] != "other" else "food"
    ratings.write_text("\n".join([*lines[:5], ",".join(cells), *lines[6:]]), encoding="utf-8")
    before = (study / "labels.csv").read_bytes()
    again = run("import", ratings, *NOMINAL, "-o", study)
    assert (again.code, "does not apply" in again.err) == (2, True)
    assert (study / "labels.csv").read_bytes() == before
    other = tmp_path / "other"
    assert run("import", ratings, *NOMINAL, "-o", other).code == 0
    ended = run("consensus", other, "--certificate", certificate, "--write")
    assert (ended.code, "label table" in ended.err, "does not apply" in ended.err) == (
        2,
        True,
        True,
    )


def test_a_worksheet_has_the_texts_only_where_they_are_given(run: Run, tmp_path: Path) -> None:
    ratings = wide(tmp_path)
    items = study_files(tmp_path / "items", [f"comment {n}" for n in range(ITEMS + 5)]).items
    for name, options in (("a", ()), ("b", ("--items", items))):
        assert run("import", ratings, *NOMINAL, *options, "-o", tmp_path / name).code == 0
        ended = run(
            "sample", tmp_path / name, "--n", "30", *options, "-o", tmp_path / f"{name}.csv"
        )
        assert ended.code == 0, ended.err
    without, with_text = read_table(tmp_path / "a.csv"), read_table(tmp_path / "b.csv")
    assert list(without[0]) == ["id", "gold_topic"]
    assert list(with_text[0]) == ["id", "text", "gold_topic"]
    assert len(without) == len(with_text) == 30
    assert all(row["text"] == f"comment {row['id'].removeprefix('i-')}" for row in with_text)


def test_results_repeat_the_rows_of_the_items_where_they_are_given(
    run: Run, tmp_path: Path
) -> None:
    ratings = wide(tmp_path)
    files = study_files(tmp_path / "items", [f"comment {n}" for n in range(ITEMS + 5)])
    study = tmp_path / "study"
    ended = run("import", ratings, *NOMINAL, "--items", files.items, "-o", study)
    assert ended.code == 0, ended.err
    rows = read_table(study / "labels.csv")
    assert [row["text"] for row in rows] == [f"comment {n}" for n in range(ITEMS + 5)]
    assert {row["topic.reasons"] for row in rows[ITEMS:]} == {"no rater labeled it"}
    again = run("consensus", study, "--method", "unanimous", "--items", files.items)
    assert again.code == 0, again.err
    without = run("consensus", study, "--method", "unanimous", "--write")
    assert (without.code, "--items" in without.err) == (2, True)
    few = study_files(tmp_path / "few", ["comment 0"])
    ended = run("import", ratings, *NOMINAL, "--items", few.items, "-o", tmp_path / "few-study")
    assert (ended.code, "199 rated items" in ended.err) == (2, True)


def test_rules_come_from_a_file_that_names_no_raters(run: Run, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "consensus: {method: unanimous}\nescalation: [{policy: missing_raters, allowed: 0}]\n",
        encoding="utf-8",
    )
    imported = ("import", wide(tmp_path), *NOMINAL, "-e", rules, "-o")
    ended = run(*imported, tmp_path / "unanimous")
    assert (ended.code, "Decisions (unanimous)" in ended.out) == (0, True), ended.err
    rules.write_text("escalation: [{policy: suport_below, limit: 0.5}]\n", encoding="utf-8")
    ended = run(*imported, tmp_path / "misspelled")
    assert (ended.code, 'Did you mean "support_below"?' in ended.err) == (2, True)
    rules.write_text("consensus: {method: majority}\n", encoding="utf-8")
    assert run(*imported, tmp_path / "majority").code == 0
    ended = run("evaluate", tmp_path / "majority", "--gold", gold(tmp_path))
    assert "escalated: raters without" not in ended.out


def test_what_an_import_cannot_use_is_refused(run: Run, tmp_path: Path) -> None:
    for options, found in (
        ((), "the level of measurement is not given"),
        ((*NOMINAL, "--categories", "staff,food"), "declared category"),
    ):
        ended = run("import", wide(tmp_path), *options, "-o", tmp_path / "study")
        assert (ended.code, found in ended.err) == (2, True), ended.err
        assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--method", "mean_probability"), "needs probabilities"),
        (("--policy", "{policy: mean_probability_below, limit: 1}"), "probabilities"),
        (("--policy", "{policy: off_codebook_mass_above, limit: 1}"), "needs off-codebook mass"),
        (("--policy", "support_below"), "Cannot read the policy"),
        (("--policy", "{policy: suport_below}"), 'Did you mean "support_below"?'),
    ],
)
def test_what_ratings_cannot_give_is_refused(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], found: str
) -> None:
    study = tmp_path / "study"
    assert run("import", wide(tmp_path), *NOMINAL, "-o", study).code == 0
    before = (study / "labels.csv").read_bytes()
    ended = run("consensus", study, *arguments, "--write")
    assert (ended.code, found in ended.err) == (2, True), ended.err
    assert (study / "labels.csv").read_bytes() == before


def test_labels_of_one_rater_only_are_spoken_of(run: Run, tmp_path: Path) -> None:
    rows = [("1", "x", "x", "y"), ("2", "x", "", ""), ("3", "", "y", "")]
    ratings = write(tmp_path / "v.csv", [("id", "a", "b", "c"), *rows])
    study = tmp_path / "study"
    ended = run("import", ratings, *NOMINAL, "--raters", "a,b,c", "-o", study)
    assert 'Variable "v": 2 items have the label of one rater only' in ended.out
    policy = "{policy: missing_raters, allowed: 1}"
    assert f"--policy '{policy}'" in ended.out
    assert "2 escalated: " in run("consensus", study, "--policy", policy).out
    # Whoever reads the report of the study gets to know it as well.
    assert "2 items have the label of one rater only" in (study / "report.html").read_text(
        encoding="utf-8"
    )


def test_ratings_that_are_recorded_again_are_decided_as_before(run: Run, tmp_path: Path) -> None:
    study, rows = tmp_path / "study", [("1", "x", "x", "y"), ("2", "x", "x", "x")]
    ratings = write(tmp_path / "v.csv", [("id", "a", "b", "c"), *rows])
    arguments = (*NOMINAL, "--raters", "a,b,c", "-o", study)
    run("import", ratings, *arguments)
    run("consensus", study, "--method", "unanimous", "--write")
    decided = (study / "labels.csv").read_bytes()
    write(ratings, [("id", "a", "b", "c"), *rows, ("3", "y", "y", "x")])
    assert "Decisions (unanimous)" in run("import", ratings, *arguments).out
    assert [row["v.label"] for row in read_table(study / "labels.csv")] == ["", "x", ""]
    assert (study / "labels.csv").read_bytes().startswith(decided.rstrip())
    ended = run("consensus", study, "--method", "majority", "--write")
    assert "Decisions (majority)" in ended.out


def test_a_folder_keeps_its_ratings_or_takes_more_of_them(run: Run, tmp_path: Path) -> None:
    study, rows = tmp_path / "study", [("1", "x", "x"), ("2", "x", "y")]
    arguments = (*NOMINAL, "--raters", "a,b", "--categories", "x,y", "-o", study)
    ratings = write(tmp_path / "v.csv", [("id", "a", "b"), *rows])
    assert run("import", ratings, *arguments).code == 0
    write(ratings, [("id", "a", "b"), ("1", "y", "y"), rows[1], ("3", "y", "y")])
    assert run("import", ratings, *arguments).code == 0
    labels = [row["v.label"] for row in read_table(study / "labels.csv")]
    assert labels == ["y", "", "y"]
    assert run("ledger", "verify", study).code == 0
    write(ratings, [("id", "a", "b"), ("4", "x", "x")])
    ended = run("import", ratings, *arguments)
    assert (ended.code, "holds ratings of other items" in ended.err) == (2, True)
    other = write(tmp_path / "w.csv", [("id", "a", "b"), *rows])
    ended = run("import", other, *arguments)
    assert (ended.code, "of other variables or categories" in ended.err) == (2, True)
    assert [row["v.label"] for row in read_table(study / "labels.csv")] == labels


def test_recording_that_was_cut_off_goes_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ratings, study = wide(tmp_path), tmp_path / "study"
    whole = Ledger.append_block
    calls: list[int] = []

    def cut_off(ledger: Ledger, *arguments: Any, **named: Any) -> int:
        calls.append(1)
        # Five raters, one block each.
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(ledger, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append_block", cut_off)
        assert run("import", ratings, *NOMINAL, "-o", study).code == 130
    assert not (study / "labels.csv").exists()
    ended = run("import", ratings, *NOMINAL, "-o", study)
    assert ended.code == 0, ended.err
    assert run("import", ratings, *NOMINAL, "-o", tmp_path / "other").code == 0
    written = [(folder / "labels.csv").read_bytes() for folder in (study, tmp_path / "other")]
    assert written[0] == written[1]
    assert run("ledger", "verify", study).code == 0


def test_ratings_and_studies_are_not_mixed_up(run: Run, tmp_path: Path) -> None:
    files: StudyFiles = study_files(tmp_path / "models", [f"comment {n}" for n in range(5)])
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    ended = run("import", wide(tmp_path), *NOMINAL, "-o", files.study)
    assert (ended.code, "models labeled" in ended.err) == (2, True)
    ended = run("consensus", files.study, "--method", "majority", "--write")
    assert (ended.code, "--items" in ended.err) == (2, True)
    ended = run("sample", files.study, "--n", "3", "-o", tmp_path / "w.csv")
    assert (ended.code, "--items" in ended.err) == (2, True)


@pytest.mark.parametrize("command", ["consensus", "sample", "evaluate", "certify", "calibrate"])
def test_an_old_call_with_a_table_is_answered_with_the_line_to_type(
    run: Run, tmp_path: Path, command: str
) -> None:
    ratings, study = wide(tmp_path), tmp_path / "new study"
    ended = run(command, ratings, "--level", "nominal", "--raters=ann,bo", "--method", "majority")
    assert ended.code == 2
    line = ended.err.strip().splitlines()[-1].strip()
    assert shlex.split(line) == [
        *("localensemble", "import", str(ratings), "--level", "nominal", "--raters=ann,bo"),
        *("-o", "topic-study"),
    ]
    typed = [*shlex.split(line)[1:-1], str(study)]
    assert run(*typed).code == 0
    assert (study / "labels.csv").exists()


@pytest.mark.parametrize("command", [("report",), ("ledger", "verify")])
def test_a_file_in_the_place_of_a_study_is_answered_with_the_import_line(
    run: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    ended = run(*command, wide(tmp_path))
    assert (ended.code, "localensemble import" in ended.err) == (2, True)


def test_the_commands_of_the_page_work_one_after_the_other(
    run: Run, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (repository / "docs" / "consensus.md").read_text(encoding="utf-8")
    section = page.split("## Ratings by people, without any model")[1]
    block = section.split("```bash\n")[1].split("```")[0].replace("\\\n", "")
    commands = [shlex.split(line, comments=True)[1:] for line in block.strip().splitlines()]
    labels = [
        (f"i-{n}", rater, given(n, place))
        for n in range(ITEMS)
        for place, rater in enumerate(RATERS)
    ]
    write(tmp_path / "ratings.csv", [("id", "rater", "label"), *labels])
    write(tmp_path / "gold.csv", [("id", "gold_label"), *((f"i-{n}", truth(n)) for n in range(90))])
    write(
        tmp_path / "notes.csv", [("id", "text"), *((f"i-{n}", f"note {n}") for n in range(ITEMS))]
    )
    monkeypatch.chdir(tmp_path)
    for command in commands:
        ended = run(*command)
        assert ended.code == 0, (command, ended.err)
        if command[0] == "sample":
            drawn = read_table(tmp_path / "worksheet.csv")
            filled = [(row["id"], truth(int(row["id"][2:]))) for row in drawn]
            write(tmp_path / "worksheet.csv", [("id", "gold_label"), *filled])
    assert len(commands) == 7
    assert (tmp_path / "study" / "labels.csv").exists()


def test_ratings_that_change_labels_say_so_and_keep_the_tables_before(
    run: Run, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    arguments = (*NOMINAL, "--raters", "a,b", "--categories", "x,y", "-o", study)
    ratings = write(tmp_path / "v.csv", [("id", "a", "b"), ("1", "x", "x"), ("2", "y", "y")])
    run("import", ratings, *arguments)
    before = (study / "labels.csv").read_bytes()
    write(ratings, [("id", "a", "b"), ("1", "x", "x"), ("2", "y", "x"), ("3", "x", "x")])
    ended = run("import", ratings, *arguments)
    assert "1 label that these ratings lack or change" in ended.out
    assert (study / "labels.before-1.csv").read_bytes() == before
    assert "these ratings lack" not in run("import", ratings, *arguments).out
