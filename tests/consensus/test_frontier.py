"""The cost frontier and what a budget covers."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.consensus.certificates.frontier import (
    cost_frontier,
    expected_errors_covered,
    total_cost,
)


def test_the_worked_cost() -> None:
    cost = total_cost(item_count=100, reviewed=40, model_cost=0.01, person_cost=0.55)
    assert cost == pytest.approx(23.00)
    assert total_cost(
        item_count=100, reviewed=100, model_cost=0, person_cost=0.55
    ) == pytest.approx(55.00)
    assert 1 - cost / 55 == pytest.approx(0.582, abs=0.0005)


def test_the_frontier_runs_from_reviewing_everything_to_accepting_all_that_has_a_score() -> None:
    scores = np.array([0.9] * 60 + [0.5] * 30 + [np.nan] * 10)
    wrong = np.array([False] * 58 + [True] * 2 + [True] * 9 + [False] * 21 + [True] * 10)
    points = cost_frontier(scores, wrong=wrong, item_count=100, model_cost=0.01, person_cost=0.55)
    assert [point.threshold for point in points] == [None, 0.9, 0.5]
    assert [point.accepted for point in points] == [0, 60, 90]
    assert [point.errors for point in points] == [0, 2, 11]
    assert [point.reviewed_share for point in points] == pytest.approx([1, 0.4, 0.1])
    assert points[1].cost == pytest.approx(23.00)
    assert points[1].saved_share == pytest.approx(0.582, abs=0.0005)
    assert points[0].saved_share == pytest.approx(-0.01 / 0.55)
    assert points[1].error_share == 0.02
    assert points[1].interval.low == pytest.approx(0.00243, abs=1e-5)
    assert points[1].interval.high == pytest.approx(0.07038, abs=1e-5)


def test_many_scores_are_thinned_and_costs_scale_to_the_study() -> None:
    generator = np.random.default_rng(0)
    scores = generator.random(1_000)
    points = cost_frontier(
        scores,
        wrong=generator.random(1_000) < 0.1,
        item_count=50_000,
        model_cost=0,
        person_cost=0,
        steps=10,
    )
    assert len(points) == 12
    shares = [point.reviewed_share for point in points]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0
    assert all(point.saved_share is None for point in points)


def test_without_scores_everything_is_reviewed() -> None:
    points = cost_frontier(
        np.full(3, np.nan),
        wrong=np.zeros(3, dtype=np.bool_),
        item_count=3,
        model_cost=0.01,
        person_cost=1,
    )
    assert [point.threshold for point in points] == [None]
    with pytest.raises(ValueError, match="do not fit"):
        cost_frontier(
            np.empty(0),
            wrong=np.empty(0, dtype=np.bool_),
            item_count=0,
            model_cost=0,
            person_cost=1,
        )


def test_what_is_read_covers_its_share_of_the_expected_errors() -> None:
    chances = np.array([0.1, 0.4, np.nan, 0.0])
    for read, covered in (((2,), 1 / 1.5), ((1, 2), 1.4 / 1.5), ((0, 1, 2, 3), 1), ((), 0)):
        mask = np.isin(np.arange(4), read)
        assert expected_errors_covered(chances, read=mask) == pytest.approx(covered)
    assert expected_errors_covered(np.zeros(2), read=np.ones(2, bool)) is None
