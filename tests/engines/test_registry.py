from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from localensemble.core.errors import EngineUnavailableError, ModelFileError
from localensemble.engines import registry
from localensemble.engines.protocol import Engine
from localensemble.engines.registry import engine_names, open_engine, usable_kinds
from localensemble.engines.scripted import ScriptedEngine
from localensemble.engines.settings import EngineSettings

OURS = ("llama-cpp", "embedding", "probe", "ollama", "scripted")


def open_other(settings: EngineSettings) -> Engine:
    return ScriptedEngine(seed=f"other {settings.mode}")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    group = registry.ENTRY_POINT_GROUP
    points = EntryPoints(
        [
            EntryPoint("other", "tests.engines.test_registry:open_other", group),
            EntryPoint("broken", "no_such_package_here:open", group),
            EntryPoint("scripted", "no_such_package_here:open", group),
        ]
    )
    monkeypatch.setattr(registry, "entry_points", points.select)


@pytest.mark.usefixtures("installed")
def test_another_package_can_bring_an_engine() -> None:
    engine = open_engine(EngineSettings("other", mode="strict"))
    assert engine.describe().model_name == "scripted other strict"


@pytest.mark.usefixtures("installed")
def test_a_name_of_ours_cannot_be_taken() -> None:
    assert isinstance(open_engine(EngineSettings("scripted")), ScriptedEngine)
    assert engine_names() == (*OURS, "broken", "other")


@pytest.mark.usefixtures("installed")
def test_a_package_that_cannot_be_imported_leaves_the_others_usable() -> None:
    assert set(usable_kinds()) == {*OURS, "other"}


@pytest.mark.usefixtures("installed")
def test_an_engine_that_cannot_be_imported_is_unavailable() -> None:
    with pytest.raises(EngineUnavailableError, match="its package cannot be imported"):
        open_engine(EngineSettings("broken"))


def test_an_unknown_engine_is_unavailable_and_the_known_ones_are_named() -> None:
    with pytest.raises(EngineUnavailableError, match=", ".join(OURS)) as caught:
        open_engine(EngineSettings("lama-cpp"))
    assert caught.value.exit_code == 4


def test_a_missing_model_file_is_found_when_the_engine_is_opened(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    with pytest.raises(ModelFileError, match="No such file"):
        open_engine(EngineSettings(model_path=tmp_path / "missing.gguf"))
