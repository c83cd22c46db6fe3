"""A label is equal to the last digit, within a tolerance, or different."""

from __future__ import annotations

import math

import pytest

from localensemble.api.replay.compared_labels import Replay, ReplayedRater, Tally
from localensemble.core.labels import Label, LabelStatus

ANSWERS = ("a", "b")
STORED = Label(LabelStatus.ASSIGNED, 0, (0.75, 0.25), 0.125)
FAILED = Label(LabelStatus.FAILED, reason="too_long: 9 of 8 tokens")


def compared(recorded: Label, again: Label) -> tuple[int, int, list[tuple[str, str, float]]]:
    tally = Tally(0.01)
    tally.add("i-1", "topic", ANSWERS, recorded=recorded, again=again)
    different = [(one.recorded, one.again, one.difference) for one in tally.different]
    return tally.equal, tally.within_tolerance, different


@pytest.mark.parametrize("label", [STORED, FAILED, Label(LabelStatus.ASSIGNED, 1)])
def test_the_same_label_is_equal(label: Label) -> None:
    assert compared(label, label) == (1, 0, [])


def test_a_last_digit_is_within_the_tolerance() -> None:
    near = Label(LabelStatus.ASSIGNED, 0, (math.nextafter(0.75, 1), 0.25), 0.125)
    assert compared(STORED, near) == (0, 1, [])


@pytest.mark.parametrize(
    ("again", "word"),
    [
        (Label(LabelStatus.ASSIGNED, 0, (0.7, 0.3), 0.125), "a"),
        (Label(LabelStatus.ASSIGNED, 0, (0.75, 0.25), 0.25), "a"),
        (Label(LabelStatus.ASSIGNED, 0, (0.75, 0.25)), "a"),
        (Label(LabelStatus.ASSIGNED, 0), "a"),
        (Label(LabelStatus.ASSIGNED, 1, (0.75, 0.25), 0.125), "b"),
        (FAILED, "failed"),
    ],
)
def test_more_than_the_tolerance_or_another_category_is_different(again: Label, word: str) -> None:
    equal, within, ((recorded, now, difference),) = compared(STORED, again)
    assert (equal, within, recorded, now) == (0, 0, "a", word)
    assert difference >= 0


def test_another_reason_of_a_failure_is_different() -> None:
    other = Label(LabelStatus.FAILED, reason="too_long: 7 of 6 tokens")
    assert len(compared(FAILED, other)[2]) == 1


def test_the_verdict_is_that_of_the_worst_rater() -> None:
    raters = [ReplayedRater(str(n), 1, n, (), 0.0, ()) for n in range(2)]
    assert Replay(1, 1, 0.01, tuple(raters[:1])).verdict == "equal"
    assert Replay(1, 1, 0.01, tuple(raters)).verdict == "within tolerance"
