"""Ask for a category in several orders of the categories, and average the answers.

A model that favors a place in the list then favors every category alike. An item that cannot be
scored in one of the orders has no average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from localensemble.codebook.listed_orders import CategoryOrder, category_orders
from localensemble.codebook.model import Variable
from localensemble.engines.protocol import ScoreFailure, Scores


def most_orders(variables: Sequence[Variable], *, at_most: int) -> int:
    """Return the number of orders of the variable that is asked in the most orders."""
    return max(len(category_orders(variable, at_most=at_most)) for variable in variables)


def in_all_orders(variables: Sequence[Variable], *, at_most: int) -> tuple[Variable, ...]:
    """Return each variable once for each order in which it is asked, orders together."""
    return tuple(
        replace(variable, categories=tuple(variable.categories[place] for place in order))
        for variable in variables
        for order in category_orders(variable, at_most=at_most)
    )


def order_cost(variables: Sequence[Variable], *, at_most: int) -> tuple[str, ...]:
    """Return a sentence on what asking in several orders costs; none if one order is asked."""
    most = most_orders(variables, at_most=at_most)
    if most == 1:
        return ()
    asked = sum(len(category_orders(variable, at_most=at_most)) for variable in variables)
    factor = f"{asked / len(variables):.1f}".removesuffix(".0")
    times = f"{most} times" if asked == most * len(variables) else f"up to {most} times"
    return (
        f"Each item is asked {times}, each time with another order of the categories, which "
        f"takes about {factor} times as long.",
    )


def average(
    results: Sequence[Scores | ScoreFailure], *, orders: Sequence[CategoryOrder]
) -> Scores | ScoreFailure:
    """Average the probabilities of an item over the orders it was asked in.

    Returns:
        The scores in the codebook's order, or the first failure. A single order is returned
        as it is. A category counts as censored if its probability is a bound in any order.
    """
    failure = next((one for one in results if isinstance(one, ScoreFailure)), None)
    if failure is not None:
        return failure
    scores = [one for one in results if isinstance(one, Scores)]
    if len(scores) == 1:
        return scores[0]
    logs = _in_codebook_order(scores, orders)
    largest = logs.max(axis=0)
    # A category that is impossible in every order stays so.
    scale = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        mean = np.minimum(scale + np.log(np.exp(logs - scale).mean(axis=0)), 0.0)
    return Scores(
        log_probabilities=tuple(mean.tolist()),
        off_codebook_mass=float(np.mean([one.off_codebook_mass for one in scores])),
        prompt_tokens=sum(one.prompt_tokens for one in scores),
        censored=_censored(scores, orders),
        other_spellings=float(np.mean([one.other_spellings for one in scores])),
    )


def depends_on_order(
    results: Sequence[Scores | ScoreFailure], *, orders: Sequence[CategoryOrder]
) -> bool | None:
    """Tell whether the most probable category differs between orders.

    Returns:
        None if that cannot be known: the item was asked in one order, or failed in one.
    """
    scores = [one for one in results if isinstance(one, Scores)]
    if len(scores) < len(results) or len(scores) < 2:
        return None
    logs = _in_codebook_order(scores, orders)
    most_probable = logs == logs.max(axis=1, keepdims=True)
    return not most_probable.all(axis=0).any()


def most_probable_by_order(
    results: Sequence[Scores | ScoreFailure], *, orders: Sequence[CategoryOrder]
) -> tuple[int, ...]:
    """Return the most probable category in each order, as its place in the codebook.

    Returns:
        -1 for an order with a tie; nothing if the item was asked in one order, or failed in one.
    """
    scores = [one for one in results if isinstance(one, Scores)]
    if len(scores) < len(results) or len(scores) < 2:
        return ()
    logs = _in_codebook_order(scores, orders)
    best = logs == logs.max(axis=1, keepdims=True)
    return tuple(np.where(best.sum(axis=1) == 1, best.argmax(axis=1), -1).tolist())


def _in_codebook_order(
    scores: Sequence[Scores], orders: Sequence[CategoryOrder]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Arrange log-probabilities: one row for each order, one column for each category."""
    logs = np.empty((len(scores), len(orders[0])))
    for row, (one, order) in enumerate(zip(scores, orders, strict=True)):
        logs[row, list(order)] = one.log_probabilities
    return logs


def _censored(scores: Sequence[Scores], orders: Sequence[CategoryOrder]) -> tuple[bool, ...]:
    if not any(one.censored for one in scores):
        return ()
    hidden = np.zeros(len(orders[0]), dtype=np.bool_)
    for one, order in zip(scores, orders, strict=True):
        if one.censored:
            hidden[list(order)] |= np.array(one.censored)
    return tuple(hidden.tolist())
