"""A consensus that a method calls certain before every rater has labeled is certain."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localensemble.consensus.methods.named_methods import METHOD_NAMES, method_named
from localensemble.consensus.protocol import ConsensusMethod
from localensemble.core.label_matrix import GAP, LabelMatrix

RATERS = ("a", "b", "c", "d", "e")
ACCURACIES = {"a": 0.95, "b": 0.8, "c": 0.8, "d": 0.6, "e": 0.3}
METHODS: tuple[ConsensusMethod, ...] = (
    method_named("majority"),
    method_named("majority", settings={"minimum_share": 0.6}),
    method_named("majority", settings={"minimum_share": 0.25}),
    method_named("majority", settings={"minimum_share": 1.0}),
    method_named("unanimous"),
    method_named("median"),
    method_named("weighted", settings={"accuracies": ACCURACIES}),
)
every_method = pytest.mark.parametrize(
    "method", METHODS, ids=lambda method: f"{method.name}-{dict(method.settings)}"
)


def categories_after(
    method: ConsensusMethod, labels: tuple[int, ...], coming: int, categories: int
) -> set[int]:
    """The consensus under everything that the raters to come can say."""
    rows = [(*labels, *said) for said in product(range(GAP, categories), repeat=coming)]
    names = tuple(f"category {k}" for k in range(categories))
    matrix = LabelMatrix(
        np.array(rows, dtype=np.int16).reshape(len(rows), -1), names, RATERS[: len(rows[0])]
    )
    return set(method.derive(matrix).categories.tolist())


def certain(
    method: ConsensusMethod, labels: tuple[int, ...], coming: int, categories: int = 3
) -> bool:
    names = tuple(f"category {k}" for k in range(categories))
    so_far = LabelMatrix(
        np.array([labels], dtype=np.int16).reshape(1, -1), names, RATERS[: len(labels)]
    )
    later = RATERS[len(labels) : len(labels) + coming]
    return bool(method.certain(so_far, coming=later)[0])


@every_method
@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(st.integers(GAP, 2), max_size=3).map(tuple),
    coming=st.integers(0, 2),
    categories=st.just(3),
)
def test_what_is_called_certain_is_the_same_whatever_is_said_later(
    method: ConsensusMethod, labels: tuple[int, ...], coming: int, categories: int
) -> None:
    if certain(method, labels, coming, categories):
        assert len(categories_after(method, labels, coming, categories)) == 1


@pytest.mark.parametrize("method", METHODS[:4], ids=lambda method: f"{dict(method.settings)}")
@settings(max_examples=60, deadline=None)
@given(labels=st.lists(st.integers(GAP, 2), max_size=3).map(tuple), coming=st.integers(0, 2))
def test_majority_calls_everything_certain_that_is(
    method: ConsensusMethod, labels: tuple[int, ...], coming: int
) -> None:
    if not labels and not coming:
        return
    alone = len(categories_after(method, labels, coming, 3)) == 1
    assert certain(method, labels, coming) == alone


@every_method
def test_nothing_is_open_once_every_rater_has_labeled(method: ConsensusMethod) -> None:
    assert certain(method, (0, 1, GAP), 0)


@every_method
def test_nothing_is_certain_before_the_first_label(method: ConsensusMethod) -> None:
    assert not certain(method, (), 2)


@pytest.mark.parametrize(
    ("method", "labels", "coming", "expected"),
    [
        (METHODS[0], (0, 0), 1, True),
        (METHODS[0], (0, GAP), 1, False),
        (METHODS[0], (0, 1), 1, False),
        (METHODS[0], (0, 0, 1), 1, False),
        # Two of three are 0.67 of the labels, whatever the third says.
        (METHODS[1], (0, 0), 1, True),
        # Two of two disagree, so no third label brings one to all.
        (METHODS[3], (0, 1), 1, True),
        (METHODS[4], (0, 1), 3, True),
        (METHODS[4], (0, 0), 1, False),
        (METHODS[5], (1, 1), 1, True),
        (METHODS[5], (1, 1), 2, False),
        (METHODS[5], (0, 1, 2), 1, False),
        # ln(2 x .95/.05) = 3.64 is more than ln(2 x .8/.2) = 2.08.
        (METHODS[6], (0,), 1, True),
        (METHODS[6], (0,), 2, False),
    ],
)
def test_what_is_certain(
    method: ConsensusMethod, labels: tuple[int, ...], coming: int, expected: bool
) -> None:
    assert certain(method, labels, coming) is expected


def test_a_method_that_learns_from_all_items_calls_nothing_certain_early() -> None:
    settings_of: dict[str, dict[str, object]] = {
        "weighted": {"accuracies": ACCURACIES},
        "roles": {"roles": {"a": "labeler", "b": "adjudicator"}},
    }
    early = {
        name
        for name in METHOD_NAMES
        if method_named(name, settings=settings_of.get(name)).is_certain_early
    }
    assert early == {"majority", "unanimous", "weighted", "median"}
    assert not certain(method_named("mace"), (0, 0), 1)


def test_a_variable_of_one_category_is_certain_once_enough_raters_named_it() -> None:
    assert certain(METHODS[0], (0, 0), 1, categories=1)
    assert not certain(METHODS[6], (0, 0), 1, categories=1)
