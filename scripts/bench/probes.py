"""Measure probes of vectors and of words with few gold labels, on texts that people labeled.

    scripts/bench/probes.py --data FOLDER [--sets NAME ...] [--gold 100 200 400] [--items 600]

The sets are those of `raters.py`. For each number of gold labels, both probes are trained on texts
drawn with a fixed seed, and label the same other texts. Prints a Markdown table of
accuracies beside that of the most frequent category. Needs scikit-learn and all-minilm-l6-v2.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(Path(__file__).resolve().parent)]

from raters import read_set  # noqa: E402 - found through the line above

SETS = ("negex", "covid_q", "hate_offensive", "snips", "banking77", "nhs_feedback")


def accuracy(items: pd.DataFrame, codebook: dict[str, object], gold: int, features: str) -> float:
    """Train on the first items and return the accuracy on the others."""
    import localensemble as le
    from localensemble.api.before_a_run.train_probe import ProbeOptions, train_probe

    variable = codebook["variables"][0]["name"]  # type: ignore[index]
    first, others = items.iloc[:gold], items.iloc[gold:]
    labels = first[["id", "label"]].rename(columns={"label": f"gold_{variable}"})
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "set.probe"
        paths = [Path(folder) / name for name in ("items.csv", "gold.csv")]
        first[["id", "text"]].to_csv(paths[0], index=False)
        labels.to_csv(paths[1], index=False)
        train_probe(
            paths[0],
            gold=paths[1],
            codebook=codebook,
            output=probe,
            options=ProbeOptions(features=features, least_per_category=0),  # type: ignore[arg-type]
        )
        with le.label(
            others[["id", "text"]],
            codebook=codebook,
            ensemble={"raters": [{"model": str(probe), "engine": "probe", "name": "probe"}]},
            output=Path(folder) / "study",
        ) as study:
            found = study.labels().merge(others, left_on="item", right_on="id")
    return float(np.mean(found["category"].astype(str) == found["label"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--gold", nargs="+", type=int, default=[100, 200, 400])
    parser.add_argument("--items", type=int, default=600)
    given = parser.parse_args()
    columns = " | ".join(f"vectors, {n} | words, {n}" for n in given.gold)
    print(f"| set | categories | most frequent category | {columns} |")
    print("| --- " * (3 + 2 * len(given.gold)) + "|")
    for name in given.sets:
        drawn = read_set(given.data / name, items=given.items + max(given.gold))
        variables = drawn.codebook["variables"]
        tested = drawn.items.iloc[max(given.gold) :]
        cells = []
        for gold in given.gold:
            items = pd.concat([drawn.items.iloc[:gold], tested])
            cells += [
                f"{accuracy(items, drawn.codebook, gold, features):.3f}"
                for features in ("vectors", "words")
            ]
        frequent = max(Counter(tested["label"]).values()) / len(tested)
        count = len(variables[0]["categories"])  # type: ignore[index]
        print(f"| {name} | {count} | {frequent:.3f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
