"""Compare the pool that gold labels choose with the best single rater that they choose.

    scripts/bench/pools.py --data FOLDER --work FOLDER [--sets NAME ...] [--seeds 5]

Reads the studies that `models_table.py` made in ``--work``. The raters are the embedding model, a
probe that is trained on the gold labels, and the two larger chat models. For every seed, 100 or 200
of the 300 items that all of them labeled have gold labels, and the other items are tested.
Prints the mean over the seeds of each accuracy, and how often the pool is better, equal or worse.
Everything is fitted to, and chosen by, the same gold labels, as `consensus --gold` does.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from model_answers import (
    DRAWN,
    ENCODER,
    LABELED_FOR_POOLS,
    MODELS,
    POOLED,
    SETS,
)
from set_answers import AnsweredSet, Codes, Distributions, best

from localensemble.consensus.methods.majority import Majority
from localensemble.consensus.pooling.fitted_pool import fit_pool
from localensemble.core.label_matrix import LabelMatrix

GOLD = (100, 200)
PROBE = "probe"
MEAN = "mean probability"
MAJORITY = "majority"
BEST = "best single rater on the gold labels"
POOL = "pool"
FREQUENT = "most frequent category"


def answers(one: AnsweredSet) -> dict[str, Distributions]:
    """Return the distributions of the raters that need no gold label, of those that are there."""
    asked: list[tuple[str, str, str | None, int]] = [("embedding", ENCODER, None, DRAWN)]
    asked += [(MODELS[model], model, "prefilled", LABELED_FOR_POOLS) for model in POOLED]
    found = {
        title: one.answers(model, readout, items=items) for title, model, readout, items in asked
    }
    return {
        title: part.distributions[:LABELED_FOR_POOLS]
        for title, part in found.items()
        if part is not None
    }


def once(
    one: AnsweredSet, raters: dict[str, Distributions], *, count: int, seed: int
) -> tuple[dict[str, float], str]:
    """Draw the gold items and return every accuracy on the others, and the pool's rule."""
    order = np.random.default_rng(seed).permutation(LABELED_FOR_POOLS)
    drawn, others = np.sort(order[:count]), np.sort(order[count:])
    everyone = {**raters, PROBE: one.probe(drawn)[:LABELED_FOR_POOLS]}
    gold = one.gold[:LABELED_FOR_POOLS]
    held = np.stack(list(everyone.values()), axis=1)
    codes = np.array([best(part) for part in everyone.values()]).T
    labels = LabelMatrix(codes.astype(np.int16), tuple(one.names), tuple(everyone))
    known = np.full(len(gold), -1, dtype=np.int16)
    known[drawn] = gold[drawn]
    pool = fit_pool(labels, probabilities=held, gold=known, contents=one.texts[: len(gold)])

    def right(found: Codes, rows: Codes) -> float:
        return float((found[rows] == gold[rows]).mean())

    on_gold = {name: right(best(part), drawn) for name, part in everyone.items()}
    first = max(on_gold, key=lambda name: on_gold[name])
    frequent = Counter(gold[drawn].tolist()).most_common(1)[0][0]
    found = {name: right(best(part), others) for name, part in everyone.items()}
    found[MAJORITY] = right(Majority().derive(labels).categories, others)
    found[MEAN] = right(best(np.nanmean(held, axis=1)), others)
    found[BEST] = found[first]
    found[POOL] = right(best(pool.apply(labels, probabilities=held)), others)
    found[FREQUENT] = float((gold[others] == frequent).mean())
    return found, pool.rule.name


def measure(one: AnsweredSet, *, count: int, seeds: int) -> dict[str, float]:
    raters = answers(one)
    runs = [once(one, raters, count=count, seed=seed) for seed in range(seeds)]
    rules = Counter(rule for _, rule in runs)
    means = {name: float(np.mean([found[name] for found, _ in runs])) for name in runs[0][0]}
    differences = [found[POOL] - found[BEST] for found, _ in runs]
    cells = [
        f"{means[name]:.3f}" if name in means else ""
        for name in (FREQUENT, *raters, *([PROBE, MAJORITY, MEAN, BEST, POOL]))
    ]
    chosen = ", ".join(f"{name} {times}" for name, times in rules.most_common())
    print(
        f"| {one.name} | {count} | {' | '.join(cells)} "
        f"| {sum(one > 0 for one in differences)}, {sum(one == 0 for one in differences)}, "
        f"{sum(one < 0 for one in differences)} | {chosen} |",
        flush=True,
    )
    return means


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    sets = [AnsweredSet(name, data=given.data, work=given.work) for name in given.sets]
    titles = [FREQUENT, "embedding", *(MODELS[model] for model in POOLED)]
    titles += [PROBE, MAJORITY, MEAN, BEST, POOL, "better, equal, worse", "rules chosen"]
    print(f"| set | gold labels | {' | '.join(titles)} |")
    print("| --- " * (2 + len(titles)) + "|")
    for count in GOLD:
        outcomes = Counter[str]()
        for one in sets:
            if len(answers(one)) < 1 + len(POOLED):
                continue
            means = measure(one, count=count, seeds=given.seeds)
            gain = means[POOL] - means[BEST]
            outcomes["better" if gain > 0 else "equal" if gain == 0 else "worse"] += 1
        print(f"\n{count} gold labels, by the means of the sets: {dict(outcomes)}\n")


if __name__ == "__main__":
    main()
