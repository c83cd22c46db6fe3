"""Label texts that people have labeled with every model under every readout, and keep the studies.

The part of `models_table.py` that takes hours. Each set, model, readout and order of categories is
a study of its own in the work folder; an interrupted call goes on where it stopped. The first
items of a set are those that are tested; further ones are for gold labels.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from raters import LabeledSet, read_set

SETS = (
    *("negex", "sst2", "nhs_feedback", "snips", "hate_offensive", "medical_abstracts"),
    *("trec", "covid_q"),
)
READOUTS = ("name", "option", "prefilled")
MODELS = {
    "smollm2-135m-instruct": "SmolLM2 135M",
    "gemma-3-270m": "Gemma 3 270M",
    "qwen2.5-coder-0.5b-instruct": "Qwen2.5-Coder 0.5B",
    "qwen2.5-coder-1.5b-instruct": "Qwen2.5-Coder 1.5B",
}
ENCODER = "all-minilm-l6-v2"
READ_OUT = SETS[:6]
"""Sets that chat models label with every readout."""
DRAWN = 600
TESTED = 200
LONG = "medical_abstracts"
"""Chat models take seconds for one of these texts of 200 words, so no pools are fitted to them."""
POOLED = ("qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct")
LABELED_FOR_POOLS = 300
TIMED = {"sst2": 100, LONG: 20}
TURNED = 200
"""Items that are labeled again with the categories in reverse order."""


@dataclass(frozen=True)
class Asked:
    """A set, who labels it, how, and how many of its items."""

    set_name: str
    model: str
    readout: str | None
    items: int
    reverse: bool = False

    def folder(self, work: Path) -> Path:
        parts = (self.model, self.readout or "codebook", *(("reverse",) if self.reverse else ()))
        return work / self.set_name / "-".join(parts)


def planned(sets: tuple[str, ...]) -> Iterator[Asked]:
    """Plan the runs, the most needed first."""
    for name in sets:
        yield Asked(name, ENCODER, None, DRAWN)
    for name in sets:
        for model in MODELS:
            pooled = model in POOLED and name != LONG
            if name in READ_OUT or model in POOLED:
                yield Asked(name, model, "prefilled", LABELED_FOR_POOLS if pooled else TESTED)
    asked = [name for name in sets if name in READ_OUT]
    for name in asked:
        for model in MODELS:
            yield Asked(name, model, "prefilled", TURNED, reverse=True)
    for name in asked:
        for readout in ("option", "name"):
            for model in MODELS:
                yield Asked(name, model, readout, TESTED)
    for name in asked:
        for readout in ("option", "name"):
            for model in MODELS:
                yield Asked(name, model, readout, TURNED, reverse=True)


def items_a_second(*, data: Path, models: Path) -> Iterator[tuple[str, str, str | None, float]]:
    """Label the first items of a set of short texts and of one of long texts, and time it.

    Yields the set, the model, its readout, and the items a second, from the start of the engine.
    """
    for name, items in TIMED.items():
        labeled = read_set(data / name, items=DRAWN)
        for model, readout in ((ENCODER, None), *product(MODELS, READOUTS)):
            asked = Asked(name, model, readout, items if readout else DRAWN)
            with TemporaryDirectory() as work:
                started = time.perf_counter()
                label(asked, labeled, models=models, work=Path(work))
                yield name, model, readout, asked.items / (time.perf_counter() - started)


def label_all(plan: Iterator[Asked], *, data: Path, models: Path, work: Path) -> None:
    """Label whatever is not labeled yet, and note the seconds of every run."""
    held: dict[str, LabeledSet] = {}
    log = work / "seconds.csv"
    work.mkdir(parents=True, exist_ok=True)
    for asked in plan:
        if asked.set_name not in held:
            held[asked.set_name] = read_set(data / asked.set_name, items=DRAWN)
        folder = asked.folder(work)
        if labeled_items(folder) >= asked.items:
            continue
        labeled = turned(held[asked.set_name]) if asked.reverse else held[asked.set_name]
        started = time.perf_counter()
        label(asked, labeled, models=models, work=work)
        seconds = time.perf_counter() - started
        (folder / f"labeled-{asked.items}").touch()
        with log.open("a", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerow(
                [asked.set_name, asked.model, asked.readout, asked.reverse, asked.items, seconds]
            )
        print(f"{folder.relative_to(work)}: {asked.items} items, {seconds:.0f} s", flush=True)


def label(asked: Asked, labeled: LabeledSet, *, models: Path, work: Path) -> None:
    """Label the first items of a set with one rater, in a study of its own."""
    import localensemble as le

    rater = {"model": asked.model, "engine": "embedding", "name": asked.model}
    if asked.readout is not None:
        path = models / f"{asked.model}.gguf"
        rater = {"model": str(path), "readout": asked.readout, "name": asked.model}
    folder = asked.folder(work)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with le.label(
        labeled.items[["id", "text"]].iloc[: asked.items],
        codebook=labeled.codebook,
        ensemble={"raters": [rater]},
        output=folder,
    ):
        pass


def labeled_items(folder: Path) -> int:
    """Return how many items a study has labeled to the end."""
    return max((int(done.name.partition("-")[2]) for done in folder.glob("labeled-*")), default=0)


def turned(labeled: LabeledSet) -> LabeledSet:
    """Return the set with its categories in reverse order."""
    (variable,) = labeled.codebook["variables"]  # type: ignore[misc]
    reverse = {**variable, "categories": variable["categories"][::-1]}
    return replace(labeled, codebook={**labeled.codebook, "variables": [reverse]})
