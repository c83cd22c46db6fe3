"""Fit a pool to the gold labels of each variable of a study, and tell which gold it has used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.consensus.bound_raters import BoundRater
from localensemble.consensus.methods.pooled import Pooled
from localensemble.consensus.pooling.fitted_pool import fit_pool, usable_gold
from localensemble.consensus.pooling.gold_pool import GoldPool, in_words, pool_of
from localensemble.core.errors import InputError
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.words import counted
from localensemble.findings.evaluation import CategoryArray
from localensemble.findings.fitted_raters import has_used_text, item_hashes, own_probabilities
from localensemble.findings.gold_comparison import distributions_at
from localensemble.study.binding import identities
from localensemble.study.gold import GoldLabels
from localensemble.study.study import Study


@dataclass(frozen=True, slots=True)
class PooledStudy:
    """A study under the rules that gold labels chose, and sentences on where they chose none."""

    study: Study
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ComparedRule:
    """How often a rule was right on gold items that it was not fitted to: cross-validated.

    ``words`` are its name in plain words; the interval is the exact 95% interval of the accuracy.
    """

    rule: str
    words: str
    correct: int
    items: int
    accuracy: float
    interval_low: float
    interval_high: float


@dataclass(frozen=True, slots=True)
class PoolFindings:
    """The pool that decides one variable, fitted to gold labels.

    ``rule`` is the chosen rule and ``weights`` are those of each rater, by name, if it has any.
    ``compared`` holds every rule that was compared, on the same ``gold_items``; ``comparison``
    puts it in words.
    ``clause`` names the category that it decides for, and ``citation`` its source, if any.
    """

    variable: str
    rule: str
    weights: tuple[tuple[str, float], ...]
    gold_items: int
    compared: tuple[ComparedRule, ...]
    sentence: str
    comparison: str
    clause: str
    citation: str


def pool_findings(pool: GoldPool) -> PoolFindings:
    """Gather what a report says about a pool."""
    method = Pooled(pool.pool)
    return PoolFindings(
        variable=pool.variable,
        rule=pool.pool.rule.name,
        weights=pool.pool.weights,
        gold_items=pool.pool.chosen.items,
        compared=tuple(
            ComparedRule(
                one.name,
                in_words(one.name),
                one.correct,
                one.items,
                one.accuracy,
                one.interval.low,
                one.interval.high,
            )
            for one in pool.pool.cross_validated
        ),
        sentence=pool.sentence(),
        comparison=pool.comparison(),
        clause=method.clause,
        citation=method.citation if pool.pool.weights else "",
    )


def fit_pools(loaded: Study, *, gold: GoldLabels, date: str) -> PooledStudy:
    """Fit a pool for every variable with enough gold labels; the others keep their rule.

    Args:
        loaded: the study, under the rules that hold apart from the pools.
        gold: the gold labels.
        date: ISO date.
    """
    pools: list[GoldPool] = []
    messages: list[str] = []
    for variable in loaded.codebook.variables:
        try:
            pools.append(_fitted(loaded, variable, gold.categories.get(variable.name), date))
        except InputError as error:
            before = pool_of(loaded.rules.pools, variable.name)
            pools += [] if before is None else [before]
            kept = loaded.rules.method_for(variable.name).name
            messages.append(f"{variable.name} is still decided by {kept}. {error.message}")
    return PooledStudy(loaded.with_rules(loaded.rules.with_pools(pools)), tuple(messages))


def is_pooled_on(loaded: Study, *, variable: str, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell of each of N items whether the pool of a variable was fitted to its text.

    Args:
        loaded: the study.
        variable: the variable.
        known: (N,) the items to look at; the others count as not used.
    """
    pool = pool_of(loaded.rules.pools, variable)
    if pool is None:
        return np.zeros_like(known)
    return has_used_text(loaded.recorded, used=pool.used_items) & known


def pooled_gold_cautions(loaded: Study, gold: GoldLabels | None) -> tuple[str, ...]:
    """Warn of each variable whose consensus is compared with gold labels that fitted its pool."""
    cautions: list[str] = []
    for pool in loaded.rules.pools:
        answers = None if gold is None else gold.categories.get(pool.variable)
        if answers is None:
            continue
        known = answers >= 0
        used = int(is_pooled_on(loaded, variable=pool.variable, known=known).sum())
        if used:
            cautions.append(
                f"{pool.variable}: the pool was fitted to the texts of {used:,} of these "
                f"{counted(int(known.sum()), 'gold label')}, so on them the consensus and the "
                f"accepted labels may look better than they are. {pool.accuracy_sentence()}"
            )
    return tuple(cautions)


def _fitted(loaded: Study, variable: Variable, gold: CategoryArray | None, date: str) -> GoldPool:
    if not loaded.recorded.scored:
        raise InputError("A pool needs probabilities, and ratings have none.")
    if gold is None:
        raise InputError("It has no gold labels.")
    # A pool corrects the raters itself, so it takes their own probabilities.
    labels = own_probabilities(loaded.recorded)
    known = gold >= 0
    held = distributions_at(labels, variable=variable, known=known)
    matrix = labels.matrix(variable)
    matrix = LabelMatrix(matrix.indices[known], matrix.categories, matrix.raters)
    answers = gold[known]
    pool = fit_pool(matrix, probabilities=held, gold=answers, contents=_contents(loaded, known))
    used = np.zeros_like(known)
    used[known] = usable_gold(matrix, probabilities=held, gold=answers)
    return GoldPool(
        variable=variable.name,
        pool=pool,
        raters=tuple(
            BoundRater(name, identity.sha256, identity.model_sha256)
            for name, identity in identities(labels).items()
        ),
        used_items=item_hashes(labels, known=used),
        date=date,
    )


def _contents(loaded: Study, known: NDArray[np.bool_]) -> Sequence[str]:
    labels = loaded.recorded
    hashes = labels.reader.item_hashes(labels.item_set, start=0, stop=labels.item_count)
    return [content for (_, content), wanted in zip(hashes, known, strict=True) if wanted]
