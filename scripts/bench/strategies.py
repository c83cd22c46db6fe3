"""Compare chain and early stop with the full ensemble: accuracy, calls made, and seconds.

    scripts/bench/strategies.py --data FOLDER --work FOLDER [--items 1846] [--all]

The embedded models label the theme of patient comments (nhs_feedback). Chain, random routing and
early stop are computed from the labels of one full run on the test split, with the functions
that a run uses. With ``--all``, the whole table is labeled in full and with early stop, and every
final label is compared.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

import localensemble as le  # noqa: E402
from localensemble.codebook.load import load_codebook  # noqa: E402
from localensemble.codebook.model import Variable  # noqa: E402
from localensemble.consensus.methods.chain import Chain as ChainConsensus  # noqa: E402
from localensemble.consensus.methods.majority import Majority  # noqa: E402
from localensemble.consensus.methods.mean_probability import MeanProbability  # noqa: E402
from localensemble.consensus.rules import DecisionRules, decision_rules  # noqa: E402
from localensemble.consensus.shares import log_probability_gaps  # noqa: E402
from localensemble.core.label_matrix import GAP, LabelMatrix  # noqa: E402
from localensemble.strategies.asked_in_chain import Chain  # noqa: E402
from localensemble.strategies.early_stop import EarlyStop  # noqa: E402
from localensemble.strategies.protocol import AskingStrategy, EarlierLabels  # noqa: E402
from localensemble.study.study import Study  # noqa: E402
from models.training.corpus import read_splits  # noqa: E402

RATERS = ("le-llama-2m", "le-qwen2-3m", "le-gpt2-2m")
RANDOM_TRIALS = 20
LAYOUT = {"layout": "codebook_first"}
NOBODY = [{"policy": "no_consensus"}]


@dataclass(frozen=True)
class Labels:
    """What every rater said of every item."""

    variable: Variable
    ids: tuple[str, ...]
    categories: NDArray[np.int16]
    probabilities: NDArray[np.float64]
    gold: NDArray[np.int16]

    def by(self, strategy: AskingStrategy, rules: DecisionRules) -> NDArray[np.bool_]:
        """Return who is asked about what, (N, R), if the raters take turns by a strategy."""
        gaps = log_probability_gaps(self.probabilities)
        asked = np.zeros(self.categories.shape, dtype=np.bool_)
        for turn in range(len(RATERS)):
            asked[:, turn] = strategy.asked(
                turn,
                EarlierLabels(
                    variable=self.variable,
                    rules=rules,
                    raters=RATERS,
                    item_ids=self.ids,
                    asked=asked[:, :turn],
                    categories=np.where(asked, self.categories, np.int16(GAP))[:, :turn],
                    gaps=np.where(asked, gaps, np.nan)[:, :turn],
                ),
            )
        return asked

    def final(
        self, asked: NDArray[np.bool_], method: Majority | ChainConsensus | MeanProbability
    ) -> NDArray[np.int16]:
        """Derive the consensus from the labels of those that were asked."""
        partly = np.where(asked, self.categories, np.int16(GAP))
        given = np.where(asked[:, :, None], self.probabilities, np.nan)
        matrix = LabelMatrix(partly, self.variable.answers, RATERS)
        return method.derive(matrix, probabilities=given).categories

    def accuracy(self, found: NDArray[np.int16]) -> float:
        """Return the share of all items whose label is the gold label; no label is wrong."""
        return float(np.mean(found == self.gold))


def codebook(folder: Path) -> Path:
    """Write the codebook of the example with its first variable only."""
    text = (REPOSITORY / "examples" / "patient_feedback.yaml").read_text(encoding="utf-8")
    path = folder / "theme.yaml"
    path.write_text(text[: text.index("  - name: sentiment")], encoding="utf-8")
    return path


def label(
    items: Path, work: Path, name: str, *, strategy: Mapping[str, object] | None
) -> tuple[Path, float]:
    """Label a table by majority; return the study and the seconds."""
    ensemble: dict[str, object] = {
        "raters": [{"model": model} for model in RATERS],
        "prompt": LAYOUT,
        "consensus": {"method": "majority"},
        "escalation": NOBODY,
    }
    if strategy is not None:
        ensemble["strategy"] = strategy
    folder = work / name
    started = time.perf_counter()
    with le.label(
        items, codebook=codebook(work), ensemble=ensemble, output=folder,
        id_column="id", text_column="text",
    ):  # fmt: skip
        pass
    return folder, time.perf_counter() - started


def write_items(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("id", "text"), *rows])
    return path


def read_labels(folder: Path, gold: Mapping[str, str]) -> Labels:
    with Study.open(folder) as study:
        (variable,) = study.codebook.variables
        labels = study.recorded
        block = labels.block(variable.name, start=0, stop=labels.item_count, probabilities=True)
        ids = tuple(labels.item_ids)
    if block.probabilities is None:
        raise ValueError("The study has no probabilities.")
    known = [variable.answers.index(gold[one]) for one in ids]
    return Labels(
        variable, ids, block.category, block.probabilities, np.array(known, dtype=np.int16)
    )


def compare(labels: Labels) -> None:
    """Print a row for each way to ask."""
    everyone = np.ones(labels.categories.shape, dtype=np.bool_)
    majority = decision_rules({"method": "majority"}, [])
    chain = decision_rules({"method": "chain"}, [])
    print("| who is asked | calls | calls an item | saved | accuracy |")
    print("| --- | ---: | ---: | ---: | ---: |")

    def row(name: str, asked: NDArray[np.bool_], right: float, spread: str = "") -> None:
        calls = int(asked.sum())
        print(
            f"| {name} | {calls:,} | {calls / len(asked):.2f} | {1 - calls / asked.size:.1%} "
            f"| {right:.3f}{spread} |"
        )

    for column, rater in enumerate(RATERS):
        alone = np.zeros_like(everyone)
        alone[:, column] = True
        row(f"{rater} alone", alone, labels.accuracy(labels.categories[:, column]))
    frequent = np.bincount(labels.gold).max() / len(labels.gold)
    row("nobody: the most frequent category", np.zeros_like(everyone), float(frequent))
    methods: dict[str, Majority | ChainConsensus | MeanProbability] = {
        "majority": Majority(),
        "mean_probability": MeanProbability(),
        "chain": ChainConsensus(),
    }
    for name, method in methods.items():
        row(f"everyone, {name}", everyone, labels.accuracy(labels.final(everyone, method)))
    asked = labels.by(EarlyStop(0.0), majority)
    row("early stop, majority", asked, labels.accuracy(labels.final(asked, Majority())))
    same = np.array_equal(labels.final(asked, Majority()), labels.final(everyone, Majority()))
    asked = labels.by(EarlyStop(), majority)
    row("early stop with its audit share", asked, labels.accuracy(labels.final(asked, Majority())))
    asked = labels.by(Chain(), chain)
    row("chain", asked, labels.accuracy(labels.final(asked, ChainConsensus())))
    row("chain, label of the last rater asked", asked, labels.accuracy(_last(labels, asked)))
    for name, final in (
        ("chain, random routing", lambda one: labels.final(one, ChainConsensus())),
        ("chain, random routing, last rater asked", lambda one: _last(labels, one)),
    ):
        trials = [labels.by(Chain("random", seed), chain) for seed in range(RANDOM_TRIALS)]
        right = _accuracies(labels, trials, final)
        row(name, trials[0], float(np.mean(right)), f" ± {np.std(right, ddof=1):.3f}")
    print(f"\nEarly stop gives the labels of everyone: {same}.")


def _accuracies(
    labels: Labels,
    trials: list[NDArray[np.bool_]],
    final: Callable[[NDArray[np.bool_]], NDArray[np.int16]],
) -> list[float]:
    return [labels.accuracy(final(asked)) for asked in trials]


def _last(labels: Labels, asked: NDArray[np.bool_]) -> NDArray[np.int16]:
    last = asked.shape[1] - 1 - asked[:, ::-1].argmax(axis=1)
    return labels.categories[np.arange(len(asked)), last]


def compare_runs(items: Path, work: Path) -> None:
    """Label a table in full, with early stop, and with early stop that is not exact."""
    studies = {}
    ways: dict[str, Mapping[str, object] | None] = {
        "full": None,
        "early_stop": {"name": "early_stop"},
        "early_stop_not_exact": {"name": "early_stop", "exact": False},
    }
    for name, strategy in ways.items():
        folder, seconds = label(items, work, f"all-{name}", strategy=strategy)
        with Study.open(folder) as study:
            (decided,) = study.decide()
            left_out = sum(map(sum, study.run.summary.left_out.values()))
            computed = {
                rater: study.recorded.reader.usage(
                    key,
                    item_set=study.recorded.item_set,
                    variables=tuple(study.recorded.variable_keys.values()),
                    stop=study.recorded.item_count,
                )
                for rater, key in zip(RATERS, study.recorded.rater_keys, strict=True)
            }
        studies[name] = (decided.final, decided.escalated)
        cells = len(decided.final) * len(RATERS)
        print(
            f"{name}: {cells - left_out:,} of {cells:,} calls ({left_out / cells:.1%} saved), "
            f"{seconds:.0f} s in all; in the models: "
            + ", ".join(
                f"{rater} {one.seconds:.0f} s, {one.evaluated_tokens:,} tokens"
                for rater, one in computed.items()
            ),
            flush=True,
        )
    for name in ways:
        differ = sum(
            int(np.count_nonzero(one != other))
            for one, other in zip(studies["full"], studies[name], strict=True)
        )
        print(f"{name}: {differ} final labels or statuses differ of {len(studies[name][0]):,}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--items", type=int, default=None, help="of the test split, from the first")
    parser.add_argument(
        "--all", action="store_true", help="label the whole table in full and with early stop"
    )
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    with (options.data / "nhs_feedback" / "data.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    if options.all:
        table = [(row["id"], row["text"]) for row in rows]
        compare_runs(write_items(options.work / "all.csv", table), options.work)
        return
    test = read_splits(options.data)["nhs_feedback"].test
    drawn = [one for one in test if "theme" in one.gold][: options.items]
    named = load_codebook(codebook(options.work)).variables[0].answers
    gold = {one.identifier: one.gold["theme"] for one in drawn}
    if not set(gold.values()) <= set(named):
        raise ValueError(f"Gold labels {set(gold.values()) - set(named)} are not in the codebook.")
    items = write_items(options.work / "test.csv", [(one.identifier, one.text) for one in drawn])
    folder, _ = label(items, options.work, f"test-{len(drawn)}", strategy=None)
    compare(read_labels(folder, gold))


if __name__ == "__main__":
    main()
