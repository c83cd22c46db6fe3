from __future__ import annotations

import math
from pathlib import Path

import pytest

from localensemble.core.prompts import Prompt
from localensemble.engines.protocol import ScoreFailure, Scores
from localensemble.engines.scripted import ScriptedEngine
from localensemble.engines.settings import EngineSettings
from tests.engines.prompts import THEMES, prompt


def _praise(given: Prompt, answers: tuple[str, ...]) -> tuple[float, ...] | ScoreFailure:
    if "unreadable" in given.messages[-1].text:
        return ScoreFailure("scripted: unreadable")
    return (0.75, 0.0) if "kind" in given.messages[-1].text else (0.25, 0.5)


def test_a_script_decides_the_probabilities() -> None:
    engine = ScriptedEngine(_praise)
    prompts = [prompt("kind"), prompt("rude"), prompt("unreadable")]
    results = engine.score(prompts, [("good", "bad")] * 3)
    assert isinstance(results[0], Scores)
    assert results[0].log_probabilities[0] == math.log(0.75)
    assert results[0].log_probabilities[1] < -700
    assert results[0].off_codebook_mass == 0.25
    assert results[2] == ScoreFailure("scripted: unreadable")


def test_a_script_must_answer_for_every_answer() -> None:
    with pytest.raises(ValueError, match="2 probabilities for 5 answers"):
        ScriptedEngine(_praise).score([prompt("kind")], [THEMES])


def test_without_a_script_text_seed_and_answer_decide() -> None:
    def scores(seed: str, item: str) -> Scores | ScoreFailure:
        return ScriptedEngine(seed=seed).score([prompt(item)], [THEMES])[0]

    assert scores("a", "kind") == scores("a", "kind")
    assert scores("a", "kind") != scores("a", "rude")
    assert scores("a", "kind") != scores("b", "kind")


def test_the_model_files_name_is_the_seed_and_the_file_need_not_exist() -> None:
    engine = ScriptedEngine.from_settings(EngineSettings("scripted", model_path=Path("no/b.gguf")))
    assert engine.describe() == ScriptedEngine(seed="b").describe()
