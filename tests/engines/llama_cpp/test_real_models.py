"""What published models answer; skipped where their files are not kept."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Category, Variable
from localensemble.core.prompts import Prompt, Readout
from localensemble.engines.llama_cpp.engine import LlamaCppEngine
from localensemble.engines.protocol import Scores
from localensemble.engines.settings import EngineSettings
from localensemble.prompting.template import load_template

pytestmark = pytest.mark.slow  # runs models

MODELS = ("smollm2-135m-instruct", "gemma-3-270m")
PUBLISHED = (*MODELS, "qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct")
READOUTS: tuple[Readout, ...] = ("name", "option", "prefilled")
# Codebook, items, a name and the longer one that it begins.
CASES = (
    ("14-scale-0-10.yaml", "14-items.csv", "1", "10"),
    ("20-staff-staffing.yaml", "20-items.csv", "Staff", "Staffing"),
)
# Batches of other sizes round otherwise: in Gemma's small probabilities by up to a third.
ROUNDING = 0.4
Case = tuple[str, str, str, str]


@contextmanager
def _engine(path: Path) -> Iterator[LlamaCppEngine]:
    engine = LlamaCppEngine(EngineSettings(model_path=path, threads=1))
    try:
        yield engine
    finally:
        engine.close()


def _asked(shared: Path, case: Case) -> tuple[list[Prompt], tuple[str, ...]]:
    folder = shared / "cases"
    variable = load_codebook(folder / case[0]).variables[0]
    with (folder / case[1]).open(encoding="utf-8", newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    template = load_template()
    prompts = [template.render(variable, text, layout="codebook_first") for text in texts[:2]]
    return prompts, variable.answers


def _scored(
    engine: LlamaCppEngine, prompts: list[Prompt], answers: tuple[str, ...]
) -> list[dict[str, float]]:
    results = engine.score(prompts, [answers] * len(prompts))
    probabilities = []
    for result in results:
        assert isinstance(result, Scores)
        each = [math.exp(log) for log in result.log_probabilities]
        assert math.fsum(each) + result.off_codebook_mass == pytest.approx(1.0)
        probabilities.append(dict(zip(answers, each, strict=True)))
    return probabilities


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[2])
@pytest.mark.parametrize("model", MODELS)
def test_a_name_that_begins_another_gets_all_that_does_not_go_on_to_it(
    model: str, case: Case, real_model: Callable[[str], Path], shared: Path
) -> None:
    """Whatever token ends the turn, or follows the name without ending it."""
    prompts, answers = _asked(shared, case)
    _, _, shorter, longer = case
    with _engine(real_model(model)) as engine:
        together = _scored(engine, prompts, answers)
        begun = _scored(engine, prompts, (shorter,))
        gone_on = _scored(engine, prompts, (longer,))
    for probabilities, alone, other in zip(together, begun, gone_on, strict=True):
        rest = alone[shorter] - other[longer]
        assert probabilities[shorter] == pytest.approx(rest, rel=ROUNDING)
        assert probabilities[longer] == pytest.approx(other[longer], rel=ROUNDING)


def test_the_worst_pain_is_no_longer_the_only_pain(
    real_model: Callable[[str], Path], shared: Path
) -> None:
    prompts, answers = _asked(shared, CASES[0])
    with _engine(real_model("smollm2-135m-instruct")) as engine:
        first = _scored(engine, prompts, answers)[0]
    assert first["1"] == pytest.approx(0.0224, rel=0.3)
    assert first["10"] < first["1"]


@pytest.mark.parametrize("begun", ["Category:", '{"category": "'])
@pytest.mark.parametrize("model", PUBLISHED)
def test_a_begun_response_and_the_name_have_the_tokens_that_the_whole_line_has(
    model: str, begun: str, real_model: Callable[[str], Path]
) -> None:
    """Models saw whole lines in training; a response cut elsewhere is one they never write."""
    space = " " if begun.endswith(":") else ""
    with _engine(real_model(model)) as engine:
        tokenizer = engine._tokenizer
        for name in ("positive", "Not sure", "negative feedback", "Staff"):
            whole = tokenizer.text(f"{begun}{space}{name}", after_special=False)
            apart = tokenizer.text(begun, after_special=False)
            apart += tokenizer.text(space + name, after_special=False)
            assert whole == apart, name
            if space:
                spaced = tokenizer.text(f"{begun} ", after_special=False)
                assert whole != spaced + tokenizer.text(name, after_special=False)


@pytest.mark.parametrize("model", MODELS)
def test_a_begun_response_leaves_less_outside_the_codebook(
    model: str, real_model: Callable[[str], Path]
) -> None:
    variable = Variable(
        "mood",
        "binary",
        "How does it sound?",
        (Category("positive", "It praises."), Category("negative", "It complains.")),
    )
    texts = ["The staff were kind.", "We waited for three hours and nobody came."]
    masses: dict[str, float] = {}
    with _engine(real_model(model)) as engine:
        for readout in READOUTS:
            template = load_template().reading(readout)
            prompts = [template.render(variable, one, layout="codebook_first") for one in texts]
            results = engine.score(prompts, [template.answers(variable)] * len(prompts))
            scores = [result for result in results if isinstance(result, Scores)]
            assert len(scores) == len(texts)
            masses[readout] = max(one.off_codebook_mass for one in scores)
            for one in scores:
                inside = math.fsum(math.exp(log) for log in one.log_probabilities)
                assert 0.0 <= one.other_spellings <= inside + 1e-9
    assert masses["prefilled"] < masses["name"]
