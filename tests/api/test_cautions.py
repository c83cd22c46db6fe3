"""Before a run, a person is told where its labels will mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.api.before_a_run.cautions import cautions
from localensemble.catalog.located_models import LocatedModel, locate_model
from localensemble.codebook.load import load_codebook
from localensemble.engines.ollama.kind import LOG_VARIABLES
from localensemble.labeling.ensemble import load_ensemble
from tests.catalog.file_server import gguf_bytes
from tests.studies import study_files

EMBEDDED = "raters:\n  - model: le-llama-2m\nprompt:\n  layout: {layout}\n"


def said(ensemble: Path, codebook: Path) -> str:
    loaded = load_ensemble(ensemble)
    models = [locate_model(rater.model, folder=loaded.folder) for rater in loaded.raters]
    return "\n".join(cautions(loaded, codebook=load_codebook(codebook), models=models))


def test_embedded_models_are_called_tiny_even_on_what_they_know(repository: Path) -> None:
    examples = repository / "examples"
    for codebook in ("patient_feedback", "negation", "abstract_roles"):
        found = said(examples / "ensemble.yaml", examples / f"{codebook}.yaml")
        assert len(found.splitlines()) == 1
        assert "use real models for real work" in found


def test_a_reworded_variable_of_the_same_name_is_foreign(tmp_path: Path, repository: Path) -> None:
    reworded = tmp_path / "codebook.yaml"
    written = (repository / "examples" / "patient_feedback.yaml").read_text(encoding="utf-8")
    reworded.write_text(written.replace("Rooms, food", "Chambers, food"), encoding="utf-8")
    found = said(repository / "examples" / "ensemble.yaml", reworded)
    assert "not trained on theme as worded" in found
    assert "`localensemble init`" in found
    assert "-e ensemble.yaml" in found
    assert "sentiment" not in found
    assert found.startswith("le-llama-2m, le-qwen2-3m, le-gpt2-2m: ")
    assert len(found.splitlines()) == 2


def test_another_layout_is_foreign_to_an_embedded_model(tmp_path: Path, repository: Path) -> None:
    for layout in ("item_first", "auto"):
        files = study_files(tmp_path, ["fine"], ensemble=EMBEDDED.format(layout=layout))
        found = said(files.ensemble, repository / "examples" / "patient_feedback.yaml")
        assert "know only prompt" in found


def test_the_same_model_twice_agrees_with_itself(tmp_path: Path, repository: Path) -> None:
    twice = (
        "raters:\n  - {model: le-llama-2m, name: a}\n  - {model: le-llama-2m, name: b}\n"
        "prompt:\n  layout: codebook_first\n"
    )
    files = study_files(tmp_path, ["fine"], ensemble=twice)
    found = said(files.ensemble, repository / "examples" / "patient_feedback.yaml")
    assert "Two raters use the same model: their agreement says little." in found


def test_one_model_through_two_engines_is_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in LOG_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    files = study_files(tmp_path, ["fine"])
    raters = "  - {model: a.gguf}\n  - {model: 'b:1b', engine: ollama}\n"
    files.ensemble.write_text(f"raters:\n{raters}", encoding="utf-8")
    loaded = load_ensemble(files.ensemble)
    assert [rater.name for rater in loaded.raters] == ["a", "b-1b"]
    codebook = load_codebook(files.codebook)
    for other, same in (("1", True), ("2", False), ("", False)):
        models = [
            LocatedModel("a", tmp_path / "a.gguf", "1", None),
            LocatedModel("b-1b", Path("b:1b"), other, None),
        ]
        found = cautions(loaded, codebook=codebook, models=models)
        assert ("Two raters use the same model" in "".join(found)) is same
    assert "writes texts" not in "".join(found)
    monkeypatch.setenv("OLLAMA_DEBUG_LOG_REQUESTS", "1")
    assert "writes texts" in "".join(cautions(loaded, codebook=codebook, models=models))


def test_an_ensemble_of_one_family_is_named(tmp_path: Path) -> None:
    files = study_files(tmp_path, ["fine"])
    codebook = load_codebook(files.codebook)
    for name, architecture in (("Qwen2.5-small", "qwen2"), ("ward", "qwen2"), ("other", "exaon")):
        content = gguf_bytes(500).replace(b"llama", architecture.encode(), 1)
        (tmp_path / f"{name}.gguf").write_bytes(content)
    (tmp_path / "topics.probe").write_bytes(b"no header of a model")

    def found(*raters: str) -> str:
        listed = "".join(f"  - {rater}\n" for rater in raters)
        files.ensemble.write_text(f"raters:\n{listed}", encoding="utf-8")
        loaded = load_ensemble(files.ensemble)
        models = [
            LocatedModel(one.name, tmp_path / one.model, str(number), None)
            for number, one in enumerate(loaded.raters)
        ]
        return "".join(cautions(loaded, codebook=codebook, models=models))

    qwen, ward = "{model: Qwen2.5-small.gguf}", "{model: ward.gguf, name: qwen-of-the-ward}"
    other, probe = "{model: other.gguf}", "{model: topics.probe, engine: probe}"
    ollama = "{model: 'qwen3:8b', engine: ollama}"
    assert "one family (qwen)" in found(qwen, ollama)
    assert "one family" not in found(qwen)
    assert "one family" not in found(qwen, other)
    assert "one family" not in found(qwen, probe)
    assert "one family" not in found(qwen, ward, other)
    # A name that tells nothing leaves the architecture.
    assert "one family (exaon)" in found(other, "{model: other.gguf, name: again}")
