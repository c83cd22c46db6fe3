"""Read the training data and split it: which rows, which gold label, and which side.

No text is on both sides of the split; texts that differ only in case, punctuation and spacing
are the same text. Rows that are left out are counted.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Part = Literal["train", "validation", "test"]

SALT = "localensemble-split-v1"
TEST_SHARE = 0.20
VALIDATION_SHARE = 0.08
# A stock answer such as "nothing" (695 rows) is one text. On the test side it would be a
# third of the test part, so such texts are used only for training.
STOCK_ANSWER_ROWS = 10

SOURCES = {"theme": "nhs_feedback", "sentiment": "nhs_feedback"} | {
    "negation": "negex",
    "role": "csabstruct",
}


@dataclass(frozen=True, slots=True)
class GoldItem:
    """A text with its gold labels by variable; a variable without gold is absent."""

    identifier: str
    text: str
    gold: dict[str, str]


@dataclass(frozen=True, slots=True)
class Split:
    """The split of one source; ``left_out`` counts training rows whose text the test part has."""

    source: str
    train: tuple[GoldItem, ...]
    validation: tuple[GoldItem, ...]
    test: tuple[GoldItem, ...]
    left_out: int


def text_key(text: str) -> str:
    """Return the words of a text without case; texts with equal keys count as the same."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def read_splits(data: Path) -> dict[str, Split]:
    """Read and split every source in the data folder."""
    return {
        "nhs_feedback": _split_feedback(data / "nhs_feedback" / "data.csv"),
        "negex": _split_negation(data / "negex" / "data.csv"),
        "csabstruct": _split_roles(data / "csabstruct" / "data.csv.gz"),
    }


def _split_feedback(path: Path) -> Split:
    rows = list(_rows(path))
    counts = Counter(text_key(row["text"]) for row in rows)
    parted: list[tuple[Part, GoldItem]] = []
    for row in rows:
        key = text_key(row["text"])
        rank = _rank(key)
        rare = counts[key] < STOCK_ANSWER_ROWS
        part: Part = "test" if rare and rank < TEST_SHARE else _train_or_validation(rank)
        gold = {"theme": row["label"]}
        if row["criticality"]:
            gold["sentiment"] = _sentiment(int(row["criticality"]))
        parted.append((part, GoldItem(row["id"], row["text"], gold)))
    return _split("nhs_feedback", parted)


def _split_negation(path: Path) -> Split:
    rows = list(_rows(path))
    sizes = Counter(row["report"] for row in rows)
    order = sorted(sizes, key=_rank)
    test = set(_until(order, sizes, TEST_SHARE * len(rows)))
    rest = [report for report in order if report not in test]
    validation = set(_until(rest, sizes, VALIDATION_SHARE * len(rows)))
    return _split(
        "negex",
        [
            (
                _part(row["report"], test, validation),
                GoldItem(row["id"], row["text"], {"negation": row["label"]}),
            )
            for row in rows
        ],
    )


def _split_roles(path: Path) -> Split:
    parts: dict[str, Part] = {"train": "train", "dev": "validation", "test": "test"}
    return _split(
        "csabstruct",
        [
            (parts[row["split"]], GoldItem(row["id"], row["text"], {"role": row["label"]}))
            for row in _rows(path)
        ],
    )


def _split(source: str, parted: Iterable[tuple[Part, GoldItem]]) -> Split:
    parts: dict[Part, list[GoldItem]] = {"train": [], "validation": [], "test": []}
    for part, item in parted:
        parts[part].append(item)
    test_keys = {text_key(item.text) for item in parts["test"]}
    train = [item for item in parts["train"] if text_key(item.text) not in test_keys]
    validation = [item for item in parts["validation"] if text_key(item.text) not in test_keys]
    left_out = len(parts["train"]) + len(parts["validation"]) - len(train) - len(validation)
    return Split(source, tuple(train), tuple(validation), tuple(parts["test"]), left_out)


def _rank(key: str) -> float:
    """Return a number in [0, 1) from the hash of a key."""
    digest = hashlib.sha256(f"{SALT}:{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _train_or_validation(rank: float) -> Part:
    # The fraction of the rank's tail is independent of the test cut, stock answers included.
    return "validation" if (rank * 997) % 1 < VALIDATION_SHARE else "train"


def _until(order: list[str], sizes: Counter[str], rows: float) -> Iterator[str]:
    taken = 0
    for name in order:
        if taken >= rows:
            return
        taken += sizes[name]
        yield name


def _part(name: str, test: set[str], validation: set[str]) -> Part:
    return "test" if name in test else "validation" if name in validation else "train"


def _sentiment(criticality: int) -> str:
    return "negative" if criticality < 0 else "positive" if criticality > 0 else "neutral"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)
