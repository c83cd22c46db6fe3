"""Every published number, from the table it was published for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localensemble.agreement import (
    Coefficient,
    brennan_prediger,
    cohen_kappa,
    conger_kappa,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac2,
    krippendorff_alpha,
    percent_agreement,
    scott_pi,
)
from localensemble.core.label_matrix import LabelMatrix

FOLDER = Path(__file__).resolve().parents[1] / "golden"
FILES = (
    "fleiss_1971",
    "gwet_abstractors",
    "gwet_five_observers",
    "gwet_four_raters",
    "krippendorff_2011",
    "skewed_prevalence",
)
FUNCTIONS = {
    "AC1": gwet_ac1,
    "AC2": gwet_ac2,
    "Brennan-Prediger": brennan_prediger,
    "Cohen kappa": cohen_kappa,
    "Conger kappa": conger_kappa,
    "Krippendorff alpha": krippendorff_alpha,
    "Fleiss kappa": fleiss_kappa,
    "Scott pi": scott_pi,
    "percent agreement": percent_agreement,
}


def load(name: str) -> tuple[dict[str, Any], LabelMatrix]:
    golden = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    matrix = LabelMatrix.from_names(
        golden["rows"], categories=golden["categories"], raters=golden["raters"]
    )
    return golden, matrix


def compute(entry: dict[str, Any], matrix: LabelMatrix, values: list[float]) -> Coefficient:
    options: dict[str, Any] = {}
    if "weights" in entry:
        options = {"weights": entry["weights"], "values": values}
    if "level" in entry:
        options = {"level": entry["level"], "values": values}
    result: Coefficient = FUNCTIONS[entry["coefficient"]](matrix, **options)  # type: ignore[operator]
    return result


def entries() -> list[Any]:
    found = []
    for name in FILES:
        golden, _ = load(name)
        for block in (golden, golden.get("reference", {"expected": []})):
            for entry in block["expected"]:
                words = [
                    name,
                    entry["coefficient"],
                    entry.get("weights", ""),
                    entry.get("level", ""),
                ]
                found.append(
                    pytest.param(
                        name, entry, block["tolerance"], id="-".join(word for word in words if word)
                    )
                )
    return found


@pytest.mark.parametrize(("name", "entry", "tolerance"), entries())
def test_every_published_number_is_met(name: str, entry: dict[str, Any], tolerance: float) -> None:
    golden, matrix = load(name)
    result = compute(entry, matrix, golden["values"])
    for field, expected in entry.items():
        if field in ("coefficient", "weights", "level"):
            continue
        assert getattr(result, field) == pytest.approx(expected, abs=tolerance, rel=0), field


@pytest.mark.parametrize("name", FILES)
def test_every_golden_file_says_where_its_numbers_come_from(name: str) -> None:
    golden, _ = load(name)
    assert golden["source"]
    assert golden["computed_with"]
    assert golden["tolerance"] > 0
