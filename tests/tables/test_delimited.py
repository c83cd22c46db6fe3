"""Tables are read exactly or refused with the place; nothing is cut, guessed or leaked."""

from __future__ import annotations

import csv
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localensemble.core.errors import LocalEnsembleError, TableError
from localensemble.tables.delimited import (
    DELIMITERS,
    Table,
    TableFormat,
    neutralize_formula,
    open_table,
    write_table,
)
from localensemble.tables.reading import csv_records
from localensemble.tables.reading.damage import decoding_error

SECRET = "Mrs Example has a rash"
PLAIN = TableFormat()


def written(folder: Path, content: str | bytes, name: str = "notes.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, delimiter: str | None = None) -> tuple[Table, list[tuple[str, ...]]]:
    table = open_table(path, delimiter=delimiter)
    return table, list(table.rows())


def refused(path: Path, *, found: str, hint: str) -> TableError:
    """Read a whole table and expect the three-part error."""
    with pytest.raises(TableError) as caught:
        read(path)
    error = caught.value
    assert error.exit_code == 2
    assert path.name in error.message
    assert found in error.message
    assert hint in error.hint
    assert SECRET not in str(error)
    return error


def test_cells_are_kept_as_they_are(tmp_path: Path) -> None:
    path = written(tmp_path, 'id,text\n 1 , "=x" \n2,"a ""b""\r\n, c\x00"\n3,\n')
    table, rows = read(path)
    assert table.columns == ("id", "text")
    assert rows == [(" 1 ", ' "=x" '), ("2", 'a "b"\r\n, c\x00'), ("3", "")]


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_the_delimiter_is_found(delimiter: str, tmp_path: Path) -> None:
    lines = [["id", "text"], ["1", "well"], ["2", "all; was, well | or\tnot"]]
    path = tmp_path / "notes.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(lines)
    table, rows = read(path)
    assert table.format.delimiter == delimiter
    assert rows == [tuple(line) for line in lines[1:]]


def test_a_named_delimiter_is_used(tmp_path: Path) -> None:
    table, rows = read(written(tmp_path, "a;b|c\n1;2|3\n"), "|")
    assert (table.columns, rows) == (("a;b", "c"), [("1;2", "3")])


def test_texts_with_another_delimiter_do_not_mislead(tmp_path: Path) -> None:
    table, rows = read(written(tmp_path, "id,text\n1,a;b\n2,c;d\n"))
    assert (table.columns, rows) == (("id", "text"), [("1", "a;b"), ("2", "c;d")])


def test_a_table_may_have_one_column(tmp_path: Path) -> None:
    assert read(written(tmp_path, "text\nwell\nworse\n"))[1] == [("well",), ("worse",)]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    table, _ = read(written(tmp_path, b"\xef\xbb\xbfid,text\n1,well\n"))
    assert table.columns == ("id", "text")
    assert table.format == TableFormat(",", byte_order_mark=True)


def test_empty_lines_are_passed_over(tmp_path: Path) -> None:
    assert read(written(tmp_path, "\nid,text\n\n1,well\n\n\n2,worse\n\n"))[1] == [
        ("1", "well"),
        ("2", "worse"),
    ]


def test_empty_lines_at_the_end_of_one_column_are_passed_over(tmp_path: Path) -> None:
    assert read(written(tmp_path, 'text\nwell\n""\n\n\n'))[1] == [("well",), ("",)]


def test_a_text_of_a_million_characters_is_read_whole(tmp_path: Path) -> None:
    text = "a, " * 333_334
    assert read(written(tmp_path, f'id,text\n1,"{text}"\n'))[1] == [("1", text)]


def test_a_long_first_text_does_not_hide_the_delimiter(tmp_path: Path) -> None:
    text = "a, " * 50_000
    table, rows = read(written(tmp_path, f'id;text\n1;"{text}"\n2;b\n'))
    assert table.format.delimiter == ";"
    assert rows == [("1", text), ("2", "b")]


# --- What is refused ---------------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "gone.csv", found="there is no such file", hint="Check the path")


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    refused(tmp_path, found="it is a folder, not a file", hint="you can read")


@pytest.mark.parametrize("allowed", [0, 1])
def test_a_file_that_may_not_be_read_is_named(
    allowed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "id,text\n1,a\n")
    opens = iter([True] * allowed)
    really_open = os.open

    def denied(*arguments: Any) -> int:
        if next(opens, False):
            return really_open(*arguments)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    refused(path, found="Permission denied", hint="you can read")


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file_is_refused(content: bytes, tmp_path: Path) -> None:
    refused(written(tmp_path, content), found="the file is empty", hint="with a header")


@pytest.mark.parametrize("content", ["id,text", "id,text\n", "id,text\n\n"])
def test_a_header_alone_is_refused(content: str, tmp_path: Path) -> None:
    refused(written(tmp_path, content), found="no rows below", hint="one row per item")


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"PK\x03\x04", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0", "old Excel workbook"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"PAR1", "Parquet"),
        (b"%PDF-1.7", "PDF"),
        (b"SQLite format 3", "SQLite"),
    ],
)
def test_a_file_of_another_kind_is_named(start: bytes, kind: str, tmp_path: Path) -> None:
    refused(written(tmp_path, start + b"\x00\xff" * 50), found=kind, hint="CSV UTF-8")


@pytest.mark.parametrize(
    "content", ['[{"id": 1, "text": "a"}]', '\ufeff{"id": 1}\n', '[\n {"a": 1}]']
)
def test_json_is_named(content: str, tmp_path: Path) -> None:
    refused(written(tmp_path, content.encode()), found="this is JSON", hint="CSV UTF-8")


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le"])
def test_utf_16_is_named(codec: str, tmp_path: Path) -> None:
    content = f"id,text\n1,{SECRET}\n".encode(codec)
    refused(written(tmp_path, content), found="UTF-16", hint="iconv -f UTF-16 -t UTF-8 notes.csv")


@pytest.mark.parametrize("rows_before", [0, 3, 200_000])
def test_text_that_is_not_utf_8_is_refused_with_its_byte(rows_before: int, tmp_path: Path) -> None:
    good = "id,text\n" + "1,größer\n" * rows_before + f"2,{SECRET} caf"
    content = good.encode() + b"\xe9 today\n3,well\n"
    refused(
        written(tmp_path, content),
        found=f"line {rows_before + 2}: the text is not UTF-8 (byte {len(good.encode()):,})",
        hint="iconv -f WINDOWS-1252 -t UTF-8 notes.csv",
    )


def test_a_character_that_ends_with_the_file_is_refused_with_its_byte(tmp_path: Path) -> None:
    content = b"id,text\n1,caf\xc3"
    refused(written(tmp_path, content), found="line 2: the text is not UTF-8 (byte 13)", hint="")


def test_a_character_cut_by_the_reading_chunk_is_counted_once(tmp_path: Path) -> None:
    head = b"id,text\n1,"
    content = head + b"a" * ((1 << 20) - len(head) - 1) + "é".encode() + b"\n2,\xff\n"
    refused(
        written(tmp_path, content), found=f"line 3: the text is not UTF-8 (byte {(1 << 20) + 4:,})",
        hint="",
    )  # fmt: skip


def test_a_file_that_is_mended_while_it_is_examined_is_not_called_damaged(tmp_path: Path) -> None:
    error = decoding_error(written(tmp_path, "id,text\n1,größer\n"))
    assert error.message.startswith("notes.csv: the file changed")
    assert error.hint


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (f'1,well\n2,"{SECRET}\n3,well\n4,well\n', 3),
        (f'1,well\n2,"{SECRET}\n3,"well"\n4,well\n', 3),
        (f'1,well\n2,"{SECRET}" she said\n3,well\n', 3),
        (f'1,"two\nlines"\n2,"{SECRET}', 4),
        (f'1,"two\nlines","{SECRET}\n3,well\n', 3),
        (f'1,"a"\n"2",{SECRET}\n"3","b', 4),
        (f'1,"a ""word"""\r\n2,"{SECRET}""\r\n3,well\r\n', 3),
    ],
)
def test_unbalanced_quotes_are_refused_with_the_line_where_the_cell_opens(
    rows: str, line: int, tmp_path: Path
) -> None:
    refused(
        written(tmp_path, f"id,text\n{rows}"),
        found=f"line {line}: the quotes are not balanced",
        hint="double every",
    )


def test_a_quote_that_is_never_closed_does_not_swallow_a_large_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = csv.field_size_limit()
    monkeypatch.setattr(csv_records, "MOST_CELL_CHARACTERS", 1000)
    csv.field_size_limit(1000)
    try:
        content = f'id,text\n1,well\n2,"{SECRET}\n' + "3,well\n" * 1000
        refused(
            written(tmp_path, content),
            found="line 3: the row that begins there has a cell of more than 1,000 characters",
            hint="never closed",
        )
    finally:
        csv.field_size_limit(limit)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (f"1,{SECRET},surplus\n", "row 1 (line 2): the row has 3 cells, but the header has 2"),
        ('1,"a\nb"\n\n2\n', "row 2 (line 5): the row has 1 cell, but the header has 2"),
    ],
)
def test_a_row_of_another_width_is_refused_with_its_place(
    rows: str, found: str, tmp_path: Path
) -> None:
    refused(written(tmp_path, f"id,text\n{rows}"), found=found, hint="a comma")


def test_an_empty_line_between_texts_of_one_column_is_refused(tmp_path: Path) -> None:
    refused(
        written(tmp_path, "text\nwell\n\nworse\n"),
        found="line 3: the line is empty",
        hint='Write "" for an empty text',
    )


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("id,,text", "column 2 of the header has no name"),
        (",text,x", "column 1 of the header has no name"),
        ("id,text,text", "columns 2 and 3 of the header have the same name"),
        ("id,text, text ", "columns 2 and 3 of the header have the same name"),
    ],
)
def test_a_header_without_a_name_for_every_column_is_refused(
    header: str, found: str, tmp_path: Path
) -> None:
    refused(written(tmp_path, f"{header}\n1,2,3\n"), found=found, hint="Give every column a ")


def test_two_delimiters_that_fit_are_refused(tmp_path: Path) -> None:
    refused(
        written(tmp_path, f"a,b;c\n{SECRET},2;3\n"),
        found="comma and semicolon split the rows evenly",
        hint="Put quotes around",
    )


def test_an_unknown_delimiter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match='delimiter "#"') as caught:
        open_table(written(tmp_path, "a#b\n1#2\n"), delimiter="#")
    assert caught.value.hint == "Choose one of: comma, semicolon, tab, bar."


def test_a_header_that_changes_while_the_file_is_in_use_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "id,text\n1,well\n")
    table = open_table(path)
    written(tmp_path, "text,id\nwell,1\n")
    with pytest.raises(TableError, match="changed while it was in use") as caught:
        list(table.rows())
    assert "do not change the file" in caught.value.hint
    # A clock may be too coarse to tell the two files apart.
    with pytest.raises(TableError, match="header has changed") as caught:
        list(replace(table, mark=None).rows())
    assert "do not change the file" in caught.value.hint


# --- What is written -----------------------------------------------------------------------


def write(
    path: Path,
    rows: Sequence[Sequence[str]],
    kept: Sequence[str],
    table_format: TableFormat = PLAIN,
) -> None:
    write_table(path, kept=kept, added=(), rows=((row, ()) for row in rows), format=table_format)


CELLS = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    rows=st.integers(1, 4).flatmap(
        lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=6)
    ),
    delimiter=st.sampled_from(DELIMITERS),
    mark=st.booleans(),
)
@example(rows=[("\r",)], delimiter=",", mark=False)
@example(rows=[("",), ("",)], delimiter=",", mark=True)
@example(rows=[("\ufeff", "\n")], delimiter=";", mark=False)
def test_what_is_written_is_read_back_unchanged_but_for_blank_rows(
    rows: list[tuple[str, ...]],
    delimiter: str,
    mark: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("table") / "labels.csv"
    columns = tuple(f"column {number}" for number in range(len(rows[0])))
    form = TableFormat(delimiter, mark)
    if len(columns) > 1:
        rows = [row for row in rows if any(map(str.strip, row))] or [("x",) * len(columns)]
    write(path, rows, columns, form)
    table, found = read(path, delimiter)
    assert (table.columns, found) == (columns, rows)
    assert table.format == replace(form, decimal_mark=table.format.decimal_mark)


@given(content=st.binary(max_size=400) | st.text(alphabet=',;\t|"\r\n\x00aé=').map(str.encode))
def test_hostile_bytes_give_rows_of_one_width_or_a_table_error(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("table"), content)
    try:
        table, rows = read(path)
    except TableError:
        return
    assert {len(row) for row in rows} == {len(table.columns)}


def test_added_cells_do_not_run_as_formulas_and_kept_cells_stay(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    write_table(
        path,
        kept=("=kept",),
        added=("=added",),
        rows=[(("=1+1",), ("=1+1",)), (("-0.5",), ("-0.5",))],
    )
    table, rows = read(path)
    assert table.columns == ("=kept", "'=added")
    assert rows == [("=1+1", "'=1+1"), ("-0.5", "-0.5")]


@pytest.mark.parametrize("cell", ["=cmd()", "+x", "-x", "@x", "\tx", "\rx", "\n", "＝x", "-1+cmd"])
def test_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert neutralize_formula(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "yes", "-1", "+0.25", "-1.5e-07", "a=b", "<failed>"])
def test_what_is_no_formula_stays(cell: str) -> None:
    assert neutralize_formula(cell) == cell


@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_a_written_table_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    write(path, [("1",)], ("id",))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are of POSIX")
def test_a_table_that_a_person_shared_stays_shared(tmp_path: Path) -> None:
    path = written(tmp_path, "old", "labels.csv")
    path.chmod(0o640)
    write(path, [("1",)], ("id",))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = written(tmp_path, "id\nold\n", "labels.csv")
    with pytest.raises(ValueError, match=r"A row has 1 \+ 0 cells; expected 2 \+ 0"):
        write(path, [("1", "2"), ("3",)], ("id", "text"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["labels.csv"]
    assert path.read_text(encoding="utf-8") == "id\nold\n"


def test_a_table_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalEnsembleError, match=r'Cannot write ".*labels\.csv"') as caught:
        write(tmp_path / "nowhere" / "labels.csv", [("1",)], ("id",))
    assert caught.value.exit_code == 1
    assert "Make the folder" in caught.value.hint


def test_a_row_that_repeats_the_names_is_refused(tmp_path: Path) -> None:
    text = "id,ann,ben\n1,x,y\nid,ann,ben\n2,y,y\n"
    refused(written(tmp_path, text), found="row 2: the row repeats", hint="joined")


def test_a_text_may_be_the_name_of_its_only_column(tmp_path: Path) -> None:
    assert read(written(tmp_path, "text\none\ntext\n"))[1] == [("one",), ("text",)]


@pytest.mark.parametrize("text", ["sep=;\nid,text\n1,x\n2,y\n", "sep=,\nid\ttext\n1\tx\n"])
def test_a_stated_delimiter_that_splits_nothing_is_refused(tmp_path: Path, text: str) -> None:
    refused(written(tmp_path, text), found="states a ", hint="first line")
