"""Import llama-cpp-python, and say why if that fails: file, reason, remedy."""

from __future__ import annotations

import importlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from localensemble.core.errors import EngineUnavailableError, LocalEnsembleError
from localensemble.core.native_code import (
    LoadingTrouble,
    file_in,
    import_trouble,
    loading_trouble,
)

PACKAGE = "llama-cpp-python"

# Why `load_first` failed: what was refused once is not tried again.
_refused: list[LocalEnsembleError] = []


def import_library(module: str = "llama_cpp.llama_cpp") -> Any:
    """Import a module of llama-cpp-python.

    Raises:
        EngineUnavailableError: it is not installed, or its library cannot be loaded.
    """
    if _refused:
        raise _refused[0]
    if find_spec("llama_cpp") is None:
        raise not_installed()
    try:
        return importlib.import_module(module)
    except ImportError as error:
        trouble = import_trouble(error)
        if trouble is None:
            raise not_installed() from error
        raise trouble.as_error() from error
    # It wraps what the system says in a RuntimeError; a missing function is an AttributeError.
    except (OSError, RuntimeError, AttributeError) as error:
        raise _trouble(error).as_error() from error


def load_first() -> None:
    """Load the library before anything else; a failure is raised when it is asked for."""
    try:
        import_library()
    except LocalEnsembleError as error:
        _refused.append(error)


def not_installed() -> LocalEnsembleError:
    """Return the error that llama-cpp-python is missing."""
    return EngineUnavailableError(
        f"Cannot run GGUF models: {PACKAGE} is not installed.",
        hint='Install it with `pip install "localensemble[llama-cpp]"`.',
    )


def _trouble(error: Exception) -> LoadingTrouble:
    cause = error.__cause__ or error.__context__
    system = cause if isinstance(cause, OSError) else error
    said = str(system)
    if isinstance(error, AttributeError) and "symbol" not in said:
        said = f"{said} (undefined symbol)"
    # Windows names a missing function, but not the file that lacks it.
    found = file_in(str(error)) or file_in(said) or _folder()
    code = getattr(system, "winerror", None)
    return loading_trouble(PACKAGE, said, path=found, windows_code=code)


def _folder() -> str:
    if named := os.environ.get("LLAMA_CPP_LIB_PATH"):
        return named
    spec = find_spec("llama_cpp")
    folder = spec.submodule_search_locations if spec is not None else None
    return str(Path(folder[0], "lib")) if folder else ""
