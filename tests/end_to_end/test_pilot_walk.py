"""A pilot with published models, some of which cannot answer; skipped without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.api.before_a_run.pilot import PilotOptions, pilot
from localensemble.labeling.tally import Progress

pytestmark = pytest.mark.slow  # runs models

MODELS = {
    "gemma": "gemma-3-270m",  # has no chat template
    "smollm2": "smollm2-135m-instruct",
    "qwen": "qwen2.5-coder-0.5b-instruct",
}


def test_the_unfit_raters_are_named_and_labels_would_be_accepted_without_them(
    real_model: Callable[[str], Path], repository: Path
) -> None:
    raters = [{"name": name, "model": str(real_model(file))} for name, file in MODELS.items()]
    seen: list[Progress] = []
    found = pilot(
        repository / "examples" / "patient_feedback.csv",
        codebook=repository / "examples" / "patient_feedback.yaml",
        options=PilotOptions(ensemble={"raters": raters}, count=20),
        on_progress=seen.append,
    )
    assert "gemma" in found.findings.drop
    assert "qwen" not in found.findings.drop
    assert any(one.startswith("gemma does not answer with the categories") for one in found.advice)
    assert any("`unfit: [gemma" in one for one in found.advice)
    for one in found.findings.variables:
        assert one.without is not None
        assert (one.acceptance.accepted, one.without.accepted > 0) == (0, True)
    assert all(one.seconds > 0 for one in found.findings.times)
    done = [one.items_done for one in seen if one.rater == "gemma"]
    assert done == [0, 8, 10, 18, 20]
