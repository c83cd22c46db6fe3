"""Two stray quotes that cancel never make items disappear; notes of several lines are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localensemble.core.errors import TableError
from localensemble.tables.delimited import open_table
from localensemble.tables.table_files import open_table_file

CASE = """\
id,text,theme,r1,r2
h1,CANARYxq7 patient number 0 said things,good,good,good
h2,"CANARYxq7 a,bad,bad,good
h3,CANARYxq7 patient number 2 said things,good,good,good
h4,CANARYxq7 b",bad,bad,good
h5,CANARYxq7 patient number 4 said things,good,good,good
"""


def written(folder: Path, content: str) -> Path:
    path = folder / "table.csv"
    path.write_text(content, encoding="utf-8", newline="")
    return path


def test_rows_that_two_quotes_swallow_are_refused_with_the_row_and_the_lines(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, CASE)
    with pytest.raises(TableError, match=r"row 2 \(lines 3 to 5\): .* 3 lines") as caught:
        open_table_file(path)
    assert "CANARY" not in str(caught.value)
    assert "Remove the two quotes" in caught.value.hint


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "rows",
    [
        # the text stands last
        'id,theme,text\n1,good,a\n2,bad,"b\n3,good,c"\n4,bad,d\n5,bad,e\n',
        # the text stands first
        'text,theme\nfine,good\n"well,good\npoor",bad\nso,bad\n',
        # only an id and a text
        'id,text\nr01,fine\nr02,"well\nr03,poor\nr04,so"\nr05,done\nr06,end\n',
        # another delimiter, blank cells, and a category that occurs nowhere else
        'id;text;a;b\n7;one;x;\n8;"two;x;\n9;three;;other\n10;four";x;\n11;five;x;y\n',
        # a quote in an id and in a label
        'id,text,theme\na1,x y,good\n"a2,x z,bad\na3",x v,bad\na4,x w,good\n',
        'id,text,theme\na1,x y,good\na2,x z,"bad\na3,x v,bad"\na4,x w,good\n',
        # a row with a blank quoted cell is swallowed, too
        'id,text,theme\na1,x y,good\na2,"x z,bad\na3,"",bad\na4,x v",bad\na5,x w,good\n',
        # names for ids
        'name,text\nAnna,fine\nBen,ok\nCleo,"it was\nDora,good\nEmil,so so"\nFinn,fine\n',
    ],
)
def test_other_pairs_of_quotes_are_refused(rows: str, line_end: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="looks like a row of its own"):
        open_table(written(tmp_path, rows.replace("\n", line_end)))


@pytest.mark.parametrize(
    "rows",
    [
        # lists and laboratory values in notes
        'id,text\n7,"Plan:\n1, aspirin\n2, rest"\n8,fine\n9,fine\n10,fine\n',
        'id,text\n7,"Plan:\n1,aspirin\n2,rest"\n1,fine\n2,fine\n3,fine\n',
        'id,text\n101,"Plan:\n1,aspirin\n2,rest"\n102,fine\n103,fine\n104,fine\n',
        'id,text\n7,"Labs\nNa,140\nK,4"\n8,fine\n9,fine\n10,fine\n',
        'id,text\n41,"Temperature\n38,5"\n42,fine\n43,fine\n44,fine\n',
        'text,id\n"costs 10,000\nand more",001\nfine,002\nwell,003\n',
        # sentences with commas
        'id,text\n1,"It hurt.\nI came, and was seen."\n2,fine\n3,fine\n4,fine\n',
        'id,text,theme\na1,"He said, well,\nno, never",good\na2,fine,bad\na3,fine,bad\n',
        'id,text,a,b\nh1,"BP 120, HR 80, T 37\ndischarged, well",x,y\nh2,z,x,y\nh3,z,x,y\n',
        # an empty line, and one cell of several lines beside another
        'id,text,note\n1,"a\n\nb","c\nd"\n2,e,f\n',
        # one column
        'text\n"one\ntwo"\nthree\n',
    ],
)
def test_a_text_of_several_lines_is_read(rows: str, tmp_path: Path) -> None:
    table = open_table(written(tmp_path, rows))
    assert any("\n" in cell for row in table.rows() for cell in row)


def test_a_table_pasted_into_a_note_is_read(tmp_path: Path) -> None:
    note = "day,drug,dose\n1,aspirin,100\n2,aspirin,50"
    path = written(tmp_path, f'id,text,theme\nh1,"{note}",good\nh2,fine,bad\nh3,fine,bad\n')
    assert next(iter(open_table(path).rows()))[1] == note


def test_the_texts_of_public_data_sets_are_read() -> None:
    shared = os.environ.get("LOCALENSEMBLE_SHARED")
    if shared is None:
        pytest.skip("needs the shared data sets; set LOCALENSEMBLE_SHARED to their folder")
    for path in sorted(Path(shared, "data").rglob("*.csv")):
        open_table(path)
