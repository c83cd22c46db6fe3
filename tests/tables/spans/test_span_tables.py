"""Tables of spans are read as people have them, and refused by row where they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.core.errors import TableError
from localensemble.core.labels import ItemId
from localensemble.core.spans import Span
from localensemble.tables.spans.span_tables import WrittenSpan, read_spans, write_spans
from localensemble.tables.spans.vocabulary_file import read_vocabulary


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "spans.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_with_a_row_for_each_span_is_read(tmp_path: Path) -> None:
    table = read_spans(
        written(
            tmp_path,
            "item,rater,start,stop,category,passage\n"
            "a,ann,0,4,Drug,Ibu😷\na,ben,0,3,Drug,Ibu\nb,ann,,,,\nc,ben,2,3,Effect,\n",
        )
    )
    assert table.raters == ("ann", "ben")
    assert table.read == {"ann": {"a", "b"}, "ben": {"a", "c"}}
    assert [(s.row, s.item, s.start, s.stop, s.category, s.passage) for s in table.spans] == [
        (1, "a", 0, 4, "Drug", "Ibu😷"),
        (2, "a", 0, 3, "Drug", "Ibu"),
        (4, "c", 2, 3, "Effect", None),
    ]


def test_a_table_with_a_list_for_each_item_is_read_with_its_texts(tmp_path: Path) -> None:
    listed = '"[{""start"": 0, ""end"": 3, ""type"": ""Drug"", ""text"": ""Ibu""}]"'
    table = read_spans(
        written(tmp_path, f"id,text,label,split\na,Ibu helps,{listed},dev\nb,x,[],dev\nc,y,,dev\n")
    )
    assert table.raters == ("",)
    assert table.read == {"": {"a", "b"}}
    assert table.texts == {"a": "Ibu helps", "b": "x"}
    assert [(s.start, s.stop, s.category, s.passage) for s in table.spans] == [
        (0, 3, "Drug", "Ibu")
    ]


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("item,theme\na,pain\n", "spans.csv", "item, theme"),
        ("item,start,stop\na,0,4\n", "spans.csv", "category"),
        ("start,stop,category\n0,4,x\n", "spans.csv", "item"),
        ("item,start,stop,category\na,0,x,Drug\n", "row 1", "whole number"),
        ("item,start,stop,category\na,0,4,Drug\na,4,4,Drug\n", "row 2", "from 4 to 4"),
        ("item,start,stop,category\na,0,4,\n", "row 1", "no category"),
        ("item,start,stop,category\n ,0,4,Drug\n", "row 1", "blank"),
        ("id,spans\na,[]\nb,[1]\n", "row 2", "not a list"),
        ('id,spans\na,[]\nb,"[{"\n', "row 2", "not JSON"),
        ('id,spans\na,[]\nb,"[{""start"": true, ""end"": 3}]"\n', "row 2", "whole number"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_its_place(
    tmp_path: Path, text: str, where: str, found: str
) -> None:
    with pytest.raises(TableError) as refused:
        read_spans(written(tmp_path, text))
    assert where in str(refused.value)
    assert found in str(refused.value)


def test_a_written_table_is_read_back_with_items_that_have_no_span(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    span = WrittenSpan(Span(2, 5, "Drug"), "-ab", ("D1",))
    write_spans(
        path,
        [(ItemId("a"), "rule", [span]), (ItemId("b"), "rule", [])],
        more_columns=["id"],
    )
    table = read_spans(path)
    assert table.read == {"rule": {"a", "b"}}
    assert [(s.item, s.start, s.stop, s.category) for s in table.spans] == [("a", 2, 5, "Drug")]
    # A spreadsheet would run it.
    assert table.spans[0].passage == "'-ab"


def test_a_vocabulary_has_terms_with_ids_synonyms_and_categories(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.csv"
    path.write_text(
        "Term,ID,Synonyms,Category,source\nfever,D1,pyrexia| high temperature;fever,Effect,x\n"
        "aspirin,,,,y\n",
        encoding="utf-8",
    )
    fever, aspirin = read_vocabulary(path)
    assert (fever.id, fever.category) == ("D1", "Effect")
    assert fever.names == ("fever", "pyrexia", "high temperature")
    assert (aspirin.id, aspirin.names, aspirin.category) == ("aspirin", ("aspirin",), "")


@pytest.mark.parametrize(
    ("text", "found"), [("name,id\na,1\n", "name, id"), ("term,id\na,1\n ,2\n", "row 2")]
)
def test_a_vocabulary_without_terms_is_refused(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "vocabulary.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=found):
        read_vocabulary(path)
