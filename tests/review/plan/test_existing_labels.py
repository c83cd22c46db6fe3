from __future__ import annotations

import numpy as np
import pytest

from localensemble.review.plan.existing_labels import existing_queue
from localensemble.review.plan.review_plan import ReviewPlan

IDS = [f"note-{i}" for i in range(40)]


def column(*categories: int) -> np.ndarray:
    return np.array(categories, np.int16).reshape(-1, 1)


def test_the_queue_holds_exactly_the_items_on_which_both_sides_differ() -> None:
    existing = column(*[0] * 40)
    final = column(*[1] * 8, *[0] * 30, -1, 0)
    existing[39] = -1

    queue = existing_queue(existing, final, item_ids=IDS, plan=ReviewPlan())

    assert sorted(queue.positions.tolist()) == list(range(8))
    assert not queue.audited.any()


def test_the_queue_is_shuffled_in_the_same_way_each_time() -> None:
    existing, final = column(*[0] * 40), column(*[1] * 40)
    order = existing_queue(existing, final, item_ids=IDS, plan=ReviewPlan()).positions

    assert order.tolist() != list(range(40))
    again = existing_queue(existing[::-1], final[::-1], item_ids=IDS[::-1], plan=ReviewPlan())
    assert [IDS[::-1][i] for i in again.positions] == [IDS[i] for i in order]
    other = existing_queue(existing, final, item_ids=IDS, plan=ReviewPlan(seed=1)).positions
    assert other.tolist() != order.tolist()


@pytest.mark.parametrize(("share", "size"), [(0.0, 0), (0.1, 3), (0.11, 4), (1.0, 30)])
def test_the_audit_draws_a_share_of_the_agreements_and_mixes_them_in(
    share: float, size: int
) -> None:
    existing, final = column(*[0] * 40), column(*[1] * 10, *[0] * 30)

    queue = existing_queue(existing, final, item_ids=IDS, plan=ReviewPlan(audit_share=share))

    assert queue.audited.sum() == size
    assert not (queue.audited & queue.differs).any()
    assert len(queue.positions) == 10 + size
    assert queue.asked.sum() == 10 + size


def test_audited_agreements_do_not_stand_together() -> None:
    existing, final = column(*[0] * 40), column(*[1] * 20, *[0] * 20)
    queue = existing_queue(existing, final, item_ids=IDS, plan=ReviewPlan(audit_share=0.5))

    is_audit = queue.audited[queue.positions, 0]

    assert 3 < np.count_nonzero(np.diff(is_audit)) < 29


def test_each_variable_is_compared_by_itself() -> None:
    existing = np.array([[0, 1], [0, 0]], np.int16)
    final = np.array([[0, 0], [0, 0]], np.int16)

    queue = existing_queue(existing, final, item_ids=IDS[:2], plan=ReviewPlan())

    assert queue.asked.tolist() == [[False, True], [False, False]]
