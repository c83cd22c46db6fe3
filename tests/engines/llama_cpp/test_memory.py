"""What a model takes is told before it is loaded, and is near what it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.catalog.gguf_header import read_header
from localensemble.core.model_shape import ModelShape
from localensemble.engines.llama_cpp.context_shape import ContextShape, context_shape
from localensemble.engines.llama_cpp.memory import layers_that_fit, memory_need
from localensemble.engines.process_memory import peak_memory_bytes
from localensemble.engines.registry import open_engine
from localensemble.engines.settings import EngineSettings
from localensemble.testing.engine_contract import TEXTS, answers_of, prompts_of

pytestmark = pytest.mark.slow  # measures the memory of processes that run models

MIB = 1 << 20
# An 8B model of the usual shape, 4.9 GB: grouped queries, a large vocabulary.
EIGHT_BILLION = ModelShape(
    layer_bytes=(130 * MIB,) * 32,
    other_bytes=700 * MIB,
    cache_bytes=(2 * 8 * (128 + 128),) * 32,
    vocabulary=128_256,
    embedding=4_096,
    feed_forward=14_336,
    context_tokens=131_072,
)
CONTEXT = ContextShape(tokens=4_096, batch_tokens=512, sequences=128, outputs=130, threads=2)


def test_the_parts_of_an_estimate_are_what_they_are_known_to_be() -> None:
    need = memory_need(EIGHT_BILLION, CONTEXT)
    assert need.weights == 32 * 130 * MIB + 700 * MIB
    # 128 kB a token, as everybody writes of this shape.
    assert need.context == 4_096 * 131_072
    assert need.beginnings == need.device == 0
    assert need.total < 6 << 30


def test_kept_beginnings_are_counted_up_to_what_is_kept() -> None:
    some = memory_need(EIGHT_BILLION, CONTEXT, beginning_tokens=1_000)
    assert some.beginnings == 1_000 * 131_072
    many = memory_need(EIGHT_BILLION, CONTEXT, beginning_tokens=10**6)
    assert many.beginnings == 512 * MIB


@pytest.mark.parametrize("name", ["le-gpt2-2m", "le-llama-2m", "le-qwen2-3m"])
def test_the_estimate_is_near_what_an_embedded_model_takes(name: str, repository: Path) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    path = repository / "models" / f"{name}.gguf"
    shape = read_header(path).shape
    assert shape is not None
    settings = EngineSettings(model_path=path, threads=1, context_tokens=1_024)
    context = context_shape(
        settings,
        vocabulary=shape.vocabulary,
        trained_context=shape.context_tokens,
        mode="batched",
    )
    engine = open_engine(settings)
    engine.score(prompts_of(TEXTS), answers_of(TEXTS))
    measured = engine.usage().peak_memory_bytes
    engine.close()
    if not measured:
        pytest.skip("this system does not say what a process held")
    assert measured <= memory_need(shape, context).total < measured + 30 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count in another way")
def test_a_process_does_not_count_what_the_one_held_that_started_it() -> None:
    held = b"x" * (300 * MIB)
    code = "from localensemble.engines.process_memory import peak_memory_bytes as p; print(p())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert MIB < int(told.stdout) < len(held) / 2
    assert peak_memory_bytes() > len(held)


@given(free=st.integers(0, 8 << 30))
def test_what_is_put_on_a_device_fits_there(free: int) -> None:
    layers = layers_that_fit(EIGHT_BILLION, CONTEXT, free_bytes=free)
    assert 0 <= layers <= 33
    assert memory_need(EIGHT_BILLION, CONTEXT, gpu_layers=layers).device <= free
    assert layers <= layers_that_fit(EIGHT_BILLION, CONTEXT, free_bytes=free + MIB)


def test_all_layers_go_where_all_fit_and_none_where_none_does() -> None:
    assert layers_that_fit(EIGHT_BILLION, CONTEXT, free_bytes=80 << 30) == 33
    assert layers_that_fit(EIGHT_BILLION, CONTEXT, free_bytes=1 << 30) == 0
    assert 0 < layers_that_fit(EIGHT_BILLION, CONTEXT, free_bytes=4 << 30) < 32


def test_what_lies_on_a_device_is_not_needed_here() -> None:
    here = memory_need(EIGHT_BILLION, CONTEXT)
    half = memory_need(EIGHT_BILLION, CONTEXT, gpu_layers=16)
    moved = memory_need(EIGHT_BILLION, CONTEXT, gpu_layers=33)
    assert half.weights == here.weights - 16 * 130 * MIB
    assert (moved.weights, moved.context) == (0, 0)
    assert moved.device >= here.weights + here.context
