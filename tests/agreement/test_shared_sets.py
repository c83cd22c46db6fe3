"""Real rater sets: the values that independent packages computed for them."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from localensemble.agreement import (
    AgreementSettings,
    Level,
    krippendorff_alpha,
    method_named,
)
from localensemble.agreement.prepared import prepare
from localensemble.core.label_matrix import LabelMatrix
from tests.reference_values import TOLERANCE, coefficient_of

LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval")


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", newline="") as packed:
            yield from csv.DictReader(packed)
    else:
        with path.open(encoding="utf-8", newline="") as plain:
            yield from csv.DictReader(plain)


def matrix_from_rows(
    rows: Iterator[dict[str, str]], *, label: Callable[[str], str] = str
) -> tuple[LabelMatrix, list[float]]:
    """Long form to a label matrix, categories in numeric order where they are numbers."""
    cells = {(row["id"], row["rater"]): label(row["label"]) for row in rows}
    items = {item: i for i, item in enumerate(dict.fromkeys(item for item, _ in cells))}
    raters = {rater: j for j, rater in enumerate(dict.fromkeys(rater for _, rater in cells))}
    names = set(cells.values())
    numeric = all(name.lstrip("-").replace(".", "", 1).isdigit() for name in names)
    categories = sorted(names, key=float) if numeric else sorted(names)
    indices = np.full((len(items), len(raters)), -1, dtype=np.int16)
    for (item, rater), name in cells.items():
        indices[items[item], raters[rater]] = categories.index(name)
    values = [float(name) for name in categories] if numeric else []
    return LabelMatrix(indices, tuple(categories), tuple(raters)), values


def assert_values_are_met(
    matrix: LabelMatrix, values: list[float], expected: dict[str, object]
) -> None:
    assert matrix.item_count == expected["items"]
    assert len(matrix.raters) == expected["raters"]
    assert int(matrix.mask.sum()) == expected["ratings"]
    labels = prepare(matrix)
    compared = 0
    for key, number in expected.items():
        if name := coefficient_of(key):
            found = method_named(name).compute(labels, AgreementSettings(level="nominal"))
            assert found.value == pytest.approx(number, abs=TOLERANCE), key
            compared += 1
    for level in LEVELS:
        if f"alpha_{level}" in expected:
            alpha = krippendorff_alpha(labels, level=level, values=values or None).value
            assert alpha == pytest.approx(expected[f"alpha_{level}"], abs=TOLERANCE), level
            compared += 1
    assert compared


@pytest.mark.parametrize(
    ("folder", "file", "key"),
    [
        ("snow2008", "rte_ratings.csv.gz", "snow2008/rte_ratings"),
        ("snow2008", "temporal_ratings.csv", "snow2008/temporal_ratings"),
        ("snow2008", "wsd_ratings.csv", "snow2008/wsd_ratings"),
        ("annomi", "therapist_ratings.csv", "annomi/therapist_ratings"),
        ("annomi", "client_ratings.csv", "annomi/client_ratings"),
        ("pubmedqa", "ratings.csv", "pubmedqa/ratings"),
        ("popquorn_offensiveness", "ratings.csv.gz", "popquorn_offensiveness/ratings"),
    ],
)
def test_a_rater_set_has_its_reference_values(
    shared: Path, folder: str, file: str, key: str
) -> None:
    reference = json.loads((shared / "data" / "reference_values.json").read_text("utf-8"))
    matrix, values = matrix_from_rows(rows_of(shared / "data" / folder / file))
    assert_values_are_met(matrix, values, reference[key])


@pytest.mark.parametrize(
    "dimension", ["anger", "disgust", "fear", "joy", "sadness", "surprise", "valence"]
)
def test_emotions_have_their_reference_alpha_at_interval_level(
    shared: Path, dimension: str
) -> None:
    reference = json.loads((shared / "data" / "reference_values.json").read_text("utf-8"))
    rows = rows_of(shared / "data" / "snow2008" / "emotion_ratings.csv")
    matrix, values = matrix_from_rows(
        (row for row in rows if row["dimension"] == dimension),
        # Crowd workers typed the same number in several ways.
        label=lambda typed: f"{float(typed) + 0.0:g}",
    )
    assert_values_are_met(matrix, values, reference[f"snow2008/emotion_ratings {dimension}"])


@pytest.mark.parametrize("relation", ["CAUSES", "TREATS"])
def test_each_relation_of_a_crowd_has_its_reference_values(shared: Path, relation: str) -> None:
    reference = json.loads((shared / "data" / "reference_values.json").read_text("utf-8"))
    matrix, _ = matrix_from_rows(
        rows_of(shared / "data" / "medrel_crowd" / "ratings.csv.gz"),
        label=lambda chosen: "yes" if relation in chosen.split("|") else "no",
    )
    assert_values_are_met(matrix, [], reference[f"medrel_crowd/ratings {relation} yes/no"])
