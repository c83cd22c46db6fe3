"""Variables that ask for passages stand beside the others, and each command reads its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.codebook.load import load_codebook
from localensemble.codebook.span_variables import load_span_codebook
from localensemble.core.errors import CodebookError

SPANS = """\
  - name: finding
    type: spans
    question: What did the drug do?
    categories:
      - name: Drug
        definition: A drug.
        required: true
      - name: Effect
        definition: What it did.
    rules: [The shortest passage.]
    examples:
      - text: Rash after penicillin.
        spans:
          - {category: Drug, passage: penicillin}
          - {category: Effect, passage: Rash}
      - text: No change.
        spans: []
"""
LABELS = """\
  - name: mood
    level: nominal
    question: How does the writer feel?
    categories:
      - {name: Well, definition: Well.}
      - {name: Badly, definition: Badly.}
"""


def codebook(tmp_path: Path, variables: str) -> Path:
    path = tmp_path / "codebook.yaml"
    path.write_text(f'name: notes\nversion: "1"\nvariables:\n{variables}', encoding="utf-8")
    return path


def test_each_command_reads_its_own_variables(tmp_path: Path) -> None:
    both = codebook(tmp_path, SPANS + LABELS)
    assert [one.name for one in load_codebook(both).variables] == ["mood"]
    (finding,) = load_span_codebook(both).variables
    assert (finding.type, finding.asked.answers) == ("spans", ("Drug", "Effect"))
    assert finding.required == {"Drug"}
    assert [one.category for one in finding.asked.examples] == [
        "Drug: penicillin\nEffect: Rash",
        "none",
    ]


def test_a_variable_for_passages_changes_no_label(tmp_path: Path) -> None:
    alone = load_codebook(codebook(tmp_path, LABELS))
    assert load_codebook(codebook(tmp_path, SPANS + LABELS)) == alone
    assert load_codebook(codebook(tmp_path, LABELS + SPANS)).sha256 == alone.sha256


def test_a_problem_is_named_with_its_line_also_below_a_variable_for_passages(
    tmp_path: Path,
) -> None:
    with pytest.raises(CodebookError, match=r"line 22, variables\[1\]\.level"):
        load_codebook(codebook(tmp_path, SPANS + LABELS.replace("nominal", "nominel")))


@pytest.mark.parametrize(
    ("read", "variables"), [(load_codebook, SPANS), (load_span_codebook, LABELS)]
)
def test_a_codebook_without_a_variable_for_the_command_is_refused(
    tmp_path: Path, read: object, variables: str
) -> None:
    with pytest.raises(CodebookError, match="passages"):
        read(codebook(tmp_path, variables))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("wrong", "right", "place"),
    [
        ("passage: Rash", "passage: rash", "examples[0].spans[1].passage"),
        ("category: Effect", "category: Efect", "examples[0].spans[1].category"),
        ("What did the drug do?", "''", "question"),
        ("definition: A drug.", "definition: ''", "categories[0].definition"),
        ("name: Effect", "name: drug", "categories[1].name"),
        ("name: finding", "name: 7 findings", "name"),
        ("rules: [The shortest passage.]", "level: nominal", "level"),
        ("required: true", "required: maybe", "categories[0].required"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_place(
    tmp_path: Path, wrong: str, right: str, place: str
) -> None:
    with pytest.raises(CodebookError) as refused:
        load_span_codebook(codebook(tmp_path, SPANS.replace(wrong, right)))
    assert f"variables[0].{place}" in str(refused.value)
    assert "penicillin" not in str(refused.value)


def test_texts_that_answer_nothing_are_those_of_the_codebook(tmp_path: Path) -> None:
    path = codebook(tmp_path, SPANS)
    assert "n/a" in load_span_codebook(path).asked.no_answer
    listed = path.read_text(encoding="utf-8") + 'no_answer: ["nothing "]\n'
    path.write_text(listed, encoding="utf-8")
    assert load_span_codebook(path).asked.no_answer == ("nothing",)
    path.write_text(listed.replace('["nothing "]', "[3]"), encoding="utf-8")
    with pytest.raises(CodebookError, match="no_answer"):
        load_span_codebook(path)


def test_two_variables_for_passages_have_different_names(tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match="same name"):
        load_span_codebook(codebook(tmp_path, SPANS + SPANS))
