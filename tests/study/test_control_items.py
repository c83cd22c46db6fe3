"""Control items are read by id, kept by name, and aligned with the items of a study."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Codebook
from localensemble.core.errors import TableError
from localensemble.study.control_items import ControlItems, control_categories, read_control_items
from localensemble.study.study import Study
from tests.studies import CODEBOOK
from tests.study.conftest import ITEMS

IDS = frozenset(f"i-{n}" for n in range(20))


@pytest.fixture
def codebook(tmp_path: Path) -> Codebook:
    path = tmp_path / "codebook.yaml"
    path.write_text(CODEBOOK, encoding="utf-8")
    return load_codebook(path)


def read(
    folder: Path, text: str, codebook: Codebook, *, id_column: str | None = None
) -> ControlItems:
    path = folder / "known.csv"
    path.write_text(text, encoding="utf-8")
    return read_control_items(path, codebook=codebook, item_ids=IDS, id_column=id_column)


def test_control_labels_are_kept_by_variable_item_and_category(
    tmp_path: Path, codebook: Codebook
) -> None:
    text = "id,gold_topic,urgent\ni-1,staff,\ni-2,,no\ni-3,food,yes\n"
    assert read(tmp_path, text, codebook) == ControlItems(
        {"topic": {"i-1": "staff", "i-3": "food"}, "urgent": {"i-2": "no", "i-3": "yes"}}, ()
    )


def test_rows_of_no_item_are_left_out_and_named(tmp_path: Path, codebook: Codebook) -> None:
    found = read(tmp_path, "who,topic\nx-1,staff\ni-2,food\nx-3,\n", codebook, id_column="who")
    assert found.labels == {"topic": {"i-2": "food"}}
    assert "(1, 3)" in found.messages[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("id,gold_topic\ni-1,stuff\n", 'row 1, column "gold_topic"'),
        ("id,gold_topic\nx-1,stuff\ni-1,staff\n", 'row 1, column "gold_topic"'),
        ("id,gold_topic,gold_urgent\ni-1,,\ni-2,,\n", '"gold_topic", "gold_urgent"'),
        ("id,gold_topic\nx-1,staff\nx-2,food\n", "2"),
        ("who,gold_topic\ni-1,staff\n", "column"),
        ("id,topics\ni-1,staff\n", "gold_topic, gold_urgent"),
    ],
    ids=["no category", "of no item", "blank", "other ids", "no ids", "no column"],
)
def test_control_labels_that_say_nothing_are_refused(
    tmp_path: Path, codebook: Codebook, text: str, found: str
) -> None:
    with pytest.raises(TableError, match=found) as refused:
        read(tmp_path, text, codebook)
    assert refused.value.exit_code == 2
    assert "stuff" not in str(refused.value)


def test_control_labels_stand_where_their_item_stands(of_models: Path) -> None:
    with Study.open(of_models) as study:
        control = {"topic": {"i-4": "other", "i-0": "food", "not labeled": "staff"}}
        found = control_categories(control, codebook=study.codebook, labels=study.recorded)
    assert list(found) == ["topic", "urgent"]
    assert found["topic"].tolist() == [1, -1, -1, -1, 2, *[-1] * (ITEMS - 5)]
    assert found["urgent"].tolist() == [-1] * ITEMS
