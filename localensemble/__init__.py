"""Label text with several local models, measure their agreement, escalate the rest."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localensemble.embeddings.embed import embed

__all__ = ["__version__", "embed"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import a verb when it is first asked for: the import of the package stays quick."""
    if name == "embed":
        return importlib.import_module("localensemble.embeddings.embed").embed
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
