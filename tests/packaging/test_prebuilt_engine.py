"""llama.cpp is installed without a compiler where a library fits, and only if it computes right."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import io
import json
import platform
import sys
import zipfile
from pathlib import Path

import pytest

from localensemble.engines.llama_cpp.build import library_origin
from scripts import check_engine, check_llama_header, environment
from scripts import prebuilt_engine as prebuilt

LINUX = prebuilt.PLATFORMS["linux-x86_64"]
METADATA = "llama_cpp_python-0.3.35.dist-info"


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A wheel of Python code, a wheel with a library, and an OpenMP library."""
    source = tmp_path / "llama_cpp_python-0.3.35-py3-none-any.whl"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("llama_cpp/__init__.py", "x = 1")
        archive.writestr(f"{METADATA}/METADATA", "Name: llama-cpp-python")
        archive.writestr(f"{METADATA}/WHEEL", "Tag: py3-none-any")
        archive.writestr(f"{METADATA}/RECORD", "")
    library = tmp_path / "llama_cpp_py_sync-0.10603-1cpu-py3-none-manylinux2014_x86_64.whl"
    with zipfile.ZipFile(library, "w") as archive:
        archive.writestr("llama_cpp_py_sync/libllama.so", b"code")
        archive.writestr("llama_cpp_py_sync/libggml-base.so.0", b"more")
        archive.writestr("llama_cpp_py_sync/libmtmd.so", b"pictures")
        archive.writestr("llama_cpp_py_sync/_cffi_bindings.py", b"python")
        archive.writestr("llama_cpp_py_sync-0.10603.dist-info/licenses/LICENSE", b"MIT")
    openmp = tmp_path / "scikit_learn.libs" / "libgomp-abc.so.1.0.0"
    openmp.parent.mkdir()
    openmp.write_bytes(b"threads")
    return source, library, openmp


def _joined(parts: tuple[Path, Path, Path], folder: Path) -> Path:
    source, library, openmp = parts
    folder.mkdir()
    threads = prebuilt.bundled_openmp(openmp.parents[1])
    return prebuilt.join(source, library, platform=LINUX, openmp=threads, folder=folder)


def test_a_joined_wheel_holds_the_code_the_library_and_where_both_come_from(
    parts: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    wheel = _joined(parts, tmp_path / "out")
    assert wheel.name == "llama_cpp_python-0.3.35-py3-none-manylinux_2_38_x86_64.whl"
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert {name for name in files if "/lib/" in name} == {
        "llama_cpp/lib/libllama.so",
        "llama_cpp/lib/libggml-base.so.0",
        "llama_cpp/lib/libgomp.so.1",
    }
    assert files[f"{METADATA}/licenses/llama-cpp-py-sync/LICENSE"] == b"MIT"
    origin = json.loads(files[f"{METADATA}/prebuilt.json"])
    assert origin["library"] == "llama-cpp-py-sync 0.10603"
    assert origin["library_wheel_sha256"] == hashlib.sha256(parts[1].read_bytes()).hexdigest()
    assert origin["files"]["libllama.so"] == hashlib.sha256(b"code").hexdigest()
    for name, digest, _ in csv.reader(io.StringIO(files[f"{METADATA}/RECORD"].decode())):
        if digest:
            expected = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).decode()
            assert digest == f"sha256={expected.rstrip('=')}"


def test_the_openmp_library_is_found_in_a_wheel_of_scikit_learn(tmp_path: Path) -> None:
    assert prebuilt.bundled_openmp(tmp_path) is None
    with zipfile.ZipFile(tmp_path / "scikit_learn-1.7-cp312-cp312-win_amd64.whl", "w") as archive:
        archive.writestr("scikit_learn.libs/libgomp-1.so", b"threads")
    assert prebuilt.bundled_openmp(tmp_path) == b"threads"


def test_the_same_parts_give_the_same_bytes(parts: tuple[Path, Path, Path], tmp_path: Path) -> None:
    first, second = _joined(parts, tmp_path / "a"), _joined(parts, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("system", "machine", "library", "tag"),
    [
        ("Linux", "x86_64", "glibc 2.38", "manylinux_2_38_x86_64"),
        ("Linux", "x86_64", "glibc 2.36", None),
        ("Linux", "x86_64", "", None),  # musl
        ("Linux", "aarch64", "glibc 2.41", None),
        ("Windows", "AMD64", "", "win_amd64"),
        ("Windows", "ARM64", "", None),
    ],
)
def test_a_library_is_taken_only_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, library: str, tag: str | None
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: tuple(library.split() or ("", "")))
    monkeypatch.setattr(sys, "platform", {"Windows": "win32"}.get(system, "linux"))
    found = prebuilt.this_platform()
    assert (found and found.runs_on) == tag


@pytest.mark.parametrize(("version", "fits"), [("14.2", True), ("13.6", False), ("26.0.1", True)])
def test_an_older_macos_gets_no_library(
    monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(platform, "mac_ver", lambda: (version, ("", "", ""), "arm64"))
    assert (prebuilt.this_platform() is not None) is fits


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment on a machine that a library fits, without running pip."""
    folder = tmp_path / ".venv"
    folder.mkdir()
    monkeypatch.setattr(environment, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(environment, "_run_pip", lambda *_, **__: None)
    monkeypatch.setattr(prebuilt, "this_platform", lambda: LINUX)
    monkeypatch.setattr("scripts.environment.prebuilt_engine.this_platform", lambda: LINUX)
    for name in ("CMAKE_ARGS", "CC", "CXX", "CFLAGS", "CXXFLAGS"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.mark.parametrize(
    ("before", "variables", "build"),
    [
        ({}, {}, "prebuilt"),
        ({"engine-build": "native"}, {}, "native"),
        ({"engine-build": "prebuilt"}, {"CMAKE_ARGS": "-DGGML_CUDA=on"}, "native"),
    ],
)
def test_the_library_is_compiled_if_that_was_asked_for(
    venv: Path, before: dict[str, str], variables: dict[str, str], build: str
) -> None:
    environment._stamp(venv, **before)
    assert environment.chosen_build(venv, variables) == build


@pytest.mark.parametrize(("computes", "compiled"), [(True, 0), (False, 1)])
def test_a_library_that_fails_its_test_is_not_used(
    venv: Path,
    parts: tuple[Path, Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    computes: bool,
    compiled: int,
) -> None:
    built: list[str] = []
    version = environment.engine_version(environment.engine_pin())
    monkeypatch.setattr(environment, "_join", lambda *_: _joined(parts, tmp_path / "out"))
    monkeypatch.setattr(environment, "_importable_version", lambda _: version)
    monkeypatch.setattr(environment, "_computes", lambda _: computes)
    monkeypatch.setattr(environment, "install_compiled", lambda *_: built.append("compiled"))
    environment.install_engine(venv)
    assert len(built) == compiled
    assert ("is compiled" in capsys.readouterr().out) is bool(compiled)


def test_a_library_that_fits_nowhere_here_is_refused_if_it_is_asked_for(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.environment.prebuilt_engine.this_platform", lambda: None)
    with pytest.raises(environment.StepError, match="prebuilt library fits"):
        environment.install_engine(venv, build="prebuilt")


def test_the_installed_library_passes_its_own_test() -> None:
    pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    assert check_engine.main() == 0


def test_other_digits_fail_the_test(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    changed = (*check_engine.LOGITS[:3], check_engine.LOGITS[3] + 0.01, *check_engine.LOGITS[4:])
    monkeypatch.setattr(check_engine, "LOGITS", changed)
    assert check_engine.main() == 1
    assert "logit 3" in capsys.readouterr().out


def test_a_rater_of_a_library_built_elsewhere_is_another_rater(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Distribution:
        def __init__(self, text: str | None) -> None:
            self.text = text

        def read_text(self, _: str) -> str | None:
            return self.text

    origin = {"library": "llama-cpp-py-sync 1", "library_wheel_sha256": "a" * 64}
    text = json.dumps({**origin, "python_sha256": "b" * 64})
    where = "localensemble.engines.llama_cpp.build.distribution"
    monkeypatch.setattr(where, lambda _: Distribution(text))
    assert library_origin() == f"library llama-cpp-py-sync 1 ({'a' * 16}+{'b' * 16})"
    monkeypatch.setattr(where, lambda _: Distribution(None))
    assert library_origin() == ""

    def missing(_: str) -> Distribution:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(where, missing)
    assert library_origin() == ""


HEADER = """
    // a comment
    struct llama_context_params { uint32_t n_ctx; // text context
        enum llama_type kind; };
    DEPRECATED(LLAMA_API struct llama_model * llama_old(const char * path), "use llama_new");
    LLAMA_API void llama_start(void);
"""
AS_LIBRARY = """
struct llama_context_params {
    uint32_t   n_ctx;
    enum llama_type kind;
};
struct llama_model * llama_old(const char * path);
void llama_start();
"""


def test_a_header_is_equal_to_its_copy_in_another_spelling() -> None:
    found = check_llama_header.declarations(HEADER)
    assert found == check_llama_header.declarations(AS_LIBRARY)
    assert sorted(found) == [
        "function llama_old",
        "function llama_start",
        "struct llama_context_params",
    ]


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("uint32_t   n_ctx", "uint64_t   n_ctx", "struct llama_context_params"),
        ("enum llama_type kind;", "", "struct llama_context_params"),
        ("const char * path", "const char * path, int n", "function llama_old"),
    ],
)
def test_a_changed_struct_or_function_is_found(old: str, new: str, name: str) -> None:
    changed = check_llama_header.declarations(AS_LIBRARY.replace(old, new))
    assert changed[name] != check_llama_header.declarations(HEADER)[name]
