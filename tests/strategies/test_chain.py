"""The chain of Farr et al. (2024), by the fixtures of the method's description."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Variable
from localensemble.consensus.methods.chain import confidence_ranks, surest_raters
from localensemble.consensus.rules import DecisionRules, decision_rules
from localensemble.core.errors import EnsembleError
from localensemble.strategies.asked_in_chain import Chain
from localensemble.strategies.protocol import EarlierLabels
from tests.studies import CODEBOOK

RATERS = ("cheap", "middle", "dear")
RULES = decision_rules({"method": "chain"}, [])
NAN = np.nan


@pytest.fixture(scope="module")
def variable(tmp_path_factory: pytest.TempPathFactory) -> Variable:
    path = tmp_path_factory.mktemp("codebook") / "codebook.yaml"
    path.write_text(CODEBOOK, encoding="utf-8")
    return load_codebook(path).variables[0]


def asked_by(
    strategy: Chain,
    gaps: NDArray[np.float64],
    *,
    variable: Variable,
    rules: DecisionRules = RULES,
) -> NDArray[np.bool_]:
    """Let raters with these gaps have their turns; return who was asked about what: (N, R)."""
    asked = np.zeros(gaps.shape, dtype=np.bool_)
    for turn in range(gaps.shape[1]):
        seen = np.where(asked, gaps, np.nan)[:, :turn]
        earlier = EarlierLabels(
            variable=variable,
            rules=rules,
            raters=RATERS[: gaps.shape[1]],
            item_ids=[f"i-{n}" for n in range(len(gaps))],
            asked=asked[:, :turn],
            categories=np.where(np.isnan(seen), -1, 0).astype(np.int16),
            gaps=seen,
        )
        asked[:, turn] = strategy.asked(turn, earlier)
    return asked


# Items a to f; what a rater was never asked is not known.
SIX = np.array(
    [
        [5.0, NAN, NAN],
        [4.0, NAN, NAN],
        [3.0, 0.2, 9.0],
        [2.0, 3.0, NAN],
        [1.0, 1.0, 8.0],
        [0.5, 2.0, NAN],
    ]
)


def test_six_items_keep_their_places_and_take_the_label_of_the_highest_rank(
    variable: Variable,
) -> None:
    asked = asked_by(Chain(), SIX, variable=variable)
    assert np.array_equal(asked, ~np.isnan(SIX))
    ranks = confidence_ranks(SIX, labeled=asked)
    np.testing.assert_allclose(
        ranks,
        [
            [1, NAN, NAN],
            [5 / 6, NAN, NAN],
            [4 / 6, 0.25, 1],
            [0.5, 1, NAN],
            [2 / 6, 0.5, 0.5],
            [1 / 6, 0.75, NAN],
        ],
    )
    # Item e was kept by the third rater; the second has the same rank and comes first.
    assert (surest_raters(ranks) + 1).tolist() == [1, 1, 3, 2, 2, 2]


def test_seven_items_in_a_chain_of_three_are_kept_two_two_and_three(variable: Variable) -> None:
    gaps = np.random.default_rng(0).random((7, 3))
    assert asked_by(Chain(), gaps, variable=variable).sum(axis=0).tolist() == [7, 5, 3]


def test_equal_confidences_stay_with_the_first_rater_and_nobody_else_is_asked(
    variable: Variable,
) -> None:
    asked = asked_by(Chain(), np.ones((7, 3)), variable=variable)
    assert asked.sum(axis=0).tolist() == [7, 0, 0]


def test_a_tie_at_the_threshold_keeps_more_than_its_share(variable: Variable) -> None:
    gaps = np.array([[5.0] * 3, [4.0] * 3, [4.0] * 3, [1.0] * 3, [0.5] * 3, [0.1] * 3])
    assert asked_by(Chain(), gaps, variable=variable)[:, 1].tolist() == [False] * 3 + [True] * 3


def test_an_item_without_a_label_is_passed_on(variable: Variable) -> None:
    gaps = np.array([[NAN, 1.0, 1.0], [3.0, 2.0, 1.0], [2.0, NAN, 3.0]])
    assert asked_by(Chain(), gaps, variable=variable).tolist() == [
        [True, True, False],
        [True, False, False],
        [True, True, True],
    ]


def test_a_rater_that_labels_nothing_passes_on_everything(variable: Variable) -> None:
    gaps = np.full((6, 3), NAN)
    assert asked_by(Chain(), gaps, variable=variable).all()


def test_random_routing_keeps_as_many_items_and_needs_no_confidence(variable: Variable) -> None:
    gaps = np.random.default_rng(0).random((90, 3))
    sure = asked_by(Chain(), gaps, variable=variable)
    drawn = asked_by(Chain(route="random"), gaps, variable=variable)
    assert drawn.sum(axis=0).tolist() == sure.sum(axis=0).tolist() == [90, 60, 30]
    assert not np.array_equal(drawn, sure)
    assert np.array_equal(drawn, asked_by(Chain(route="random"), gaps[::-1], variable=variable))
    other = asked_by(Chain(route="random", seed=1), gaps, variable=variable)
    assert not np.array_equal(drawn, other)


def test_an_unfit_rater_is_no_link(variable: Variable) -> None:
    rules = decision_rules({"method": "chain"}, [], unfit=["middle"])
    gaps = np.random.default_rng(0).random((10, 3))
    asked = asked_by(Chain(), gaps, variable=variable, rules=rules)
    assert asked.sum(axis=0).tolist() == [10, 0, 5]


def check(rules: DecisionRules, variable: Variable) -> None:
    Chain().check(raters=RATERS, variables=(variable,), rules=rules)


def test_it_works_with_the_consensus_of_the_same_name_only(variable: Variable) -> None:
    check(RULES, variable)
    with pytest.raises(EnsembleError, match=r'"chain".*"majority"'):
        check(decision_rules({"method": "majority"}, []), variable)


def test_it_refuses_what_needs_every_rater(variable: Variable, tmp_path: Path) -> None:
    policies = [{"policy": "agreement_below", "required": 0.5}]
    with pytest.raises(EnsembleError, match="agreement_below"):
        check(decision_rules({"method": "chain"}, policies), variable)
    path = tmp_path / "codebook.yaml"
    wanted = CODEBOOK.replace(
        "level: binary",
        "level: binary\n    required_agreement: {coefficient: AC1, at_least: 0.6, below: warn}",
    )
    path.write_text(wanted, encoding="utf-8")
    with pytest.raises(EnsembleError, match="urgent"):
        check(RULES, load_codebook(path).variables[1])


def test_it_needs_two_raters_that_count(variable: Variable) -> None:
    rules = decision_rules({"method": "chain"}, [], unfit=["cheap", "dear"])
    with pytest.raises(EnsembleError, match="two raters"):
        check(rules, variable)
