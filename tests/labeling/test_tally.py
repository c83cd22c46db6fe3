"""How far a rater has come."""

from __future__ import annotations

from localensemble.core.labels import Label, LabelStatus, RaterName
from localensemble.labeling.scoring import LabeledCells
from localensemble.labeling.tally import Progress, Tally


def test_a_rater_that_was_asked_half_an_item_is_done_in_the_end() -> None:
    reported: list[Progress] = []
    tally = Tally(RaterName("one"), 3, 2, 3, reported.append)
    label = Label(LabelStatus.ASSIGNED, category=0)
    tally.report()
    tally.add(LabeledCells(0, 2, {"topic": {0: label}, "urgent": {0: label, 1: label}}))
    tally.report()
    assert (reported[0].items_done, reported[0].items_total) == (0, 2)
    assert (reported[-1].items_done, reported[-1].items_total) == (2, 2)
