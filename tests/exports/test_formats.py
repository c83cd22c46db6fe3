"""Every format writes both tables of a study; CSV writes them as text for spreadsheets."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from localensemble.api.label import LabelOptions, label
from localensemble.codebook.load import load_codebook
from localensemble.core.errors import InputError
from localensemble.exports.columns import check_columns
from localensemble.exports.csv_tables import write_escalations, write_labels
from localensemble.exports.formats import FORMATS
from localensemble.exports.rows import DecidedStudy, queue_rows, study_rows
from localensemble.tables.decimal_marks import number_text
from localensemble.tables.item_file import ItemFile
from tests.exports.conftest import ITEMS, LONG_ITEM
from tests.studies import SCRIPTED, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels two studies


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_both_tables_readable_by_their_owner_alone(
    name: str, decided: DecidedStudy, tmp_path: Path
) -> None:
    for write in (FORMATS[name].write_labels, FORMATS[name].write_escalations):
        path = tmp_path / f"{write.__name__}.{name}"
        write(decided, path=path)
        assert path.stat().st_size > 0
        assert path.stat().st_mode & 0o077 == 0


def test_the_tables_are_the_same_whoever_writes_them(
    files: StudyFiles, decided: DecidedStudy, tmp_path: Path
) -> None:
    write_labels(decided, path=tmp_path / "labels.csv")
    write_escalations(decided, path=tmp_path / "escalations.csv")
    for name in ("labels.csv", "escalations.csv"):
        assert (tmp_path / name).read_bytes() == (files.study / name).read_bytes()


def test_cells_are_the_text_of_the_typed_row(decided: DecidedStudy, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    write_labels(decided, path=path)
    cells = read_table(path)
    assert len(cells) == ITEMS
    for row, cell in zip(study_rows(decided), cells, strict=True):
        topic = row.variables[0]
        assert cell["text"] == row.item.text
        assert cell["topic.label"] == {None: "", "=food": "'=food"}.get(topic.label, topic.label)
        assert cell["topic.support"] == number_text(topic.support, mark=".")
        assert cell["topic.reason_codes"] == " ".join(topic.reason_codes)
        assert cell["topic.rater.first"] in {topic.raters[0].word, "'" + topic.raters[0].word}
    failed = cells[LONG_ITEM]
    assert failed["topic.rater.second"] == "<failed>"
    assert failed["topic.rater_reasons"].startswith("first: too_long")


def test_the_queue_is_written_in_its_order(decided: DecidedStudy, tmp_path: Path) -> None:
    path = tmp_path / "escalations.csv"
    write_escalations(decided, path=path)
    assert [(cell["id"], cell["variable"], cell["doubt"]) for cell in read_table(path)] == [
        (str(row.item.id), row.decision.variable, number_text(row.decision.doubt, mark="."))
        for row in queue_rows(decided, folder=tmp_path)
    ]


def test_added_numbers_have_the_decimal_mark_and_the_format_of_the_table(
    files: StudyFiles, decided: DecidedStudy, tmp_path: Path
) -> None:
    table = tmp_path / "german.csv"
    with files.items.open(encoding="utf-8", newline="") as stream:
        rows = [*csv.reader(stream)]
    with table.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows(
            [*cells, "dose" if n == 0 else "0,5"] for n, cells in enumerate(rows)
        )
    german = replace(decided, items=ItemFile.open(table, id_column="id", text_column="text"))
    for name, write in (("labels", write_labels), ("escalations", write_escalations)):
        path = tmp_path / f"{name}.csv"
        write(german, path=path)
        content = path.read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")
        assert b"\r\n" in content
        with path.open(encoding="utf-8-sig", newline="") as stream:
            found = [*csv.DictReader(stream, delimiter=";")]
        with (files.study / path.name).open(encoding="utf-8", newline="") as stream:
            plain = [*csv.DictReader(stream)]
        for cells, expected in zip(found, plain, strict=True):
            assert cells.pop("dose") == "0,5"
            assert [
                cell.replace(",", ".") if is_number(column) else cell
                for column, cell in cells.items()
            ] == [*expected.values()]
            assert "." not in "".join(cells[column] for column in cells if is_number(column))


def is_number(column: str) -> bool:
    """Tell whether a column of a written table has numbers of the program."""
    return column.rpartition(".")[2] in {
        "doubt", "support", "mean_probability", "off_codebook_mass"
    }  # fmt: skip


@pytest.mark.parametrize("taken", ["topic.label", "topic.rater.first", "rater.first", "doubt"])
def test_an_input_that_has_a_column_of_ours_is_refused(files: StudyFiles, taken: str) -> None:
    table = files.folder / "taken.csv"
    table.write_text(f"id,text,{taken}\n1,fine,x\n", encoding="utf-8")
    items = ItemFile.open(table, id_column="id", text_column="text")
    variables = load_codebook(files.codebook).variables
    with pytest.raises(InputError, match=f'"{taken}"'):
        check_columns(items, variables=variables, raters=["first"])


MULTI_LABEL = """\
name: complaints
version: "1"
description: Complaints of patients.
variables:
  - name: urgent
    level: binary
    question: Does somebody have to act today?
    categories:
      - {name: "yes", definition: Somebody has to act today.}
      - {name: "no", definition: It can wait.}
  - name: problems
    level: multi_label
    question: "Does the text complain of {category}?"
    categories:
      - {name: pain, definition: Pain of any kind.}
      - {name: bad sleep, definition: Too little sleep.}
      - {name: food, definition: Meals and drinks.}
"""


def test_a_multi_label_variable_has_one_column_with_the_list_of_its_categories(
    tmp_path: Path,
) -> None:
    rules = "escalation:\n  - {policy: random_audit, share: 0.2, seed: 1}\n"
    texts = [f"comment {n}" for n in range(60)]
    files = study_files(tmp_path, texts, codebook=MULTI_LABEL, ensemble=SCRIPTED + rules)
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    kinds = set()
    for row in read_table(files.study / "labels.csv"):
        columns = [*row]
        assert columns.index("problems.labels") + 1 == columns.index("problems.pain.label")
        assert [name for name in columns if name.endswith(".labels")] == ["problems.labels"]
        labels = {name: row[f"problems.{name}.label"] for name in ("pain", "bad_sleep", "food")}
        applied = "; ".join(name for name, label in labels.items() if label == "yes") or "<none>"
        assert row["problems.labels"] == (applied if all(labels.values()) else "")
        kinds.add(row["problems.labels"])
    assert {"", "pain; food"} <= kinds
    assert "<none>" in kinds


def test_an_input_that_has_the_list_of_a_multi_label_variable_is_refused(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["comment"], codebook=MULTI_LABEL)
    files.items.write_text("id,text,problems.labels\n1,fine,x\n", encoding="utf-8")
    items = ItemFile.open(files.items, id_column="id", text_column="text")
    with pytest.raises(InputError, match=r'"problems\.labels"'):
        check_columns(items, variables=load_codebook(files.codebook).variables, raters=["first"])
