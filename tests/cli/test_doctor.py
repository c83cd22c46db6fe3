"""The doctor says what is wrong and what to do about it, and ends accordingly."""

from __future__ import annotations

import csv
import json
import shutil
import socket
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from localensemble.api import doctor
from localensemble.api.doctor import Check
from localensemble.catalog.installed import ModelsFolder
from localensemble.core.errors import EngineUnavailableError
from localensemble.engines.hardware import GraphicsDevice
from localensemble.engines.llama_cpp import kind as llama_cpp
from localensemble.engines.llama_cpp.build import LlamaBuild
from localensemble.engines.machine import Memory
from localensemble.engines.ollama import kind as ollama
from localensemble.engines.ollama.model import OllamaServer, find_server
from localensemble.privacy.egress import GuardState
from tests.cli.conftest import Run

pytestmark = pytest.mark.slow  # examines this machine

GIBIBYTE = 1 << 30
BUILD = LlamaBuild("0.3.35", frozenset({"AVX", "AVX2", "FMA", "F16C"}), gpu_offload=False)


class Room(NamedTuple):
    """As `shutil.disk_usage` gives it."""

    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def good_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without fault, whatever this one is."""
    monkeypatch.setattr(llama_cpp, "llama_build", lambda: BUILD)
    monkeypatch.setattr(llama_cpp, "graphics_devices", lambda: ())
    monkeypatch.setattr(llama_cpp, "processor_features", lambda: frozenset({"avx2"}))
    monkeypatch.setattr(ollama, "find_server", lambda: None)
    monkeypatch.setattr(doctor, "usable_cores", lambda: 8.0)
    monkeypatch.setattr(doctor, "machine_memory", lambda: Memory(16 * GIBIBYTE, 12 * GIBIBYTE))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Room(1, 1, 100 * GIBIBYTE))
    monkeypatch.setattr(doctor, "guard_state", lambda: GuardState(on=True, attempts=0))
    # In this process the tests' own guard would answer first.
    monkeypatch.setattr(doctor, "guard_refuses", lambda: True)


def check_of(run: Run, name: str) -> Check:
    ended = run("doctor", "--json")
    checks = [Check(**check) for check in json.loads(ended.out)["checks"]]
    found = next(check for check in checks if check.name == name)
    assert bool(found.what_to_do) == (found.severity != "ok"), "every finding says what to do"
    assert ended.code == int(any(check.severity == "problem" for check in checks))
    return found


def test_a_good_machine_has_no_problem(run: Run) -> None:
    ended = run("doctor")
    assert ended.code == 0
    assert "PROBLEM" not in ended.out
    for name in ("memory", "llama.cpp", "embedded models", "egress guard", "permissions"):
        assert f" {name}: " in ended.out


def test_the_guard_is_tried(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_of(run, "egress guard").severity == "ok"
    monkeypatch.setattr(doctor, "guard_refuses", lambda: False)
    assert check_of(run, "egress guard").severity == "problem"
    monkeypatch.setattr(doctor, "guard_state", lambda: GuardState(on=False, attempts=0))
    assert check_of(run, "egress guard").severity == "note"


def test_whether_a_run_can_be_isolated_is_tried(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "isolation_refused", lambda: "")
    assert check_of(run, "isolation").severity == "ok"
    monkeypatch.setattr(doctor, "isolation_refused", lambda: "Operation not permitted")
    check = check_of(run, "isolation")
    assert (check.severity, "Operation not permitted" in check.found) == ("note", True)


def test_without_llama_cpp_nothing_can_label(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> LlamaBuild:
        raise EngineUnavailableError("llama-cpp-python is not installed.", hint="Install it.")

    monkeypatch.setattr(llama_cpp, "llama_build", missing)
    assert check_of(run, "llama.cpp").severity == "problem"


def test_a_build_that_leaves_the_processor_unused_is_noted(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama_cpp, "processor_features", lambda: frozenset({"avx2", "avx512f"}))
    check = check_of(run, "llama.cpp")
    assert (check.severity, "AVX512" in check.found) == ("note", True)


@pytest.mark.parametrize(("gpu_offload", "severity"), [(True, "ok"), (False, "note")])
def test_a_device_that_the_build_cannot_use_is_noted(
    run: Run, monkeypatch: pytest.MonkeyPatch, gpu_offload: bool, severity: str
) -> None:
    device = GraphicsDevice("NVIDIA H200", "CUDA", "570.1", 143771, 92160)
    build = LlamaBuild(BUILD.version, BUILD.flags, gpu_offload)
    monkeypatch.setattr(llama_cpp, "graphics_devices", lambda: (device,))
    monkeypatch.setattr(llama_cpp, "llama_build", lambda: build)
    check = check_of(run, "graphics device")
    assert check.severity == severity
    assert "NVIDIA H200, 140 GiB, 90 GiB free, driver 570.1" in check.found
    assert ("-DGGML_CUDA=on" in check.what_to_do) == (not gpu_offload)


@pytest.mark.parametrize(
    ("memory", "severity"),
    [
        (Memory(16 * GIBIBYTE, None), "ok"),
        (Memory(16 * GIBIBYTE, GIBIBYTE), "problem"),
        (Memory(3 * GIBIBYTE, 3 * GIBIBYTE), "note"),
    ],
)
def test_too_little_memory_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, memory: Memory, severity: str
) -> None:
    monkeypatch.setattr(doctor, "machine_memory", lambda: memory)
    assert check_of(run, "memory").severity == severity


def test_too_few_cores_and_too_little_room_are_noted(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "usable_cores", lambda: 0.5)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Room(1, 1, 1000))
    for name in ("processor cores", "disk for models", "disk for studies here"):
        assert check_of(run, name).severity == "note"


def test_a_list_of_models_that_cannot_be_read_is_a_problem(run: Run) -> None:
    ModelsFolder().make()
    (ModelsFolder().path / "installed.json").write_text("[]", encoding="utf-8")
    assert check_of(run, "models").severity == "problem"


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX permissions")
def test_a_models_folder_that_everybody_may_change_is_a_problem(run: Run) -> None:
    folder = ModelsFolder()
    folder.make()
    folder.path.chmod(0o777)
    check = check_of(run, "permissions")
    assert (check.severity, "chmod o-w" in check.what_to_do) == ("problem", True)


def test_damaged_embedded_models_are_a_problem(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("localensemble.api.models.models_dir", lambda: tmp_path)
    assert check_of(run, "embedded models").severity == "problem"


def test_other_encodings_are_noted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda do_setlocale: "cp1252")
    assert check_of(run, "text encoding").severity == "note"


def test_ollama_is_looked_for_and_its_log_is_noted(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OLLAMA_DEBUG", "OLLAMA_DEBUG_LOG_REQUESTS"):
        monkeypatch.delenv(name, raising=False)
    assert "not running" in check_of(run, "Ollama").found
    found = OllamaServer("http://127.0.0.1:11434", "0.33.0", ("qwen2.5:3b",))
    monkeypatch.setattr(ollama, "find_server", lambda: found)
    check = check_of(run, "Ollama")
    assert check.severity == "ok"
    assert check.found == "version 0.33.0 at http://127.0.0.1:11434, 1 models here"
    monkeypatch.setenv("OLLAMA_DEBUG_LOG_REQUESTS", "1")
    check = check_of(run, "Ollama")
    assert check.severity == "note"
    assert "write texts to the disk" in check.what_to_do


def test_an_ollama_that_cannot_be_used_is_noted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama, "find_server", find_server)
    monkeypatch.setenv("OLLAMA_HOST", "192.0.2.1")
    assert "does not name this machine" in check_of(run, "Ollama").found
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{port}")
    assert "not running" in check_of(run, "Ollama").found


def test_the_list_of_allowed_files_is_csv_on_standard_output(run: Run) -> None:
    ended = run("doctor", "--allowlist")
    assert (ended.code, ended.err) == (0, "")
    rows = list(csv.DictReader(ended.out.splitlines()))
    assert [*rows[0]] == ["path", "sha256", "publisher", "package", "version"]
    assert rows[0]["path"] == sys.executable
    assert all(Path(row["path"]).is_file() and len(row["sha256"]) == 64 for row in rows)
    assert run("doctor", "--allowlist", "--json").code == 2
