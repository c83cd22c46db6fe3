"""Measure roles and the review of hard samples against plain voting.

    scripts/bench/roles.py --ensemble FILE [--items 200] [--buffer 20] [--study FOLDER]

The ensemble file has raters with roles. The first items of ``examples/patient_feedback.csv``, which
none of the embedded models was trained on, are labeled on the variable ``theme``: once by labelers
and adjudicators that are all asked about everything, for plain voting and the best single rater,
and once by roles (verifiers under ``accept: majority`` only). A student (TF-IDF, linear) learns
from the items that the first adjudicator reviewed, in batches of 32. Prints a Markdown table: how
many items got a label, how many of these are right with the exact 95 % interval, how many of all
items are right, and the calls made. Gold labels are used for nothing but counting.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ruamel.yaml import YAML
from scipy.stats import binomtest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

import localensemble as le  # noqa: E402
from localensemble.consensus.methods.majority import Majority  # noqa: E402
from localensemble.consensus.methods.roles import AcceptRule, Roles, proposals  # noqa: E402
from localensemble.core.label_matrix import LabelMatrix  # noqa: E402
from localensemble.core.words import counted  # noqa: E402
from localensemble.strategies.hard_samples import Student, review_hard_samples  # noqa: E402
from localensemble.strategies.student import train_student  # noqa: E402

VARIABLE = "theme"
BATCH = 32
ACCEPT: tuple[AcceptRule, ...] = ("unanimous", "majority")
Codes = NDArray[np.int16]
Ensemble = dict[str, Any]


@dataclass(frozen=True)
class Material:
    items: pd.DataFrame
    codebook: dict[str, Any]

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(one["name"] for one in self.codebook["variables"][0]["categories"])

    @property
    def gold(self) -> Codes:
        return self.codes(self.items[f"gold_{VARIABLE}"])

    def codes(self, names: pd.Series[str]) -> Codes:
        found = pd.Categorical(names, categories=list(self.categories)).codes
        return np.asarray(found, dtype=np.int16)


def read_material(items: int) -> Material:
    examples = REPOSITORY / "examples"
    codebook = YAML(typ="safe", pure=True).load(
        (examples / "patient_feedback.yaml").read_text(encoding="utf-8")
    )
    codebook["variables"] = [one for one in codebook["variables"] if one["name"] == VARIABLE]
    table = pd.read_csv(examples / "patient_feedback.csv", dtype=str, keep_default_na=False)
    return Material(table[:items], codebook)


def label(material: Material, ensemble: Ensemble, folder: Path) -> LabelMatrix:
    """Label the items; labels that the folder already has are not made again."""
    with le.label(
        material.items[["id", "text"]],
        codebook=material.codebook,
        ensemble={**ensemble, "escalation": []},
        output=folder,
    ) as study:
        labels = study.labels()
    wide = labels.pivot(index="item", columns="rater", values="category")
    raters = list(dict.fromkeys(labels["rater"]))
    ordered = wide.reindex(index=material.items["id"], columns=raters)
    columns = [material.codes(ordered[rater]) for rater in raters]
    return LabelMatrix(np.column_stack(columns), material.categories, tuple(raters))


def row(name: str, found: Codes, gold: Codes, calls: int) -> str:
    given = found >= 0
    right, labeled = int((given & (found == gold)).sum()), int(given.sum())
    shown = "none"
    if labeled:
        interval = binomtest(right, labeled).proportion_ci(0.95, method="exact")
        shown = f"{right / labeled:.3f} ({interval.low:.3f} to {interval.high:.3f})"
    return f"| {name} | {labeled} | {shown} | {right / len(gold):.3f} | {calls} |"


def reviewed(
    material: Material,
    labels: LabelMatrix,
    reviewer: Codes,
    *,
    accept: AcceptRule,
    buffer: int,
    with_student: bool,
) -> tuple[Codes, int, int]:
    """Review hard samples; return the categories, the reviews and the events."""
    texts = material.items["text"].tolist()

    def teach(places: NDArray[np.intp], codes: Codes) -> Student:
        student = train_student(
            [texts[place] for place in places], codes, category_count=len(material.categories)
        )
        return lambda positions: student.label([texts[place] for place in positions])

    result = review_hard_samples(
        labels,
        review=lambda positions: reviewer[positions],
        teach=teach if with_student else None,
        accept=accept,
        buffer_size=buffer,
        batch_size=BATCH,
    )
    return result.categories, int(result.reviewed.sum()), len(result.updates)


def compare(material: Material, ensemble: Ensemble, folder: Path, *, buffer: int) -> None:
    gold, raters = material.gold, ensemble["raters"]
    roles = {one["name"]: one["role"] for one in raters if one.get("role", "labeler") != "labeler"}
    asked = [
        {key: value for key, value in one.items() if key != "role"}
        for one in raters
        if roles.get(one["name"]) != "verifier"
    ]
    full = label(material, {"raters": asked}, folder)
    count, calls = len(gold), full.mask.size
    print("| method | labeled | right of these (95 % interval) | right of all | calls |")
    print("| --- | --- | --- | --- | --- |")
    frequent = np.full(count, np.bincount(gold).argmax(), dtype=np.int16)
    print(row("most frequent category", frequent, gold, 0))
    for column, name in enumerate(full.raters):
        print(row(f"{name} alone", full.indices[:, column], gold, count))
    labelers = [place for place, name in enumerate(full.raters) if name not in roles]
    alone = LabelMatrix(
        full.indices[:, labelers], full.categories, tuple(full.raters[one] for one in labelers)
    )
    voted = Majority().derive(alone).categories
    print(row("plain voting, labelers", voted, gold, count * len(labelers)))
    print(row("plain voting, adjudicators too", Majority().derive(full).categories, gold, calls))
    without = {name: role for name, role in roles.items() if role != "verifier"}
    for accept in ACCEPT:
        found = Roles(without, accept=accept).derive(full).categories
        disputed = proposals(full, roles=without, accept=accept).disputed.sum()
        adjudicators = len(full.raters) - len(labelers)
        made = count * len(labelers) + int(disputed) * adjudicators
        print(row(f"adjudicated, {accept}", found, gold, made))
        if "verifier" in roles.values() and accept == "majority":
            consensus = {"method": "roles", "accept": accept}
            checked = label(material, {"raters": raters, "consensus": consensus}, folder)
            method = Roles(roles, accept=accept)
            names = [name for name, role in roles.items() if role == "verifier"]
            more = int((proposals(checked, roles=roles, accept=accept).categories >= 0).sum())
            verified = method.derive(checked).categories
            print(
                row(f"adjudicated and verified, {accept}", verified, gold, made + more * len(names))
            )
    judges = [name for name, role in roles.items() if role == "adjudicator"]
    for judge, accept in ((judge, accept) for judge in judges[:1] for accept in ACCEPT):
        reviewer = full.indices[:, full.raters.index(judge)]
        for learns in (False, True):
            found, reviews, events = reviewed(
                material, alone, reviewer, accept=accept, buffer=buffer, with_student=learns
            )
            student = f"a student, {counted(events, 'update')}" if learns else "no student"
            name = f"hard samples reviewed, {accept}, {student}"
            print(row(name, found, gold, count * len(labelers) + reviews))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ensemble", type=Path, required=True)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--buffer", type=int, default=20)
    parser.add_argument("--study", type=Path)
    given = parser.parse_args()
    ensemble = YAML(typ="safe", pure=True).load(given.ensemble.read_text(encoding="utf-8"))
    material = read_material(given.items)
    with tempfile.TemporaryDirectory() as temporary:
        compare(material, ensemble, given.study or Path(temporary) / "study", buffer=given.buffer)


if __name__ == "__main__":
    main()
