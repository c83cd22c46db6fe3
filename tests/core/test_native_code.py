"""Compiled code that cannot be loaded is named with its file, the reason and the remedy."""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
from pathlib import Path

import pytest

from localensemble.core.native_code import import_trouble, loading_trouble

SITE = "/srv/venv/lib/python3.12/site-packages"
WINDOWS = r"C:\Program Files\le\Lib\site-packages"


def import_error(text: str, *, path: str | None = None, name: str | None = None) -> ImportError:
    return ImportError(text, path=path, name=name)


@pytest.mark.parametrize(
    ("said", "reason", "remedy"),
    [
        ("/lib/libm.so.6: version `GLIBC_2.38' not found (required by {file})", "newer", "build"),
        ("{file}: undefined symbol: PyUnicode_New", "another build", "--force-reinstall"),
        ("{file}: cannot open shared object file: No such file or directory", "missing", "again"),
        ("libgomp.so.1: cannot open shared object file: No such file", "missing", "package of"),
        ("{file}: failed to map segment from shared object", "refuses", "allowlist"),
        ("{file}: cannot open shared object file: Operation not permitted", "refuses", "allowlist"),
        ("{file}: wrong ELF class: ELFCLASS32", "kind of processor", "again"),
        ("dlopen({file}, 2): Library not loaded: @rpath/libomp.dylib", "missing", "again"),
        ("dlopen({file}, 2): library load disallowed by system policy", "rules", "allowlist"),
        ("{file}: words that nobody has seen before", "refuses", "again"),
    ],
)
def test_the_reason_and_the_remedy_follow_from_what_the_system_says(
    said: str, reason: str, remedy: str
) -> None:
    file = f"{SITE}/numpy/_core/_multiarray_umath.so"
    trouble = import_trouble(import_error(said.format(file=file), path=file))
    assert trouble is not None
    told = trouble.as_error()
    assert (trouble.package, trouble.path) == ("numpy", file)
    assert reason in told.message
    assert remedy in told.hint
    assert told.exit_code == 4


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("An Application Control policy has blocked this file.", "rules"),
        ("This program is blocked by group policy.", "rules"),
        ("The specified module could not be found.", "missing"),
        ("The specified procedure could not be found.", "another build"),
        ("%1 is not a valid Win32 application.", "kind of processor"),
        ("Zugriff verweigert", "refuses"),
    ],
)
def test_what_windows_says_is_understood(said: str, reason: str) -> None:
    file = rf"{WINDOWS}\pydantic_core\_pydantic_core.cp312-win_amd64.pyd"
    trouble = import_trouble(
        import_error(f"DLL load failed while importing _pydantic_core: {said}", path=file)
    )
    assert trouble is not None
    assert (trouble.package, trouble.path) == ("pydantic-core", file)
    assert reason in trouble.reason


@pytest.mark.parametrize(("code", "reason"), [(4551, "rules"), (126, "missing"), (5, "refuses")])
def test_an_error_number_counts_where_the_words_are_in_another_language(
    code: int, reason: str
) -> None:
    assert reason in loading_trouble("scipy", "Fehler", windows_code=code).reason


def test_the_cause_is_found_below_a_page_of_advice() -> None:
    file = f"{SITE}/scipy.libs/libscipy_openblas.so"
    cause = import_error(f"{file}: undefined symbol: cblas_x", path=f"{SITE}/scipy/_lib/_x.so")
    outer = import_error("Please read the long advice at https://example.org/help.so")
    outer.__cause__ = cause
    trouble = import_trouble(outer)
    assert trouble is not None
    assert trouble.package == "scipy"
    assert "another build" in trouble.reason


def test_a_file_without_the_functions_of_a_module_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    (tmp_path / f"broken_le{suffix}").write_bytes(b"no library at all, but long enough" * 9)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError) as caught:
        importlib.import_module("broken_le")
    trouble = import_trouble(caught.value)
    assert trouble is not None
    assert trouble.path.endswith(suffix)
    assert trouble.package == "broken-le"
    assert sys.executable in trouble.remedy


@pytest.mark.parametrize(
    "source",
    [
        "import halved_le._compiled",
        "from halved_le import _compiled",
        "from halved_le._libs.interval import x",
        "from halved_le._folder import x",
    ],
)
def test_a_compiled_part_for_another_python_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    (tmp_path / "halved_le" / "_folder").mkdir(parents=True)
    (tmp_path / "halved_le" / "__init__.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError) as caught:
        importlib.import_module("halved_le")
    monkeypatch.setitem(sys.modules, "halved_le", None)
    monkeypatch.delitem(sys.modules, "halved_le")
    trouble = import_trouble(caught.value)
    assert trouble is not None
    assert "another Python" in trouble.reason
    assert trouble.path == str(tmp_path / "halved_le")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Mrs Winterbottom fell: /a/b/c.so"),
        ImportError("cannot import name 'x' from 'y' (/a/y.py)", path="/a/y.py"),
        ModuleNotFoundError("No module named 'no_such_le._core'", name="no_such_le._core"),
        ModuleNotFoundError("No module named 'no_such_le'", name="no_such_le"),
    ],
)
def test_other_errors_are_left_to_others(error: Exception) -> None:
    assert import_trouble(error) is None
