"""What models and trained classifiers answered to the items of one set, as arrays.

Models' answers are read from the studies that `model_answers.py` made. Probes are trained
here, on vectors that are computed once, with the code that `localensemble probe` uses.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from model_answers import DRAWN, ENCODER, Asked, labeled_items
from numpy.typing import NDArray
from raters import kept_within_limit, read_set
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from localensemble.api.before_a_run.train_probe import text_vectors
from localensemble.catalog.located_models import locate_model
from localensemble.core.identity import sha256_words
from localensemble.findings.gold_comparison import distributions_at
from localensemble.probes.training import GoldTexts, assign_folds, train_variable
from localensemble.study.study import Study

Distributions = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Answers:
    """A model's answers to the first n items of a set with K categories.

    Attributes:
        distributions: (n, K), NaN for an item without an answer.
        off_codebook: median share of the probability outside the codebook.
    """

    distributions: Distributions
    off_codebook: float

    @property
    def codes(self) -> Codes:
        """Return the most probable categories, -1 without an answer."""
        return best(self.distributions)


def best(distributions: Distributions) -> Codes:
    """Return the most probable category of each row, -1 for a row of NaN."""
    known = ~np.isnan(distributions[:, 0])
    return np.where(known, np.where(known[:, None], distributions, 0.0).argmax(axis=1), -1)


def kept(distributions: Distributions, gold: Codes) -> float:
    """Return the largest share, the most probable first, of which at most 5 % are wrong."""
    sure = np.nan_to_num(distributions.max(axis=1), nan=-1.0)
    order = np.argsort(-sure, kind="stable")
    return kept_within_limit((best(distributions) == gold)[order].tolist())


class AnsweredSet:
    """A labeled set, its gold codes, and what is known of its items."""

    def __init__(self, name: str, *, data: Path, work: Path) -> None:
        self.name = name
        self.work = work
        self.labeled = read_set(data / name, items=DRAWN)
        (variable,) = self.labeled.codebook["variables"]  # type: ignore[misc]
        self.variable: str = variable["name"]
        self.names = [category["name"] for category in variable["categories"]]
        places = {one: place for place, one in enumerate(self.names)}
        self.gold: Codes = np.array([places[one] for one in self.labeled.items["label"]])
        self.texts: list[str] = self.labeled.items["text"].tolist()
        self._answers: dict[Asked, Answers | None] = {}

    def most_frequent(self, items: slice) -> float:
        """Return the share of the most frequent category among some items."""
        return float(max(Counter(self.gold[items].tolist()).values()) / len(self.gold[items]))

    def answers(
        self, model: str, readout: str | None, *, items: int, reverse: bool = False
    ) -> Answers | None:
        """Return a model's answers to the first items; None if they have not been asked yet."""
        asked = Asked(self.name, model, readout, items, reverse)
        if asked not in self._answers:
            self._answers[asked] = self._read(asked)
        return self._answers[asked]

    def probe(self, rows: Codes) -> Distributions:
        """Train a probe on the gold labels of some rows and return (DRAWN, K).

        A row that it was trained on is judged by the classifier that did not see it.
        """
        known = rows[self.has_vector[rows]]
        texts = [self.texts[row] for row in known]
        folds = assign_folds(texts, self.gold[known].tolist())
        gold = GoldTexts(
            self.variable,
            tuple(self.names),
            np.arange(len(known)),
            self.gold[known].astype(np.int16),
        )
        of = np.array([folds[sha256_words(text)] for text in texts], dtype=np.intp)
        trained = train_variable(self.vectors[known], gold, of)
        found = np.full((len(self.texts), len(self.names)), np.nan)
        for row in np.flatnonzero(self.has_vector):
            fold = folds.get(sha256_words(self.texts[row]))
            found[row] = np.exp(trained.log_probabilities(self.vectors[row], fold=fold))
        return found

    def word_classifier(self, rows: Codes) -> Distributions:
        """Train TF-IDF and logistic regression on some rows and return (DRAWN, K)."""
        terms = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        features = terms.fit_transform([self.texts[row] for row in rows])
        classifier = LogisticRegression(C=10.0, max_iter=1000)
        classifier.fit(features, self.gold[rows])
        found = np.zeros((len(self.texts), len(self.names)))
        found[:, classifier.classes_] = classifier.predict_proba(terms.transform(self.texts))
        return found

    @cached_property
    def has_vector(self) -> NDArray[np.bool_]:
        """Whether the encoder knows a word of each text."""
        return np.asarray(self._embedded[0])

    @property
    def vectors(self) -> NDArray[np.float64]:
        """Return the vectors of all texts, zeros without one."""
        return self._embedded[1]

    @cached_property
    def _embedded(self) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        rows, vectors = text_vectors(self.texts, locate_model(ENCODER, folder=Path()).path, None)
        known = np.zeros(len(self.texts), dtype=np.bool_)
        known[rows] = True
        everything = np.zeros((len(self.texts), vectors.shape[1]))
        everything[rows] = vectors
        return known, everything

    def _read(self, asked: Asked) -> Answers | None:
        folder = asked.folder(self.work)
        if labeled_items(folder) < asked.items:
            return None
        with Study.open(folder) as study:
            (variable,) = study.codebook.variables
            known = np.arange(len(study.items)) < asked.items
            found = distributions_at(study.recorded, variable=variable, known=known)[:, 0]
            block = study.recorded.block(variable.name, start=0, stop=asked.items)
        order = [variable.answers.index(name) for name in self.names]
        return Answers(found[:, order], float(np.nanmedian(block.off_codebook_mass)))
