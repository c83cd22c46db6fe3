"""What a run takes is said before it, and what cannot fit is refused before it is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from localensemble.api import prepared_raters
from localensemble.engines.hardware import GraphicsDevice
from localensemble.engines.llama_cpp import kind
from localensemble.engines.llama_cpp.build import LlamaBuild
from localensemble.engines.machine import Memory
from tests.cli.conftest import Run
from tests.engines.llama_cpp.tiny_gguf import Shape, write_tiny_gguf
from tests.studies import StudyFiles, study_files

pytestmark = pytest.mark.slow  # runs models to measure them

MIB = 1 << 20


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    write_tiny_gguf(tmp_path / "model.gguf", shape=Shape(context=4096))
    ensemble = "raters:\n  - {model: model.gguf}\n"
    return study_files(tmp_path, [f"comment {n}" for n in range(30)], ensemble=ensemble)


@pytest.fixture(autouse=True)
def _forget_devices() -> Iterator[None]:
    kind._usable_devices.cache_clear()
    yield
    kind._usable_devices.cache_clear()


def free(monkeypatch: pytest.MonkeyPatch, mebibytes: int) -> None:
    memory = Memory(64 << 30, mebibytes * MIB)
    monkeypatch.setattr(prepared_raters, "machine_memory", lambda: memory)


def arguments(files: StudyFiles) -> tuple[object, ...]:
    return (files.items, "-c", files.codebook, "-e", files.ensemble)


def test_memory_and_time_are_told_and_nothing_is_kept(run: Run, files: StudyFiles) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    before = sorted(files.folder.iterdir())
    ended = run("estimate", *arguments(files))
    assert ended.code == 0, ended.err
    assert "Estimate for 30 items" in ended.out
    assert "MiB" in ended.out
    assert "All raters, one after another: " in ended.out
    assert sorted(files.folder.iterdir()) == before


def test_an_engine_that_does_not_tell_is_tried(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, ["one", "two"])
    ended = run("estimate", *arguments(files))
    assert ended.code == 0, ended.err
    assert ended.out.count("unknown") >= 3


def test_a_model_that_does_not_fit_is_not_tried_and_the_advice_is_given(
    run: Run, files: StudyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 50)
    ended = run("estimate", *arguments(files))
    assert ended.code == 4
    assert "not tried" in ended.out
    assert "Choose a smaller model" in ended.out
    assert "Trying" not in ended.err


def test_labeling_refuses_what_cannot_fit_before_it_loads_or_writes(
    run: Run, files: StudyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 50)
    ended = run("label", *arguments(files), "-o", files.study)
    assert ended.code == 4
    assert 'Cannot label with rater "model": it needs ' in ended.err
    assert "context of 4,096 tokens" in ended.err
    assert "only 50 MiB is free" in ended.err
    assert not files.study.exists()


def test_a_context_that_would_fit_is_named_and_then_fits(
    run: Run, files: StudyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    # 24 MiB of context, so that less of it makes a difference.
    shape = Shape(layers=6, embedding=256, context=4096)
    write_tiny_gguf(files.folder / "model.gguf", shape=shape)
    ensemble = files.ensemble.read_text()
    for mebibytes in range(70, 130, 4):
        free(monkeypatch, mebibytes)
        ended = run("estimate", *arguments(files))
        if "Set `context_tokens: " in ended.out:
            break
    else:
        pytest.fail("no amount of memory asks for a smaller context")
    tokens = ended.out.partition("Set `context_tokens: ")[2].partition("`")[0]
    files.ensemble.write_text(ensemble.replace("}", f", context_tokens: {tokens}}}"))
    assert run("estimate", *arguments(files)).code == 0


def test_a_file_that_tells_nothing_is_left_to_the_engine(run: Run, files: StudyFiles) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    (files.folder / "model.gguf").write_bytes(b"GGUF and nothing else")
    ended = run("label", *arguments(files), "-o", files.study)
    assert ended.code == 2
    assert "Cannot load model" in ended.err


@pytest.mark.parametrize(
    ("free_mib", "gpu_offload", "stated", "message"),
    [
        (90_000, True, "", "model: all layers on NVIDIA H200."),
        (100, True, "", "model: 0 of 2 layers on NVIDIA H200."),
        (90_000, True, ", gpu_layers: 1", "model: 1 of 2 layers on NVIDIA H200."),
        (None, True, "", ""),
        (90_000, False, "", ""),
        (
            90_000,
            False,
            ", gpu_layers: 1",
            "model: no usable graphics device",
        ),
    ],
)
def test_layers_go_to_a_device_that_has_the_room_and_that_is_said(
    run: Run,
    files: StudyFiles,
    monkeypatch: pytest.MonkeyPatch,
    free_mib: int | None,
    gpu_offload: bool,
    stated: str,
    message: str,
) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    device = GraphicsDevice("NVIDIA H200", "CUDA", "570.1", 143_771, free_mib)
    build = LlamaBuild("0", frozenset(), gpu_offload)
    monkeypatch.setattr(kind, "graphics_devices", lambda: (device,))
    monkeypatch.setattr(kind, "llama_build", lambda: build)
    files.ensemble.write_text(files.ensemble.read_text().replace("}", f"{stated}}}"))
    ended = run("estimate", *arguments(files))
    assert ended.code == 0, ended.err
    assert ("layers on" in ended.err or "device" in ended.err) == bool(message)
    assert message in ended.err


@pytest.mark.parametrize("command", ["estimate", "label"])
def test_a_codebook_longer_than_the_context_is_refused_before_any_model_works(
    run: Run, tmp_path: Path, command: str
) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    ensemble = "raters:\n  - {model: le-llama-2m}\n  - {model: le-qwen2-3m, context_tokens: 64}\n"
    files = study_files(tmp_path, ["one", "two"], ensemble=ensemble)
    to = ("-o", files.study) if command == "label" else ()
    ended = run(command, *arguments(files), *to)
    assert ended.code == 2
    assert re.search(r'"le-qwen2-3m".* alone takes \d+ tokens.* has 64\.', ended.err, re.S)
    assert "`context_tokens`" in ended.err
    assert "too_long" not in ended.out + ended.err
    assert not files.study.exists()


def test_a_rater_that_states_no_context_is_refused_at_its_turn(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, ["one", "two"])
    long = files.codebook.read_text().replace("Meals and drinks.", "Meals. " * 5000)
    files.codebook.write_text(long)
    ended = run("label", *arguments(files), "-o", files.study)
    assert (ended.code, "the codebook alone takes" in " ".join(ended.err.split())) == (2, True)


def test_a_table_of_non_answers_has_nothing_to_measure(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, ["NA", "-", "", "n/a"])
    ended = run("estimate", files.items, "-c", files.codebook, "-e", files.ensemble)
    assert ended.code == 2
    assert "4 items" in ended.err
    assert "no_answer" in ended.err
