"""Data files are found, and nothing outside their folders is."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.core import resources
from localensemble.core.errors import InputError, LocalEnsembleError


def test_the_shared_prompt_template_is_found() -> None:
    assert resources.prompt_template_path("label", 1).name == "v1.yaml"


@pytest.mark.parametrize(
    ("name", "version"), [("label", 99), ("lable", 1), ("../prompts/label", 1), ("", 1)]
)
def test_an_unknown_template_is_refused_with_the_known_ones(name: str, version: int) -> None:
    with pytest.raises(InputError, match=r"(?s)not exist.*label 1") as caught:
        resources.prompt_template_path(name, version)
    assert caught.value.exit_code == 2


def test_the_examples_are_found() -> None:
    assert (resources.examples_dir() / "patient_feedback.yaml").is_file()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as a wheel leaves it: its data inside, folders of others beside it."""
    package = tmp_path / "site-packages" / "localensemble"
    for folder in ("models", "prompts/label", "examples"):
        (package / "_data" / folder).mkdir(parents=True)
    (package.parent / "models").mkdir()
    (package / "_data" / "models" / "small.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(resources, "_PACKAGE", package)
    return package


def test_an_installed_wheel_uses_its_own_folders(installed: Path) -> None:
    assert resources.models_dir() == installed / "_data" / "models"
    assert (resources.models_dir() / "small.gguf").read_bytes() == b"GGUF"


def test_a_missing_folder_says_that_the_installation_is_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "localensemble")
    with pytest.raises(LocalEnsembleError, match="installation is incomplete") as caught:
        resources.models_dir()
    assert caught.value.hint == "Install localensemble again."
