"""Count how often a walk over several thresholds breaks its promise about the unread items.

    python scripts/reference/certified_walks.py --draws 500

Each threshold has an exact test, but the walk over them has no proof for the unread items, so it
is simulated with the program's own code. Each draw makes new items: uniform scores and a fixed
number of wrong labels, which are spread evenly or lie more often at low scores; then gold items
are drawn, a threshold is certified, and the wrong labels among the others are counted. Prints a
Markdown table of the share of draws that certified and that broke the promise.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from unittest.mock import patch

import numpy as np

from localensemble.consensus.certificates import threshold as walk
from localensemble.consensus.certificates.threshold import certify_threshold, threshold_grid

_ITEMS = (387, 1841)
_ALPHAS = (0.05, 0.1, 0.2)
# The error rate among all items, as a multiple of alpha.
_RATES = (0.5, 0.9, 1.02, 1.3)
_GOLD_SHARES = (0.25, 0.7)
_DELTA = 0.1


def main() -> None:
    """Read the number of draws, and simulate without what the choice does not need."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=500)
    draws = parser.parse_args().draws
    # Neither decides where the walk ends, and both take most of its time.
    with (
        patch.object(walk, "items_needed", lambda *_, **__: None),
        patch.object(walk, "unread_bound", lambda *_, **__: 1.0),
    ):
        print_table(draws)


def print_table(draws: int) -> None:
    """Simulate every cell and print its row."""
    say("| items | gold items | alpha | error rate / alpha | wrong labels | certified | broken |")
    say("|---|---|---|---|---|---|---|")
    most = 0
    cells = itertools.product(_ITEMS, _GOLD_SHARES, _ALPHAS, _RATES, (False, True))
    for number, (items, share, alpha, rate, sorted_out) in enumerate(cells):
        random = np.random.default_rng(number)
        gold_items = round(share * items)
        certified = broken = 0
        for _ in range(draws):
            found = one_draw(random, items, gold_items, alpha, rate, sorted_out)
            certified += found is not None
            broken += bool(found)
        most = max(most, broken)
        where = "at low scores" if sorted_out else "evenly"
        say(
            f"| {items:,} | {gold_items:,} | {alpha:.2f} | {rate} | {where} "
            f"| {certified / draws:.1%} | {broken / draws:.1%} |"
        )
    say(f"\nBroken in at most {most / draws:.1%} of {draws:,} draws; allowed {_DELTA:.0%}.")


def one_draw(
    random: np.random.Generator,
    items: int,
    gold_items: int,
    alpha: float,
    rate: float,
    sorted_out: bool,
) -> bool | None:
    """Tell whether the promise of one draw is broken; None if nothing is certified."""
    scores = random.random(items)
    likely = 1 - scores if sorted_out else np.ones(items)
    count = round(rate * alpha * items)
    wrong = np.zeros(items, dtype=np.bool_)
    wrong[random.choice(items, size=count, replace=False, p=likely / likely.sum())] = True
    gold = np.zeros(items, dtype=np.bool_)
    gold[random.permutation(items)[:gold_items]] = True
    threshold = certify_threshold(
        scores[gold],
        wrong=wrong[gold],
        grid=threshold_grid(scores),
        alpha=alpha,
        delta=_DELTA,
        unread_scores=scores[~gold],
    ).threshold
    if threshold is None:
        return None
    accepted = ~gold & (scores >= threshold)
    return int((wrong & accepted).sum()) > alpha * int(accepted.sum()) + 1e-9


def say(line: str) -> None:
    """Write one line and flush it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
