"""A model writes what it would say; scoring goes on as if it had not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.codebook.load import load_codebook
from localensemble.core.prompts import Prompt
from localensemble.core.resources import models_dir
from localensemble.engines.llama_cpp.engine import LlamaCppEngine
from localensemble.engines.protocol import OwnWords, ScoreFailure, Scores, WritingEngine
from localensemble.engines.registry import open_engine
from localensemble.engines.scripted import ScriptedEngine
from localensemble.engines.settings import EngineSettings
from localensemble.prompting.template import load_template

TEXT = "The nurse was kind and explained everything."


@pytest.fixture(scope="module")
def path() -> Path:
    return next(models_dir().glob("le-llama-2m*.gguf"))


@pytest.fixture(scope="module")
def engine(path: Path) -> Iterator[LlamaCppEngine]:
    opened = LlamaCppEngine(EngineSettings(model_path=path, threads=1, context_tokens=512))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def asked(repository: Path) -> tuple[Prompt, tuple[str, ...]]:
    variable = load_codebook(repository / "examples" / "patient_feedback.yaml").variable("theme")
    return load_template().render(variable, TEXT, layout="codebook_first"), variable.answers


def test_a_model_that_was_trained_on_the_categories_writes_the_most_probable_one(
    engine: LlamaCppEngine, asked: tuple[Prompt, tuple[str, ...]]
) -> None:
    prompt, answers = asked
    (scores,) = engine.score([prompt], [answers])
    assert isinstance(scores, Scores)
    logs = scores.log_probabilities
    written = engine.write(prompt, at_most=20)
    assert isinstance(written, OwnWords)
    assert written.text.startswith(answers[logs.index(max(logs))])


def test_writing_changes_no_later_score(
    engine: LlamaCppEngine, asked: tuple[Prompt, tuple[str, ...]]
) -> None:
    prompt, answers = asked
    before = engine.score([prompt], [answers])
    engine.write(prompt, at_most=5)
    assert engine.score([prompt], [answers]) == before


def test_a_response_that_is_cut_says_so(
    engine: LlamaCppEngine, asked: tuple[Prompt, tuple[str, ...]]
) -> None:
    one, two = (engine.write(asked[0], at_most=most) for most in (1, 2))
    assert isinstance(one, OwnWords)
    assert isinstance(two, OwnWords)
    assert not one.is_whole
    assert two.text.startswith(one.text)


def test_a_prompt_without_room_for_a_response_is_refused(
    engine: LlamaCppEngine, asked: tuple[Prompt, tuple[str, ...]]
) -> None:
    refused = engine.write(asked[0], at_most=512)
    assert isinstance(refused, ScoreFailure)
    assert refused.reason.startswith("too_long: ")
    assert refused.reason.endswith("of 512 tokens")


def test_a_string_that_is_not_text_is_refused(
    engine: LlamaCppEngine, asked: tuple[Prompt, tuple[str, ...]], repository: Path
) -> None:
    variable = load_codebook(repository / "examples" / "patient_feedback.yaml").variable("theme")
    prompt = load_template().render(variable, "\udcff", layout="codebook_first")
    refused = engine.write(prompt, at_most=5)
    assert isinstance(refused, ScoreFailure)
    assert refused.reason.startswith("not_text")


def test_the_words_do_not_show_in_a_traceback(
    engine: LlamaCppEngine, asked: tuple[Prompt, tuple[str, ...]]
) -> None:
    written = engine.write(asked[0], at_most=5)
    assert isinstance(written, OwnWords)
    assert written.text not in repr(written)


@pytest.mark.slow  # starts a process
def test_the_process_of_a_model_writes_the_same(
    engine: LlamaCppEngine, path: Path, asked: tuple[Prompt, tuple[str, ...]]
) -> None:
    settings = EngineSettings(model_path=path, threads=1, context_tokens=512)
    worker = open_engine(replace(settings))
    try:
        assert isinstance(worker, WritingEngine)
        assert worker.write(asked[0], at_most=5) == engine.write(asked[0], at_most=5)
    finally:
        worker.close()


def test_an_engine_without_a_model_that_writes_is_known() -> None:
    assert not isinstance(ScriptedEngine(), WritingEngine)
