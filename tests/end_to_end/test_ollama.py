"""One rater through llama.cpp and one through Ollama, as a person runs them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from tests.end_to_end.conftest import Start
from tests.engines.ollama.ollama_server import Chat, OllamaServer, ServedModel, loaded, serving
from tests.studies import read_table, recorded

pytestmark = pytest.mark.slow  # labels with the embedded models behind a server

ENSEMBLE = """\
raters:
  - model: le-llama-2m
  - {model: gpt2, name: served, engine: ollama, context_tokens: 2048}
prompt:
  layout: codebook_first
"""


@pytest.fixture(scope="module")
def models(repository: Path) -> Iterator[dict[str, ServedModel]]:
    with loaded(gpt2=repository / "models" / "le-gpt2-2m.gguf") as models:
        yield models


@pytest.fixture
def server(
    models: dict[str, ServedModel], monkeypatch: pytest.MonkeyPatch
) -> Iterator[OllamaServer]:
    monkeypatch.delenv("OLLAMA_NUM_PARALLEL", raising=False)
    with serving(models) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.address)
        yield server


@pytest.fixture
def ensemble(tmp_path: Path) -> Path:
    path = tmp_path / "ensemble.yaml"
    path.write_text(ENSEMBLE, encoding="utf-8")
    return path


def arguments(examples: Path, ensemble: Path, study: Path, limit: int) -> tuple[object, ...]:
    return (
        *("label", examples / "patient_feedback.csv", "-c", examples / "patient_feedback.yaml"),
        *("-e", ensemble, "-o", study, "--limit", limit),
    )


def end(run: subprocess.Popen[str]) -> int:
    _, errors = run.communicate(timeout=600)
    assert run.returncode in {0, 3, 130}, errors
    return run.returncode


def test_twenty_comments_are_labeled_by_both_and_nothing_leaves_the_machine(
    start: Start, examples: Path, ensemble: Path, tmp_path: Path, server: OllamaServer
) -> None:
    study = tmp_path / "study"
    assert end(start(*arguments(examples, ensemble, study, 20))) == 0
    manifest = json.loads((study / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["egress_guard"] == {"on": True, "attempts": 0, "self_test": "passed"}
    direct, served = (rater["identity"] for rater in manifest["raters"])
    assert (direct["engine"], served["engine"]) == ("llama-cpp", "ollama")
    assert served["model_sha256"] == server.models["gpt2:latest"].sha256
    rows = [row for row in read_table(study / "labels.csv") if row["theme.rater.served"]]
    assert len(rows) == 20
    assert len({row["theme.rater.served"] for row in rows}) > 1
    report = (study / "report.html").read_text(encoding="utf-8")
    assert "20 most probable tokens" in report
    assert "Ollama 0.33.0" in report


def test_a_model_that_ollama_lacks_is_missed_before_any_rater_begins(
    start: Start, examples: Path, ensemble: Path, tmp_path: Path, server: OllamaServer
) -> None:
    text = ensemble.read_text(encoding="utf-8").replace("model: gpt2", "model: absent")
    ensemble.write_text(text, encoding="utf-8")
    run = start(*arguments(examples, ensemble, tmp_path / "study", 20))
    _, errors = run.communicate(timeout=600)
    assert (run.returncode, '"absent:latest"' in errors) == (2, True), errors
    assert not (tmp_path / "study").exists()
    assert server.chats == []


def test_without_ollama_no_rater_begins(
    start: Start, examples: Path, ensemble: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{free.getsockname()[1]}")
    run = start(*arguments(examples, ensemble, tmp_path / "study", 20))
    _, errors = run.communicate(timeout=600)
    assert (run.returncode, "did not answer" in errors) == (4, True), errors
    assert not (tmp_path / "study").exists()


def test_a_rater_whose_replies_are_no_answers_has_no_labels_and_the_run_says_so(
    start: Start, examples: Path, ensemble: Path, tmp_path: Path, server: OllamaServer
) -> None:
    def spoil(chat: Chat) -> None:
        if len(server.chats) > 2:
            chat.lines[0]["message"]["content"] = "I would say that"

    server.change = spoil
    study = tmp_path / "study"
    assert end(start(*arguments(examples, ensemble, study, 3))) == 3
    # The two that load the model, then 3 items on 2 variables, each asked twice.
    assert len(server.chats) == 14
    rows = read_table(study / "labels.csv")[:3]
    assert [row["theme.rater.served"] for row in rows] == ["<unparsable>"] * 3
    assert all(row["theme.rater.le-llama-2m"] for row in rows)
    assert "not_an_answer" in (study / "report.html").read_text(encoding="utf-8")


def test_an_interrupted_run_ends_equal_to_an_undisturbed_one(
    start: Start, examples: Path, ensemble: Path, tmp_path: Path, server: OllamaServer
) -> None:
    undisturbed, study = tmp_path / "undisturbed", tmp_path / "study"
    assert end(start(*arguments(examples, ensemble, undisturbed, 70))) == 0
    asked = len(server.chats)
    run = start(*arguments(examples, ensemble, study, 70))

    def interrupt(connection: socket.socket) -> None:
        # Within the second block of 64 items.
        if len(server.chats) == asked + 135:
            run.send_signal(signal.SIGINT)
            # Reply to nothing more before the run has hung up, so that the count below is certain.
            connection.recv(1)

    server.arrive = interrupt
    assert end(run) == 130
    half = len(server.chats)
    assert end(start(*arguments(examples, ensemble, study, 70))) == 0
    # The first block was kept, and the first four labels of the second: 8 of 12 are left, and the
    # two that load the model.
    assert len(server.chats) - half == 10
    assert recorded(study) == recorded(undisturbed)
