"""The rows of a study are typed, complete and in a fixed order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from localensemble.core.items import Item
from localensemble.core.labels import ItemId, LabelStatus
from localensemble.exports import rows as rows_module
from localensemble.exports.rows import (
    DecidedStudy,
    QueueRow,
    RaterLabel,
    queue_order,
    queue_rows,
    study_rows,
    variable_row,
)
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from tests.exports.conftest import ITEMS, LONG_ITEM


def test_every_item_has_a_row_with_its_cells_and_every_variable(decided: DecidedStudy) -> None:
    rows = list(study_rows(decided))
    assert [str(row.item.id) for row in rows] == [f"i-{n}" for n in range(ITEMS)]
    assert [row.cells[2] for row in rows[:4]] == ["ward 0", "ward 1", "ward 2", "ward 0"]
    assert {tuple(one.variable for one in row.variables) for row in rows} == {
        ("topic", "urgent", "pain")
    }


def test_the_numbers_are_those_of_the_decisions_and_nan_is_none(decided: DecidedStudy) -> None:
    for item, row in enumerate(study_rows(decided)):
        for one, held in zip(row.variables, decided.decisions, strict=True):
            assert one.doubt == held.doubt[item]
            for value, array in (
                (one.support, held.support),
                (one.mean_probability, held.mean_probability),
                (one.margin, held.margin),
            ):
                assert value == (None if np.isnan(array[item]) else array[item])
                assert value is None or type(value) is float


def test_a_label_is_final_only_where_it_is_accepted(decided: DecidedStudy) -> None:
    found = [one for row in study_rows(decided) for one in row.variables]
    assert {one.status for one in found} == {"accepted", "escalated"}
    for one in found:
        if one.status == "accepted":
            assert one.label == one.leading_category is not None
            assert one.reasons == one.reason_codes == ()
        else:
            assert one.label is None
            assert one.reasons
            assert one.reason_codes


def test_a_failed_label_has_a_status_and_a_reason_and_no_category(decided: DecidedStudy) -> None:
    row = list(study_rows(decided))[LONG_ITEM]
    for one in row.variables:
        assert one.leading_category is None
        assert one.support is None
        assert one.off_codebook_mass is None
        for given in one.raters:
            assert (given.status, given.category, given.probability) == (
                LabelStatus.FAILED,
                None,
                None,
            )
            assert (given.reason or "").startswith("too_long")
            assert given.word == "<failed>"


def test_the_largest_off_codebook_mass_of_the_raters_is_that_of_the_item(
    decided: DecidedStudy,
) -> None:
    for row in study_rows(decided):
        for one in row.variables:
            masses = [r.off_codebook_mass for r in one.raters if r.off_codebook_mass is not None]
            assert one.off_codebook_mass == max(masses, default=None)


def test_a_label_that_nobody_gave_is_missing_and_has_no_reason(rated: Study) -> None:
    items = items_of(rated, None, id_column=None, text_column=None)
    rows = list(study_rows(DecidedStudy.of(rated, items=items, decisions=rated.decide())))
    assert rows[0].variables[0].raters == (
        RaterLabel("ann", LabelStatus.ASSIGNED, "low", None, None, None),
        RaterLabel("bo", LabelStatus.ASSIGNED, "low", None, None, None),
        RaterLabel("cy", None, None, None, None, None),
    )
    assert [one.word for one in rows[0].variables[0].raters] == ["low", "low", "<missing>"]


def test_the_queue_holds_what_is_escalated_by_item_most_doubtful_first(
    decided: DecidedStudy, tmp_path: Path
) -> None:
    queue = list(queue_rows(decided, folder=tmp_path))
    by_item = [
        (position, list(rows))
        for position, rows in itertools.groupby(queue, key=lambda row: row.item.position)
    ]
    assert len(by_item) == len({position for position, _ in by_item}) < len(queue)
    doubt = [max(row.decision.doubt for row in rows) for _, rows in by_item]
    assert doubt == sorted(doubt, reverse=True)
    names = [one.variable.name for one in decided.decisions]
    for _, rows in by_item:
        open_names = [row.decision.variable for row in rows]
        assert open_names == sorted(open_names, key=names.index)
    escalated = {
        (str(row.item.id), one)
        for row in study_rows(decided)
        for one in row.variables
        if one.status == "escalated"
    }
    assert len(queue) == len(escalated) > 10
    assert {(str(row.item.id), row.decision) for row in queue} == escalated
    assert list(tmp_path.iterdir()) == []


def test_equal_doubt_keeps_the_order_of_the_items(decided: DecidedStudy) -> None:
    order = queue_order(
        [replace(one, doubt=np.zeros(ITEMS)) for one in decided.decisions[:2]],
        [replace(one, open=np.ones(ITEMS, dtype=np.bool_)) for one in decided.finals[:2]],
    )
    expected = [(item, place) for item in range(ITEMS) for place in range(2)]
    assert list(zip(order.items, order.variables, strict=True)) == expected


def test_blocks_make_the_rows_of_the_whole(
    decided: DecidedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(study_rows(decided))
    queue = list(queue_rows(decided, folder=tmp_path))
    monkeypatch.setattr(rows_module, "BLOCK_ITEMS", 16)
    assert list(study_rows(decided)) == whole
    in_blocks = list(queue_rows(decided, folder=tmp_path))
    assert [row.decision.doubt for row in in_blocks] == [row.decision.doubt for row in queue]
    assert variable_row(decided, 1, item=20) == whole[20].variables[1]


def test_no_row_shows_text_of_an_item_when_printed(decided: DecidedStudy) -> None:
    assert "cold soup" not in repr(next(study_rows(decided)))


def test_a_row_of_the_queue_is_kept_to_the_last_character_and_digit(decided: DecidedStudy) -> None:
    row = next(study_rows(decided))
    item = Item(ItemId("a\nb"), "half \ud83d of a pair, 😀", 7)
    cells = ("\ud83d\ude00", 'quote " and \n line', "\x00", "")
    decision = replace(row.variables[0], doubt=-np.inf, support=0.1 + 0.2)
    queued = QueueRow(item, cells, decision)
    line = rows_module._kept(queued)
    assert line.count(b"\n") == 1
    assert rows_module._read_kept(line) == queued
