"""A new user's walk with published models, one of which cannot answer; skipped without them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.api.consensus import ConsensusOptions, decide_again
from localensemble.api.label import LabelOptions, Progress, label

pytestmark = pytest.mark.slow  # runs models

MODELS = {
    "gemma": "gemma-3-270m",  # has no chat template
    "smollm2": "smollm2-135m-instruct",
    "qwen": "qwen2.5-coder-0.5b-instruct",
}
ITEMS = 60


@pytest.fixture
def items(repository: Path, tmp_path: Path) -> Path:
    path = tmp_path / "items.csv"
    with (repository / "examples" / "patient_feedback.csv").open(encoding="utf-8") as source:
        rows = list(csv.DictReader(source))[:ITEMS]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "text"))
        writer.writerows((row["id"], row["text"]) for row in rows)
    return path


def test_an_unfit_rater_is_named_within_its_first_block_and_labels_appear_without_it(
    real_model: Callable[[str], Path], repository: Path, items: Path, tmp_path: Path
) -> None:
    raters = [{"name": name, "model": str(real_model(file))} for name, file in MODELS.items()]
    seen: list[str] = []

    def progress(one: Progress) -> None:
        seen.append(f"{one.rater} has {one.items_done:g}")

    study = tmp_path / "study"
    labeled = label(
        items,
        codebook=repository / "examples" / "patient_feedback.yaml",
        study=study,
        options=LabelOptions(ensemble={"raters": raters}),
        on_progress=progress,
        on_message=seen.append,
    )
    assert [one.accepted for one in labeled.findings.variables] == [0, 0]
    # Named at once: before the next rater begins.
    named = next(n for n, one in enumerate(seen) if one.startswith("gemma does not answer"))
    assert f"gemma has {ITEMS}" in seen[:named]
    assert "smollm2 has 0" in seen[named:]
    assert "outside the codebook" in seen[named]
    assert "--unfit gemma" in seen[named]
    assert any("gemma" in one and "put a probability" in one for one in reasons_of(study))
    assert not any("qwen does not answer" in one for one in seen)
    assert any(one.startswith("Without gemma") for one in seen)

    suspected = tuple(name for name in MODELS if any(f"{name} does not" in one for one in seen))
    decided = decide_again(study, options=ConsensusOptions(unfit=suspected), items=items)
    assert decided.findings.unfit == suspected
    assert all(one.accepted > 0 for one in decided.findings.variables)
    with (study / "labels.csv").open(encoding="utf-8-sig") as stream:
        assert any(row["theme.label"] for row in csv.DictReader(stream))


def reasons_of(study: Path) -> list[str]:
    findings: dict[str, Any] = json.loads((study / "findings.json").read_text(encoding="utf-8"))
    return [text for one in findings["variables"] for text, _ in one["reason_counts"]]
