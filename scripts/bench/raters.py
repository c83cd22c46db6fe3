"""Measure what raters are worth on sets of texts that people have labeled.

    scripts/bench/raters.py --data FOLDER [--sets NAME ...] [--items 200] --ensemble FILE

Every set is a folder with ``data.csv`` (columns ``id``, ``text``, ``label``) and ``labels.csv``
(``task``, ``label``, ``definition``), gzipped or not. The same items, drawn at random with a fixed
seed, are labeled by each rater of the ensemble file through the public Python API; the
codebook holds nothing but the set's own definitions. Prints a Markdown table: accuracy with its
exact 95 % interval beside that of the most frequent category, the median off-codebook mass,
items a second, and the share of items that can be kept, the most probable first, with at most
5 % of them wrong. No labeled item is used for anything but counting.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from scipy.stats import binomtest

REPOSITORY = Path(__file__).resolve().parents[2]
SEED = 20261127
ERROR_LIMIT = 0.05
SETS = (
    *("medical_abstracts", "snips", "banking77", "trec", "nhs_feedback"),
    *("negex", "hate_offensive", "sst2"),
)


@dataclass(frozen=True)
class LabeledSet:
    name: str
    codebook: dict[str, object]
    items: pd.DataFrame

    @property
    def most_frequent(self) -> float:
        return max(Counter(self.items["label"]).values()) / len(self.items)


def read_rows(folder: Path, stem: str) -> list[dict[str, str]]:
    csv.field_size_limit(sys.maxsize)
    path = folder / f"{stem}.csv"
    if path.exists():
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    with gzip.open(folder / f"{stem}.csv.gz", "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_set(folder: Path, *, items: int) -> LabeledSet:
    """Draw items of the set's first task."""
    described = read_rows(folder, "labels")
    task = described[0]["task"]
    categories = {row["label"]: row["definition"] for row in described if row["task"] == task}
    rows = [row for row in read_rows(folder, "data") if row["label"] in categories]
    drawn = random.Random(SEED).sample(rows, min(items, len(rows)))
    codebook = {
        "name": folder.name,
        "version": "1",
        "variables": [
            {
                "name": task.replace(" ", "_"),
                "level": "nominal",
                "question": f"Which {task} fits the text?",
                "categories": [
                    {"name": name, "definition": definition}
                    for name, definition in categories.items()
                ],
            }
        ],
    }
    frame = pd.DataFrame(drawn)[["id", "text", "label"]]
    return LabeledSet(folder.name, codebook, frame)


def kept_within_limit(right: list[bool]) -> float:
    """Return the largest share, from the first on, of which at most 5 % are wrong."""
    best = wrong = 0
    for count, is_right in enumerate(right, start=1):
        wrong += not is_right
        if wrong <= ERROR_LIMIT * count:
            best = count
    return best / len(right)


def measure(labeled: LabeledSet, rater: dict[str, object]) -> str:
    sys.path.insert(0, str(REPOSITORY))
    import localensemble as le

    started = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        le.label(
            labeled.items[["id", "text"]],
            codebook=labeled.codebook,
            ensemble={"raters": [rater]},
            output=Path(folder) / "study",
        ) as study,
    ):
        seconds = time.perf_counter() - started
        labels = study.labels().merge(labeled.items, left_on="item", right_on="id")
    ordered = labels.sort_values("probability", ascending=False, na_position="last")
    right = (ordered["category"] == ordered["label"]).tolist()
    interval = binomtest(sum(right), len(right)).proportion_ci(0.95, method="exact")
    return (
        f"| {labeled.name} | {len(labeled.codebook['variables'][0]['categories'])} "  # type: ignore[index]
        f"| {labels['rater'][0]} | {sum(right) / len(right):.3f} "
        f"({interval.low:.3f} to {interval.high:.3f}) | {labeled.most_frequent:.3f} "
        f"| {labels['off_codebook_mass'].median():.3f} | {kept_within_limit(right):.2f} "
        f"| {int((labels['status'] != 'assigned').sum())} | {len(right) / seconds:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--ensemble", type=Path, required=True)
    given = parser.parse_args()
    from ruamel.yaml import YAML

    raters = YAML(typ="safe", pure=True).load(given.ensemble.read_text(encoding="utf-8"))["raters"]
    print(
        "| set | categories | rater | accuracy (95 % interval) | most frequent category "
        "| off-codebook mass | kept at 5 % errors | without a label | items/s |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in given.sets:
        labeled = read_set(given.data / name, items=given.items)
        for rater in raters:
            print(measure(labeled, rater), flush=True)


if __name__ == "__main__":
    main()
