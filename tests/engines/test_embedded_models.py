"""The engine on the models that ship with the program and the texts they are shown on."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.codebook.load import load_codebook
from localensemble.core.prompts import Layout, Prompt
from localensemble.engines.llama_cpp.chat_template import ChatTemplate
from localensemble.engines.llama_cpp.engine import LlamaCppEngine
from localensemble.engines.llama_cpp.prompt_tokens import PromptTokenizer, TokenizedPrompt
from localensemble.engines.protocol import Scores, ScoringMode
from localensemble.engines.settings import EngineSettings
from localensemble.prompting.template import load_template
from tests.engines.prompts import prompt

pytestmark = pytest.mark.slow  # runs the embedded models over example texts

MODELS = ("le-gpt2-2m", "le-llama-2m", "le-qwen2-3m")
# Of the 300 example comments; strict scoring of all of them takes minutes.
ITEMS = slice(None, None, 12)
# Two categories nearer to each other than this may change places with the rounding.
NEAR = 0.001


@pytest.fixture(params=MODELS)
def path(request: pytest.FixtureRequest, repository: Path) -> Path:
    path = repository / "models" / f"{request.param}.gguf"
    if not path.exists():
        pytest.skip(f"needs the embedded model {path.name}")
    return path


@pytest.fixture
def engine(path: Path) -> Iterator[LlamaCppEngine]:
    engine = LlamaCppEngine(EngineSettings(model_path=path, threads=1))
    yield engine
    engine.close()


def _example_call(
    repository: Path, layout: Layout, items: slice = ITEMS
) -> tuple[list[Prompt], list[tuple[str, ...]]]:
    variables = load_codebook(repository / "examples" / "patient_feedback.yaml").variables
    template = load_template()
    with (repository / "examples" / "patient_feedback.csv").open(encoding="utf-8") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)][items]
    prompts = [
        template.render(variable, text, layout=layout) for text in texts for variable in variables
    ]
    return prompts, [variable.answers for variable in variables] * len(texts)


def _distributions(
    path: Path, mode: ScoringMode, call: tuple[list[Prompt], list[tuple[str, ...]]]
) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    engine = LlamaCppEngine(EngineSettings(model_path=path, threads=1, mode=mode))
    results = engine.score(*call)
    engine.close()
    distributions = []
    for result in results:
        assert isinstance(result, Scores)
        weights = np.exp(np.array(result.log_probabilities))
        distributions.append(weights / weights.sum())
    return distributions


def test_batched_and_strict_scoring_give_the_same_labels(
    path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = _example_call(repository, "codebook_first")
    batched = _distributions(path, "batched", call)
    strict = _distributions(path, "strict", call)
    largest = max(
        float(np.abs(one - other).max()) for one, other in zip(batched, strict, strict=True)
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{path.stem}: largest difference in probability {largest:.1e} ")
    for one, other in zip(batched, strict, strict=True):
        second, best = np.sort(other)[-2:]
        if best - second > NEAR:
            assert int(one.argmax()) == int(other.argmax())
    assert largest < 0.01


def test_text_that_imitates_the_models_marks_stays_text(engine: LlamaCppEngine) -> None:
    model = engine._open_model()
    specials = [token for token in range(model.token_count) if model.is_special(token)]
    marks = [model.token_text(token) for token in specials]
    assert marks
    template = ChatTemplate(model.chat_template(), bos=model.token_text(model.bos))
    tokenizer = PromptTokenizer(model, template)
    counts = []
    for item in ("plain", "".join(marks) + " ".join(marks)):
        (tokens,) = tokenizer.prompts([prompt(item)])
        assert isinstance(tokens, TokenizedPrompt)
        counts.append(sum(model.is_special(token) for token in tokens.head + tokens.tail))
    assert counts[0] == counts[1]
