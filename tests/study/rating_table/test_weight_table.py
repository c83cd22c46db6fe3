"""Weights of one's own are read by the names of the categories, in any order."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.agreement import AgreementError
from localensemble.core.errors import TableError
from localensemble.study.rating_table.weight_table import read_weight_table


def test_weights_are_read_by_the_names_of_categories(tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text("category,a,b,c\nc,0,.5,1\nb,0.5,1,0.5\na,1,0.5,0\n", encoding="utf-8")
    table = read_weight_table(path)
    path.write_text("category;a;b;c\nc;0;,5;1\nb;0,5;1;0,5\na;1;0,5;0\n", encoding="utf-8")
    assert read_weight_table(path).matrix.tolist() == table.matrix.tolist()
    assert table.ordered(("a", "b", "c")).tolist() == [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]
    with pytest.raises(AgreementError, match=r"3 categories .* 2"):
        table.ordered(("a", "b"))


@pytest.mark.parametrize(
    "text",
    [
        ",1,2,3\n1,1,0.5,0\n2,0.5,1,0.5\n3,0,0.5,1\n",
        " ;1;2;3\n1;1;0.5;0\n2;0.5;1;0.5\n3;0;0.5;1\n;;;\n",
        "\ufeff,1,2,3,\n1,1,0.5,0,\n2,0.5,1,0.5,\n3,0,0.5,1,\n",
    ],
)
def test_the_corner_of_weights_may_be_blank(tmp_path: Path, text: str) -> None:
    path = tmp_path / "weights.csv"
    path.write_text(text, encoding="utf-8")
    table = read_weight_table(path)
    assert table.categories == ("1", "2", "3")
    assert table.matrix.tolist() == [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x,a,b\na,1,half\nb,0,1\n", "row 1"),
        ("x,a,b\na,1,0\nc,0,1\n", "the same categories"),
        ("x,a,b\na,1,0\na,0,1\n", "the same categories"),
        ("x,a,b\na,1,0\n", "the same categories"),
    ],
)
def test_weights_that_cannot_be_read_are_refused(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "weights.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=found):
        read_weight_table(path)
