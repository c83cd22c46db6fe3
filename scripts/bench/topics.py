"""Compare the relevancy-scored ensemble with each of its raters on nine topics, by AUPRC.

    scripts/bench/topics.py --data FOLDER --work FOLDER --models FOLDER [--items 200]
        [--names smollm2-135m-instruct ...]

Takes items of nhs_feedback that no embedded model was trained on, and asks about its nine themes as
nine yes/no topics. A rater is an embedded model, or NAME.gguf in ``--models``. ``--work`` keeps the
study, so that a second run only computes the tables.

Prints for each topic the area under the precision-recall curve (average precision) of the
ensemble's score, of each rater's relevancy score and its probability of yes, of their mean
probability and of the share of raters that say yes; then F1 of labels. A random score reaches the
share of the topic.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.api.label import LabelOptions, label
from localensemble.api.relevancy.score_topics import RelevancyOptions, score_topics
from localensemble.findings.topics.topic_findings import ScoredTopic, scored_topics
from localensemble.study.study import Study

sys.path.insert(0, str(Path(__file__).parents[2] / "models" / "training"))
from corpus import read_splits

Floats = NDArray[np.float64]
Column = Mapping[str, float]

_EMBEDDED = ("le-llama-2m", "le-qwen2-3m", "le-gpt2-2m")


def average_precision(score: Floats, truth: NDArray[np.bool_]) -> float:
    """Return the area under the steps of the precision-recall curve; equal scores are one step."""
    score = np.nan_to_num(score, nan=-1.0)
    found, area, recall = 0, 0.0, 0.0
    taken = 0
    for value in np.unique(score)[::-1]:
        at = score == value
        found, taken = found + int(truth[at].sum()), taken + int(at.sum())
        area += found / taken * (found / int(truth.sum()) - recall)
        recall = found / int(truth.sum())
    return area


def f1(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return 2 * int((found & truth).sum()) / max(int(found.sum() + truth.sum()), 1)


def write_files(data: Path, work: Path, *, count: int, names: list[str], models: Path) -> list[str]:
    """Write items, codebook and ensemble; return the theme of each item."""
    drawn = random.Random(1).sample(read_splits(data)["nhs_feedback"].test, count)
    work.mkdir(parents=True, exist_ok=True)
    with (work / "items.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "text"))
        writer.writerows((one.identifier, one.text) for one in drawn)
    with (data / "nhs_feedback" / "labels.csv").open(encoding="utf-8") as stream:
        themes = [row for row in csv.DictReader(stream) if row["task"] == "theme"]
    lines = ["name: nhs-topics", 'version: "1"', "variables:", "  - name: topic"]
    lines += ["    level: multi_label", "    question: 'Is the comment about \"{category}\"?'"]
    lines += ["    categories:"]
    for row in themes:
        lines += [f'      - name: "{row["label"]}"', f'        definition: "{row["definition"]}"']
    (work / "codebook.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    raters = [
        f"  - {{name: {name}, model: {name if name in _EMBEDDED else models / f'{name}.gguf'}}}"
        for name in names
    ]
    (work / "ensemble.yaml").write_text("\n".join(["raters:", *raters]) + "\n", encoding="utf-8")
    return [one.gold["theme"] for one in drawn]


def columns(loaded: Study, topic: ScoredTopic, truth: NDArray[np.bool_]) -> tuple[Column, Column]:
    """Return AUPRC by score and F1 by label on one topic."""
    labels = loaded.recorded
    block = labels.block(topic.variable.name, start=0, stop=labels.item_count, probabilities=True)
    yes = topic.variable.answers.index("yes")
    probabilities = np.asarray(block.probabilities)[:, :, yes]
    said = topic.labels == 1
    ensemble = topic.ensemble
    areas = {"share of topic": float(truth.mean())}
    areas["ensemble score"] = average_precision(ensemble.score, truth)
    areas["mean probability"] = average_precision(np.nanmean(probabilities, axis=1), truth)
    areas["share of yes"] = average_precision(said.mean(axis=1), truth)
    labeled = {"ensemble": f1(ensemble.result.label, truth)}
    labeled["majority"] = f1(ensemble.result.majority, truth)
    for column, name in enumerate(topic.raters):
        areas[f"{name}, relevancy"] = average_precision(topic.scores[:, column], truth)
        areas[f"{name}, probability"] = average_precision(probabilities[:, column], truth)
        labeled[name] = f1(said[:, column], truth)
    return areas, labeled


def table(title: str, rows: Mapping[str, Column]) -> None:
    """Print one row for each way of scoring or labeling, one column for each topic, and means."""
    topics = list(rows)
    print(f"\n{title}\n\n| | {' | '.join(topics)} | mean |\n|{' --- |' * (len(topics) + 2)}")
    for way in rows[topics[0]]:
        values = [rows[topic][way] for topic in topics]
        print(f"| {way} | {' | '.join(f'{one:.3f}' for one in [*values, np.mean(values)])} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--items", type=int, default=200)
    usual = [*_EMBEDDED, "smollm2-135m-instruct", "gemma-3-270m", "qwen2.5-coder-0.5b-instruct"]
    parser.add_argument("--names", nargs="+", default=usual)
    given = parser.parse_args()
    work: Path = given.work
    themes = write_files(
        given.data, work, count=given.items, names=given.names, models=given.models
    )
    began = time.perf_counter()
    label(
        work / "items.csv",
        codebook=work / "codebook.yaml",
        study=work / "study",
        options=LabelOptions(ensemble=work / "ensemble.yaml"),
    )
    labeled = time.perf_counter()
    score_topics(
        work / "study",
        items=work / "items.csv",
        options=RelevancyOptions(ensemble=work / "ensemble.yaml"),
        on_progress=lambda now: print(now, flush=True),
    )
    print(f"Labels: {labeled - began:.0f} s; passages: {time.perf_counter() - labeled:.0f} s")
    areas, labels = {}, {}
    with Study.open(work / "study") as loaded:
        for topic in scored_topics(loaded.recorded, loaded.codebook):
            name = topic.variable.question.split('"')[1]
            truth = np.array([theme == name for theme in themes])
            if truth.any():
                areas[name], labels[name] = columns(loaded, topic, truth)
            print(
                name,
                f"threshold {topic.ensemble.result.threshold:.2f}",
                "outliers",
                [topic.raters[place] for place in topic.ensemble.agreement.outliers],
                "AC1",
                topic.ensemble.agreement.labels.value,
                topic.ensemble.agreement.scores.value,
                f"{topic.seconds:.0f} s",
                sum(len(one.passages) for part in topic.passages for one in part.values()),
            )
    table("AUPRC", areas)
    table("F1", labels)


if __name__ == "__main__":
    main()
