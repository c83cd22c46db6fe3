"""Roles: who proposes, who settles, who confirms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.methods.roles import proposals
from localensemble.consensus.protocol import Consensus
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix

RATERS = ("one", "two", "three", "judge", "checker")
BOTH: Mapping[str, str] = {"judge": "adjudicator", "checker": "verifier"}


def matrix(*rows: str, raters: tuple[str, ...] = RATERS) -> LabelMatrix:
    """One row is one item: a letter a rater, ``-`` for a gap."""
    cells = [[None if letter == "-" else letter for letter in row] for row in rows]
    return LabelMatrix.from_names(cells, categories=("a", "b", "c"), raters=raters)


def derive(
    labels: LabelMatrix, *, roles: Mapping[str, str], accept: str = "unanimous"
) -> Consensus:
    return method_named("roles", settings={"roles": roles, "accept": accept}).derive(labels)


def test_a_verifier_that_does_not_confirm_leaves_no_consensus() -> None:
    labels = matrix("aaa-a", "aaa--", "aabba", "aabbb", "aab-a")
    assert derive(labels, roles=BOTH).categories.tolist() == [0, -1, -1, 1, -1]


def test_two_of_three_are_accepted_under_majority_and_disputed_under_unanimity() -> None:
    labels = matrix("aab--", "abc--")
    found = proposals(labels, roles=BOTH, accept="unanimous")
    assert found.disputed.tolist() == [True, True]
    found = proposals(labels, roles=BOTH, accept="majority")
    assert found.disputed.tolist() == [False, True]
    assert found.categories.tolist() == [0, -1]


def test_an_adjudicator_is_not_heard_where_the_labelers_agree() -> None:
    labels = matrix("aaab", "aabb", raters=RATERS[:4])
    result = derive(labels, roles={"judge": "adjudicator"})
    assert result.categories.tolist() == [0, 1]
    np.testing.assert_array_equal(result.support, [0.75, 0.5])


def test_an_item_that_the_adjudicator_leaves_open_has_no_default_category() -> None:
    result = derive(matrix("aab-", "----", raters=RATERS[:4]), roles={"judge": "adjudicator"})
    assert result.categories.tolist() == [-1, -1]
    assert np.isnan(result.scores).all()


def test_two_adjudicators_that_differ_settle_nothing() -> None:
    raters = ("one", "two", "judge", "other")
    labels = matrix("abac", "abaa", "ab-a", raters=raters)
    result = derive(labels, roles={"judge": "adjudicator", "other": "adjudicator"})
    assert result.categories.tolist() == [-1, 0, 0]


def test_a_tie_of_the_labelers_that_is_settled_is_no_tie() -> None:
    result = derive(matrix("abc-", "abca", raters=RATERS[:4]), roles={"judge": "adjudicator"})
    assert result.tie.tolist() == [True, False]


def test_an_unknown_role_is_refused_with_the_rater() -> None:
    with pytest.raises(EnsembleError, match=r'roles\["x"\] = .judge.*a role of a rater'):
        method_named("roles", settings={"roles": {"x": "judge"}})


def test_the_clause_names_only_the_roles_that_there_are() -> None:
    none = method_named("roles", settings={"roles": {}, "accept": "majority"}).clause
    assert "more than half of the labelers" in none
    assert "adjudicator" not in none
    assert "verifier" not in none
    every = method_named("roles", settings={"roles": BOTH}).clause
    assert "all labelers" in every
    assert "adjudicators" in every
    assert "verifier" in every
