"""Gold labels are matched by item id, in any order; what cannot be compared is refused."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Codebook
from localensemble.core.errors import TableError
from localensemble.study.gold import MOST_GROUPS, REVIEW_ONLY, GoldLabels, gold_columns, read_gold
from localensemble.tables.item_file import ItemFile
from tests.studies import CODEBOOK
from tests.study.ratings import write_rows

IDS = tuple(f"i-{n}" for n in range(20))
TOPICS = ("staff", "food", "other")


@pytest.fixture(scope="module")
def codebook(tmp_path_factory: pytest.TempPathFactory) -> Codebook:
    path = tmp_path_factory.mktemp("codebook") / "codebook.yaml"
    path.write_text(CODEBOOK, encoding="utf-8")
    return load_codebook(path)


def read(folder: Path, text: str, codebook: Codebook, **options: Any) -> GoldLabels:
    path = folder / "known.csv"
    path.write_text(text, encoding="utf-8")
    return read_gold(path, **{"codebook": codebook, "item_ids": IDS, "id_column": None, **options})


def test_gold_labels_stand_where_their_item_stands_in_the_study(
    tmp_path: Path, codebook: Codebook
) -> None:
    text = "id,gold_topic,gold_urgent\ni-3,food,no\ni-0, staff ,\ni-1,,yes\n"
    gold = read(tmp_path, text, codebook)
    assert gold.categories["topic"].tolist()[:5] == [0, -1, -1, 1, -1]
    assert gold.categories["urgent"].tolist()[:5] == [-1, 0, -1, 1, -1]
    assert gold.blank_rows == {"topic": 1, "urgent": 1}
    assert (gold.items_not_in_study, gold.groups, gold.messages) == (0, None, ())
    assert (gold.random_sample, gold.prices) == (False, REVIEW_ONLY)


def test_texts_stand_beside_the_gold_labels_and_nowhere_else(
    tmp_path: Path, codebook: Codebook
) -> None:
    known = read(tmp_path, "id,gold_topic,gold_urgent\ni-3,food,\ni-1,,yes\n", codebook)
    # The table goes on after the items that were labeled.
    rows = "".join(f"i-{n},a private note {n}\n" for n in range(30))
    (tmp_path / "items.csv").write_text(f"id,text\n{rows}", encoding="utf-8")
    gold = known.with_texts(ItemFile.open(tmp_path / "items.csv"))
    assert known.texts is None
    assert gold.texts is not None
    assert gold.texts.tolist() == [
        f"a private note {n}" if n in {1, 3} else None for n in range(len(IDS))
    ]
    assert "private" not in repr(gold)


def test_a_column_of_gold_labels_is_named_after_its_variable(codebook: Codebook) -> None:
    assert gold_columns(("id", "topic", "gold_urgent", "mood"), codebook) == {
        "topic": "topic",
        "urgent": "gold_urgent",
    }
    assert gold_columns(("topic", "gold_topic"), codebook) == {"topic": "gold_topic"}
    assert gold_columns(("gold",), codebook) == {}


def test_ids_come_from_the_column_that_is_named(tmp_path: Path, codebook: Codebook) -> None:
    gold = read(tmp_path, "Patient,topic\ni-1,food\n", codebook, id_column="Patient")
    assert gold.categories["topic"].tolist()[:2] == [-1, 1]
    with pytest.raises(TableError, match='"number"'):
        read(tmp_path, "id,topic\ni-1,food\n", codebook, id_column="number")


@pytest.mark.parametrize(
    ("text", "found", "hint"),
    [
        ("id,gold_topic\ni-1,stuff\n", r'row 1, column "gold_topic".*staff, food, other', ""),
        ("id,gold_topic,gold_urgent\ni-1,,\ni-2,,\n", '"gold_topic", "gold_urgent"', "categor"),
        ("id,gold_topic\ni-1,\n", '"gold_topic"', "categor"),
        ("id,gold_topic\nx-1,staff\nx-2,food\n", "2", "id"),
        ("who,gold_topic\ni-1,staff\n", "column", "--id-column"),
        ("id,topics\ni-1,staff\n", "gold_topic, gold_urgent", ""),
    ],
    ids=["no category", "blank", "one blank column", "other ids", "no ids", "no column"],
)
def test_gold_labels_that_cannot_be_compared_are_refused(
    tmp_path: Path, codebook: Codebook, text: str, found: str, hint: str
) -> None:
    with pytest.raises(TableError, match=found) as refused:
        read(tmp_path, text, codebook)
    assert hint in refused.value.hint
    assert refused.value.exit_code == 2
    # What stands in a cell may be confidential.
    assert "stuff" not in str(refused.value)


def test_rows_of_no_item_are_left_out_and_the_first_five_named(
    tmp_path: Path, codebook: Codebook
) -> None:
    rows = "".join(f"x-{n},food\n" for n in range(6))
    gold = read(tmp_path, f"id,topic\nx,food\ni-2,other\n{rows}", codebook)
    assert gold.items_not_in_study == 7
    (message,) = gold.messages
    assert "known.csv" in message
    assert "(1, 3, 4, 5, 6, ...)" in message
    (message,) = read(tmp_path, "id,topic\nx,food\ni-2,other\n", codebook).messages
    assert "(1)" in message


def test_a_blank_column_beside_a_filled_one_is_not_compared(
    tmp_path: Path, codebook: Codebook
) -> None:
    gold = read(tmp_path, "id,gold_topic,gold_urgent\ni-1,staff,\ni-2,food,\n", codebook)
    assert list(gold.categories) == ["topic"]
    assert '"gold_urgent"' in gold.messages[0]


def test_groups_come_from_a_column_with_few_of_them(tmp_path: Path, codebook: Codebook) -> None:
    text = "id,topic,site\ni-1,food, north \nx,food,west\ni-3,other,\n"
    gold = read(tmp_path, text, codebook, group_column="site")
    assert gold.groups is not None
    assert gold.groups.tolist()[:5] == [None, "north", None, "", None]


def test_a_column_of_texts_or_a_missing_one_cannot_group(
    tmp_path: Path, codebook: Codebook
) -> None:
    ids = [f"i-{n}" for n in range(MOST_GROUPS + 9)]
    text = "id,topic,note\n" + "".join(f"{one},food,note {one}\n" for one in ids)
    with pytest.raises(TableError, match=f'"note".*{MOST_GROUPS}') as refused:
        read(tmp_path, text, codebook, item_ids=ids, group_column="note")
    assert f"{MOST_GROUPS + 1} rows" in str(refused.value)
    with pytest.raises(TableError, match='"place"') as refused:
        read(tmp_path, text, codebook, group_column="place")
    assert "id, topic, note" in refused.value.hint


def test_a_category_that_a_spreadsheet_would_run_is_read_as_it_was_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "signs.yaml"
    path.write_text(
        CODEBOOK.replace("name: staff", 'name: "=sum"').replace("name: food", 'name: "-"'),
        encoding="utf-8",
    )
    gold = read(tmp_path, "id,topic\ni-0,'=sum\ni-1,=sum\ni-2,'-\n", load_codebook(path))
    assert gold.categories["topic"].tolist()[:4] == [0, 0, 1, -1]


@settings(max_examples=60)
@given(
    known=st.dictionaries(
        st.sampled_from((*IDS, "x-1", "x-2", "I-1", "i-01")),
        st.sampled_from((*TOPICS, "", "  ", " food")),
        min_size=1,
    ),
    shift=st.integers(0, 30),
)
def test_whatever_the_rows_each_item_gets_its_own_gold_label(
    codebook: Codebook, known: dict[str, str], shift: int
) -> None:
    rows = list(known.items())
    turned = rows[shift % len(rows) :] + rows[: shift % len(rows)]
    with tempfile.TemporaryDirectory() as folder:
        path = write_rows(Path(folder) / "known.csv", [("id", "topic"), *turned])
        wanted = [
            TOPICS.index(known[one].strip()) if known.get(one, "").strip() else -1 for one in IDS
        ]
        if max(wanted) < 0:
            with pytest.raises(TableError):
                read_gold(path, codebook=codebook, item_ids=IDS, id_column=None)
            return
        gold = read_gold(path, codebook=codebook, item_ids=IDS, id_column=None)
    assert gold.categories["topic"].tolist() == wanted
    assert gold.items_not_in_study == len(set(known) - set(IDS))


def test_gold_without_a_known_id_column_names_the_option_to_type(
    tmp_path: Path, codebook: Codebook
) -> None:
    table = "review_id,topic\ni-1,food\ni-2,staff\n"
    with pytest.raises(TableError) as refused:
        read(tmp_path, table, codebook)
    assert "`--id-column review_id`" in refused.value.hint
    assert read(tmp_path, table, codebook, id_column="review_id").items_not_in_study == 0


def test_gold_labels_of_shots_are_left_out_and_counted_apart(
    tmp_path: Path, codebook: Codebook
) -> None:
    text = "id,topic\ni-1,food\ns-1,food\ns-2,staff\nelsewhere,food\n"
    gold = read(tmp_path, text, codebook, shots={"s-1", "s-2"})
    assert (gold.shots, gold.items_not_in_study) == (2, 1)
    assert any("2 items" in message and "shots" in message for message in gold.messages)
    assert int((gold.categories["topic"] >= 0).sum()) == 1


def test_gold_labels_some_of_which_became_shots_are_no_random_sample(
    tmp_path: Path, codebook: Codebook
) -> None:
    text = "id,topic\ni-1,food\ns-1,food\n"
    with pytest.raises(TableError, match="1 of its items are shots"):
        read(tmp_path, text, codebook, shots={"s-1"}, random_sample=True)
    read(tmp_path, text, codebook, shots={"s-9"}, random_sample=True)


def test_a_table_of_shots_alone_is_not_about_the_study(tmp_path: Path, codebook: Codebook) -> None:
    with pytest.raises(TableError, match="none of its 1 ids"):
        read(tmp_path, "id,topic\ns-1,food\n", codebook, shots={"s-1"})
