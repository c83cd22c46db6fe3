"""Shots: chosen by category and seed, part of a rater, and never among the items."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Codebook
from localensemble.core.errors import InputError, TableError
from localensemble.labeling.examples.shots import NO_SHOTS, StatedShots, load_shots
from localensemble.prompting.template import PromptTemplate, load_template
from localensemble.tables.item_file import ItemFile
from tests.studies import StudyFiles, study_files

Row = tuple[str, str, str, str]
ROWS: list[Row] = [
    (f"g-{n}", f"gold text {n}", ("staff", "food", "other")[n % 3], ("yes", "no")[n % 2])
    for n in range(30)
]


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    return study_files(tmp_path, ["one", "two", "three"])


@pytest.fixture
def codebook(files: StudyFiles) -> Codebook:
    return load_codebook(files.codebook)


def gold(folder: Path, rows: Sequence[Row] = ROWS, name: str = "gold.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "text", "gold_topic", "gold_urgent"))
        writer.writerows(rows)
    return path


def test_every_category_of_every_variable_gets_the_same_number(
    tmp_path: Path, codebook: Codebook
) -> None:
    shots = load_shots(StatedShots(gold(tmp_path), 2, 0), codebook)
    topics = [one.category for one in shots.examples["topic"]]
    assert topics == ["staff", "food", "other"] * 2
    assert Counter(one.category for one in shots.examples["urgent"]) == {"yes": 2, "no": 2}
    by_text = {row[1]: row for row in ROWS}
    for place, name in ((2, "topic"), (3, "urgent")):
        assert all(by_text[one.text][place] == one.category for one in shots.examples[name])
    assert len(shots.messages) == 1


def test_the_seed_chooses_and_the_order_of_the_rows_does_not(
    tmp_path: Path, codebook: Codebook
) -> None:
    path = gold(tmp_path)
    other_way = gold(tmp_path, ROWS[::-1], "other.csv")
    first, same, other = (
        load_shots(StatedShots(*stated), codebook)
        for stated in ((path, 1, 7), (other_way, 1, 7), (path, 1, 8))
    )
    assert first.examples == same.examples != other.examples
    assert first.recorded is not None
    assert same.recorded is not None
    assert other.recorded is not None
    assert first.recorded.sha256 == same.recorded.sha256 != other.recorded.sha256
    assert first.recorded.seed == 7
    assert set(first.recorded.ids) <= {row[0] for row in ROWS}


def test_a_category_with_too_few_gold_labels_is_reported(
    tmp_path: Path, codebook: Codebook
) -> None:
    rows = [row for row in ROWS if row[2] != "food"]
    shots = load_shots(StatedShots(gold(tmp_path, rows), 1, 0), codebook)
    assert '"food" of topic' in shots.messages[1]


def test_no_shots_change_nothing(files: StudyFiles, codebook: Codebook) -> None:
    assert load_shots(None, codebook) is NO_SHOTS
    assert NO_SHOTS.shown(codebook) is codebook
    NO_SHOTS.refuse_among(ItemFile.open(files.items))


def test_the_prompt_shows_the_shots_after_the_examples_of_the_codebook(
    tmp_path: Path, codebook: Codebook
) -> None:
    shots = load_shots(StatedShots(gold(tmp_path), 1, 0), codebook)
    shown = shots.shown(codebook).variable("topic")
    prompt = load_template().render(shown, "x", layout="codebook_first")
    for shot in shots.examples["topic"]:
        assert f'- "{shot.text}" is {shot.category}' in prompt.messages[1].text
    assert shown.examples[-3:] == shots.examples["topic"]
    # What the ledger keeps of the codebook has no text of an item.
    assert codebook.variable("topic").examples == ()


@pytest.mark.parametrize("same", ["id", "text", "words"])
def test_a_shot_that_is_among_the_items_is_refused_and_its_row_named(
    same: str, tmp_path: Path, codebook: Codebook
) -> None:
    shots = load_shots(StatedShots(gold(tmp_path), 1, 0), codebook)
    assert shots.recorded is not None
    shot = next(row for row in ROWS if row[0] == shots.recorded.ids[0])
    table = tmp_path / "items.csv"
    copies = {"text": shot[1], "words": f"{shot[1].upper()}. "}
    row = (shot[0], "another text") if same == "id" else ("another-id", copies[same])
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("id", "text"), ("a", "fine"), row, ("b", "good")])
    with pytest.raises(InputError, match=r"1 row \(2\)") as caught:
        shots.refuse_among(ItemFile.open(table))
    assert shot[1] not in str(caught.value)


def test_a_template_that_leaves_out_examples_is_refused(tmp_path: Path, codebook: Codebook) -> None:
    shots = load_shots(StatedShots(gold(tmp_path), 1, 0), codebook)
    shots.refuse_unshown(load_template(), codebook)
    texts = {"system": "s", "codebook_first": "{{ item }}", "item_first": "{{ item }}"}
    with pytest.raises(InputError, match="does not show the shots") as caught:
        shots.refuse_unshown(PromptTemplate("own", version=None, texts=texts), codebook)
    assert "gold text" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "row", "found"),
    [
        ("id,text,label", "1,fine,food", "no column with gold labels"),
        ("id,text,gold_topic", "1,fine,", "no row has a gold label"),
        ("id,text,gold_topic", "1,fine,fod", "row 1"),
    ],
)
def test_a_table_without_usable_gold_labels_is_refused(
    header: str, row: str, found: str, tmp_path: Path, codebook: Codebook
) -> None:
    path = tmp_path / "gold.csv"
    path.write_text(f"{header}\n{row}\n2,a second text that is long,\n", encoding="utf-8")
    with pytest.raises((InputError, TableError), match=found):
        load_shots(StatedShots(path, 1, 0), codebook)
