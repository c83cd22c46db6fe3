"""Dawid-Skene and MACE against published estimates, crowd-kit and planted raters."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.consensus.methods.dawid_skene import DawidSkene, OneCoinDawidSkene
from localensemble.consensus.methods.expectation_maximization import Fit
from localensemble.consensus.methods.mace import Mace
from localensemble.consensus.methods.named_methods import method_named
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import GAP, LabelMatrix

pytestmark = pytest.mark.slow  # fits many models

GOLDEN = Path(__file__).parents[1] / "golden"
ORACLE = Path(__file__).parents[2] / "scripts" / "reference" / "crowd_kit_dawid_skene.py"
ACCURACIES = (0.9, 0.8, 0.7, 0.6, 0.55)
RATERS = ("first", "second", "third", "fourth", "fifth")


def golden(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((GOLDEN / name).read_text(encoding="utf-8"))
    return content


def matrix_of(content: Mapping[str, Any]) -> LabelMatrix:
    return LabelMatrix.from_names(
        [[None if letter == "-" else letter for letter in row] for row in content["items"]],
        categories=content["categories"],
        raters=content["columns"],
    )


def simulated(item_count: int = 2_000) -> tuple[LabelMatrix, NDArray[np.int64]]:
    """Five raters of known accuracy on three categories, errors even over the wrong ones."""
    generator = np.random.default_rng(1979)
    truth = generator.integers(0, 3, item_count)
    columns = []
    for accuracy in ACCURACIES:
        wrong = (truth + generator.integers(1, 3, item_count)) % 3
        columns.append(np.where(generator.random(item_count) < accuracy, truth, wrong))
    return LabelMatrix(np.stack(columns, axis=1).astype(np.int16), ("a", "b", "c"), RATERS), truth


def test_dawid_skene_reproduces_the_published_anaesthetists() -> None:
    content = golden("anaesthetists_1979.json")
    labels = matrix_of(content)
    repeats = {column: column.split("#")[0] for column in labels.raters}
    fit = DawidSkene(smoothing=0, tolerance=1e-9, repeats=repeats).fit(labels)
    assert fit.converged
    np.testing.assert_allclose(
        fit.parameters.prior, content["expected"]["category_shares"], atol=content["tolerance"]
    )
    reference = content["reference"]
    tolerance = reference["tolerance"]
    np.testing.assert_allclose(fit.parameters.prior, reference["category_shares"], atol=tolerance)
    assert fit.objectives[-1] == pytest.approx(reference["log_likelihood"], abs=tolerance)
    for rater, diagonal in reference["error_diagonals"].items():
        estimated = np.diag(fit.parameters.errors[fit.raters.index(rater)])
        np.testing.assert_allclose(estimated, diagonal, atol=tolerance)
    for item, posterior in reference["uncertain_items"].items():
        np.testing.assert_allclose(fit.posteriors[int(item)], posterior, atol=tolerance)


@pytest.mark.parametrize("model", [DawidSkene, OneCoinDawidSkene])
def test_posteriors_equal_those_of_crowd_kit(
    model: type[DawidSkene] | type[OneCoinDawidSkene],
) -> None:
    content = golden("crowd_kit_dawid_skene.json")
    fit = model(smoothing=0, tolerance=0, iterations=content["iterations"]).fit(matrix_of(content))
    np.testing.assert_allclose(
        fit.posteriors, content["posteriors"][model.name], atol=content["tolerance"]
    )


@pytest.mark.parametrize("model", [OneCoinDawidSkene(), DawidSkene()])
def test_planted_accuracies_are_recovered_and_beat_majority(
    model: OneCoinDawidSkene | DawidSkene,
) -> None:
    labels, truth = simulated()
    result = model.derive(labels)
    assert result.converged
    for rater, estimate in result.rater_estimates:
        assert estimate == pytest.approx(ACCURACIES[RATERS.index(rater)], abs=0.04)
    majority = method_named("majority").derive(labels)
    assert (result.categories == truth).mean() >= (majority.categories == truth).mean()


def with_constant_rater() -> tuple[LabelMatrix, NDArray[np.int64]]:
    labels, truth = simulated()
    indices = labels.indices.copy()
    indices[:, 4] = 1
    return LabelMatrix(indices, labels.categories, labels.raters), truth


def test_a_rater_that_always_names_one_category_does_not_count() -> None:
    labels, truth = with_constant_rater()
    mace = Mace().derive(labels)
    assert dict(mace.rater_estimates)["fifth"] < 0.2
    assert (mace.categories == truth).mean() > 0.85
    fit = DawidSkene(smoothing=0).fit(labels)
    constant = fit.parameters.errors[fit.raters.index("fifth")]
    np.testing.assert_allclose(constant, [[0, 0, 0], [1, 1, 1], [0, 0, 0]], atol=1e-9)
    without = LabelMatrix(labels.indices[:, :4], labels.categories, labels.raters[:4])
    np.testing.assert_allclose(
        fit.posteriors, DawidSkene(smoothing=0).fit(without).posteriors, atol=1e-4
    )


def skewed(shares: Sequence[float], accuracies: Sequence[float]) -> tuple[LabelMatrix, Any]:
    """Raters of known accuracy on categories of known shares, errors even over the wrong ones."""
    generator = np.random.default_rng(451)
    count = len(shares)
    truth = generator.choice(count, size=4_000, p=shares)
    columns = []
    for accuracy in accuracies:
        wrong = (truth + generator.integers(1, count, truth.size)) % count
        columns.append(np.where(generator.random(truth.size) < accuracy, truth, wrong))
    names = tuple(f"c{k}" for k in range(count)), tuple(f"r{j}" for j in range(len(accuracies)))
    return LabelMatrix(np.stack(columns, axis=1).astype(np.int16), *names), truth


@pytest.mark.parametrize(
    ("shares", "accuracies", "most"),
    [
        # The share of the clear majorities that each method may overrule. With equal prior shares,
        # MACE overruled 27 %, 38 % and 8 % of them.
        ((0.79, 0.12, 0.06, 0.03), (0.8, 0.7, 0.6, 0.55, 0.5), 0.05),
        ((0.93, 0.07), (0.85, 0.8, 0.7), 0.14),
        ((0.79, 0.21), (0.8, 0.75, 0.7, 0.65), 0.05),
    ],
)
def test_mace_learns_that_one_category_is_frequent(
    shares: Sequence[float], accuracies: Sequence[float], most: float
) -> None:
    labels, truth = skewed(shares, accuracies)
    found = Mace().derive(labels)
    majority = method_named("majority").derive(labels)
    assert (found.categories == truth).mean() >= (majority.categories == truth).mean()
    assert found.overruled <= most * found.majorities
    prior = Mace().fit(labels).parameters.prior
    np.testing.assert_allclose(prior, shares, atol=0.03)


def test_every_method_counts_the_clear_majorities_that_it_overrules() -> None:
    labels = LabelMatrix.from_names(
        [["a", "b", "b"], ["a", "b", None], ["b", None, None], ["a", "a", "a"], ["b", "b", None]],
        categories=["a", "b"],
        raters=["good", "one", "two"],
    )
    trusting = method_named(
        "weighted", settings={"accuracies": {"good": 0.99, "one": 0.6, "two": 0.6}}
    ).derive(labels)
    assert trusting.majority.tolist() == [True, False, False, True, True]
    assert (trusting.majorities, trusting.overruled) == (3, 1)
    counted = method_named("majority").derive(labels)
    assert (counted.majorities, counted.overruled) == (3, 0)
    # Without a consensus, nothing is overruled.
    unanimous = method_named("unanimous").derive(labels)
    assert (unanimous.majorities, unanimous.overruled) == (2, 0)


@pytest.mark.parametrize("model", [DawidSkene(), OneCoinDawidSkene(), Mace()])
@pytest.mark.parametrize(
    ("shape", "numbers"),
    [
        ((1, 468, 734), "468 raters x 734 x 734 categories make 252,137,808 numbers"),
        ((1, 3, 3_000), "at most 20,000,000"),
        ((50_001, 3, 1_000), "50,001 items x 1,000 categories"),
    ],
)
def test_a_fit_that_needs_too_much_memory_is_refused_with_numbers(
    model: DawidSkene | OneCoinDawidSkene | Mace, shape: tuple[int, int, int], numbers: str
) -> None:
    items, raters, count = shape
    labels = LabelMatrix(
        np.zeros((items, raters), dtype=np.int16),
        tuple(map(str, range(count))),
        tuple(f"r{j}" for j in range(raters)),
    )
    with pytest.raises(EnsembleError) as raised:
        model.derive(labels)
    assert numbers in raised.value.message
    assert "majority" in (raised.value.hint or "")


@pytest.mark.parametrize("smoothing", [0, 0.01, 1])
@pytest.mark.parametrize("model", [DawidSkene, OneCoinDawidSkene])
def test_the_objective_never_falls(
    model: type[DawidSkene] | type[OneCoinDawidSkene], smoothing: float
) -> None:
    labels, _ = simulated()
    gaps = labels.indices.copy()
    gaps[np.random.default_rng(3).random(gaps.shape) < 0.3] = GAP
    for matrix in (labels, LabelMatrix(gaps, labels.categories, labels.raters)):
        fit = model(smoothing=smoothing).fit(matrix)
        assert np.diff(fit.objectives).min() > -1e-9


def test_stopping_early_is_reported_as_not_converged() -> None:
    labels, _ = simulated()
    result = DawidSkene(iterations=2).derive(labels)
    assert result.converged is False
    assert result.iterations == 2


def test_the_full_model_refuses_two_raters_and_names_the_alternative() -> None:
    labels, _ = simulated(50)
    two = LabelMatrix(labels.indices[:, :2], labels.categories, labels.raters[:2])
    with pytest.raises(EnsembleError, match="at least 3 raters; found 2") as raised:
        DawidSkene().derive(two)
    assert "weighted or majority" in str(raised.value)
    silent = labels.indices.copy()
    silent[:, 2:] = GAP
    with pytest.raises(EnsembleError, match="found 2"):
        DawidSkene().derive(LabelMatrix(silent, labels.categories, labels.raters))
    for other in (OneCoinDawidSkene(), Mace()):
        assert np.isfinite(other.derive(two).scores[0])


def test_one_item_of_each_pattern_counts_like_all_of_them() -> None:
    labels, _ = simulated(200)
    tripled = LabelMatrix(np.tile(labels.indices, (3, 1)), labels.categories, labels.raters)
    once = DawidSkene(smoothing=0, tolerance=1e-9).fit(labels)
    thrice = DawidSkene(smoothing=0, tolerance=1e-9).fit(tripled)
    np.testing.assert_allclose(thrice.posteriors[:200], once.posteriors, atol=1e-6)
    assert thrice.objectives[-1] == pytest.approx(3 * once.objectives[-1])


def test_many_raters_are_told_apart_although_their_patterns_fit_no_integer() -> None:
    labels, truth = simulated(300)
    wide = LabelMatrix(
        np.tile(labels.indices, (1, 20)),
        labels.categories,
        tuple(f"{rater}-{copy}" for copy in range(20) for rater in labels.raters),
    )
    assert (OneCoinDawidSkene().derive(wide).categories == truth).mean() > 0.85


def test_unlabeled_items_do_not_move_the_fit() -> None:
    labels, _ = simulated(200)
    padded = LabelMatrix(
        np.concatenate([labels.indices, np.full((500, 5), GAP, dtype=np.int16)]),
        labels.categories,
        labels.raters,
    )
    fits = [DawidSkene().fit(matrix) for matrix in (labels, padded)]
    np.testing.assert_allclose(fits[1].parameters.prior, fits[0].parameters.prior, atol=1e-12)
    assert np.isnan(fits[1].posteriors[200:]).all()


def test_settings_that_no_fit_can_use_are_refused() -> None:
    for name, settings, message in (
        ("dawid_skene", {"smoothing": -1}, "smoothing"),
        ("one_coin_dawid_skene", {"iterations": 0}, "iterations"),
        ("mace", {"tolerance": 2}, "tolerance"),
        ("mace", {"repeats": "x"}, "repeats"),
    ):
        with pytest.raises(EnsembleError, match=message):
            method_named(name, settings=settings)
    labels, _ = simulated(10)
    with pytest.raises(EnsembleError, match=r'"nobody".* not a column'):
        DawidSkene(repeats={"nobody": "first"}).fit(labels)


# Real raters with gold labels, where the data sets are at hand.

Rows = Sequence[Mapping[str, str]]


def read(path: Path) -> Rows:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def crowd_matrix(
    rows: Rows, *, category_of: Callable[[str], str] = str
) -> tuple[list[str], LabelMatrix]:
    items = sorted({row["id"] for row in rows})
    raters = sorted({row["rater"] for row in rows})
    categories = sorted({category_of(row["label"]) for row in rows})
    indices = np.full((len(items), len(raters)), GAP, dtype=np.int16)
    item_index = {item: i for i, item in enumerate(items)}
    rater_index = {rater: j for j, rater in enumerate(raters)}
    for row in rows:
        label = categories.index(category_of(row["label"]))
        indices[item_index[row["id"]], rater_index[row["rater"]]] = label
    return items, LabelMatrix(indices, tuple(categories), tuple(raters))


def accuracy(
    categories: NDArray[np.int16],
    *,
    items: Iterable[str],
    gold: Mapping[str, str],
    names: Sequence[str],
) -> float:
    pairs = [
        (names[k] if k >= 0 else "", gold[item])
        for item, k in zip(items, categories, strict=True)
        if gold.get(item)
    ]
    return float(np.mean([found == true for found, true in pairs]))


def snow(shared: Path, name: str) -> tuple[Rows, dict[str, str]]:
    folder = shared / "data" / "snow2008"
    if name == "rte":
        return read(folder / "rte_ratings.csv.gz"), {
            row["id"]: row["label"] for row in read(folder / "rte_items.csv")
        }
    rows = read(folder / f"{name}_ratings.csv")
    return rows, {row["id"]: row["gold"] for row in rows}


@pytest.mark.parametrize(
    ("name", "published"), [("rte", 0.9275), ("temporal", 0.9416), ("wsd", 0.9944)]
)
def test_dawid_skene_is_at_least_as_right_as_the_majority_of_a_crowd(
    shared: Path, name: str, published: float
) -> None:
    rows, gold = snow(shared, name)
    items, labels = crowd_matrix(rows)
    right = {
        method.name: accuracy(
            method.derive(labels).categories, items=items, gold=gold, names=labels.categories
        )
        for method in (method_named("majority"), OneCoinDawidSkene(), DawidSkene(), Mace())
    }
    assert all(share >= right["majority"] for share in right.values())
    assert right["dawid_skene"] == pytest.approx(published, abs=0.0001)


@pytest.mark.parametrize(
    ("relation", "column"), [("CAUSES", "test_cause"), ("TREATS", "test_treat")]
)
def test_dawid_skene_is_at_least_as_right_on_medical_relations(
    shared: Path, relation: str, column: str
) -> None:
    folder = shared / "data" / "medrel_crowd"
    gold = {row["id"]: row[column] for row in read(folder / "items.csv")}
    items, labels = crowd_matrix(
        read(folder / "ratings.csv.gz"),
        category_of=lambda chosen: "yes" if relation in chosen.split("|") else "no",
    )
    majority, one_coin, full = (
        accuracy(method.derive(labels).categories, items=items, gold=gold, names=labels.categories)
        for method in (method_named("majority"), OneCoinDawidSkene(), DawidSkene())
    )
    assert one_coin >= majority
    assert full > majority + 0.02


@pytest.fixture(scope="session")
def crowd_kit() -> str:
    python = os.environ.get("LOCALENSEMBLE_CROWD_KIT_PYTHON", "")
    if not python:
        pytest.skip("needs LOCALENSEMBLE_CROWD_KIT_PYTHON, a Python that has crowd-kit")
    return python


@pytest.mark.parametrize("name", ["rte", "temporal", "wsd"])
def test_posteriors_equal_those_of_crowd_kit_on_a_real_crowd(
    shared: Path, crowd_kit: str, name: str
) -> None:
    rows, _ = snow(shared, name)
    items, labels = crowd_matrix(rows)
    compare_with_crowd_kit(crowd_kit, items=items, labels=labels)


@pytest.mark.parametrize("relation", ["CAUSES", "TREATS"])
def test_posteriors_equal_those_of_crowd_kit_on_medical_relations(
    shared: Path, crowd_kit: str, relation: str
) -> None:
    items, labels = crowd_matrix(
        read(shared / "data" / "medrel_crowd" / "ratings.csv.gz"),
        category_of=lambda chosen: "yes" if relation in chosen.split("|") else "no",
    )
    compare_with_crowd_kit(crowd_kit, items=items, labels=labels)


def compare_with_crowd_kit(python: str, *, items: Sequence[str], labels: LabelMatrix) -> None:
    iterations = 30
    given = {
        "labels": [
            [items[i], labels.raters[j], labels.categories[labels.indices[i, j]]]
            for i, j in np.argwhere(labels.mask)
        ],
        "items": list(items),
        "categories": list(labels.categories),
        "iterations": iterations,
    }
    answer = subprocess.run(
        [python, "-W", "ignore", str(ORACLE)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    expected = json.loads(answer.stdout)
    for model in (DawidSkene, OneCoinDawidSkene):
        fit: Fit = model(smoothing=0, tolerance=0, iterations=iterations).fit(labels)
        np.testing.assert_allclose(fit.posteriors, expected[model.name], atol=1e-4)
