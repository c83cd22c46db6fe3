"""What every engine does, whatever is behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from localensemble.core.errors import EngineError
from localensemble.engines.protocol import Engine, ScoreFailure, Scores
from localensemble.engines.registry import open_engine
from localensemble.engines.settings import EngineSettings
from tests.engines.prompts import QUESTIONS, THEMES, prompt
from tests.engines.tiny_gguf import write_tiny_gguf

ITEMS = ["The staff were kind.", "", "Parking is a problem.", "שלום 😀\0", "The staff were kind."]
PROMPTS = [prompt(item, question=question) for question in QUESTIONS for item in ITEMS]
ANSWERS: list[tuple[str, ...]] = [
    THEMES if number % 2 else ("yes", "no", "none") for number in range(len(PROMPTS))
]
LONG = prompt("too long " * 2000)


@dataclass(frozen=True, slots=True)
class Subject:
    """An engine and how it is opened."""

    engine: Engine
    again: Callable[[], Engine]


def _scripted(path: Path) -> Engine:
    return open_engine(EngineSettings("scripted", model_path=path, context_tokens=1024))


def _in_process(path: Path) -> Engine:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    from localensemble.engines.llama_cpp import LlamaCppEngine

    return LlamaCppEngine(EngineSettings(model_path=path, threads=1))


def _strict(path: Path) -> Engine:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    from localensemble.engines.llama_cpp import LlamaCppEngine

    return LlamaCppEngine(EngineSettings(model_path=path, threads=1, mode="strict"))


def _worker(path: Path) -> Engine:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    return open_engine(EngineSettings(model_path=path, threads=1))


@pytest.fixture(params=[_scripted, _in_process, _strict, _worker])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    path = write_tiny_gguf(tmp_path / "tiny.gguf")
    opened: list[Engine] = []

    def again() -> Engine:
        opened.append(request.param(path))
        return opened[-1]

    yield Subject(again(), again)
    for engine in opened:
        engine.close()


def test_every_prompt_gets_a_result_in_its_place(subject: Subject) -> None:
    results = subject.engine.score(PROMPTS, ANSWERS)
    assert len(results) == len(PROMPTS)
    for result, answers in zip(results, ANSWERS, strict=True):
        assert isinstance(result, Scores)
        assert len(result.log_probabilities) == len(answers)


def test_probabilities_are_probabilities_and_the_rest_is_what_is_left(subject: Subject) -> None:
    for result in subject.engine.score(PROMPTS, ANSWERS):
        assert isinstance(result, Scores)
        assert all(value <= 0.0 for value in result.log_probabilities)
        total = math.fsum(map(math.exp, result.log_probabilities))
        assert 0.0 <= result.off_codebook_mass <= 1.0
        assert total + result.off_codebook_mass == pytest.approx(1.0, abs=1e-9)
        assert result.prompt_tokens > 0


def test_the_same_call_gives_the_same_digits_now_later_and_in_another_process(
    subject: Subject,
) -> None:
    first = subject.engine.score(PROMPTS, ANSWERS)
    subject.engine.score(PROMPTS[3:5], ANSWERS[3:5])
    assert subject.engine.score(PROMPTS, ANSWERS) == first
    assert subject.again().score(PROMPTS, ANSWERS) == first


def test_equal_prompts_get_equal_scores(subject: Subject) -> None:
    results = subject.engine.score([PROMPTS[0]] * 3, [THEMES] * 3)
    assert results[0] == results[1] == results[2]


def test_the_order_of_the_answers_is_the_order_of_the_scores(subject: Subject) -> None:
    (forward,) = subject.engine.score([PROMPTS[0]], [THEMES])
    (backward,) = subject.engine.score([PROMPTS[0]], [THEMES[::-1]])
    assert isinstance(forward, Scores)
    assert isinstance(backward, Scores)
    assert forward.log_probabilities == pytest.approx(backward.log_probabilities[::-1], abs=1e-3)


def test_a_prompt_that_is_too_long_fails_alone_and_says_by_how_much(subject: Subject) -> None:
    results = subject.engine.score([PROMPTS[0], LONG, PROMPTS[1]], [THEMES] * 3)
    assert isinstance(results[0], Scores)
    assert isinstance(results[2], Scores)
    assert isinstance(results[1], ScoreFailure)
    assert results[1].reason.startswith("too_long: ")
    assert results[1].reason.endswith(" of 1024 tokens")


def test_no_prompts_is_no_work(subject: Subject) -> None:
    assert subject.engine.score([], []) == ()


def test_the_description_is_the_same_every_time_and_complete(subject: Subject) -> None:
    description = subject.engine.describe()
    assert description == subject.engine.describe() == subject.again().describe()
    assert description.engine
    assert description.engine_version
    assert description.model_name
    assert len(description.model_sha256) == 64
    assert len(description.chat_template_sha256) == 64
    assert description.context_tokens == 1024
    assert sorted(description.settings) == list(description.settings)


def test_tokens_are_counted_one_text_at_a_time(subject: Subject) -> None:
    counts = subject.engine.count_tokens(["The staff were kind.", "", "The staff"])
    assert counts[0] > counts[2] > 0
    assert counts[1] == 0
    assert subject.engine.count_tokens([]) == ()


def test_usage_grows_with_the_work(subject: Subject) -> None:
    before = subject.engine.usage()
    assert before.prompt_tokens == before.evaluated_tokens == 0
    results = subject.engine.score(PROMPTS, ANSWERS)
    usage = subject.engine.usage()
    assert usage.prompt_tokens == sum(
        result.prompt_tokens for result in results if isinstance(result, Scores)
    )
    assert usage.evaluated_tokens > 0
    assert usage.seconds >= before.seconds
    assert usage.peak_memory_bytes > 0


def test_a_closed_engine_refuses_and_can_be_closed_again(subject: Subject) -> None:
    subject.engine.close()
    subject.engine.close()
    with pytest.raises(EngineError, match="closed"):
        subject.engine.score(PROMPTS, ANSWERS)
    with pytest.raises(EngineError, match="closed"):
        subject.engine.count_tokens(["x"])
