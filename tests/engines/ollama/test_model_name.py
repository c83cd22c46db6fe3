"""A model of Ollama is found by every way to write its name."""

from __future__ import annotations

import pytest

from localensemble.engines.ollama.model_name import OllamaName, is_same_model


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Qwen2.5:3b", "qwen2.5:3b"),
        ("library/qwen2.5:3b", "qwen2.5:3b"),
        ("registry.ollama.ai/library/qwen2.5:3b", "qwen2.5:3B"),
        ("qwen2.5", "registry.ollama.ai/library/qwen2.5:latest"),
        ("registry.ollama.ai/someone/model", "someone/model:latest"),
        ("hf.co/maker/model-GGUF:Q4_K_M", "HF.co/maker/model-gguf:q4_k_m"),
    ],
)
def test_two_ways_to_write_a_name_are_one_model(one: str, other: str) -> None:
    assert is_same_model(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("qwen2.5:3b", "qwen2.5:7b"),
        ("someone/qwen2.5", "qwen2.5"),
        ("hf.co/maker/model", "maker/model"),
        ("..:tag", "..:tag"),
        ("a/b/c/d", "a/b/c/d"),
    ],
)
def test_other_names_are_other_models(one: str, other: str) -> None:
    assert not is_same_model(one, other)


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ("registry.ollama.ai/library/qwen2.5", "qwen2.5:latest"),
        ("registry.ollama.ai/someone/model:q4", "someone/model:q4"),
        ("hf.co/maker/model", "hf.co/maker/model:latest"),
        ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
    ],
)
def test_a_name_is_shown_as_ollama_lists_it(written: str, short: str) -> None:
    parsed = OllamaName.of(written)
    assert parsed is not None
    assert parsed.short == short
