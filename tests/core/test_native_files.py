"""The list for rules of allowed programs holds every file with machine code that is loaded."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from localensemble.core.identity import sha256_file
from localensemble.core.native_files import UNKNOWN_PUBLISHER, native_files

pytestmark = pytest.mark.slow  # hashes every compiled file that is installed

LOADED = """
import sys, scipy.stats, pandas, pydantic, matplotlib.pyplot, openpyxl, rich, jinja2
for module in list(sys.modules.values()):
    print(getattr(module, "__file__", None) or "")
"""


def test_every_compiled_module_that_is_loaded_is_listed() -> None:
    listed = {Path(file.path).resolve() for file in native_files()}
    printed = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    ).stdout
    loaded = {
        Path(line).resolve() for line in printed.splitlines() if re.search(r"\.(so|pyd)$", line)
    }
    # Packages that are only there for the tests can be loaded by others, if they are found.
    strangers = {path for path in loaded - listed if "charset_normalizer" in path.parts}
    assert len(loaded) > 20
    assert loaded - listed == strangers


def test_python_comes_first_and_every_file_is_named_once_with_its_hash() -> None:
    files = native_files()
    assert files[0].path == sys.executable
    assert len({file.path for file in files}) == len(files)
    numpy = next(file for file in files if file.package == "numpy")
    assert numpy.version == importlib.metadata.version("numpy")
    assert numpy.sha256 == sha256_file(Path(numpy.path))
    assert numpy.publisher == UNKNOWN_PUBLISHER or sys.platform == "win32"


def test_the_libraries_of_llama_cpp_are_listed() -> None:
    library = pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    folder = Path(library.__file__).parent / "lib"
    names = {path.name for path in folder.iterdir() if "ggml" in path.name or "llama" in path.name}
    listed = {Path(file.path).name for file in native_files() if "llama" in file.package}
    assert names - listed == set()


def test_what_only_development_needs_is_not_listed() -> None:
    assert {file.package for file in native_files()}.isdisjoint({"ruff", "mypy", "torch"})


class _Installed(importlib.metadata.Distribution):
    """A package in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read_text(self, filename: str) -> str | None:
        if filename == "METADATA":
            return "Name: localensemble\nVersion: 9\n"
        return "p/a.so,,\np/b.py,,\nalone.pyd,,\n../bin/tool.exe,,\n"

    def locate_file(self, path: object) -> Path:
        return self._folder / str(path)


def test_a_library_that_was_put_beside_others_later_is_listed_and_strangers_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    (site / "p").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    for name in ("p/a.so", "p/b.py", "p/c.so.1", "alone.pyd", "stranger.pyd"):
        (site / name).write_bytes(b"")
    for name in ("tool.exe", "stranger.exe"):
        (tmp_path / "bin" / name).write_bytes(b"")
    monkeypatch.setattr("importlib.metadata.distribution", lambda name: _Installed(site))
    found = {Path(file.path).name for file in native_files() if file.package == "localensemble"}
    assert found == {"a.so", "c.so.1", "alone.pyd", "tool.exe"}
