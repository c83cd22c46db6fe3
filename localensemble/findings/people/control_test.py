"""Whether a reviewer's answers to control items show that the reviewer reads the items.

Two questions, kept apart. How much of the reviewer's work looks attentive? That is an estimate. Are
the answers good enough? That is an exact test, which a reviewer with an unacceptable accuracy
passes with at most a stated probability. With few control items, nobody can pass.
Source: Liu et al. (2025), arXiv 2505.19134, for the model of attention; the test is the exact
binomial test.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.core.words import counted

UNACCEPTABLE_ACCURACY = 0.8
ALPHA = 0.05

ControlOutcome = Literal["passed", "failed", "too few"]


@dataclass(frozen=True, slots=True)
class ControlTest:
    """The answers of one reviewer to control items of one variable.

    Attributes:
        reviewer: the reviewer.
        items: number of control items that were answered with a category, n.
        correct: how many of these answers are the known category, k.
        without_category: number of control items answered with "cannot decide" or "codebook
            unclear"; they count neither as correct nor as wrong.
        attention: estimated share of the answers given with attention, 0 to 1; the others count
            as guesses. None if no control item was answered, or guessing is as good as knowing.
        interval_low: lower end of the exact 95% interval of the share of correct answers.
        interval_high: upper end; both are None without an answer.
        pass_mark: fewest correct answers to pass; None if even no mistake would not pass.
        outcome: ``too few`` where ``pass_mark`` is None.
    """

    reviewer: str
    items: int
    correct: int
    without_category: int
    attention: float | None
    interval_low: float | None
    interval_high: float | None
    pass_mark: int | None
    outcome: ControlOutcome

    def sentence(self) -> str:
        """Return in words how the reviewer answered the control items."""
        items = counted(self.items, "control item")
        found = f"{self.reviewer} answered {self.correct} of {items} right"
        if self.outcome == "too few":
            return (
                f"{found}; too few to tell. At least {fewest_items()} are needed to show more than "
                f"{UNACCEPTABLE_ACCURACY:.0%}."
            )
        return f"{found} and {self.outcome} (pass mark {self.pass_mark})."


@dataclass(frozen=True, slots=True)
class ControlDesign:
    """How many control items a test needs.

    Attributes:
        items: number of control items, n.
        pass_mark: fewest correct answers to pass.
        size: probability that a reviewer with the unacceptable accuracy passes.
        power: probability that a reviewer with the good accuracy passes.
    """

    items: int
    pass_mark: int
    size: float
    power: float


def control_test(
    reviewer: str, *, items: int, correct: int, without_category: int = 0, guess_rate: float
) -> ControlTest:
    """Test the answers of a reviewer to control items.

    Args:
        reviewer: the reviewer.
        items: number of control items answered with a category.
        correct: how many of these answers are right.
        without_category: number of control items answered without one.
        guess_rate: share of right answers that somebody who guesses would give.
    """
    mark = pass_mark(items)
    interval = exact_interval(correct, items=items) if items else None
    outcome: ControlOutcome = "too few"
    if mark is not None:
        outcome = "passed" if correct >= mark else "failed"
    return ControlTest(
        reviewer,
        items,
        correct,
        without_category,
        attention(correct, items=items, guess_rate=guess_rate),
        None if interval is None else interval.low,
        None if interval is None else interval.high,
        mark,
        outcome,
    )


def attention(
    correct: int, *, items: int, guess_rate: float, certainty: float = 1.0
) -> float | None:
    """Estimate the share of answers given with attention, by maximum likelihood.

    An attentive answer is right with probability ``certainty``, a guess with ``guess_rate``.

    Undefined when: no item was answered, or the two rates do not differ in the right direction.
    """
    if not items or certainty <= guess_rate:
        return None
    estimate = (correct / items - guess_rate) / (certainty - guess_rate)
    return min(max(estimate, 0.0), 1.0)


def pass_mark(
    items: int, *, unacceptable: float = UNACCEPTABLE_ACCURACY, alpha: float = ALPHA
) -> int | None:
    """Return the fewest correct answers that show an accuracy above the unacceptable one.

    Whoever has the unacceptable accuracy reaches the mark with probability at most alpha. Return
    None if that is impossible, because there are too few items.
    """
    from scipy.special import bdtrc

    marks = np.arange(items + 1)
    # P(Bin >= k) is P(Bin > k - 1); for k = 0 it is 1.
    chances = np.where(marks == 0, 1.0, bdtrc(np.maximum(marks - 1, 0), items, unacceptable))
    reached = np.flatnonzero(chances <= alpha)
    return int(reached[0]) if len(reached) else None


def fewest_items() -> int:
    """Return the fewest control items with which a reviewer can pass."""
    return next(items for items in itertools.count(1) if pass_mark(items) is not None)


def control_design(
    *, unacceptable: float, good: float, alpha: float = ALPHA, power: float = 0.8
) -> ControlDesign:
    """Find the fewest control items with which a good reviewer passes with enough probability.

    Args:
        unacceptable: an accuracy that should not pass.
        good: an accuracy that should pass; higher.
        alpha: highest probability with which the unacceptable accuracy may pass.
        power: lowest probability with which the good accuracy must pass; below 1.

    Raises:
        ValueError: the accuracies are not in order, or a probability is not between 0 and 1.
    """
    from scipy.special import bdtrc

    if not (0 < unacceptable < good <= 1 and 0 < alpha < 1 and 0 < power < 1):
        raise ValueError(f"No design for {unacceptable}, {good}, alpha {alpha}, power {power}.")
    items = 0
    while True:
        items += 1
        mark = pass_mark(items, unacceptable=unacceptable, alpha=alpha)
        if mark is None:
            continue
        size, reached = (float(bdtrc(mark - 1, items, one)) for one in (unacceptable, good))
        if reached >= power:
            return ControlDesign(items, mark, size, reached)


def rate_of_guessing(known: tuple[int, ...]) -> float:
    """Return the share of right answers that the best guess without reading would give.

    Args:
        known: number of control items of each category. Somebody who always answers the most
            frequent one is right that often, and at least one time in as many as there are
            categories.
    """
    total = sum(known)
    return max(1 / len(known), max(known) / total if total else 0.0)
