"""Pools: which rule cross-validation chooses, and that nothing but the labels influences it."""

from __future__ import annotations

import functools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from localensemble.consensus.bound_raters import BoundRater
from localensemble.consensus.methods.pooled import Pooled
from localensemble.consensus.pooling.best_rater import BestRater
from localensemble.consensus.pooling.calibrated_mean import CalibratedMean, fit_calibrated_mean
from localensemble.consensus.pooling.fitted_pool import (
    MAJORITY,
    MOST_FREQUENT,
    CrossValidated,
    FittedPool,
    fit_pool,
)
from localensemble.consensus.pooling.gold_folds import assign_folds
from localensemble.consensus.pooling.gold_pool import GoldPool, pool_of
from localensemble.consensus.pooling.log_linear import LogLinear, fit_log_linear
from localensemble.consensus.probabilities.calibrated_raters import CalibratedRaters
from localensemble.consensus.rules import DecisionRules, decision_rules, recorded_rules
from localensemble.core.errors import EnsembleError, InputError
from localensemble.core.folds import FOLDS
from localensemble.core.label_matrix import GAP, LabelMatrix

pytestmark = pytest.mark.slow  # fits pools by cross-validation

Floats = NDArray[np.float64]
RATERS = ("strong", "biased", "weak")
CATEGORIES = ("praise", "wait", "cost")


def simulated(
    count: int, *, seed: int, signal: tuple[float, ...] = (2.5, 1.0, 0.6)
) -> tuple[LabelMatrix, Floats, NDArray[np.int16]]:
    """Simulate a strong rater, an overconfident one with a prior of its own, and a weak one."""
    generator = np.random.default_rng(seed)
    truth = generator.choice(len(CATEGORIES), count, p=(0.5, 0.3, 0.2)).astype(np.int16)
    scores = np.empty((count, len(RATERS), len(CATEGORIES)))
    for column, (bias, sharpness) in enumerate(
        (((0.0,) * 3, 1.0), ((0, 2.5, 0), 8), ((0,) * 3, 1))
    ):
        noise = generator.normal(size=(count, len(CATEGORIES)))
        evidence = noise + signal[column] * np.eye(len(CATEGORIES))[truth]
        scores[:, column] = sharpness * (evidence + np.array(bias))
    shares = np.exp(scores - scores.max(axis=2, keepdims=True))
    probabilities = shares / shares.sum(axis=2, keepdims=True)
    labels = LabelMatrix(probabilities.argmax(axis=2).astype(np.int16), CATEGORIES, RATERS)
    return labels, probabilities, truth


def texts(count: int) -> list[str]:
    return [f"text {i}" for i in range(count)]


def first(count: int, truth: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.where(np.arange(len(truth)) < count, truth, np.int16(-1))


@functools.cache
def fitted() -> FittedPool:
    labels, probabilities, truth = simulated(100, seed=0)
    return fit_pool(labels, probabilities=probabilities, gold=truth, contents=texts(100))


@pytest.mark.parametrize("seed", range(4))
def test_a_pool_beats_the_best_rater_and_a_sure_biased_one_does_not_drag_it_down(seed: int) -> None:
    labels, probabilities, truth = simulated(1500, seed=seed)
    gold, test = first(150, truth), slice(150, None)
    pool = fit_pool(labels, probabilities=probabilities, gold=gold, contents=texts(1500))
    found = pool.apply(labels, probabilities=probabilities)[test].argmax(axis=1)
    single = float((labels.indices[test, 0] == truth[test]).mean())
    plain = float((probabilities.mean(axis=1)[test].argmax(axis=1) == truth[test]).mean())
    pooled = float((found == truth[test]).mean())
    assert pooled > single - 0.02
    assert pooled > plain + 0.05


def test_where_the_others_know_nothing_the_best_rater_is_followed_and_this_is_said() -> None:
    labels, probabilities, truth = simulated(300, seed=1)
    column = np.full((300, 3), 0.01)
    column[np.arange(300), truth] = 0.98
    probabilities[:, 0] = column
    labels = LabelMatrix(
        np.column_stack([truth, labels.indices[:, 1:]]).astype(np.int16), CATEGORIES, RATERS
    )
    pool = fit_pool(labels, probabilities=probabilities, gold=truth, contents=texts(300))
    assert pool.rule.name == "best_rater"
    assert pool.chosen.accuracy == 1
    assert pool.weights == ()
    assert "did not beat" in bound(pool).sentence()
    np.testing.assert_array_equal(pool.apply(labels, probabilities=probabilities), column)


def test_every_rule_is_cross_validated_on_the_same_items_with_an_exact_interval() -> None:
    pool = fitted()
    names = [one.name for one in pool.cross_validated]
    assert names == ["best_rater", "calibrated_mean", "log_linear", MAJORITY, MOST_FREQUENT]
    assert {one.items for one in pool.cross_validated} == {100}
    assert pool.chosen.correct == max(one.correct for one in pool.cross_validated)
    best = pool.result("best_rater")
    assert pool.chosen.correct - best.correct == pool.only_pool - pool.only_best
    half = CrossValidated("any", 50, 100)
    # Clopper and Pearson: 50 of 100 gives 0.398 to 0.602.
    assert (round(half.interval.low, 3), round(half.interval.high, 3)) == (0.398, 0.602)


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_no_order_of_items_raters_or_categories_changes_a_digit(data: st.DataObject) -> None:
    labels, probabilities, truth = simulated(80, seed=5)
    indices = labels.indices.copy()
    indices[::7, 1] = GAP
    labels = LabelMatrix(indices, CATEGORIES, RATERS)
    rows = data.draw(st.permutations(range(80)))
    columns = data.draw(st.permutations(range(3)))
    codes = data.draw(st.permutations(range(3)))
    # Category codes[k] of before is category k now.
    new_code = np.array([*(codes.index(k) for k in range(3)), GAP], dtype=np.int16)
    other = LabelMatrix(
        new_code[indices[rows][:, columns]],
        tuple(CATEGORIES[k] for k in codes),
        tuple(RATERS[j] for j in columns),
    )
    moved = probabilities[rows][:, columns][:, :, codes]
    pool = fit_pool(labels, probabilities=probabilities, gold=truth, contents=texts(80))
    again = fit_pool(
        other,
        probabilities=moved,
        gold=new_code[truth[rows]],
        contents=[texts(80)[i] for i in rows],
    )
    assert pool == again
    np.testing.assert_array_equal(
        pool.apply(labels, probabilities=probabilities)[rows][:, codes],
        again.apply(other, probabilities=moved),
    )


def test_items_without_gold_or_labels_change_no_digit() -> None:
    labels, probabilities, truth = simulated(200, seed=2)
    indices = labels.indices.copy()
    indices[60:80] = GAP
    part = LabelMatrix(indices[:60], CATEGORIES, RATERS)
    of_all = fit_pool(
        LabelMatrix(indices, CATEGORIES, RATERS),
        probabilities=probabilities,
        gold=first(80, truth),
        contents=texts(200),
    )
    assert of_all.chosen.items == 60
    assert of_all == fit_pool(
        part, probabilities=probabilities[:60], gold=truth[:60], contents=texts(60)
    )


def test_a_fold_is_never_judged_by_a_rule_that_saw_its_gold_labels() -> None:
    """Gold labels drawn at random cannot be predicted, whatever the rules could memorize."""
    labels, probabilities, _ = simulated(400, seed=3)
    gold = np.random.default_rng(9).integers(0, 3, 400).astype(np.int16)
    pool = fit_pool(labels, probabilities=probabilities, gold=gold, contents=texts(400))
    assert all(one.accuracy < 0.43 for one in pool.cross_validated)


def test_the_same_text_is_in_one_fold_and_every_category_in_all() -> None:
    contents = [*texts(60), *texts(20)]
    categories = ["a"] * 30 + ["b"] * 30 + ["b"] * 10 + ["a"] * 10
    folds = assign_folds(contents, categories)
    np.testing.assert_array_equal(folds[60:], folds[:20])
    for name in "ab":
        held = {int(fold) for fold, one in zip(folds[:60], categories, strict=False) if one == name}
        assert held == set(range(FOLDS))
    assert max(np.bincount(folds[:60])) == 12


@pytest.mark.parametrize(
    ("gold_labels", "named"), [(49, "49"), (0, "0")], ids=["one too few", "none"]
)
def test_too_few_gold_labels_are_refused(gold_labels: int, named: str) -> None:
    labels, probabilities, truth = simulated(100, seed=0)
    with pytest.raises(InputError, match=f"to {named} gold labels.* 50"):
        fit_pool(
            labels,
            probabilities=probabilities,
            gold=first(gold_labels, truth),
            contents=texts(100),
        )


@pytest.mark.parametrize("different", [1, 4, 49])
def test_the_same_text_many_times_is_one_gold_label(different: int) -> None:
    labels, probabilities, truth = simulated(100, seed=0)
    contents = [f"text {i % different}" for i in range(100)]
    with pytest.raises(InputError, match=rf"100 gold labels \({different} different texts\).* 50"):
        fit_pool(labels, probabilities=probabilities, gold=truth, contents=contents)


def test_gold_labels_of_one_category_are_refused() -> None:
    labels, probabilities, truth = simulated(100, seed=0)
    with pytest.raises(InputError, match="one category"):
        fit_pool(
            labels, probabilities=probabilities, gold=np.zeros_like(truth), contents=texts(100)
        )


@pytest.mark.parametrize("name", ["best_rater", "calibrated_mean", "log_linear"])
def test_a_missing_rater_leaves_the_item_to_the_others_and_no_rater_leaves_none(name: str) -> None:
    _, probabilities, truth = simulated(100, seed=4)
    held = probabilities.copy()
    held[0, 0] = held[1] = np.nan
    rules: dict[str, BestRater | CalibratedMean | LogLinear] = {
        "best_rater": BestRater((0, 2, 1)),
        "calibrated_mean": fit_calibrated_mean(probabilities, gold=truth.astype(np.intp)),
        "log_linear": fit_log_linear(probabilities, gold=truth.astype(np.intp)),
    }
    pooled = rules[name].apply(held)
    assert np.isnan(pooled[1]).all()
    np.testing.assert_allclose(np.delete(pooled, 1, axis=0).sum(axis=1), 1)
    changed = held.copy()
    changed[0, 1] = (0.98, 0.01, 0.01)
    changed[0, 2] = (0.98, 0.01, 0.01)
    assert rules[name].apply(changed)[0, 0] > pooled[0, 0]


def test_a_rater_without_labels_on_gold_items_has_no_say() -> None:
    labels, probabilities, truth = simulated(100, seed=4)
    probabilities[:, 2] = np.nan
    both = fit_log_linear(probabilities, gold=truth.astype(np.intp))
    assert both.weights[2] == pytest.approx(1 / 3)
    assert both.averages[2] == (0.0, 0.0, 0.0)
    mean = fit_calibrated_mean(probabilities, gold=truth.astype(np.intp))
    assert mean.calibrations[2].weights == (1.0,)
    pool = fit_pool(labels, probabilities=probabilities, gold=truth, contents=texts(100))
    assert np.isfinite(pool.apply(labels, probabilities=probabilities)).all()


def test_the_fit_is_where_the_loss_is_least() -> None:
    """An independent check: no small step from the fitted values lowers the loss."""
    _, probabilities, truth = simulated(120, seed=6)
    rule = fit_log_linear(probabilities, gold=truth.astype(np.intp))
    logs = np.log(np.maximum(probabilities, 1e-6))

    def loss(weights: Floats, bias: Floats) -> float:
        scores = bias + np.einsum("r,nrk->nk", weights, logs)
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        likely = -np.log(shares[np.arange(120), truth]).sum()
        return float(likely + 0.5 * ((weights - 1 / 3) ** 2).sum() + 0.5 * (bias**2).sum())

    weights, bias = np.array(rule.weights), np.array(rule.bias)
    least = loss(weights, bias)
    assert (weights >= 0).all()
    for step in np.vstack([np.eye(6), -np.eye(6)]) * 1e-3:
        assert loss(np.maximum(weights + step[:3], 0), bias + step[3:]) >= least - 1e-9


def test_other_raters_or_categories_are_not_pooled() -> None:
    pool = fitted()
    labels, probabilities, _ = simulated(3, seed=0)
    other = LabelMatrix(labels.indices, CATEGORIES, ("strong", "biased", "new"))
    with pytest.raises(ValueError, match="other raters"):
        pool.apply(other, probabilities=probabilities)


# The pool as a consensus method.


def test_the_consensus_is_the_category_with_the_highest_pooled_probability() -> None:
    pool = fitted()
    labels, probabilities, _ = simulated(40, seed=8)
    indices = labels.indices.copy()
    indices[0] = GAP
    labels = LabelMatrix(indices, CATEGORIES, RATERS)
    result = Pooled(pool).derive(labels, probabilities=probabilities)
    pooled = pool.apply(labels, probabilities=probabilities)
    assert result.categories[0] == -1
    np.testing.assert_array_equal(result.categories[1:], pooled[1:].argmax(axis=1))
    np.testing.assert_array_equal(result.scores[1:], pooled[1:].max(axis=1))
    assert result.rater_estimates == pool.weights


def test_a_pool_without_probabilities_is_refused() -> None:
    labels, _, _ = simulated(3, seed=0)
    with pytest.raises(EnsembleError, match="needs probabilities"):
        Pooled(fitted()).derive(labels)


@pytest.mark.parametrize(
    ("only_pool", "only_best", "p_value"),
    # Two-sided binomial tails by hand: 2 * (1 + 10 + 45) / 2**10, 2 * 1 / 2**6, and their limits.
    [(8, 2, 0.109375), (2, 8, 0.109375), (6, 0, 0.03125), (3, 3, 1.0), (0, 0, 1.0)],
)
def test_the_pool_and_the_best_rater_are_compared_on_the_same_items(
    only_pool: int, only_best: int, p_value: float
) -> None:
    pool = replace(small("log_linear"), only_pool=only_pool, only_best=only_best)
    assert pool.p_value == p_value
    assert ("do not show" in bound(pool).sentence()) == (p_value > 0.05)


# The recorded pool.


RULES: dict[str, BestRater | CalibratedMean | LogLinear] = {
    "best_rater": BestRater((1, 0)),
    "calibrated_mean": CalibratedMean((LogLinear((0.4,), (0.1, -0.1), ((-1.0, -0.5),)),) * 2),
    "log_linear": LogLinear((0.7, 1 / 3), (0.25, -0.25), ((-1.0, -0.5), (-2.0, -0.1))),
}
every_rule = pytest.mark.parametrize("name", RULES)


def small(name: str) -> FittedPool:
    results = tuple(CrossValidated(one, 40, 60) for one in (*RULES, MAJORITY, MOST_FREQUENT))
    return FittedPool(("first", "second"), ("no", "yes"), RULES[name], results, 5, 3)


def bound(pool: FittedPool, *, variable: str = "theme") -> GoldPool:
    raters = tuple(BoundRater(name, name[0] * 64, "c" * 64) for name in pool.raters)
    return GoldPool(variable, pool, raters, ("d" * 64,), "2025-03-01")


@every_rule
def test_a_pool_comes_back_from_its_record_to_the_last_digit(name: str) -> None:
    pool = bound(small(name))
    assert GoldPool.from_values(json.loads(json.dumps(pool.as_values()))) == pool


@every_rule
def test_its_sentence_states_rule_gold_labels_and_every_figure(name: str) -> None:
    sentence = bound(small(name)).sentence()
    assert "60 gold labels" in sentence
    assert ("(second)" in sentence) == (name == "best_rater")
    assert bound(small(name)).comparison().count("0.67 (95%") == 5
    assert ("strength 1" in sentence) == (name != "best_rater")
    assert ("5 items" in sentence) == (name != "best_rater")
    assert ("do not show" in sentence) == (name != "best_rater")
    assert "0.67" in bound(small(name)).accuracy_sentence()
    clause = Pooled(small(name)).clause
    assert "gold labels" in clause
    assert Pooled(small(name)).settings[0][0] == "pool"


@pytest.mark.parametrize(
    ("change", "value"), [("version", 2), ("pool", {}), ("raters", [1]), ("date", None)]
)
def test_a_record_of_another_version_or_shape_is_refused(change: str, value: object) -> None:
    values = bound(small("log_linear")).as_values() | {change: value}
    if value is None:
        del values[change]
    with pytest.raises(InputError, match="Cannot read the pool"):
        GoldPool.from_values(values)


@pytest.mark.parametrize(
    ("identities", "named"),
    [
        ({"first": "f" * 64}, "second"),
        ({"first": "f" * 64, "second": "e" * 64}, "second"),
        ({"first": "f" * 64, "second": "s" * 64, "third": "t" * 64}, "third"),
    ],
    ids=["gone", "changed", "new"],
)
def test_a_pool_is_refused_for_other_raters_by_name(identities: dict[str, str], named: str) -> None:
    pool = bound(small("log_linear"))
    pool.check({"first": "f" * 64, "second": "s" * 64})
    with pytest.raises(InputError, match=f"does not apply.*: {named}") as caught:
        pool.check(identities)
    assert "--gold" in caught.value.hint


def majority_rules() -> DecisionRules:
    return decision_rules({"method": "majority"}, [])


def test_a_pool_decides_its_variable_and_the_method_all_others() -> None:
    rules = majority_rules().with_pools([bound(small("log_linear"))])
    assert rules.method_for("theme").name == "pool"
    assert rules.method_for("urgent").name == "majority"
    assert pool_of(rules.pools, "urgent") is None
    assert recorded_rules(json.loads(json.dumps(rules.content))) == rules
    assert rules.with_pools(()) == majority_rules()


def test_a_pool_replaces_the_calibration_of_its_variable_and_refuses_a_new_one() -> None:
    calibration = CalibratedRaters("theme", "temperature", (), 30, (), "2025-03-01")
    other = replace(calibration, variable="urgent")
    rules = majority_rules().with_calibrations([calibration, other])
    pooled = rules.with_pools([bound(small("log_linear"))])
    assert pooled.calibrations == (other,)
    assert recorded_rules(json.loads(json.dumps(pooled.content))) == pooled
    with pytest.raises(EnsembleError, match="a pool"):
        pooled.with_calibrations([calibration])
