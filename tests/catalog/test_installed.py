"""The list of installed models is read with care: it may have been edited, or made by others."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from localensemble.catalog.installed import InstalledModel, ModelsFolder
from localensemble.core.errors import LocalEnsembleError, ModelFileError
from tests.bundles import bundled_model


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("size_bytes", "x", "models[0].size_bytes"),
        ("license", "\x1b[2J", "models[0].license"),
        ("consent", {"license": "mit", "url": 3, "agreed_at": ""}, "models[0].consent.url"),
        ("sha256", "0", "models[0].sha256"),
        ("color", "red", "models[0]"),
    ],
)
def test_a_value_that_no_model_has_is_named(
    tmp_path: Path, field: str, value: object, named: str
) -> None:
    model, _ = bundled_model("tiny")
    listed = {"models": [asdict(model) | {field: value}]}
    (tmp_path / "installed.json").write_text(json.dumps(listed), encoding="utf-8")
    with pytest.raises(LocalEnsembleError) as raised:
        ModelsFolder(tmp_path).installed()
    assert named in raised.value.message
    assert "Move it away" in str(raised.value.hint)


@pytest.mark.parametrize("content", ["[]", "{}", "x", '{"models": {}}', "[" * 100_000])
def test_a_list_that_is_not_ours_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "installed.json").write_text(content, encoding="utf-8")
    with pytest.raises(LocalEnsembleError, match="as the list of installed models"):
        ModelsFolder(tmp_path).installed()


def test_a_list_of_0_1_0_is_read_with_its_older_spelling(tmp_path: Path) -> None:
    model, _ = bundled_model("tiny")
    older = {key.replace("license", "licence"): one for key, one in asdict(model).items()}
    older["consent"] = {"licence": "mit", "url": "u", "agreed_at": "then"}
    listed = {"models": [older]}
    (tmp_path / "installed.json").write_text(json.dumps(listed), encoding="utf-8")
    (read,) = ModelsFolder(tmp_path).installed()
    assert (read.name, read.license) == ("tiny", model.license)
    assert read.consent is not None
    assert read.consent.license == "mit"


@pytest.mark.parametrize(
    ("field", "value"),
    [("license", "mine\x1b[2J"), ("license", "two\nlines"), ("path", "/models/a\tb.gguf")],
)
def test_nothing_is_recorded_that_could_not_be_read_again(
    tmp_path: Path, field: str, value: str
) -> None:
    folder = ModelsFolder(tmp_path)
    model, _ = bundled_model("tiny")
    folder.record(model)
    changed = InstalledModel(**{**asdict(model), "name": "other", field: value})
    with pytest.raises(ModelFileError, match=field):
        folder.record(changed)
    assert folder.installed() == (model,)
