"""What computes, in one line for each package, without loading any of it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from localensemble.engines.llama_cpp.build import library_origin
from localensemble.engines.llama_cpp.loaded_library import PACKAGE


def installed_builds() -> tuple[str, ...]:
    """Name the packages that models are run with, their versions and who built them."""
    try:
        found = f"{PACKAGE} {version(PACKAGE)}"
    except PackageNotFoundError:
        return (f"{PACKAGE} is not installed",)
    return (f"{found}, {library_origin() or 'library compiled with it'}",)
