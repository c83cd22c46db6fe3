"""The classifier labels only what it has not seen, and says when it cannot learn."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.findings.evaluation import CategoryArray
from localensemble.findings.learned_baseline import (
    LEARNED,
    LEAST_OF_A_CATEGORY,
    learned_labels,
)

NAMES = ("staff", "food", "other")
SECRET = "a patient named Nobody"


def texts_of(words: list[str]) -> NDArray[np.object_]:
    return np.array(words, dtype=np.object_)


def gold_of(answers: list[int]) -> CategoryArray:
    return np.array(answers, dtype=np.int16)


def share_right(found: CategoryArray | None, gold: CategoryArray) -> float:
    assert found is not None
    return float(np.mean(found[gold >= 0] == gold[gold >= 0]))


def test_words_that_tell_the_category_are_learned_on_the_other_items() -> None:
    words = ("nurse doctor kind", "soup bread cold", "parking door lamp")
    gold = gold_of([n % 3 for n in range(60)])
    texts = texts_of([f"{words[n % 3]} note{n}" for n in range(60)])
    found = learned_labels(texts, gold=gold, categories=NAMES)
    assert share_right(found.labels, gold) == 1.0
    assert "60 gold labels in 5 parts" in found.sentence
    assert "raters were not trained" in found.sentence


def test_nothing_is_learned_from_the_item_itself_or_from_its_copy() -> None:
    random = np.random.default_rng(0)
    answers = random.integers(0, 2, 80)
    # Every text is a word of its own, and stands there three times with its label.
    texts = texts_of([f"word{n}" for n in range(80)] * 3)
    gold = gold_of(answers.tolist() * 3)
    found = learned_labels(texts, gold=gold, categories=NAMES[:2])
    assert share_right(found.labels, gold) < 0.7


def test_nothing_is_learned_from_a_copy_in_another_group_or_with_other_spaces() -> None:
    random = np.random.default_rng(0)
    answers = random.integers(0, 2, 80)
    texts = texts_of([f"word{n}" for n in range(80)] + [f"Word{n} " for n in range(80)])
    gold = gold_of(answers.tolist() * 2)
    sites = texts_of([f"site{n % 10}" for n in range(80)] + [f"other{n % 10}" for n in range(80)])
    for groups in (None, sites):
        found = learned_labels(texts, gold=gold, categories=NAMES[:2], groups=groups)
        assert share_right(found.labels, gold) < 0.7


def test_it_says_how_many_gold_labels_trained_a_rater() -> None:
    gold = gold_of([n % 2 for n in range(40)])
    texts = texts_of([f"{('soup', 'nurse')[n % 2]} {n}" for n in range(40)])
    taught = np.arange(40) < 25
    found = learned_labels(texts, gold=gold, categories=NAMES[:2], taught=taught)
    assert "trained on 25 of them" in found.sentence
    assert "not trained" not in found.sentence


def test_a_group_is_never_split() -> None:
    random = np.random.default_rng(1)
    # Each site has its own word, and nearly all its items one label; between sites, it is chance.
    site_answer = random.integers(0, 2, 30)
    groups = [n // 10 for n in range(300)]
    gold = gold_of([int(site_answer[group]) for group in groups])
    texts = texts_of([f"site{group} note{n}" for n, group in enumerate(groups)])
    together = np.array([str(group) for group in groups], dtype=np.object_)
    apart = learned_labels(texts, gold=gold, categories=NAMES[:2])
    kept = learned_labels(texts, gold=gold, categories=NAMES[:2], groups=together)
    assert share_right(apart.labels, gold) == 1.0
    assert share_right(kept.labels, gold) < 0.8
    assert "each group in one of them" in kept.sentence


def test_the_same_items_always_get_the_same_labels() -> None:
    gold = gold_of([n % 3 for n in range(45)])
    texts = texts_of([f"note {n % 7} of {n % 5}" for n in range(45)])
    first = learned_labels(texts, gold=gold, categories=NAMES)
    second = learned_labels(texts, gold=gold, categories=NAMES)
    assert first.labels is not None
    assert second.labels is not None
    assert first.labels.tolist() == second.labels.tolist()


def test_items_without_a_gold_label_get_none_and_need_no_text() -> None:
    gold = gold_of([0, 1, -1] * 6)
    texts = texts_of(["kind nurse", "cold soup", None] * 6)  # type: ignore[list-item]
    found = learned_labels(texts, gold=gold, categories=NAMES)
    assert found.labels is not None
    assert [int(one) for one in found.labels[2::3]] == [-1] * 6
    assert (found.labels[gold >= 0] >= 0).all()


def test_a_rare_category_makes_fewer_parts_down_to_the_number_that_is_stated() -> None:
    texts = texts_of([f"{SECRET} {n}" for n in range(20)])
    gold = gold_of([0] * 16 + [1] * 4)
    assert "in 4 parts" in learned_labels(texts, gold=gold, categories=NAMES).sentence
    refused = learned_labels(texts, gold=gold_of([0] * 18 + [1] * 2), categories=NAMES)
    assert refused.labels is None
    assert '"food" has 2 gold labels' in refused.sentence
    assert f"at least {LEAST_OF_A_CATEGORY} of each" in refused.sentence
    assert SECRET not in refused.sentence


@pytest.mark.parametrize(
    ("words", "answers", "group", "because"),
    [
        (["a b"] * 8, [0] * 8, None, "of one category"),
        (["same words"] * 8, [0, 1] * 4, None, "same text"),
        ([f"note {n}" for n in range(8)], [0, 1] * 4, "north", "in one group"),
        (["", "-", "...", "?!"] * 3, [0, 1, 0, 1] * 3, None, "no words"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_in_words(
    words: list[str], answers: list[int], group: str | None, because: str
) -> None:
    groups = None if group is None else np.full(len(words), group, dtype=np.object_)
    found = learned_labels(texts_of(words), gold=gold_of(answers), categories=NAMES, groups=groups)
    assert found.labels is None
    assert found.sentence.startswith(LEARNED)
    assert because in found.sentence


def test_a_fold_that_holds_all_of_a_category_is_labeled_with_the_other() -> None:
    groups = np.array(["north"] * 6 + ["south"] * 6, dtype=np.object_)
    gold = gold_of([0] * 6 + [1] * 6)
    texts = texts_of([f"note {n}" for n in range(12)])
    found = learned_labels(texts, gold=gold, categories=NAMES, groups=groups)
    assert share_right(found.labels, gold) == 0.0


def test_without_the_package_one_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    gold = gold_of([0, 1] * 6)
    found = learned_labels(texts_of([f"note {n}" for n in range(12)]), gold=gold, categories=NAMES)
    assert found.labels is None
    assert 'pip install "localensemble[learn]"' in found.sentence
