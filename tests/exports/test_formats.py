"""Every format writes both tables of a study; CSV writes them as text for spreadsheets."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.core.errors import InputError
from localensemble.exports.columns import check_columns
from localensemble.exports.csv_tables import write_escalations, write_labels
from localensemble.exports.formats import FORMATS
from localensemble.exports.rows import DecidedStudy, queue_rows, study_rows
from localensemble.tables.item_file import ItemFile
from tests.exports.conftest import ITEMS, LONG_ITEM
from tests.studies import StudyFiles, read_table


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
        assert cell["topic.support"] == ("" if topic.support is None else f"{topic.support:.6g}")
        assert cell["topic.reason_codes"] == " ".join(topic.reason_codes)
        assert cell["topic.rater.first"] in {topic.raters[0].word, "'" + topic.raters[0].word}
    failed = cells[LONG_ITEM]
    assert failed["topic.rater.second"] == "<failed>"
    assert failed["topic.rater_reasons"].startswith("first: too_long")


def test_the_queue_is_written_in_its_order(decided: DecidedStudy, tmp_path: Path) -> None:
    path = tmp_path / "escalations.csv"
    write_escalations(decided, path=path)
    assert [(cell["id"], cell["variable"], cell["doubt"]) for cell in read_table(path)] == [
        (str(row.item.id), row.decision.variable, f"{row.decision.doubt:.6g}")
        for row in queue_rows(decided, folder=tmp_path)
    ]


@pytest.mark.parametrize("taken", ["topic.label", "topic.rater.first", "rater.first", "doubt"])
def test_an_input_that_has_a_column_of_ours_is_refused(files: StudyFiles, taken: str) -> None:
    table = files.folder / "taken.csv"
    table.write_text(f"id,text,{taken}\n1,fine,x\n", encoding="utf-8")
    items = ItemFile.open(table, id_column="id", text_column="text")
    with pytest.raises(InputError, match=f'"{taken}"'):
        check_columns(items, variables=["topic"], raters=["first"])
