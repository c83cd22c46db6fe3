"""A llama.cpp that cannot be loaded is told with its file, the reason and the remedy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from localensemble.core.errors import EngineUnavailableError
from localensemble.engines.llama_cpp import loaded_library
from localensemble.engines.llama_cpp.build import llama_build
from localensemble.engines.llama_cpp.loaded_library import import_library

# As llama-cpp-python's own loader raises it.
LOADER = """\
import pathlib
LIBRARY = pathlib.Path(__file__).parent / "lib" / "libllama.so"
try:
    raise OSError({said!r})
except OSError as error:
    raise RuntimeError(f"Failed to load shared library '{{LIBRARY}}': {{error}}")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A llama_cpp of the test's own, for this process and its children."""
    folder = tmp_path / "llama_cpp"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "llama_cpp"]:
        monkeypatch.delitem(sys.modules, name)
    return folder / "__init__.py"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("/lib/libc.so.6: version `GLIBC_2.38' not found (required by libllama.so)", "newer"),
        ("libgomp.so.1: cannot open shared object file: No such file", "missing"),
        ("libllama.so: cannot enable executable stack: Operation not permitted", "refuses"),
        ("[WinError 4551] An Application Control policy has blocked this file", "rules"),
        ("libllama.so: file too short", "damaged"),
    ],
)
def test_what_the_loader_says_is_explained(package: Path, said: str, reason: str) -> None:
    package.write_text(LOADER.format(said=said), encoding="utf-8")
    with pytest.raises(EngineUnavailableError, match="llama-cpp-python") as caught:
        import_library("llama_cpp")
    assert reason in caught.value.message
    assert "libllama.so" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("source", "reason", "named"),
    [
        ("raise AttributeError('/a/libllama.so: undefined symbol: llama_x')", "build", "/a/lib"),
        ("raise AttributeError(\"function 'llama_x' not found\")", "another build", "lib"),
        ("raise FileNotFoundError(\"Shared library 'llama' not found\")", "missing", "lib"),
    ],
)
def test_a_library_of_another_build_and_a_missing_one_are_explained(
    package: Path, source: str, reason: str, named: str
) -> None:
    package.write_text(source, encoding="utf-8")
    with pytest.raises(EngineUnavailableError, match=named) as caught:
        import_library("llama_cpp")
    assert reason in caught.value.message


def test_the_process_that_asks_for_the_build_passes_the_explanation_on(package: Path) -> None:
    package.write_text("raise AttributeError('/a/libllama.so: undefined symbol: llama_x')")
    with pytest.raises(EngineUnavailableError, match="another build"):
        llama_build()


def test_a_package_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded_library, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailableError, match="not installed"):
        import_library()
