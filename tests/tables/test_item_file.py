"""Items: the right columns, ids that tell them apart, and no text in any message."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.core.errors import TableError
from localensemble.core.identity import canonical_json
from localensemble.tables import row_ids
from localensemble.tables.delimited import write_table
from localensemble.tables.item_file import ItemFile

SECRET = "Mrs Example has a rash"


def written(folder: Path, content: str) -> Path:
    path = folder / "notes.csv"
    path.write_text(content, encoding="utf-8", newline="")
    return path


def refused(
    path: Path,
    *,
    found: str,
    hint: str,
    id_column: str | None = None,
    text_column: str | None = None,
) -> None:
    with pytest.raises(TableError) as caught:
        ItemFile.open(path, id_column=id_column, text_column=text_column)
    assert caught.value.exit_code == 2
    assert "notes.csv" in caught.value.message
    assert found in caught.value.message
    assert hint in caught.value.hint
    assert SECRET not in str(caught.value)


def test_items_come_in_file_order_with_their_cells(tmp_path: Path) -> None:
    file = ItemFile.open(written(tmp_path, "site,id,text\nA,n1,well\nB,n2,\nA,n3,worse\n"))
    first, second = file.blocks(2)
    rows = [*first, *second]
    assert [(row.item.id, row.item.text, row.item.position) for row in rows] == [
        ("n1", "well", 0),
        ("n2", "", 1),
        ("n3", "worse", 2),
    ]
    assert rows[0].values == ("A", "n1", "well")
    assert (len(first), len(second), file.item_count) == (2, 1, 3)
    assert file.columns == ("site", "id", "text")


def test_the_hash_is_of_the_ordered_ids_and_texts(tmp_path: Path) -> None:
    file = ItemFile.open(written(tmp_path, 'id,text\n1,"a ""é\x01\n"\n2,\u2028b\n'))
    lines = "".join(
        canonical_json([row.item.id, row.item.text]) + "\n" for (row,) in file.blocks(1)
    )
    assert file.sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_the_hash_ignores_other_columns_and_sees_order(tmp_path: Path) -> None:
    def sha256(content: str) -> str:
        return ItemFile.open(written(tmp_path, content)).sha256

    base = sha256("id,text\n1,a\n2,b\n")
    assert sha256("text;x;id\na;9;1\nb;8;2\n") == base
    assert sha256("id,text\n2,b\n1,a\n") != base


def test_more_items_than_one_digest_are_all_hashed(tmp_path: Path) -> None:
    rows = [f"{number},text {number}\n" for number in range(3000)]
    whole = ItemFile.open(written(tmp_path, "id,text\n" + "".join(rows)))
    changed = [*rows[:1500], "1500,another\n", *rows[1501:]]
    other = ItemFile.open(written(tmp_path, "id,text\n" + "".join(changed)))
    assert whole.item_count == other.item_count == 3000
    assert whole.sha256 != other.sha256


def test_neither_items_nor_rows_show_their_text(tmp_path: Path) -> None:
    file = ItemFile.open(written(tmp_path, f"id,text\n1,{SECRET}\n"))
    ((row,),) = file.blocks(1)
    assert SECRET not in repr(row) + repr(file)


def test_a_block_has_at_least_one_item(tmp_path: Path) -> None:
    file = ItemFile.open(written(tmp_path, "id,text\n1,a\n"))
    with pytest.raises(ValueError, match="expected 1 or more"):
        next(file.blocks(0))


# --- Columns -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "id_column", "text_column"),
    [
        ("id,text,x", "id", "text"),
        ("Item ID,Comment,x", "Item ID", "Comment"),
        ("record_id,free-text,x", "record_id", "free-text"),
        ("x,noteId,Note Text", "noteId", "Note Text"),
        ("uuid,id,feedback", "id", "feedback"),
        ("id,comment,text", "id", "text"),
        ("Patient,ID-Nr,Kommentar", "ID-Nr", "Kommentar"),
        ("Fallnummer,Kommentar,Freitext", "Fallnummer", "Freitext"),
    ],
)
def test_columns_are_guessed_by_name(
    header: str, id_column: str, text_column: str, tmp_path: Path
) -> None:
    file = ItemFile.open(written(tmp_path, f"{header}\n1,2,3\n4,5,6\n"))
    assert (file.id_column, file.text_column) == (id_column, text_column)
    assert file.messages == (
        f'Using column "{id_column}" for the item ids.',
        f'Using column "{text_column}" for the item texts.',
    )


def test_named_columns_are_taken_without_a_word(tmp_path: Path) -> None:
    path = written(tmp_path, "id,text,code,words\n1,a,x,b\n2,c,y,d\n")
    file = ItemFile.open(path, id_column="code", text_column="words")
    assert (file.id_column, file.text_column, file.messages) == ("code", "words", ())


def test_a_column_named_as_text_is_not_taken_for_the_id(tmp_path: Path) -> None:
    file = ItemFile.open(written(tmp_path, "id,text\na,b\na,c\n"), text_column="id")
    assert (file.id_column, file.text_column) == (None, "id")


def test_without_an_id_column_rows_are_numbered_and_it_is_said(tmp_path: Path) -> None:
    file = ItemFile.open(written(tmp_path, "site,text\nA,well\nA,well\n"))
    assert [row.item.id for block in file.blocks(9) for row in block] == ["row-1", "row-2"]
    assert file.id_column is None
    assert "row-1, row-2" in file.messages[0]


def test_of_two_id_columns_the_one_with_different_ids_is_taken(tmp_path: Path) -> None:
    file = ItemFile.open(written(tmp_path, "id,record_id,text\n1,a,x\n1,b,y\n"))
    assert file.id_column == "record_id"


def test_the_longest_column_is_taken_for_the_text(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "id,site,what_was_said\n1,North,It was all very well indeed from the first day on.\n",
    )
    assert ItemFile.open(path).text_column == "what_was_said"


@pytest.mark.parametrize(
    "rows",
    [
        "1,My hip aches at night and the tablets do not help at all any more whatever I take\n"
        "2,The waiting room was cold and nobody told us how long it would take this time\n",
        "Slept very badly.\nNo pain at all today and I walked to the door and back twice.\n",
    ],
)
def test_a_table_without_headings_is_refused_and_its_text_not_shown(
    rows: str, tmp_path: Path
) -> None:
    path = tmp_path / "notes.csv"
    path.write_text(rows, encoding="utf-8")
    with pytest.raises(TableError, match=r"line 1, column \d: expected a column name") as caught:
        ItemFile.open(path)
    assert not any(word in f"{caught.value} {caught.value.hint}" for word in ("hip", "Slept"))


def test_a_text_in_place_of_a_heading_is_not_listed(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("Bad night again.,Better now.\nA a a.,B b b.\n", encoding="utf-8")
    with pytest.raises(TableError, match=r'could be column 1, "Better now\."'):
        ItemFile.open(path)


def test_the_question_of_a_form_is_a_heading_however_long(tmp_path: Path) -> None:
    question = "What was good about your care on this ward and what could we have done better?"
    path = tmp_path / "notes.csv"
    path.write_text(f"id,{question}\n1,{'The food was cold. ' * 3}\n", encoding="utf-8")
    opened = ItemFile.open(path)
    assert opened.text_column == question
    assert "column 2 for the item texts" in opened.messages[-1]


def test_the_only_column_left_is_the_text(tmp_path: Path) -> None:
    assert ItemFile.open(written(tmp_path, "id,q7\n1,ok\n")).text_column == "q7"


@pytest.mark.parametrize(
    ("content", "listed"),
    [
        (f"id,comment,feedback\n1,{SECRET},b\n", '"comment", "feedback"'),
        (f"id,q7,q8\n1,{SECRET},{SECRET}\n", '"q7", "q8"'),
        ("id,q7,q8\n1,a,b\n", '"q7", "q8"'),
        ("id\n1\n", '"id"'),
        ("id,age\n1,34\n2,2024-11-01\n", '"age"'),
        ("id,town,said\n1,12 Long Road in Newtown,cold\n", '"town", "said"'),
    ],
)
def test_a_text_column_that_is_not_clear_is_asked_for(
    content: str, listed: str, tmp_path: Path
) -> None:
    refused(
        written(tmp_path, content),
        found=f"it is not clear which column holds the text; it could be {listed}",
        hint="--text-column",
    )


def test_two_id_columns_with_repeated_ids_are_refused(tmp_path: Path) -> None:
    refused(
        written(tmp_path, f"id,uid,text\n1,a,{SECRET}\n1,,x\n"),
        found='the columns "id", "uid" look like ids',
        hint="--id-column",
    )


@pytest.mark.parametrize(
    ("named", "hint"), [("txt", 'Did you mean "text"?'), ("zzz", "--text-column")]
)
def test_a_missing_column_is_refused_with_the_columns_there_are(
    named: str, hint: str, tmp_path: Path
) -> None:
    refused(
        written(tmp_path, f"id,text\n1,{SECRET}\n"),
        text_column=named,
        found=f'there is no column "{named}" for the text; the columns are "id", "text"',
        hint=hint,
    )


def test_of_many_columns_twenty_are_listed(tmp_path: Path) -> None:
    header = ",".join(f"c{number}" for number in range(25))
    refused(
        written(tmp_path, f"{header}\n{','.join('x' * 25)}\n"),
        id_column="key",
        found='"c19" and 5 more',
        hint="--id-column",
    )


def test_one_column_cannot_be_both(tmp_path: Path) -> None:
    refused(
        written(tmp_path, "id,text\n1,a\n"),
        id_column="id",
        text_column="id",
        found='column "id" is named for both',
        hint="two different columns",
    )


# --- Ids -----------------------------------------------------------------------------------


def test_repeated_ids_are_refused_with_their_rows(tmp_path: Path) -> None:
    refused(
        written(tmp_path, f"id,text\na,{SECRET}\nb,x\na,{SECRET}\nb,y\na,z\n"),
        found="rows 1 and 3, 2 and 4, 1 and 5.",
        hint="a unique id",
    )


def test_of_many_repeated_ids_five_are_told(tmp_path: Path) -> None:
    refused(
        written(tmp_path, "id,text\n" + "a,x\n" * 10),
        found="1 and 2, 1 and 3, 1 and 4, 1 and 5, 1 and 6 (and 4 more)",
        hint="",
    )


def test_ids_that_share_a_hash_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_ids, "hash", lambda text: 7, raising=False)
    assert ItemFile.open(written(tmp_path, "id,text\na,x\nb,y\n")).item_count == 2
    refused(
        written(tmp_path, "id,text\na,x\nb,y\na,z\n"),
        found="rows 1 and 3.",
        hint="a unique id",
    )


def test_blank_ids_are_refused_with_their_rows(tmp_path: Path) -> None:
    refused(
        written(tmp_path, f"id,text\n,{SECRET}\nb,x\n  ,y\n"),
        found='column "id": the id is blank in rows 1, 3.',
        hint="Give every item an id",
    )


@pytest.mark.parametrize("bad", [f'"{SECRET}\nand more"', SECRET * 20, "a\x1b[31m", "a\x00"])
def test_what_looks_like_a_text_is_no_id(bad: str, tmp_path: Path) -> None:
    refused(
        written(tmp_path, f"id,text\n1,a\n{bad},b\n"),
        found="no usable id in row 2",
        hint="this one seems to hold texts",
    )


def test_many_unusable_ids_are_counted(tmp_path: Path) -> None:
    rows = "".join(f"{'x' * 300},y\n" for _ in range(8))
    refused(written(tmp_path, f"id,text\n{rows}"), found="rows 1, 2, 3, 4, 5 and 3 more", hint="")


@pytest.mark.parametrize("change", ["longer", "gone", "touched"])
def test_a_file_that_changes_while_in_use_is_refused(change: str, tmp_path: Path) -> None:
    path = written(tmp_path, "id,text\n1,a\n2,b\n")
    file = ItemFile.open(path)
    blocks = file.blocks(1)
    next(blocks)
    if change == "longer":
        written(tmp_path, "id,text\n1,a\n2,b\n3,c\n")
    elif change == "gone":
        if sys.platform == "win32":
            pytest.skip("an open file cannot be deleted there")
        path.unlink()
    else:
        os.utime(path, ns=(1, 1))
    with pytest.raises(TableError, match="changed while") as caught:
        list(blocks)
    assert "do not change the file" in caught.value.hint


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8),
    size=st.integers(1, 9),
)
def test_every_text_comes_back_whole_in_any_block_size(
    texts: list[str], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("items") / "notes.csv"
    rows = [((f"n{number}", text), ()) for number, text in enumerate(texts)]
    write_table(path, kept=("id", "text"), added=(), rows=rows)
    file = ItemFile.open(path)
    assert [row.item.text for block in file.blocks(size) for row in block] == texts


def test_the_shared_sets_open(shared: Path) -> None:
    file = ItemFile.open(shared / "data" / "nhs_feedback" / "data.csv")
    assert (file.item_count, file.id_column, file.text_column) == (10_302, "id", "text")


@pytest.mark.parametrize(
    "name",
    [
        *("review_id", "patient_ID", "PatientId", "StudyID", "chart-id", "Study Id"),
        *("comment_no", "Comment No.", "CommentNo", "case nr", "FormNr", "visit_number", "RowNum"),
    ],
)
def test_a_unique_column_named_like_an_id_is_proposed(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"{name},text\n7,well\n8,well\n")
    file = ItemFile.open(path)
    assert file.id_columns == ()
    option = f"--id-column '{name}'" if " " in name else f"--id-column {name}"
    assert f"`{option}`" in file.messages[0]
    named = ItemFile.open(path, id_column=name)
    assert [row.item.id for row in next(named.blocks(9))] == ["7", "8"]


@pytest.mark.parametrize(
    "column", ["review_id\n7\n7", "covid\n1\n2", "paid\n1\n2", "grid\n1\n2", "casino\n1\n2"]
)
def test_no_other_column_is_proposed_for_the_ids(column: str, tmp_path: Path) -> None:
    name, first, second = column.split("\n")
    path = written(tmp_path, f"{name},text\n{first},well\n{second},worse\n")
    assert "--id-column" not in " ".join(ItemFile.open(path).messages)


REDCAP = """\
record_id,redcap_event_name,redcap_repeat_instance,note
1,visit_1,,well
1,visit_2,1,well
1,visit_2,2,worse
2,visit_1,,worse
"""


def test_cells_of_several_columns_are_joined_to_one_id(tmp_path: Path) -> None:
    path = written(tmp_path, REDCAP)
    named = "record_id, redcap_event_name,redcap_repeat_instance"
    file = ItemFile.open(path, id_column=named)
    ids = [row.item.id for row in next(file.blocks(9))]
    assert ids == ["1|visit_1|", "1|visit_2|1", "1|visit_2|2", "2|visit_1|"]
    assert file.id_columns == ("record_id", "redcap_event_name", "redcap_repeat_instance")
    assert file.id_column is None
    with pytest.raises(TableError, match="the same id appears in rows 2 and 3") as refused:
        ItemFile.open(path, id_column="record_id,redcap_event_name")
    assert "--id-column record_id,redcap_event_name,redcap_repeat_instance`" in refused.value.hint


def test_repeated_ids_lead_to_the_columns_to_combine(tmp_path: Path) -> None:
    with pytest.raises(TableError) as refused:
        ItemFile.open(written(tmp_path, REDCAP))
    combined = "record_id,redcap_event_name,redcap_repeat_instance"
    assert f"`--id-column {combined}`" in refused.value.hint


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("a,c", 'no column "c" for the id'),
        ("a,a", "twice"),
        ("a,text", "both the id and the text"),
        ("b,a", "blank in row 1"),
    ],
)
def test_columns_that_cannot_be_combined_are_refused(
    named: str, found: str, tmp_path: Path
) -> None:
    with pytest.raises(TableError, match=found):
        ItemFile.open(
            written(tmp_path, "a,b,text\n1,,x\n2,2,y\n"), id_column=named, text_column="text"
        )


def test_a_column_with_a_comma_in_its_name_is_one_column(tmp_path: Path) -> None:
    file = ItemFile.open(written(tmp_path, '"a,b",a,b,text\n1,1,1,x\n'), id_column="a,b")
    assert file.id_columns == ("a,b",)


def test_an_item_is_found_by_its_id(tmp_path: Path) -> None:
    named = ItemFile.open(written(tmp_path, "id,text\na,one\nb,two\n"))
    assert named.item_with_id("b").text == "two"
    with pytest.raises(TableError, match='"c" among 2 items') as refusal:
        named.item_with_id("c")
    assert '"id"' in refusal.value.hint


def test_without_an_id_column_an_item_is_found_by_its_row(tmp_path: Path) -> None:
    numbered = ItemFile.open(written(tmp_path, "text\none\ntwo\n"))
    assert numbered.item_with_id("row-2").text == "two"
    with pytest.raises(TableError) as refusal:
        numbered.item_with_id("2")
    assert "row-1" in refusal.value.hint


def test_a_column_item_of_a_table_of_texts_is_proposed_and_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("item,text\na1,cold\na2,warm\n", encoding="utf-8")
    items = ItemFile.open(path)
    assert items.id_columns == ()
    assert "--id-column item" in " ".join(items.messages)
    assert ItemFile.open(path, known_labels=True).id_columns == ("item",)
