"""A classifier trained on the gold labels alone: what labels are worth that need no model.

Decides how it is trained and when there are too few gold labels for it. Every label is given by
a classifier that has not seen the item, nor one with the same words or of the same group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.core.identity import sha256_words
from localensemble.core.words import counted
from localensemble.findings.evaluation import CategoryArray

LEARNED = "TF-IDF with logistic regression, trained on gold labels"
LEAST_OF_A_CATEGORY = 3
"""The fewest gold labels of a category, so that two remain to learn from in every fold."""

_MOST_FOLDS = 5
_SEED = 0
# scikit-learn's default, 1, keeps so close to the most frequent category that it is easily beaten.
_INVERSE_REGULARIZATION = 10.0
_MOST_STEPS = 1000
# Bounds the time that long texts take.
_MOST_TERMS = 50_000
_WORDS = r"(?u)\b\w+\b"


@dataclass(frozen=True, slots=True, eq=False)
class LearnedLabels:
    """Labels of the classifier, and a sentence on how they came about.

    Attributes:
        labels: (N,) category indices, -1 for items without a gold label; None if there are none.
        sentence: how the classifier was trained, or why it was not.
    """

    labels: CategoryArray | None
    sentence: str


def learned_labels(
    texts: NDArray[np.object_],
    *,
    gold: CategoryArray,
    categories: Sequence[str],
    groups: NDArray[np.object_] | None = None,
    taught: NDArray[np.bool_] | None = None,
) -> LearnedLabels:
    """Label every gold item with a classifier that was trained on the other gold items.

    Words and pairs of words, weighted by TF-IDF, and logistic regression; at most five folds of
    equal shares of the categories. Always gives the same labels for the same items.

    Args:
        texts: (N,) the texts of the items with a gold label.
        gold: (N,) gold category indices, -1 for items without one.
        categories: the K category names.
        groups: (N,) the group of each item; a group is never split over two folds.
        taught: (N,) whether the item's gold label trained a rater; None if none did.
    """
    known = np.flatnonzero(gold >= 0)
    answers = gold[known]
    copies = np.array([sha256_words(text) for text in texts[known]])
    together = copies if groups is None else np.asarray(groups[known], dtype=str)
    counts = np.bincount(answers, minlength=len(categories))
    apart = len(set(together))
    if refusal := _refusal(counts, categories, apart=apart, grouped=groups is not None):
        return LearnedLabels(None, f"{LEARNED}, is left out: {refusal}.")
    folds = min(_MOST_FOLDS, int(counts[counts > 0].min()), apart)
    try:
        given = _out_of_fold(texts[known], answers, together, copies, folds=folds)
    except ImportError:
        return LearnedLabels(
            None,
            f"{LEARNED}, is left out: scikit-learn is not installed. Install it with "
            '`pip install "localensemble[learn]"`.',
        )
    if given is None:
        return LearnedLabels(None, f"{LEARNED}, is left out: one part of the texts has no words.")
    labels = np.full(len(gold), -1, dtype=np.int16)
    labels[known] = given
    kept = ", each group in one of them" if groups is not None else ""
    return LearnedLabels(
        labels,
        f"{LEARNED}: cross-validated on {counted(len(known), 'gold label')} in {folds} "
        f"parts{kept}. {_compared(taught, known)}",
    )


def _compared(taught: NDArray[np.bool_] | None, known: NDArray[np.intp]) -> str:
    """State whether a rater had the same advantage."""
    count = 0 if taught is None else int(np.count_nonzero(taught[known]))
    if not count:
        return "The raters were not trained on them."
    return (
        f"A rater was trained on {count:,} of them, and judged each by a part that had not seen it."
    )


def _refusal(
    counts: NDArray[np.int64], categories: Sequence[str], *, apart: int, grouped: bool
) -> str:
    """Return why nothing can be learned; empty if it can."""
    present = counts > 0
    if np.count_nonzero(present) < 2:
        return "all gold labels are of one category"
    rarest = int(np.where(present, counts, counts.max() + 1).argmin())
    if counts[rarest] < LEAST_OF_A_CATEGORY:
        return (
            f'"{categories[rarest]}" has {counted(int(counts[rarest]), "gold label")}; it needs at '
            f"least {LEAST_OF_A_CATEGORY} of each category that occurs"
        )
    if apart < 2:
        return f"all gold items {'are in one group' if grouped else 'have the same text'}"
    return ""


def _out_of_fold(
    texts: NDArray[np.object_],
    answers: CategoryArray,
    together: NDArray[np.str_],
    copies: NDArray[np.str_],
    *,
    folds: int,
) -> CategoryArray | None:
    """Label each fold with a classifier trained on the others; None if it finds no words.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    # An extra, and slow to import: only needed with gold labels.
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    given = np.full(len(answers), -1, dtype=np.int16)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=_SEED)
    for learn, label in splitter.split(texts, answers, groups=together):
        if not len(label):
            continue
        # Two groups can have the same text.
        learn = learn[~np.isin(copies[learn], copies[label])]
        if len(learn) and len(set(answers[learn].tolist())) < 2:
            # A group can hold all items of the other categories.
            given[label] = answers[learn][0]
            continue
        vectorizer = TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORDS, max_features=_MOST_TERMS
        )
        split = vectorizer.build_analyzer()
        if not any(split(text) for text in texts[learn]):
            return None
        classifier = LogisticRegression(C=_INVERSE_REGULARIZATION, max_iter=_MOST_STEPS)
        classifier.fit(vectorizer.fit_transform(texts[learn]), answers[learn])
        given[label] = classifier.predict(vectorizer.transform(texts[label]))
    return given
