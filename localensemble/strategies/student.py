"""A student: a linear classifier that learns from reviewed items what raters find hard.

It sees the words of a text (TF-IDF) or the vector that an embedder gives for it. It gives no
category to a text in which it knows no word, and none before it saw two categories.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.core.label_matrix import GAP
from localensemble.probes.training import fit_classifier
from localensemble.probes.word_features import WordFeatures

TextFeatures = Callable[[Sequence[str]], NDArray[np.float64]]
"""Gets N texts, and returns what a classifier sees of them: (N, F), zeros for a text without."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedStudent:
    """A linear classifier of K categories over F features of a text.

    Attributes:
        features: what it sees of texts.
        weights: (K, F).
        biases: (K,).
        seen: bool (K,); the categories that it has seen. It never gives another.
    """

    features: TextFeatures
    weights: NDArray[np.float64]
    biases: NDArray[np.float64]
    seen: NDArray[np.bool_]

    def label(self, texts: Sequence[str]) -> NDArray[np.int16]:
        """Return the category of each text: int16 (N,), -1 where it has none."""
        rows = self.features(texts)
        if np.count_nonzero(self.seen) < 2:
            return np.full(len(texts), GAP, dtype=np.int16)
        scores = rows @ self.weights.T + self.biases
        best = np.where(self.seen, scores, -np.inf).argmax(axis=1)
        return np.where(rows.any(axis=1), best, GAP).astype(np.int16)


def train_student(
    texts: Sequence[str],
    codes: NDArray[np.int16],
    *,
    category_count: int,
    embed: TextFeatures | None = None,
) -> TrainedStudent:
    """Train a student on reviewed items. The same items in the same order give the same student.

    Args:
        texts: the texts of n reviewed items.
        codes: (n,) the index of the category of each.
        category_count: K, the number of categories of the variable.
        embed: gives the vectors of texts; None for TF-IDF over words and pairs of words.

    Raises:
        EngineUnavailableError: scikit-learn is not installed.
    """
    features = embed or _words_of(texts)
    rows = features(texts)
    seen = np.bincount(codes, minlength=category_count) > 0
    weights, biases = fit_classifier(rows, codes, category_count)
    return TrainedStudent(features, weights, biases, seen)


def _words_of(texts: Sequence[str]) -> TextFeatures:
    words = WordFeatures.of(texts)

    def rows(texts: Sequence[str]) -> NDArray[np.float64]:
        found = np.zeros((len(texts), len(words.hashes)))
        for place, text in enumerate(texts):
            found[place] = words.row(text)
        return found

    return rows
