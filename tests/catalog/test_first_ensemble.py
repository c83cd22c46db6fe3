"""A first ensemble has models that are here, fit, and differ in family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from localensemble.api.models import add_model
from localensemble.catalog.first_ensemble import (
    MOST_RATERS,
    choose_models,
    ensemble_text,
    pull_arguments,
    too_few,
)
from localensemble.catalog.installed import ModelsFolder
from localensemble.catalog.known import GIBIBYTE, known_models, recommended_sets
from localensemble.catalog.located_models import catalog_entries
from localensemble.labeling.ensemble import load_ensemble
from tests.catalog.file_server import gguf_bytes

Add = Callable[..., None]


@pytest.fixture
def add(tmp_path: Path) -> Add:
    """Register a GGUF file of the user's own, as large as is asked."""

    def add_file(
        name: str, *, size: int = 1000, architecture: str = "llama", chat: bool = True
    ) -> None:
        content = gguf_bytes(size)
        if not chat:
            content = content.replace(b"tokenizer.chat_template", b"tokenizer.no_x_template")
        content = content.replace(b"llama", architecture.encode(), 1)
        path = tmp_path / f"{name.translate({32: '_', 58: None})}.gguf"
        path.write_bytes(content)
        add_model(path, name=name, license="ours")

    return add_file


def names(memory: int = 8 * GIBIBYTE) -> list[str]:
    return [model.name for model in choose_models(memory)]


def test_without_models_nothing_is_chosen_and_never_an_embedded_one(add: Add) -> None:
    assert names() == []
    add("qwen2.5-own")
    assert names() == ["qwen2.5-own"]
    assert not {entry.name for entry in catalog_entries()} & set(names())


def test_of_each_family_the_largest_is_chosen_and_three_families_at_most(add: Add) -> None:
    add("qwen2.5-1b-q4", size=2000)
    add("qwen2.5-1b-q8", size=4000)
    add("Qwen3 4B", size=3000)
    add("gemma-3-270m", size=1000)
    add("SmolLM2-135M", size=500)
    add("phi-4-mini", size=400)
    assert names() == ["qwen2.5-1b-q8", "gemma-3-270m", "SmolLM2-135M"]
    assert len(names()) == MOST_RATERS


def test_a_name_of_ones_own_is_of_the_family_that_the_header_names_or_of_its_architecture(
    add: Add,
) -> None:
    add("ward-model-a", size=900, architecture="exaon")
    add("ward-model-b", size=800, architecture="exaon")
    add("ward-model-c", size=700, architecture="starc")
    assert names() == ["ward-model-a", "ward-model-c"]


def test_a_model_with_a_chat_template_comes_before_a_larger_one_without(add: Add) -> None:
    add("gemma-3-base", size=9000, chat=False)
    add("gemma-3-it", size=1000)
    add("qwen-base", size=5000, chat=False)
    assert names() == ["gemma-3-it", "qwen-base"]
    assert "WITHOUT a chat template" in choose_models(GIBIBYTE)[1].about


def test_what_does_not_fit_or_is_gone_is_not_chosen(add: Add, tmp_path: Path) -> None:
    add("qwen-large", size=4_000_000)
    add("gemma-small", size=1000)
    assert names(70 << 20) == ["gemma-small"]
    (tmp_path / "gemma-small.gguf").unlink()
    (tmp_path / "qwen-large.gguf").write_bytes(b"GGUF")
    assert names() == []


def test_an_embedding_model_is_no_rater(add: Add) -> None:
    add("vectors-of-mine")
    (model,) = ModelsFolder().installed()
    ModelsFolder().record(replace(model, architecture="bert"))
    assert names() == []


def test_the_encoder_is_one_of_three_raters_and_reads_the_codebook(
    add: Add, tmp_path: Path
) -> None:
    for number, name in enumerate(("qwen2.5-own", "gemma-own", "smollm2-own")):
        add(name, size=3000 - number)
    add("mine", size=2000)
    mine = ModelsFolder().find("mine")
    assert mine is not None
    ModelsFolder().record(replace(mine, name="all-minilm-l6-v2", architecture="bert"))
    assert names() == ["qwen2.5-own", "gemma-own", "all-minilm-l6-v2"]
    path = tmp_path / "ensemble.yaml"
    path.write_text(ensemble_text(choose_models(8 * GIBIBYTE)), encoding="utf-8")
    engines = [rater.engine for rater in load_ensemble(path).raters]
    assert engines == ["llama-cpp", "llama-cpp", "embedding"]


def test_the_file_loads_and_says_what_each_model_is(add: Add, tmp_path: Path) -> None:
    add("qwen2.5-0.5b own: build", size=2000)
    add("gemma-3-270m", size=1000)
    path = tmp_path / "ensemble.yaml"
    path.write_text(ensemble_text(choose_models(8 * GIBIBYTE)), encoding="utf-8")
    loaded = load_ensemble(path)
    assert [rater.model for rater in loaded.raters] == ["qwen2.5-0.5b own: build", "gemma-3-270m"]
    assert [rater.name for rater in loaded.raters] == ["qwen2.5-0.5b-own-build", "gemma-3-270m"]
    comments = [line for line in path.read_text(encoding="utf-8").splitlines() if "  #" in line]
    assert len(comments) == 2
    assert all("MB" in line and "gguf" in line and "ours" in line for line in comments)


def test_fewer_than_three_raters_are_said_to_be_few(add: Add) -> None:
    add("qwen-a")
    assert "1 rater:" in too_few(choose_models(GIBIBYTE))
    add("gemma-a")
    add("phi-a")
    assert too_few(choose_models(GIBIBYTE)) == ""


@pytest.mark.parametrize(
    ("gigabytes", "memory_set"), [(6, "8"), (8, "8"), (15.6, "16"), (24, "16"), (500, "32")]
)
def test_the_set_made_for_a_machine_of_this_size_is_named(
    gigabytes: float, memory_set: str
) -> None:
    assert pull_arguments(int(gigabytes * GIBIBYTE)) == ("--set", memory_set)


def test_a_machine_too_small_for_every_set_gets_small_models_of_different_families() -> None:
    known = {model.name: model for model in known_models()}
    found = pull_arguments(3 * GIBIBYTE)
    assert len(found) == MOST_RATERS
    assert len({known[name].family for name in found}) == MOST_RATERS
    assert {known[name].kind for name in found} == {"chat"}
    assert not set(found) & {name for one in recommended_sets() for name in one.models}
    assert pull_arguments(1 << 20) == ()
