"""A scaffold loads, follows the columns, and cannot be mistaken for a codebook."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localensemble.codebook.check import check_codebook
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Codebook
from localensemble.codebook.names import name_problem
from localensemble.codebook.scaffold import (
    doubtful_sentences,
    find_label_columns,
    scaffold_codebook,
)
from localensemble.tables.delimited import open_table


def loaded(folder: Path, text: str) -> Codebook:
    path = folder / "codebook.yaml"
    path.write_text(text, encoding="utf-8")
    return load_codebook(path)


def test_label_columns_become_variables(tmp_path: Path) -> None:
    text = scaffold_codebook(
        "ward notes",
        label_columns={
            "Main theme": ("Staff", "Food: hot", "yes"),
            "Urgent?": ("no", "yes"),
            "score": ("1", "2", "3"),
        },
    )
    codebook = loaded(tmp_path, text)
    assert [(v.name, v.level, v.answers) for v in codebook.variables] == [
        ("main_theme", "nominal", ("Staff", "Food: hot", "yes")),
        ("urgent", "binary", ("no", "yes")),
        ("score", "ordinal", ("1", "2", "3")),
    ]


def test_a_drafted_question_is_a_statement_and_only_called_a_placeholder(tmp_path: Path) -> None:
    codebook = loaded(tmp_path, scaffold_codebook("notes", label_columns={"mood": ("a", "b")}))
    assert codebook.variables[0].question.endswith("asks of a text.")
    remarks = [remark.what for remark in check_codebook(codebook)]
    assert not [what for what in remarks if "question mark" in what]


def test_without_label_columns_a_pattern_is_written(tmp_path: Path) -> None:
    codebook = loaded(tmp_path, scaffold_codebook("notes", label_columns={}))
    assert [len(variable.categories) for variable in codebook.variables] == [2]


def test_every_placeholder_is_an_error_for_check(tmp_path: Path) -> None:
    codebook = loaded(tmp_path, scaffold_codebook("n", label_columns={"theme": ("a", "b", "c")}))
    errors = [r.where for r in check_codebook(codebook) if r.severity == "error"]
    assert errors == [
        "variable theme",
        "variable theme, category a",
        "variable theme, category b",
        "variable theme, category c",
    ]


def test_the_commented_lines_load_when_they_are_used(tmp_path: Path) -> None:
    text = scaffold_codebook("notes", label_columns={"theme": ("a", "b")})
    text = text.replace("    #     always", "        always")
    for line in ("rules:", "  - If", "examples:", "  - text:", "    category:"):
        text = text.replace(f"    # {line}", f"    {line}")
    variable = loaded(tmp_path, text).variables[0]
    assert variable.categories[1].always_review is not None
    assert len(variable.rules) == len(variable.examples) == 1


def test_values_that_differ_in_case_become_one_category(tmp_path: Path) -> None:
    text = scaffold_codebook("notes", label_columns={"theme": ("Yes", "no", "YES")})
    assert loaded(tmp_path, text).variables[0].answers == ("Yes", "no")


def test_columns_of_one_name_become_variables_of_two(tmp_path: Path) -> None:
    text = scaffold_codebook("n", label_columns={"my theme": "ab", "My-Theme": "ab", "?": "ab"})
    names = [variable.name for variable in loaded(tmp_path, text).variables]
    assert names == ["my_theme", "my_theme_2", "variable"]


NAMES = st.text(min_size=1, max_size=30)
VALUES = st.text(min_size=1, max_size=20).filter(lambda text: not name_problem(text.strip()))


@example(name="null", columns={"FALSE": ["null", "true"], "null": []})
@given(name=NAMES, columns=st.dictionaries(NAMES, st.lists(VALUES, max_size=4), max_size=3))
def test_every_scaffold_loads(
    name: str, columns: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    def writable(text: str) -> str:
        return text.encode("utf-8", "ignore").decode("utf-8")

    columns = {writable(column): values for column, values in columns.items()}
    codebook = loaded(
        tmp_path_factory.mktemp("scaffold"),
        scaffold_codebook(writable(name), label_columns=columns),
    )
    assert len(codebook.variables) == max(1, len(columns))


def test_columns_with_few_short_values_look_like_labels(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    rows = [
        f"{number},text {number},{'ab'[number % 2]},{10 - number % 3},same,{'x' * 61},"
        for number in range(9)
    ]
    path.write_text(
        "id,text,kind,grade,constant,long,empty\n" + "\n".join(rows) + "\n", encoding="utf-8"
    )
    found = find_label_columns(open_table(path), leave_out=("id", "text"))
    assert found == {"kind": ("a", "b"), "grade": ("8", "9", "10")}


def test_a_column_with_a_value_of_its_own_in_every_row_does_not(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("text,code\na,1\nb,2\nc,3\nd,3\n", encoding="utf-8")
    assert find_label_columns(open_table(path), leave_out=("text",)) == {}


def test_a_column_with_very_many_values_does_not(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    rows = [f"t,{number % 26}\n" for number in range(200)]
    path.write_text("text,code\n" + "".join(rows), encoding="utf-8")
    assert find_label_columns(open_table(path), leave_out=("text",)) == {}


def test_values_that_may_be_missing_labels_are_named_and_look_alikes_proposed_once() -> None:
    assert doubtful_sentences({"pain": ("1", "2", "99"), "topic": ("food", "staff")}) == (
        'Column "pain": "99" may stand for a missing label; if so, remove this category from the '
        "codebook.",
    )
    (sentence,) = doubtful_sentences({"side": ("left", "NA", "-")})
    assert '"NA" and "-"' in sentence
    text = scaffold_codebook("x", label_columns={"grade": ("a-b", "a\u2013b", "no", "No.")})
    assert text.count("- name: ") == 3
