"""A probe learns from gold labels, and never judges a text that it saw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from localensemble.core.errors import InputError
from localensemble.core.folds import FOLDS
from localensemble.core.identity import sha256_words
from localensemble.probes.training import (
    GoldTexts,
    assign_folds,
    refuse_few,
    train_variable,
)

pytestmark = pytest.mark.slow  # trains hundreds of classifiers
pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra `learn`)")

NAMES = ("yes", "no", "unsure")


def blobs(
    count: int, *, seed: int = 0, noise: float = 0.3
) -> tuple[NDArray[np.float64], NDArray[np.int16]]:
    """Make texts' features that show their category, with some noise."""
    generator = np.random.default_rng(seed)
    codes = (np.arange(count) % len(NAMES)).astype(np.int16)
    features = np.eye(len(NAMES))[codes] + generator.normal(0, noise, (count, len(NAMES)))
    return features, codes


def gold(codes: NDArray[np.int16], names: tuple[str, ...] = NAMES) -> GoldTexts:
    return GoldTexts("answer", names, np.arange(len(codes)), codes)


def folds_of(count: int) -> NDArray[np.intp]:
    return (np.arange(count) // len(NAMES) % FOLDS).astype(np.intp)


@settings(max_examples=5, deadline=None)
@given(changed=st.integers(0, 44), other=st.integers(1, 2))
def test_the_label_of_a_text_does_not_change_what_the_probe_says_of_it(
    changed: int, other: int
) -> None:
    features, codes = blobs(45)
    folds = folds_of(45)
    relabeled = codes.copy()
    relabeled[changed] = (codes[changed] + other) % len(NAMES)
    before, after = (
        train_variable(features, gold(one), folds).log_probabilities(
            features[changed], fold=int(folds[changed])
        )
        for one in (codes, relabeled)
    )
    assert before.tolist() == after.tolist()


def test_the_label_of_a_text_changes_what_the_probe_says_of_others() -> None:
    # Or the promise above could not fail.
    features, codes = blobs(45)
    folds = folds_of(45)
    relabeled = codes.copy()
    relabeled[0] = 1
    before, after = (
        train_variable(features, gold(one), folds).log_probabilities(features[10], fold=None)
        for one in (codes, relabeled)
    )
    assert before.tolist() != after.tolist()


def test_a_probe_learns_what_the_features_show() -> None:
    features, codes = blobs(90)
    trained = train_variable(features, gold(codes), folds_of(90))
    new, expected = blobs(60, seed=1)
    given_codes = [int(trained.log_probabilities(row, fold=None).argmax()) for row in new]
    assert np.mean(given_codes == expected) > 0.9
    logs = trained.log_probabilities(new[0], fold=None)
    assert np.exp(logs).sum() == pytest.approx(1.0)


def test_of_two_categories_both_get_a_probability() -> None:
    features, codes = blobs(60)
    two = codes < 2
    trained = train_variable(features[two], gold(codes[two], NAMES[:2]), folds_of(int(two.sum())))
    assert [int(trained.log_probabilities(np.eye(3)[k], fold=None).argmax()) for k in range(2)] == [
        0,
        1,
    ]


def test_features_that_show_nothing_make_the_probabilities_flat() -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 3, 150).astype(np.int16)
    trained = train_variable(generator.normal(size=(150, 40)), gold(codes), folds_of(150))
    logs = trained.log_probabilities(generator.normal(size=40), fold=None)
    assert np.exp(logs).max() < 0.6


def test_a_category_without_gold_labels_is_never_chosen() -> None:
    features, codes = blobs(60)
    few = codes < 2
    trained = train_variable(features[few], gold(codes[few]), folds_of(int(few.sum())))
    logs = trained.log_probabilities(np.eye(3)[2] * 100, fold=None)
    assert np.isfinite(logs).all()
    assert int(logs.argmin()) == 2


def test_too_few_gold_labels_of_a_category_are_refused_by_name() -> None:
    codes = np.array([0] * 9 + [1] * 9 + [2] * 4, dtype=np.int16)
    with pytest.raises(InputError, match=r'"unsure" \(4\)'):
        refuse_few([gold(codes)], least=5)
    refuse_few([gold(codes)], least=4)


def test_gold_labels_of_one_category_teach_nothing_and_are_refused() -> None:
    with pytest.raises(InputError, match="one category"):
        refuse_few([gold(np.zeros(20, dtype=np.int16))], least=0)


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 3)), min_size=FOLDS, max_size=60))
def test_equal_texts_share_a_fold_and_folds_are_of_one_size(drawn: list[tuple[str, int]]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text, _ in drawn]
    folds = assign_folds(texts, [stratum for _, stratum in drawn])
    assert set(folds) == {sha256_words(text) for text in texts}
    sizes = np.bincount(list(folds.values()), minlength=FOLDS)
    assert sizes.max() - sizes.min() <= 1
    # The order of the table plays no part.
    if len(folds) == len(texts):
        backward = assign_folds(texts[::-1], [stratum for _, stratum in drawn][::-1])
        assert backward == folds


def test_every_stratum_is_spread_over_all_folds() -> None:
    texts = [f"text {number}" for number in range(40)]
    folds = assign_folds(texts, [number % 4 for number in range(40)])
    for stratum in range(4):
        own = [folds[sha256_words(text)] for text in texts[stratum::4]]
        assert max(np.bincount(own, minlength=FOLDS)) == 2
