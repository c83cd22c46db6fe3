"""Measure what examples in the prompt do to accuracy and time, for docs/prompts.md.

    scripts/bench/shots.py --data FOLDER --models FOLDER --work FOLDER [--set NAME] [--items N]

``--data`` holds the sets csabstruct and banking77 as CSV files with the columns id, text, label
and split, and ``labels.csv`` with the definitions; ``--models`` the GGUF files of `MODELS`. The
items are spread over the test split, the examples over the training split, and every rater
labels the same items without examples and with each way of choosing them. Nothing is tuned.
Beside the raters stands what the labels of the retrieved examples alone would give: the category
of the nearest one. Needs all-minilm-l6-v2. About 20 minutes for a set on two cores.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from localensemble.api.prepared_raters import RaterOptions, locate_rater, prepare_raters
from localensemble.api.prompt.text_embedder import embedder_opener
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Codebook
from localensemble.core.items import Item
from localensemble.core.labels import Label
from localensemble.findings.prompt_comparison import PromptComparison, compare_prompts
from localensemble.labeling.ensemble import Ensemble, load_ensemble
from localensemble.labeling.examples.shots import (
    NO_SHOTS,
    Shots,
    ShotSelection,
    StatedShots,
    load_shots,
)
from localensemble.labeling.packing import BLOCK_SIZE
from localensemble.labeling.scoring import Questions, label_block
from localensemble.prompting.template import load_template
from localensemble.tables.item_file import ItemFile

MODELS = {
    "smollm2-135m": "smollm2-135m-instruct.gguf",
    "qwen-0.5b": "qwen2.5-coder-0.5b-instruct.gguf",
}
VARIABLE = "topic"
WAYS: tuple[Literal["none", ShotSelection], ...] = (
    *("none", "fixed", "random"),
    *("retrieved", "balanced"),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens computed and seconds in the model, per item."""

    tokens: float
    seconds: float


def read_set(folder: Path) -> list[dict[str, str]]:
    packed = folder / "data.csv.gz"
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else None
    text = (data or (folder / "data.csv").read_bytes()).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def spread(rows: Sequence[dict[str, str]], count: int) -> list[dict[str, str]]:
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    return [rows[place] for place in places]


def write_table(path: Path, rows: Sequence[dict[str, str]], *, gold: bool) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "text", *((f"gold_{VARIABLE}",) if gold else ())))
        writer.writerows(
            (row["id"], row["text"], *((row["label"],) if gold else ())) for row in rows
        )
    return path


def make_codebook(folder: Path, work: Path, question: str) -> Codebook:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        labels = list(csv.DictReader(stream))
    lines = [
        f"      - name: {one['label']}\n        definition: '{one['definition']}'" for one in labels
    ]
    path = work / "codebook.yaml"
    path.write_text(
        f'name: bench\nversion: "1"\ndescription: One label per text.\nvariables:\n'
        f"  - name: {VARIABLE}\n    level: nominal\n    question: {question}\n    categories:\n"
        + "\n".join(lines)
        + "\n",
        encoding="utf-8",
    )
    return load_codebook(path)


def ensemble_of(models: Path) -> Ensemble:
    raters = [{"name": name, "model": str(models / file)} for name, file in MODELS.items()]
    raters.append({"name": "embedding", "model": "all-minilm-l6-v2", "engine": "embedding"})
    # Of the embedded models, it was trained for csabstruct only.
    raters.append({"name": "le-llama-2m", "model": "le-llama-2m"})
    return load_ensemble({"raters": raters})


def label_all(
    ensemble: Ensemble, codebook: Codebook, shots: Shots, items: Sequence[Item], name: str
) -> tuple[Sequence[Label], Cost]:
    template = load_template().with_shots(shots.of_texts)
    shown = shots.shown(codebook)
    (plan,) = (one for one in ensemble.raters if one.name == name)
    (prepared,) = prepare_raters(
        replace(ensemble, raters=(plan,)),
        [locate_rater(plan, folder=ensemble.folder)],
        codebook=shown,
        template=template,
        options=RaterOptions(),
    )
    engine = prepared.engine.load()
    try:
        questions = Questions(shown.variables, template, "codebook_first")
        labels: list[Label] = []
        for start in range(0, len(items), BLOCK_SIZE):
            block = label_block(engine, items[start : start + BLOCK_SIZE], questions=questions)
            labels.extend(block[VARIABLE])
        usage = engine.usage()
    finally:
        engine.close()
    return labels, Cost(usage.evaluated_tokens / len(items), usage.seconds / len(items))


def show(
    found: PromptComparison, costs: Mapping[tuple[str, str], Cost], alone: Mapping[str, float]
) -> None:
    print(
        f"{found.items} items; always {found.baselines[0].category}: "
        f"{found.baselines[0].accuracy.value:.1%}"
    )
    print(
        "| rater | examples | right | 95% interval | p against none | tokens an item | s an item |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for one in found.results:
        cost, accuracy = costs[one.rater, one.template], one.accuracy
        if accuracy is None:
            continue
        test = one.against_first
        p_value = "" if test is None or test.p_value.value is None else f"{test.p_value.value:.2g}"
        cells = (
            one.rater,
            one.template,
            f"{accuracy.value:.1%}",
            f"{accuracy.interval_low:.0%} to {accuracy.interval_high:.0%}",
            p_value,
            f"{cost.tokens:.0f}",
            f"{cost.seconds:.3f}",
        )
        print(f"| {' | '.join(cells)} |")
    for way, value in alone.items():
        print(f"| (no rater) | nearest {way} example alone | {value:.1%} | | | | |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--set", default="csabstruct", choices=("csabstruct", "banking77"))
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--pool", type=int, default=1000)
    parser.add_argument("--n", type=int, default=4)
    parser.add_argument("--rater", action="append", default=[])
    parser.add_argument("--groups", type=int, action="append", default=[])
    parser.add_argument("--way", action="append", default=[], choices=WAYS)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    rows = read_set(given.data / given.set)
    codebook = make_codebook(
        given.data / given.set,
        given.work,
        "What does the sentence do in the abstract?"
        if given.set == "csabstruct"
        else "What does the customer want?",
    )
    tested = spread([row for row in rows if row["split"] == "test"], given.items)
    pool = spread([row for row in rows if row["split"] == "train"], given.pool)
    table = ItemFile.open(write_table(given.work / "items.csv", tested, gold=False))
    gold_table = write_table(given.work / "pool.csv", pool, gold=True)
    items = [row.item for block in table.blocks(4096) for row in block]
    answers = codebook.variable(VARIABLE).answers
    gold = np.array([answers.index(row["label"]) for row in tested], dtype=np.int16)
    ensemble = ensemble_of(given.models)
    labels: dict[tuple[str, str], Mapping[str, Sequence[Label]]] = {}
    costs: dict[tuple[str, str], Cost] = {}
    alone: dict[str, float] = {}
    opener = embedder_opener(Path(), None)
    for way, groups in [(way, None) for way in given.way or WAYS] + [
        ("retrieved", count) for count in given.groups
    ]:
        shots, name = NO_SHOTS, way if groups is None else f"{way}, {groups} groups"
        if way != "none":
            stated = StatedShots(gold_table, 1, 0, given.n, way, groups=groups)
            shots = load_shots(stated, codebook, items=table, open_embedder=opener)
            print(*shots.messages, flush=True)
        if shots.of_texts is not None:
            of_texts = shots.of_texts
            of_texts.prepare(item.text for item in items)
            nearest = [of_texts.examples(VARIABLE, item.text)[-1].category for item in items]
            alone[name] = float(np.mean([answers.index(one) for one in nearest] == gold))
        for rater in given.rater or [one.name for one in ensemble.raters]:
            found, cost = label_all(ensemble, codebook, shots, items, rater)
            labels[rater, name], costs[rater, name] = {VARIABLE: found}, cost
            print(rater, name, cost, flush=True)
    show(compare_prompts(labels, variables=codebook.variables, gold={VARIABLE: gold}), costs, alone)


if __name__ == "__main__":
    main()
