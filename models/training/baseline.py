"""Measure the accuracy of a simple method on the same split: TF-IDF with logistic regression.

    python models/training/baseline.py --data DATA

Needs scikit-learn. Measures two splits for each variable: the recorded one, in which no text
is on both sides, and a random fifth of the rows, in which repeated texts leak into the test.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from corpus import SOURCES, GoldItem, read_splits


def main() -> None:
    """Print one line for each variable and split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    splits = read_splits(parser.parse_args().data)
    for variable, source in SOURCES.items():
        split = splits[source]
        learned = [*split.train, *split.validation]
        report("recorded", variable, learned, split.test)
        rows = [*learned, *split.test]
        random.Random(0).shuffle(rows)
        report("random rows", variable, rows[len(rows) // 5 :], rows[: len(rows) // 5])


def report(name: str, variable: str, train: Sequence[GoldItem], test: Sequence[GoldItem]) -> None:
    """Fit on one side, measure on the other."""
    train = [item for item in train if variable in item.gold]
    test = [item for item in test if variable in item.gold]
    gold = [item.gold[variable] for item in test]
    # Keep case: the negation codebook asks for the finding in capitals.
    model = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, lowercase=False),
            TfidfVectorizer(
                analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, lowercase=False
            ),
        ),
        LogisticRegression(C=10, max_iter=300, solver="saga", tol=1e-2, random_state=0),
    )
    model.fit([item.text for item in train], [item.gold[variable] for item in train])
    chosen = model.predict([item.text for item in test])
    right = sum(a == b for a, b in zip(chosen, gold, strict=True))
    majority = Counter(gold).most_common(1)[0][1]
    sys.stdout.write(
        f"{variable:10} {name:12} n={len(gold):5} majority={majority / len(gold):.3f} "
        f"tf-idf={right / len(gold):.3f}\n"
    )


if __name__ == "__main__":
    main()
