"""Every published number, from the table it was published for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localensemble.agreement import AgreementSettings, Analytic, Coefficient, method_named
from localensemble.core.label_matrix import LabelMatrix

FOLDER = Path(__file__).resolve().parents[1] / "golden"


def of_coefficients(path: Path) -> bool:
    golden = json.loads(path.read_text(encoding="utf-8"))
    return "rows" in golden and "coefficient" in str(golden)


FILES = sorted(path.stem for path in FOLDER.glob("*.json") if of_coefficients(path))


def load(name: str) -> tuple[dict[str, Any], LabelMatrix]:
    golden = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    matrix = LabelMatrix.from_names(
        golden["rows"], categories=golden["categories"], raters=golden["raters"]
    )
    return golden, matrix


def compute(entry: dict[str, Any], matrix: LabelMatrix, values: list[float]) -> Coefficient:
    settings = AgreementSettings(
        level=entry.get("level", "nominal"),
        weights=entry.get("weights", "identity"),
        values=values if {"weights", "level"} & set(entry) else None,
        interval=Analytic(),
    )
    return method_named(entry["coefficient"]).compute(matrix, settings)


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
