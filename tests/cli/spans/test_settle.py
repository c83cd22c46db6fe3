"""`spans settle`: verified, queued, decided by a person, and settled."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.cli.conftest import Run

TEXTS = {"n1": "Rash 😷 after penicilin", "n2": "Nothing new", "n3": "Penicillin. =cold rash"}
CODEBOOK = """\
name: notes
version: "1"
variables:
  - name: finding
    type: spans
    question: What?
    categories:
      - {name: Drug, definition: A drug., required: true}
      - {name: Effect, definition: An effect.}
  - name: other
    type: terms
    question: What else?
    categories:
      - {name: Effect, definition: An effect.}
"""


def table(path: Path, *rows: tuple[object, ...]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def given(tmp_path: Path) -> list[object]:
    columns = ("item", "start", "stop", "category")
    ann = table(
        tmp_path / "ann.csv",
        columns,
        ("n1", 0, 4, "Effect"),
        ("n1", 13, 22, "Drug"),
        ("n2", "", "", ""),
        ("n3", 0, 10, "Drug"),
        ("n3", 13, 17, "Effect"),
    )
    ben = table(tmp_path / "ben.csv", columns, ("n1", 0, 4, "Effect"), ("n3", 12, 17, "Effect"))
    items = table(tmp_path / "notes.csv", ("id", "text"), *TEXTS.items())
    vocabulary = table(
        tmp_path / "terms.csv",
        ("term", "id", "category"),
        *(("penicillin", "D1", "Drug"), ("rash", "E1", "Effect")),
    )
    (tmp_path / "codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
    options = ("--vocabulary", vocabulary, "-c", tmp_path / "codebook.yaml")
    return ["spans", "settle", ann, ben, "--items", items, *options, "--variable", "finding"]


def test_spans_are_verified_queued_decided_and_settled(
    run: Run, given: list[object], tmp_path: Path
) -> None:
    final, queue = tmp_path / "final.csv", tmp_path / "queue.csv"
    ended = run(*given, "-o", final, "--queue", queue)
    assert ended.code == 0, ended.err
    accepted = [one for one in rows(final) if one["start"]]
    assert [(one["item"], one["passage"], one["id"], one["match"]) for one in accepted] == [
        ("n1", "Rash", "E1", "normalized"),
        ("n3", "Penicillin", "D1", "normalized"),
    ]
    assert accepted[0]["proposed_by"] == "ann ben"
    asked = rows(queue)
    assert [(one["item"], one["reasons"]) for one in asked] == [
        ("n1", "fuzzy"),
        ("n2", "missing"),
        ("n3", "overlaps unknown"),
        ("n3", "overlaps unknown"),
    ]
    assert asked[2]["passage"] == "'=cold"

    for one, keep in zip(asked, ("yes", "", "no", "YES"), strict=True):
        one["keep"] = keep
    added = {**asked[0], "start": "", "stop": "", "passage": "after", "category": "Effect"}
    table(queue, tuple(asked[0]), *(tuple(one.values()) for one in (*asked, added)))
    rest = tmp_path / "rest.csv"
    ended = run(*given, "-o", final, "--queue", rest, "--answers", queue)
    assert ended.code == 0, ended.err
    assert "3 decided by a person" in ended.out
    settled = [(one["item"], one["passage"], one["by_person"]) for one in rows(final)]
    assert settled == [
        ("n1", "Rash", ""),
        ("n1", "after", "yes"),
        ("n1", "penicilin", "yes"),
        ("n2", "", ""),
        ("n3", "Penicillin", ""),
        ("n3", "cold", "yes"),
    ]
    assert [one["item"] for one in rows(rest)] == ["n2"]
    assert run("spans", "agree", final, "--items", tmp_path / "notes.csv").code == 0


def test_answers_are_never_overwritten(run: Run, given: list[object], tmp_path: Path) -> None:
    queue = tmp_path / "queue.csv"
    assert run(*given, "-o", tmp_path / "final.csv", "--queue", queue).code == 0
    ended = run(*given, "-o", tmp_path / "final.csv", "--queue", queue)
    assert ended.code == 2
    assert "may contain answers" in ended.err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"keep": "perhaps"}, "row 1: the answer is neither yes nor no"),
        ({"item": "n9"}, "row 1: its item"),
        ({"start": "12"}, "row 1: the passage is not at its place"),
        ({"start": "", "passage": "x"}, "row 1: the passage stands in the text 0 times"),
        ({"category": ""}, "row 1: it has no category"),
    ],
)
def test_a_wrong_answer_is_refused_by_its_row(
    run: Run, given: list[object], tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    queue = tmp_path / "queue.csv"
    assert run(*given, "-o", tmp_path / "final.csv", "--queue", queue).code == 0
    answered = {**rows(queue)[0], "keep": "yes", **changed}
    table(queue, tuple(answered), tuple(answered.values()))
    out = ("-o", tmp_path / "final.csv", "--queue", tmp_path / "rest.csv")
    ended = run(*given, *out, "--answers", queue)
    assert ended.code == 2
    assert said in ended.err
    assert "penicilin" not in ended.err


@pytest.mark.parametrize("blank", [(), ("start", "stop")])
def test_two_answers_to_one_span_that_differ_are_refused(
    run: Run, given: list[object], tmp_path: Path, blank: tuple[str, ...]
) -> None:
    queue = tmp_path / "queue.csv"
    assert run(*given, "-o", tmp_path / "final.csv", "--queue", queue).code == 0
    kept = {**rows(queue)[0], "keep": "yes"}
    dropped = {**kept, "keep": "no", **dict.fromkeys(blank, "")}
    out = ("-o", tmp_path / "final.csv", "--queue", tmp_path / "rest.csv")
    table(queue, tuple(kept), tuple(kept.values()), tuple(kept.values()), tuple(dropped.values()))
    ended = run(*given, *out, "--answers", queue)
    assert ended.code == 2
    assert "row 3" in ended.err
    assert "other answer" in ended.err
    table(queue, tuple(kept), tuple(kept.values()), tuple(kept.values()))
    assert run(*given, *out, "--answers", queue).code == 0


def test_a_codebook_with_several_variables_needs_a_name(
    run: Run, given: list[object], tmp_path: Path
) -> None:
    out = ("-o", tmp_path / "final.csv", "--queue", tmp_path / "queue.csv")
    ended = run(*given[:-2], *out)
    assert ended.code == 2
    assert "--variable" in ended.err
    # As terms, the passages of "rash" in one item are one.
    assert run(*given[:-1], "other", *out).code == 0
