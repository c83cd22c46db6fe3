"""A student changes what it says when it learns, and says nothing where it knows nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.core.label_matrix import LabelMatrix
from localensemble.strategies.hard_samples import Student, review_hard_samples
from localensemble.strategies.student import train_student

pytestmark = pytest.mark.slow  # scikit-learn takes a second to import
pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra `learn`)")

STAFF = ["the nurse was kind", "kind and patient nurse", "a rude nurse", "doctor listened to me"]
FOOD = ["cold soup again", "the soup was bland", "dinner came cold", "no choice of dinner"]
TEXTS = [*STAFF, *FOOD]
CODES = np.array([0] * 4 + [1] * 4, dtype=np.int16)
HELD_OUT = ["that nurse was patient", "bland dinner", "the doctor was rude", "cold food and soup"]
HELD_OUT_CODES = [0, 1, 0, 1]


def accuracy(given: NDArray[np.int16]) -> float:
    return float(np.mean(given == HELD_OUT_CODES))


def test_an_update_changes_what_a_student_says_and_does_not_lower_its_accuracy() -> None:
    before = train_student(TEXTS[3:5], CODES[3:5], category_count=3).label(HELD_OUT)
    after = train_student(TEXTS, CODES, category_count=3).label(HELD_OUT)
    assert before.tolist() != after.tolist()
    assert accuracy(after) >= accuracy(before)
    assert accuracy(after) == 1.0


def test_the_same_items_give_the_same_student() -> None:
    one, other = (train_student(TEXTS, CODES, category_count=3) for _ in range(2))
    assert one.weights.tobytes() == other.weights.tobytes()
    assert one.biases.tobytes() == other.biases.tobytes()


def test_a_student_gives_no_category_to_a_text_of_unknown_words() -> None:
    student = train_student(TEXTS, CODES, category_count=3)
    assert student.label(["xyzzy plugh", "", "a nurse"]).tolist() == [-1, -1, 0]


def test_a_student_that_saw_one_category_gives_none() -> None:
    student = train_student(STAFF, CODES[:4], category_count=3)
    assert student.label(["the nurse was kind"]).tolist() == [-1]


def test_a_student_never_gives_a_category_that_it_has_not_seen() -> None:
    codes = np.array([0] * 4 + [2] * 4, dtype=np.int16)
    student = train_student(TEXTS, codes, category_count=3)
    assert set(student.label([*TEXTS, *HELD_OUT]).tolist()) == {0, 2}


def test_a_student_can_learn_from_vectors() -> None:
    def embed(texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([["nurse" in one, "soup" in one] for one in texts], dtype=np.float64)

    student = train_student(TEXTS, CODES, category_count=2, embed=embed)
    assert student.label(["a nurse", "some soup", "neither"]).tolist() == [0, 1, -1]


def test_a_student_of_texts_takes_part_in_a_review() -> None:
    labels = LabelMatrix(
        np.column_stack([np.zeros(12), np.ones(12)]).astype(np.int16), ("staff", "food"), ("x", "y")
    )
    texts, truth = [*TEXTS, *HELD_OUT], np.array([*CODES, *HELD_OUT_CODES], dtype=np.int16)

    def teach(places: NDArray[np.intp], codes: NDArray[np.int16]) -> Student:
        student = train_student([texts[place] for place in places], codes, category_count=2)
        return lambda positions: student.label([texts[place] for place in positions])

    result = review_hard_samples(
        labels,
        review=lambda positions: truth[positions],
        teach=teach,
        accept="majority",
        buffer_size=8,
        batch_size=8,
    )
    assert result.reviewed.tolist() == [True] * 8 + [False] * 4
    assert result.categories.tolist() == truth.tolist()
