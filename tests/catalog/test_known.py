"""The known models are those that were pinned, and their sets fit the machines they name."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from localensemble.catalog.known import (
    KnownModel,
    known_models,
    known_wheels,
    licenses,
    memory_needed,
    recommended_sets,
)
from localensemble.catalog.located_models import catalog_entries

MODELS = {model.name: model for model in known_models()}


def _listed(shared: Path) -> list[dict[str, Any]]:
    """Read the list the models were copied from, in American spelling."""
    content = (shared / "catalog.json").read_text(encoding="utf-8")
    listed: list[dict[str, Any]] = json.loads(content.replace("licence", "license"))
    return listed


def test_every_field_is_that_of_the_list_they_were_written_from(
    repository: Path, shared: Path
) -> None:
    listed = _listed(shared)
    written = tomllib.loads((repository / "models" / "known.toml").read_text(encoding="utf-8"))
    assert len(written["models"]) == len(listed) == 56
    for model, pinned in zip(written["models"], listed, strict=True):
        # TOML has no null: what is null there is absent here.
        assert model == {key: value for key, value in pinned.items() if value is not None}


def test_every_model_has_the_values_of_the_list_under_its_own_names(shared: Path) -> None:
    names = {"name": "id", "quantization": "quant", "file": "filename", "size_bytes": "bytes"}
    names |= {"context_tokens": "context_length", "architecture": "arch"}
    listed = _listed(shared)
    for model, pinned in zip(known_models(), listed, strict=True):
        for field in fields(model):
            if field.name != "commercial_use":  # said in words; see below
                listed_value = pinned[names.get(field.name, field.name)]
                assert getattr(model, field.name) == listed_value, (model.name, field.name)


def test_the_file_is_what_its_script_writes(repository: Path, shared: Path, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "models").mkdir()
    script = tmp_path / "scripts" / "known_models.py"
    script.write_bytes((repository / "scripts" / "known_models.py").read_bytes())
    subprocess.run([sys.executable, script, shared / "catalog.json"], check=True)
    written = tmp_path / "models" / "known.toml"
    assert written.read_bytes() == (repository / "models" / "known.toml").read_bytes()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_model_is_pinned(model: KnownModel) -> None:
    assert re.search(r"^https://.+/resolve/[0-9a-f]{40}/", model.url)
    assert model.url.endswith(f"/{model.file}")
    assert re.fullmatch(r"[0-9a-f]{64}", model.sha256)
    assert model.size_bytes > 0
    assert model.license in licenses()


def test_a_wheel_is_pinned_and_so_is_what_it_converts_to() -> None:
    for name, wheel in known_wheels().items():
        assert MODELS[name].kind == "embedding"
        assert wheel.version in wheel.file
        assert re.fullmatch(r"[0-9a-f]{64}", wheel.sha256)
        assert re.fullmatch(r"[0-9a-f]{64}", wheel.gguf_sha256)


def test_names_and_files_are_not_shared() -> None:
    names = [*MODELS, *(entry.name for entry in catalog_entries())]
    files = [model.file for model in known_models()]
    files += [wheel.gguf_file for wheel in known_wheels().values()]
    assert len(set(names)) == len(names)
    assert len(set(files)) == len(files)


def test_licenses_that_are_not_free_ask_for_consent() -> None:
    free = {name for name, license in licenses().items() if not license.needs_consent}
    assert free == {"apache-2.0", "mit"}
    assert all(license.url.startswith("https://") for license in licenses().values())


def test_restricted_use_is_told() -> None:
    assert MODELS["qwen2.5-3b-instruct"].commercial_use == "not allowed"
    assert "USD 10M" in MODELS["lfm2.5-1.2b-instruct"].commercial_use
    assert MODELS["qwen3-8b"].commercial_use == ""


def test_there_are_sets_for_three_sizes_of_machine() -> None:
    assert [one.memory_gb for one in recommended_sets()] == [8, 16, 32]


@pytest.mark.parametrize("size", [8, 16, 32])
def test_a_set_has_different_families_and_leaves_room_for_the_system(size: int) -> None:
    (chosen,) = [one for one in recommended_sets() if one.memory_gb == size]
    models = [MODELS[name] for name in chosen.models]
    assert len({model.family for model in models}) == len(models) == 3
    assert {model.kind for model in models} == {"chat"}
    # Models run one after another: the largest decides.
    assert max(memory_needed(model.size_bytes) for model in models) < 0.65 * size * 1e9
