"""The build is asked in another process, whose death is an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.core.errors import EngineUnavailableError
from localensemble.engines.llama_cpp import build as module
from localensemble.engines.llama_cpp.build import LlamaBuild, llama_build


def test_the_installed_library_says_what_it_was_built_with() -> None:
    library = pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    build = llama_build()
    assert build.version == library.__version__
    assert build.flags


def test_features_that_the_build_leaves_unused_are_found() -> None:
    build = LlamaBuild("1", frozenset({"AVX", "AVX2", "FMA", "F16C"}), gpu_offload=False)
    assert build.unused(frozenset({"avx", "avx2", "fma", "f16c", "avx512f", "sse"})) == ("AVX512",)
    assert build.unused(frozenset()) == ()


def test_a_library_for_another_processor_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "llama_cpp.py").write_text("import os\nos.abort()\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(module, "find_spec", lambda name: object())
    with pytest.raises(EngineUnavailableError, match="cannot be loaded") as caught:
        llama_build()
    assert "another processor" in caught.value.hint


def test_a_missing_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailableError, match="is not installed") as caught:
        llama_build()
    assert "pip install" in caught.value.hint
