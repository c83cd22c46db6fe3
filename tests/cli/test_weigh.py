"""Free-text answers are weighed from a table to a table; their texts are never printed."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.embeddings.tiny_bert import TinyBert, convert_tiny
from tests.encoders import install_encoder
from tests.studies import read_table

Rows = Sequence[tuple[str, str, str]]

ANSWERS: Rows = [
    ("1", "ann", "the patient has pain in the left knee"),
    ("1", "ben", "patient reports pain in the left knee"),
    ("1", "cem", "the weather is fine"),
    ("2", "ann", "no fever and no cough"),
    ("2", "ben", "no fever, no cough"),
    ("2", "cem", "buy some bread"),
    ("3", "cem", "only one answer here"),
    ("3", "ann", "  "),
]


def table(path: Path, rows: Rows = ANSWERS, header: str = "id,rater,answer") -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])
    return path


def test_weights_are_printed_and_the_consistent_answers_written(run: Run, tmp_path: Path) -> None:
    given, chosen = table(tmp_path / "answers.csv"), tmp_path / "chosen.csv"
    ended = run("weigh", given, "--similarity", "words", "-o", chosen)
    assert ended.code == 0, ended.err
    weights = {
        line.split()[0]: float(line.split()[1])
        for line in ended.out.splitlines()
        if line.split()[:1] in (["ann"], ["ben"], ["cem"])
    }
    assert min(weights, key=weights.__getitem__) == "cem"
    assert len(weights) == 3
    rows = read_table(chosen)
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert {row["rater"] for row in rows[:2]} <= {"ann", "ben"}
    assert [row["status"] for row in rows] == ["chosen", "chosen", "single"]
    assert rows[2]["consistency"] == ""
    assert rows[0]["answer"] in (ANSWERS[0][2], ANSWERS[1][2])
    assert "knee" not in ended.out + ended.err


def test_the_order_of_the_rows_changes_nothing(run: Run, tmp_path: Path) -> None:
    found = []
    for number, rows in enumerate((ANSWERS, ANSWERS[::-1])):
        chosen = tmp_path / f"chosen-{number}.csv"
        path = table(tmp_path / f"answers-{number}.csv", rows)
        assert run("weigh", path, "--similarity", "words", "-o", chosen).code == 0
        found.append(sorted(map(str, read_table(chosen))))
    assert found[0] == found[1]


@pytest.mark.slow  # reads the answers with an encoder in a process of its own
def test_answers_are_compared_by_the_vectors_of_the_encoder(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp", reason="the encoder runs in llama.cpp")
    install_encoder(convert_tiny(tmp_path, TinyBert.random(seed=1)))
    rows = [("1", "a", "clean ward"), ("1", "b", "clean ward"), ("1", "c", "staff food")]
    chosen = tmp_path / "chosen.csv"
    ended = run("weigh", table(tmp_path / "answers.csv", rows), "-o", chosen)
    assert ended.code == 0, ended.err
    assert read_table(chosen)[0]["answer"] == "clean ward"


@pytest.mark.parametrize(
    ("one", "other"), [("+", "-"), ("👍", "👎"), ("CD4+", "CD4-"), ("नहीं", "नहा"), ("कि", "के")]
)
def test_answers_that_differ_in_signs_alone_are_not_the_same(
    run: Run, tmp_path: Path, one: str, other: str
) -> None:
    rows = [("1", "a", one), ("1", "b", other), ("1", "c", other)]
    chosen = tmp_path / "chosen.csv"
    path = table(tmp_path / "answers.csv", rows)
    assert run("weigh", path, "--similarity", "words", "-o", chosen).code == 0
    assert read_table(chosen)[0]["answer"] == other


def test_two_raters_cannot_settle_a_difference_and_are_told_so(run: Run, tmp_path: Path) -> None:
    rows = [row for row in ANSWERS if row[1] != "cem"]
    chosen = tmp_path / "chosen.csv"
    path = table(tmp_path / "a.csv", rows)
    ended = run("weigh", path, "--similarity", "words", "-o", chosen)
    assert "three or more are needed" in " ".join(ended.out.split())
    assert [row["status"] for row in read_table(chosen)] == ["tie", "tie"]


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        ("id,rater,note", ANSWERS, ("--answer-column", '"note"')),
        ("id,rater,answer", [*ANSWERS, ANSWERS[0]], ("1 row (9)", "second answer")),
        ("id,rater,answer", [("1", "", "x"), ("2", "a", "y")], ("1 row (1)", "no rater")),
        ("id,rater,answer", [("1", "a", ""), ("2", "b", " ")], ("no row has an answer",)),
    ],
)
def test_a_table_that_cannot_be_weighed_is_refused(
    run: Run, tmp_path: Path, header: str, rows: Rows, words: tuple[str, ...]
) -> None:
    ended = run("weigh", table(tmp_path / "a.csv", rows, header), "--similarity", "words")
    assert ended.code == 2
    assert all(word in ended.err for word in words), ended.err
    assert "knee" not in ended.err


def test_columns_with_other_names_are_named(run: Run, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", header="case,who,note")
    named = ("--id-column", "case", "--rater-column", "who", "--answer-column", "note")
    ended = run("weigh", path, "--similarity", "words", *named)
    assert ended.code == 0, ended.err
