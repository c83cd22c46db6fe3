from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from localensemble.review.plan.reading_list import ReadingList, with_control_items
from localensemble.review.plan.review_plan import ReviewPlan

QUEUED, CONTROL = 60, 20
IDS = [f"note-{i}" for i in range(QUEUED + CONTROL)]


def reading_list(
    *,
    queue: list[int] | None = None,
    seen: set[int] | frozenset[int] = frozenset(),
    reviewer: str = "Anne",
    read: int = 0,
    share: float = 0.2,
    known: np.ndarray | None = None,
) -> ReadingList:
    """Mix the last 20 items, whose categories are known, into the first 60."""
    asked = np.zeros((len(IDS), 1), np.bool_)
    asked[:QUEUED] = True
    everywhere = np.ones((len(IDS), 1), np.bool_)
    seen_mask = np.zeros(len(IDS), np.bool_)
    seen_mask[list(seen)] = True
    return with_control_items(
        np.array(range(QUEUED) if queue is None else queue, np.int64),
        asked=asked,
        known=everywhere if known is None else known,
        seen=seen_mask,
        item_ids=IDS,
        reviewer=reviewer,
        read=read,
        plan=ReviewPlan(control_share=share, seed=3),
    )


def test_control_items_come_in_the_stated_share_and_queued_items_keep_their_order() -> None:
    mixed = reading_list()

    assert mixed.positions[~mixed.control].tolist() == list(range(QUEUED))
    assert 5 <= mixed.control.sum() <= CONTROL
    assert (mixed.positions[mixed.control] >= QUEUED).all()


def test_control_items_stand_at_random_places_that_differ_between_reviewers() -> None:
    anne, ben = reading_list(), reading_list(reviewer="Ben")
    gaps = np.diff(np.flatnonzero(anne.control))

    assert len(set(gaps.tolist())) > 2
    assert np.flatnonzero(anne.control).tolist() != np.flatnonzero(ben.control).tolist()
    assert anne.positions[anne.control].tolist() != ben.positions[ben.control].tolist()


def test_no_control_item_comes_twice_to_the_same_person() -> None:
    every = reading_list(share=0.5).positions[reading_list(share=0.5).control]
    without = reading_list(share=0.5, seen={70, 75})

    assert len(set(every.tolist())) == len(every) == CONTROL
    assert not {70, 75} & set(without.positions.tolist())


@pytest.mark.parametrize("answered", [1, 7, 25])
def test_the_list_continues_in_the_same_way_after_answers_and_a_restart(answered: int) -> None:
    whole = reading_list()
    done = set(whole.positions[:answered].tolist())
    left = [position for position in range(QUEUED) if position not in done]

    continued = reading_list(queue=left, seen=done, read=answered)

    assert continued.positions.tolist() == whole.positions[answered:].tolist()
    assert continued.shapes.tolist() == whole.shapes[answered:].tolist()


def test_the_beginning_of_the_queue_gives_the_beginning_of_the_list() -> None:
    start = reading_list(queue=list(range(10)))

    assert start.positions.tolist() == reading_list().positions[: len(start.positions)].tolist()


def test_a_list_never_ends_with_control_items_alone() -> None:
    mixed = reading_list(queue=[3], share=1.0)

    assert mixed.positions[-1] == 3
    assert reading_list(queue=[], share=1.0).positions.tolist() == []


def test_without_control_items_the_list_is_the_queue() -> None:
    nothing_known = np.zeros((len(IDS), 1), np.bool_)

    assert not reading_list(share=0.0).control.any()
    assert not reading_list(known=nothing_known).control.any()


def test_a_queued_item_whose_category_is_known_is_not_a_control_item_as_well() -> None:
    mixed = reading_list(share=0.9)

    assert np.unique(mixed.positions).size == mixed.positions.size


def test_a_control_item_asks_exactly_what_the_queued_item_behind_it_asks() -> None:
    asked = np.array([[True, False], [False, True], [True, True]] + [[False, False]] * 3)
    known = np.array([[False, False]] * 3 + [[True, False], [False, True], [True, True]])

    mixed = with_control_items(
        np.array([0, 1, 2]),
        asked=asked,
        known=known,
        seen=np.zeros(6, np.bool_),
        item_ids=IDS[:6],
        reviewer="Anne",
        read=0,
        plan=ReviewPlan(control_share=1.0),
    )

    assert mixed.control.sum() == 3
    for position, shape in zip(mixed.positions, mixed.shapes, strict=True):
        assert (asked[shape] <= (known[position] | asked[position])).all()


def test_nothing_that_can_be_exported_tells_a_control_item_from_another() -> None:
    """Build each item's row as a worksheet does: id, variables, doubt; compare the kinds."""
    mixed = reading_list(share=0.5)
    doubt = np.where(np.arange(len(IDS)) < QUEUED, 0.7, np.nan)
    rows = [
        {
            "id": IDS[position],
            "open_variables": "tone",
            "doubt": float(doubt[shape]),
        }
        for position, shape in zip(mixed.positions, mixed.shapes, strict=True)
    ]
    kinds = {
        bool(is_control): {(tuple(row), row["open_variables"], row["doubt"])}
        for row, is_control in zip(rows, mixed.control, strict=True)
    }

    assert kinds[True] == kinds[False]
    assert [field.name for field in fields(ReadingList)] == ["positions", "shapes"]
