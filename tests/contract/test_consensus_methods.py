"""Every consensus method through the same checks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from localensemble.consensus.methods.named_methods import METHOD_NAMES, method_named
from localensemble.consensus.protocol import Consensus, ConsensusMethod
from localensemble.core.label_matrix import GAP, LabelMatrix

pytestmark = pytest.mark.slow  # generates many label matrices

RATERS = ("delta", "alpha", "charlie", "bravo", "echo")
CATEGORIES = ("no", "maybe", "yes", "never")
Floats = NDArray[np.float64]

SETTINGS: Mapping[str, Mapping[str, object]] = {
    "weighted": {
        "accuracies": {"alpha": 0.9, "bravo": 0.8, "charlie": 0.7, "delta": 0.6, "echo": 0.1}
    },
    "roles": {"roles": {"delta": "adjudicator"}},
}
METHODS: tuple[ConsensusMethod, ...] = (
    *(method_named(name, settings=SETTINGS.get(name)) for name in METHOD_NAMES),
    method_named("majority", settings={"minimum_share": 0.3}),
    method_named("roles", settings={"roles": {"bravo": "verifier"}, "accept": "majority"}),
    method_named("mean_probability", settings={"pooling": "log"}),
    method_named("dawid_skene", settings={"smoothing": 0}),
    method_named("one_coin_dawid_skene", settings={"smoothing": 0}),
)
every_method = pytest.mark.parametrize(
    "method", METHODS, ids=lambda method: f"{method.name}-{dict(method.settings)}"
)


@st.composite
def matrices(draw: st.DrawFn) -> LabelMatrix:
    """Draw up to 12 items of 3 to 5 raters and 1 to 4 categories, gaps included."""
    rater_count = draw(st.integers(3, 5))
    category_count = draw(st.integers(1, 4))
    rows = draw(
        st.lists(
            st.lists(
                st.integers(GAP, category_count - 1), min_size=rater_count, max_size=rater_count
            ),
            max_size=12,
        )
    )
    indices = np.array(rows, dtype=np.int16).reshape(len(rows), rater_count)
    # Dawid-Skene refuses fewer than three raters that labeled something.
    anchor = np.zeros((1, rater_count), dtype=np.int16)
    return LabelMatrix(
        np.concatenate([indices, anchor]), CATEGORIES[:category_count], RATERS[:rater_count]
    )


def probabilities_of(labels: LabelMatrix) -> Floats:
    """Each rater leans to its label, by an amount that depends on rater and category alone."""
    shape = (labels.item_count, len(labels.raters), labels.category_count)
    probabilities = np.full(shape, np.nan)
    for i, j in np.argwhere(labels.mask):
        weights = np.ones(labels.category_count)
        weights[labels.indices[i, j]] += 1 + len(labels.raters[j]) / 7
        probabilities[i, j] = weights / weights.sum()
    return probabilities


def derive(method: ConsensusMethod, labels: LabelMatrix) -> Consensus:
    return method.derive(labels, probabilities=probabilities_of(labels))


def planted(item_count: int, *, seed: int) -> LabelMatrix:
    """Five raters of falling accuracy and a few gaps."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, item_count)
    columns = []
    for accuracy in (0.9, 0.8, 0.7, 0.6, 0.55):
        wrong = (truth + generator.integers(1, 3, item_count)) % 3
        columns.append(np.where(generator.random(item_count) < accuracy, truth, wrong))
    indices = np.stack(columns, axis=1).astype(np.int16)
    indices[generator.random(indices.shape) < 0.05] = GAP
    return LabelMatrix(indices, CATEGORIES[:3], RATERS)


@every_method
@settings(max_examples=40, suppress_health_check=[HealthCheck.differing_executors])
@given(labels=matrices())
def test_the_parts_of_a_consensus_agree_with_each_other(
    method: ConsensusMethod, labels: LabelMatrix
) -> None:
    before = labels.indices.copy()
    result = derive(method, labels)
    np.testing.assert_array_equal(labels.indices, before)
    decided = result.decided
    assert result.method == method.name
    assert result.settings == method.settings
    assert result.categories.dtype == np.int16
    assert result.categories.min() >= -1
    assert result.categories.max() < labels.category_count
    np.testing.assert_array_equal(np.isnan(result.support), ~decided)
    np.testing.assert_array_equal(np.isnan(result.scores), ~decided)
    assert not (result.tie & decided).any()
    np.testing.assert_array_equal(result.labels_used, labels.mask.sum(axis=1))
    assert not (decided & (result.labels_used == 0)).any()
    assert not (result.tie & (result.labels_used == 0)).any()
    known = result.support[decided]
    assert ((known >= 0) & (known <= 1)).all()
    assert (result.converged is None) == (result.iterations is None)
    for rater, estimate in result.rater_estimates:
        assert rater in labels.raters
        assert np.isfinite(estimate)


@every_method
@settings(max_examples=40, suppress_health_check=[HealthCheck.differing_executors])
@given(labels=matrices(), data=st.data())
def test_the_order_of_raters_changes_no_digit(
    method: ConsensusMethod, labels: LabelMatrix, data: st.DataObject
) -> None:
    if method.is_ordered:
        pytest.skip("the order of the raters breaks its ties")
    order = data.draw(st.permutations(range(len(labels.raters))))
    permuted = LabelMatrix(
        labels.indices[:, order], labels.categories, tuple(labels.raters[j] for j in order)
    )
    first, second = derive(method, labels), derive(method, permuted)
    np.testing.assert_array_equal(first.categories, second.categories)
    np.testing.assert_array_equal(first.support, second.support)
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.tie, second.tie)
    assert first.rater_estimates == second.rater_estimates


@every_method
@settings(max_examples=40, suppress_health_check=[HealthCheck.differing_executors])
@given(labels=matrices(), data=st.data())
def test_renaming_the_categories_renames_the_consensus(
    method: ConsensusMethod, labels: LabelMatrix, data: st.DataObject
) -> None:
    if method.name == "median":
        # An ordinal variable keeps its order; only turning it round is a renaming.
        renamed = list(range(labels.category_count))[::-1]
    else:
        renamed = data.draw(st.permutations(range(labels.category_count)))
    new_index = np.array([*renamed, GAP], dtype=np.int16)
    other = LabelMatrix(new_index[labels.indices], labels.categories, labels.raters)
    first, second = derive(method, labels), derive(method, other)
    np.testing.assert_array_equal(new_index[first.categories], second.categories)
    np.testing.assert_array_equal(first.tie, second.tie)
    np.testing.assert_allclose(first.scores, second.scores, atol=1e-7)


@every_method
@settings(max_examples=40, suppress_health_check=[HealthCheck.differing_executors])
@given(labels=matrices())
def test_a_rater_without_labels_changes_nothing(
    method: ConsensusMethod, labels: LabelMatrix
) -> None:
    silent = LabelMatrix(
        np.column_stack([labels.indices, np.full(labels.item_count, GAP, dtype=np.int16)]),
        labels.categories,
        (*labels.raters, "zulu"),
    )
    if method.name == "weighted":
        accuracies = {**SETTINGS["weighted"]["accuracies"], "zulu": 0.9}  # type: ignore[dict-item]
        other = method_named("weighted", settings={"accuracies": accuracies})
    else:
        other = method
    first, second = derive(method, labels), derive(other, silent)
    np.testing.assert_array_equal(first.categories, second.categories)
    np.testing.assert_array_equal(first.labels_used, second.labels_used)
    np.testing.assert_allclose(first.scores, second.scores, atol=1e-7)


@every_method
def test_unanimous_labels_are_the_consensus_without_a_gap_or_nan(method: ConsensusMethod) -> None:
    indices = np.repeat(np.array([[0], [1], [2]] * 10, dtype=np.int16), 5, axis=1)
    result = derive(method, LabelMatrix(indices, CATEGORIES[:3], RATERS))
    np.testing.assert_array_equal(result.categories, indices[:, 0])
    np.testing.assert_array_equal(result.support, 1.0)
    assert np.isfinite(result.scores).all()
    if method.name in {"dawid_skene", "one_coin_dawid_skene"}:
        np.testing.assert_allclose(result.scores, 1.0, atol=1e-6)


@every_method
def test_one_single_category_everywhere_is_not_nan(method: ConsensusMethod) -> None:
    indices = np.ones((10, 5), dtype=np.int16)
    result = derive(method, LabelMatrix(indices, CATEGORIES[:3], RATERS))
    np.testing.assert_array_equal(result.categories, 1)
    assert np.isfinite(result.scores).all()


@every_method
@pytest.mark.parametrize("item_count", [0, 1, 4])
def test_items_nobody_labeled_have_no_consensus(method: ConsensusMethod, item_count: int) -> None:
    empty = LabelMatrix(np.full((item_count, 5), GAP, dtype=np.int16), CATEGORIES, RATERS)
    result = derive(method, empty)
    assert result.categories.tolist() == [-1] * item_count
    assert not result.tie.any()
    assert result.labels_used.tolist() == [0] * item_count


@every_method
def test_a_variable_without_categories_has_no_consensus(method: ConsensusMethod) -> None:
    result = derive(method, LabelMatrix(np.full((2, 5), GAP, dtype=np.int16), (), RATERS))
    assert result.categories.tolist() == [-1, -1]


@every_method
def test_blocks_give_the_digits_of_the_whole(method: ConsensusMethod) -> None:
    if not method.per_item:
        pytest.skip("fits all items together")
    labels = planted(500, seed=1)
    whole = derive(method, labels)
    parts = [
        derive(method, LabelMatrix(labels.indices[i : i + 130], labels.categories, labels.raters))
        for i in range(0, 500, 130)
    ]
    for name in ("categories", "support", "scores", "tie", "labels_used"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))


@every_method
def test_the_same_call_gives_the_same_digits(method: ConsensusMethod) -> None:
    labels = planted(300, seed=2)
    np.testing.assert_array_equal(derive(method, labels).scores, derive(method, labels).scores)


@every_method
def test_most_planted_categories_are_found(method: ConsensusMethod) -> None:
    labels = planted(2_000, seed=3)
    truth = np.random.default_rng(3).integers(0, 3, 2_000)
    result = derive(method, labels)
    right = (result.categories == truth)[result.decided]
    assert right.mean() > 0.8
