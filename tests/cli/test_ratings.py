"""Ratings of people become a study by `import`; every other command takes the study."""

from __future__ import annotations

import csv
import json
import random
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.studies import read_table, study_files

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


def gold(folder: Path, *, items: int = ITEMS) -> Path:
    rows = [(f"i-{item}", truth(item)) for item in range(items)]
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


def test_the_columns_and_the_codebook_of_a_table_are_named(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path / "codebook", ())
    named = ("--rater", "rater", "--item", "id", "--label", "topic")
    ended = run("import", long(tmp_path), *NOMINAL, *named, "-o", tmp_path / "long")
    assert ended.code == 0, ended.err
    rows: list[tuple[str, ...]] = [
        ("id", "variable", "ann", "bo"),
        ("i-0", "topic", "food", "food"),
    ]
    ratings = write(tmp_path / "topics.csv", rows)
    ended = run(
        *("import", ratings, "-c", files.codebook, "--raters", "ann,bo"),
        *("--variable-column", "variable", "-o", tmp_path / "wide"),
    )
    assert (ended.code, '"urgent"' in ended.out) == (0, True), ended.err
    (row,) = read_table(tmp_path / "wide" / "labels.csv")
    assert row["topic.label"] == "food"


def test_a_codebook_without_a_version_is_named_without_one(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path / "models", ["one", "two"])
    study = tmp_path / "people"
    run("import", wide(tmp_path), *NOMINAL, "-o", study)
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", study)
    assert ended.code == 2
    assert "codebook: topic and small version 1 show" in " ".join(ended.err.split())


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


def test_an_evaluation_counts_the_cells_without_a_label(run: Run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    assert run("import", wide(tmp_path), *NOMINAL, "-o", study).code == 0
    ended = run("evaluate", study, "--gold", gold(tmp_path), "--details")
    assert ended.code == 0, ended.err
    assert "Accuracy against the gold labels" in ended.out
    assert "cells (item by rater) have no label" in ended.out


def test_a_certificate_holds_for_the_ratings_it_was_made_on(run: Run, tmp_path: Path) -> None:
    ratings, study = wide(tmp_path), tmp_path / "study"
    certificate = study / "certificate-topic.json"
    promise = ("--variable", "topic", "--alpha", "0.1", "--gold", gold(tmp_path, items=150))
    assert run("import", ratings, *NOMINAL, "-o", study).code == 0
    ended = run("certify", study, *promise)
    assert ended.code == 0, ended.err
    values = json.loads(certificate.read_text(encoding="utf-8"))
    assert values["by"] == "support"
    bound = [name for name, _ in values["hashes"]]
    assert bound == ["codebook", "decision rules", "label table", "variable"]
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
    given = ("--certificate", certificate, "--foreign-files")
    ended = run("consensus", other, *given, "--write")
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


def test_tables_of_imported_ratings_open_as_the_ratings_do(run: Run, tmp_path: Path) -> None:
    with wide(tmp_path).open(encoding="utf-8", newline="") as stream:
        rows = [*csv.reader(stream)]
    ratings, study = tmp_path / "german.csv", tmp_path / "s"
    with ratings.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows(rows)
    assert run("import", ratings, *NOMINAL, "-o", study).code == 0
    again = run("consensus", study, "--method", "dawid_skene", "--write")
    assert again.code == 0, again.err
    worksheet = tmp_path / "w.csv"
    assert run("sample", study, "--n", "5", "-o", worksheet).code == 0
    for path in (study / "labels.csv", study / "escalations.csv", worksheet):
        with path.open("rb") as binary:
            assert binary.readline().startswith(b"\xef\xbb\xbfid;"), path.name
    with (study / "labels.csv").open(encoding="utf-8-sig", newline="") as stream:
        supports = {row["german.support"] for row in csv.DictReader(stream, delimiter=";")}
    assert any("," in support for support in supports)
    assert not any("." in support for support in supports)


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
    ended = run("evaluate", tmp_path / "majority", "--gold", gold(tmp_path), "--details")
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
            filled = [(row["id"], truth(int(row["id"][2:]))) for row in drawn[:150]]
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


def test_a_rater_that_may_be_unfit_has_one_line_for_all_variables(run: Run, tmp_path: Path) -> None:
    names = ("pain", "sleep", "mood", "work", "home")
    lines = ["item,rater,variable,label"]
    for n in range(30):
        for variable in names:
            lines.append(f"i{n},ann,{variable},{'yes' if n % 2 else 'no'}")
            lines.append(f"i{n},bob,{variable},{'yes' if n % 3 else 'no'}")
            lines.append(f"i{n},same,{variable},yes")
    path = tmp_path / "long.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    given = ("--level", "nominal", "--variable-column", "variable", "-o", tmp_path / "study")
    ended = run("import", path, *given)
    assert ended.code == 0, ended.err
    (said,) = [line for line in ended.out.splitlines() if "may be unfit" in line]
    assert said.startswith('"same" ')
    assert "same answer (pain, sleep, mood, work and 1 more)" in said
    assert len(ended.out.splitlines()) <= 40
