"""Without an ensemble file, raters that read the codebook label, never those of the demo."""

from __future__ import annotations

from pathlib import Path

import pytest

import localensemble as le
from localensemble.api.before_a_run.default_ensemble import choose_ensemble, embedded_ensemble
from localensemble.api.label import LabelOptions
from localensemble.api.models import add_model
from localensemble.catalog.located_models import catalog_entries
from localensemble.codebook.load import load_codebook
from localensemble.core.encoder_name import ENCODER
from localensemble.core.errors import EnsembleError
from localensemble.core.resources import examples_dir, models_dir
from localensemble.labeling.ensemble import load_ensemble
from tests.catalog.file_server import gguf_bytes
from tests.cli.conftest import Run
from tests.encoders import install_encoder
from tests.studies import StudyFiles, study_files

FEEDBACK = examples_dir() / "patient_feedback.yaml"
DEMO = {entry.name for entry in catalog_entries()}


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    """Texts and a codebook that the demo's models were not trained on."""
    return study_files(tmp_path, ["the soup was cold", "the nurse was kind"])


def add_file(path: Path, name: str) -> None:
    path.write_bytes(gguf_bytes(1000))
    add_model(path, name=name, license="ours")


def add_encoder(folder: Path) -> None:
    """Install a small file as the encoder; choosing reads no weights."""
    path = folder / "vectors.gguf"
    path.write_bytes(gguf_bytes(1000))
    install_encoder(path)


def chosen(codebook: Path, *, demo_models: bool = False) -> list[tuple[str, str]]:
    options = LabelOptions(demo_models=demo_models)
    found = choose_ensemble(options, codebook=load_codebook(codebook))
    return [(rater.model, rater.engine) for rater in found.ensemble.raters]


@pytest.mark.parametrize("command", ["label", "pilot", "estimate", "ask", "prompt compare"])
def test_a_foreign_codebook_without_a_model_is_refused_and_says_what_to_pull(
    run: Run, files: StudyFiles, command: str
) -> None:
    given = {
        "ask": ("the soup was cold",),
        "prompt compare": ("label/v1", "label/v1", "--items", files.items),
    }.get(command, (files.items,))
    study = ("-o", files.study) if command == "label" else ()
    ended = run(*command.split(), *given, "-c", files.codebook, *study)
    assert ended.code == 2
    assert f"localensemble models pull {ENCODER}" in ended.err
    assert "--demo-models" in ended.err
    assert not files.study.exists()


@pytest.mark.slow  # runs models
def test_in_python_too(files: StudyFiles) -> None:
    for verb in (le.label, le.pilot):
        with pytest.raises(EnsembleError, match="no model for this codebook"):
            verb(files.items, codebook=files.codebook)
    with pytest.raises(EnsembleError, match="no model for this codebook"):
        le.ask("the soup was cold", codebook=files.codebook)
    asked = le.ask("the soup was cold", codebook=files.codebook, demo_models=True)
    assert any("mean nothing" in message for message in asked.messages)


@pytest.mark.slow  # runs models
def test_demo_models_label_a_foreign_codebook_only_on_request(run: Run, files: StudyFiles) -> None:
    rules = ("-c", files.codebook, "-o", files.study)
    ended = run("label", files.items, *rules, "--demo-models")
    assert ended.code in {0, 3, 5}, ended.err
    assert "mean nothing" in ended.err
    # What was begun goes on: the same study, the same raters.
    again = run("label", files.items, *rules)
    assert again.code == ended.code, again.err


def test_a_codebook_of_the_examples_keeps_the_models_that_were_trained_on_it(
    tmp_path: Path,
) -> None:
    add_encoder(tmp_path)
    for name in ("patient_feedback", "negation", "abstract_roles"):
        assert {model for model, _ in chosen(examples_dir() / f"{name}.yaml")} == DEMO
    reworded = tmp_path / "reworded.yaml"
    reworded.write_text(
        FEEDBACK.read_text(encoding="utf-8").replace("Rooms, food", "Chambers, food"),
        encoding="utf-8",
    )
    assert chosen(reworded) == [(ENCODER, "embedding")]
    assert {model for model, _ in chosen(reworded, demo_models=True)} == DEMO


def test_all_models_are_candidates_with_those_of_the_demo_only_where_they_know_the_codebook(
    files: StudyFiles, tmp_path: Path
) -> None:
    for name in ("one", "two", "three", "four"):
        add_file(tmp_path / f"{name}.gguf", f"qwen-{name}")
    add_encoder(tmp_path)
    own = {f"qwen-{name}" for name in ("one", "two", "three", "four")} | {ENCODER}
    for path, wanted in ((files.codebook, own), (FEEDBACK, own | DEMO)):
        codebook = load_codebook(path)
        found = choose_ensemble(LabelOptions(), codebook=codebook, every_model=True)
        assert {rater.model for rater in found.ensemble.raters} == wanted
        assert f"all {len(wanted)} models on this machine are candidates" in found.message
    given = choose_ensemble(
        LabelOptions(demo_models=True), codebook=load_codebook(FEEDBACK), every_model=True
    )
    assert {rater.model for rater in given.ensemble.raters} == DEMO


def test_the_models_are_those_that_init_would_write_and_a_sentence_names_them(
    run: Run, files: StudyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_file(tmp_path / "own.gguf", "qwen-own")
    add_encoder(tmp_path)
    found = choose_ensemble(LabelOptions(), codebook=load_codebook(files.codebook))
    monkeypatch.chdir(tmp_path)
    assert run("init", files.items, "-o", "start").code == 0
    written = load_ensemble(Path("start/ensemble.yaml"))
    assert found.ensemble.raters == written.raters
    assert found.ensemble.rules == written.rules
    for word in ("qwen-own", ENCODER, "localensemble init", "-e"):
        assert word in found.message


@pytest.mark.slow  # runs models
def test_a_study_keeps_its_raters_when_a_model_is_added(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    path = models_dir() / "le-llama-2m.gguf"
    add_model(path, name="llama-own", license="ours")
    rules = ("-c", files.codebook, "-o", files.study)
    first = run("label", files.items, *rules)
    assert first.code in {0, 3, 5}, first.err
    assert "llama-own" in first.err
    add_file(tmp_path / "phi.gguf", "phi-own")
    again = run("label", files.items, *rules)
    assert again.code == first.code, again.err
    assert "phi-own" not in again.err


def test_an_ensemble_file_and_demo_models_are_one_too_many(run: Run, files: StudyFiles) -> None:
    ended = run(
        *("label", files.items, "-c", files.codebook, "-e", embedded_ensemble()),
        *("-o", files.study, "--demo-models"),
    )
    assert (ended.code, "--demo-models" in ended.err) == (2, True)
