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
from pathlib import Path

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
TESTED_OTHERWISE = 50
"""Items tested with other readouts than `prefilled`."""
# Chat models take seconds for a text of 200 words.
FEW = {"medical_abstracts": 50}
POOLED = ("qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct")
LABELED_FOR_POOLS = 300
TURNED = 50
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
    short = [name for name in sets if name not in FEW]
    for name in sets:
        yield Asked(name, ENCODER, None, DRAWN)
    for name in short:
        for model in MODELS:
            items = LABELED_FOR_POOLS if model in POOLED else TESTED
            if name in READ_OUT or model in POOLED:
                yield Asked(name, model, "prefilled", items)
    for name in FEW:
        for model in MODELS:
            yield Asked(name, model, "prefilled", tested(name, "prefilled"))
    asked = [name for name in sets if name in READ_OUT]
    for name in asked:
        for model in MODELS:
            yield Asked(name, model, "prefilled", TURNED, reverse=True)
    for name in asked:
        for readout in ("option", "name"):
            for model in MODELS:
                yield Asked(name, model, readout, tested(name, readout))
    for name in asked:
        for readout in ("option", "name"):
            for model in MODELS:
                yield Asked(name, model, readout, TURNED, reverse=True)


def tested(name: str, readout: str | None) -> int:
    """Return how many items of a set are tested with a readout."""
    return FEW.get(name, TESTED if readout in {None, "prefilled"} else TESTED_OTHERWISE)


def label_all(plan: Iterator[Asked], *, data: Path, models: Path, work: Path) -> None:
    """Label whatever is not labeled yet, and note the seconds of every run."""
    import localensemble as le

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
        rater = {"model": asked.model, "engine": "embedding", "name": asked.model}
        if asked.readout is not None:
            path = models / f"{asked.model}.gguf"
            rater = {"model": str(path), "readout": asked.readout, "name": asked.model}
        folder.parent.mkdir(parents=True, exist_ok=True)
        with le.label(
            labeled.items[["id", "text"]].iloc[: asked.items],
            codebook=labeled.codebook,
            ensemble={"raters": [rater]},
            output=folder,
        ):
            pass
        seconds = time.perf_counter() - started
        (folder / f"labeled-{asked.items}").touch()
        with log.open("a", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerow(
                [asked.set_name, asked.model, asked.readout, asked.reverse, asked.items, seconds]
            )
        print(f"{folder.relative_to(work)}: {asked.items} items, {seconds:.0f} s", flush=True)


def labeled_items(folder: Path) -> int:
    """Return how many items a study has labeled to the end."""
    return max((int(done.name.partition("-")[2]) for done in folder.glob("labeled-*")), default=0)


def turned(labeled: LabeledSet) -> LabeledSet:
    """Return the set with its categories in reverse order."""
    (variable,) = labeled.codebook["variables"]  # type: ignore[misc]
    reverse = {**variable, "categories": variable["categories"][::-1]}
    return replace(labeled, codebook={**labeled.codebook, "variables": [reverse]})
