"""Measure models, classifiers and ensembles on texts that people labeled, for docs/models.md.

    scripts/bench/models_table.py --data FOLDER --models FOLDER --work FOLDER [--sets NAME ...]

``--data`` holds sets as described in `raters.py`, ``--models`` the four GGUF files of `MODELS`,
and ``--work`` is where the studies go: what is in it already is not labeled again. ``--print``
labels nothing, and ``--time`` measures only speed. 600 items of each set are drawn with a fixed
seed; the first 200 are tested. Hours on two cores. Needs scikit-learn and all-minilm-l6-v2.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from model_answers import (
    DRAWN,
    ENCODER,
    MODELS,
    READOUTS,
    SETS,
    TESTED,
    TURNED,
    items_a_second,
    label_all,
    planned,
)
from set_answers import AnsweredSet, Codes, Distributions, best, kept

GOLD = (100, 200, 400)

Row = tuple[str, list[str]]
Cell = Callable[[Distributions, Codes], str]


def raters(sets: Sequence[AnsweredSet]) -> Iterator[tuple[str, list[Distributions | None]]]:
    """Yield everyone's answers to the tested items, set by set."""

    def of(one: AnsweredSet, model: str, readout: str | None) -> Distributions | None:
        found = one.answers(model, readout, items=DRAWN if readout is None else TESTED)
        return None if found is None else found.distributions[:TESTED]

    yield "embedding", [of(one, ENCODER, None) for one in sets]
    for model, title in MODELS.items():
        for readout in READOUTS:
            yield f"{title}, `{readout}`", [of(one, model, readout) for one in sets]
    for readout in READOUTS:
        yield (
            f"mean of the four, `{readout}`",
            [mean(of(one, model, readout) for model in MODELS) for one in sets],
        )
    everyone = [(ENCODER, None), *((name, "prefilled") for name in MODELS)]
    yield (
        "mean of the four, `prefilled`, and embedding",
        [mean(of(one, model, readout) for model, readout in everyone) for one in sets],
    )
    for count in GOLD:
        rows = np.arange(TESTED, TESTED + count)
        yield (
            f"TF-IDF, {count} gold labels",
            [one.word_classifier(rows)[:TESTED] for one in sets],
        )
    for count in GOLD:
        rows = np.arange(TESTED, TESTED + count)
        yield f"probe, {count} gold labels", [one.probe(rows)[:TESTED] for one in sets]


def mean(parts: Iterator[Distributions | None]) -> Distributions | None:
    """Return the mean over the items that all labeled; None if a model is missing."""
    known = [part for part in parts if part is not None]
    if len(known) < len(MODELS):
        return None
    fewest = min(map(len, known))
    return np.asarray(np.nanmean(np.array([part[:fewest] for part in known]), axis=0))


def majorities(sets: Sequence[AnsweredSet]) -> Iterator[Row]:
    """Yield what a majority of the four models accepts, and how much of it is right."""
    for readout in READOUTS:
        cells = []
        for one in sets:
            found = [one.answers(model, readout, items=TESTED) for model in MODELS]
            votes = np.array([part.codes[:TESTED] for part in found if part is not None])
            if len(votes) < len(MODELS):
                cells.append("")
                continue
            counts = np.array([(votes == place).sum(axis=0) for place in range(len(one.names))])
            accepted = counts.max(axis=0) > len(MODELS) / 2
            right = counts.argmax(axis=0) == one.gold[:TESTED]
            share = f"{right[accepted].mean():.2f}" if accepted.any() else "none"
            cells.append(f"{share} of {accepted.mean():.2f}")
        yield f"majority of the four, `{readout}`", cells


def by_model(sets: Sequence[AnsweredSet], cell: Callable[..., str]) -> Iterator[Row]:
    for model, title in MODELS.items():
        for readout in READOUTS:
            yield f"{title}, `{readout}`", [cell(one, model, readout) for one in sets]


def off_codebook(one: AnsweredSet, model: str, readout: str) -> str:
    found = one.answers(model, readout, items=TESTED)
    return "" if found is None else f"{found.off_codebook:.2f}"


def flips(one: AnsweredSet, model: str, readout: str) -> str:
    """Return the share of items with another category once the categories are reversed.

    A star marks a share of fewer items: those that are labeled so far.
    """
    first = one.answers(model, readout, items=TESTED)
    for items, mark in ((TURNED, ""), (TURNED // 4, "*")):
        second = one.answers(model, readout, items=items, reverse=True)
        if first is not None and second is not None:
            share = (first.codes[:items] != second.codes[:items]).mean()
            return f"{share:.2f}{mark}"
    return ""


def accuracy(distributions: Distributions, gold: Codes) -> str:
    return f"{(best(distributions) == gold).mean():.2f}"


def print_table(title: str, sets: Sequence[AnsweredSet], rows: Iterator[Row]) -> None:
    print(f"\n{title}\n\n| | {' | '.join(one.name for one in sets)} |")
    print("| --- " * (len(sets) + 1) + "|")
    for name, cells in rows:
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def print_tables(sets: Sequence[AnsweredSet]) -> None:
    everyone = list(raters(sets))

    def cells(of: Cell) -> Iterator[Row]:
        for name, found in everyone:
            yield (
                name,
                [
                    "" if part is None else of(part, one.gold[: len(part)])
                    for one, part in zip(sets, found, strict=True)
                ],
            )

    counts = [str(len(one.names)) for one in sets]
    frequent = [f"{one.most_frequent(slice(TESTED)):.2f}" for one in sets]
    first = [("categories", counts), ("most frequent category", frequent)]
    print_table("Accuracy", sets, iter([*first, *cells(accuracy)]))
    print_table("Right, of the share that a majority accepts", sets, majorities(sets))
    print_table(
        "Share that can be kept with at most 5 % errors",
        sets,
        cells(lambda found, gold: f"{kept(found, gold):.2f}"),
    )
    print_table("Median off-codebook mass", sets, by_model(sets, off_codebook))
    print_table("Position flips", sets, by_model(sets, flips))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--print", action="store_true", help="label nothing")
    parser.add_argument("--time", action="store_true", help="only measure items a second")
    given = parser.parse_args()
    if given.time:
        for name, model, readout, rate in items_a_second(data=given.data, models=given.models):
            print(f"{name}: {model} {readout or 'codebook'}, {rate:.1f} items/s", flush=True)
        return
    if not given.print:
        plan = planned(tuple(given.sets))
        label_all(plan, data=given.data, models=given.models, work=given.work)
    print_tables([AnsweredSet(name, data=given.data, work=given.work) for name in given.sets])


if __name__ == "__main__":
    main()
