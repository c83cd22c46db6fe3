"""Majority and unanimity: what counts, what does not, and what a tie is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from localensemble.consensus.methods.named_methods import (
    METHOD_NAMES,
    method_named,
    methods_without_settings,
)
from localensemble.consensus.protocol import Consensus
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix

CATEGORIES = ("a", "b", "c")
REQUIRED: Mapping[str, Mapping[str, object]] = {
    "weighted": {"accuracies": {}},
    "roles": {"roles": {}},
}


def derive(name: str, *rows: str, **settings: object) -> Consensus:
    """One row is one item: a letter a rater, ``-`` for a gap."""
    matrix = LabelMatrix.from_names(
        [[None if letter == "-" else letter for letter in row] for row in rows],
        categories=CATEGORIES,
        raters=[f"rater-{j}" for j in range(len(rows[0]))],
    )
    return method_named(name, settings=settings).derive(matrix)


def names(consensus: Consensus) -> list[str | None]:
    return [None if k < 0 else CATEGORIES[k] for k in consensus.categories]


def test_majority_needs_more_than_half_unless_told_otherwise() -> None:
    result = derive("majority", "aabb", "aaab", "aabc", "bbbb")
    assert names(result) == [None, "a", None, "b"]
    assert result.tie.tolist() == [True, False, False, False]
    np.testing.assert_array_equal(result.support, [np.nan, 0.75, np.nan, 1.0])
    np.testing.assert_array_equal(result.scores, result.support)


@pytest.mark.parametrize("share", [2 / 3, 0.6666666667, 0.66])
def test_two_of_three_reach_a_share_of_two_thirds(share: float) -> None:
    assert names(derive("majority", "aab", minimum_share=share)) == ["a"]


def test_a_share_of_a_half_admits_two_of_four_but_never_a_tie() -> None:
    result = derive("majority", "aabc", "aabb", minimum_share=0.5)
    assert names(result) == ["a", None]
    assert result.tie.tolist() == [False, True]


def test_a_share_of_one_is_unanimity() -> None:
    assert names(derive("majority", "aaa", "aab", minimum_share=1)) == ["a", None]


def test_gaps_are_not_counted_as_a_category_nor_in_the_share() -> None:
    result = derive("majority", "a-b", "aa-", "--c", "---")
    assert names(result) == [None, "a", "c", None]
    assert result.labels_used.tolist() == [2, 2, 1, 0]
    assert result.tie.tolist() == [True, False, False, False]


def test_unanimity_accepts_gaps_and_scores_by_how_many_agree() -> None:
    result = derive("unanimous", "aaa", "aab", "a--", "---", "ab-")
    assert names(result) == ["a", None, "a", None, None]
    np.testing.assert_array_equal(result.scores, [3, np.nan, 1, np.nan, np.nan])
    np.testing.assert_array_equal(result.support, [1, np.nan, 1, np.nan, np.nan])
    assert result.tie.tolist() == [False, False, False, False, True]


def test_settings_are_canonical_text() -> None:
    assert method_named("majority").settings == (("minimum_share", "null"),)
    assert method_named("unanimous").settings == ()


def test_the_same_answer_in_blocks_across_the_internal_block_boundary() -> None:
    generator = np.random.default_rng(5)
    wide = tuple(f"category-{k:03d}" for k in range(2_000))
    indices = generator.integers(0, 4, size=(5_000, 3)).astype(np.int16)
    whole = LabelMatrix(indices, wide, ("x", "y", "z"))
    few = LabelMatrix(indices, wide[:4], ("x", "y", "z"))
    method = method_named("majority")
    np.testing.assert_array_equal(method.derive(whole).categories, method.derive(few).categories)


def test_a_matrix_without_categories_or_items_gives_no_consensus() -> None:
    for name in ("majority", "unanimous"):
        nothing = LabelMatrix(np.full((2, 3), -1, dtype=np.int16), (), ("x", "y", "z"))
        result = method_named(name).derive(nothing)
        assert result.categories.tolist() == [-1, -1]
        empty = LabelMatrix(np.empty((0, 3), dtype=np.int16), CATEGORIES, ("x", "y", "z"))
        assert method_named(name).derive(empty).categories.shape == (0,)


def test_every_method_says_what_it_names_and_which_levels_it_decides() -> None:
    for name in METHOD_NAMES:
        method = method_named(name, settings=REQUIRED.get(name))
        assert "categor" in method.clause
        assert {"binary", "ordinal"} <= method.levels
        assert ("nominal" in method.levels) == (name != "median")
    assert "0.6" in method_named("majority", settings={"minimum_share": 0.6}).clause
    assert "geometric" in method_named("mean_probability", settings={"pooling": "log"}).clause


def test_only_methods_that_need_no_settings_can_stand_beside_a_chosen_one() -> None:
    names = {method.name for method in methods_without_settings()}
    assert names == set(METHOD_NAMES) - {"weighted", "roles"}


def test_an_unknown_method_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(EnsembleError) as raised:
        method_named("majorty")
    assert 'Unknown consensus method "majorty".' in str(raised.value)
    assert 'Did you mean "majority"?' in str(raised.value)
    for name in METHOD_NAMES:
        assert name in str(raised.value)
    assert raised.value.exit_code == 2


def test_an_unknown_setting_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(EnsembleError, match=r'has no setting "minimum_shar"') as raised:
        method_named("majority", settings={"minimum_shar": 0.5})
    assert 'Did you mean "minimum_share"?' in str(raised.value)
    with pytest.raises(EnsembleError, match="It takes no settings"):
        method_named("unanimous", settings={"minimum_share": 0.5})


@pytest.mark.parametrize("share", [0, -0.1, 1.5, "0.6", True, float("nan")])
def test_a_minimum_share_that_is_no_share_is_refused(share: object) -> None:
    with pytest.raises(EnsembleError, match=r'"majority" cannot take minimum_share'):
        method_named("majority", settings={"minimum_share": share})
