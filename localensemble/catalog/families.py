"""Find the family of a model: who made it. Models of one family share their mistakes."""

from __future__ import annotations

from functools import cache

from localensemble.catalog.known import known_models


def family_of(words: str, *, architecture: str) -> str:
    """Return the family that the names of a model state, or else its architecture.

    Args:
        words: its name, file name or title, in any case.
        architecture: GGUF ``general.architecture``, which families can share; may be empty.
    """
    found = [maker for maker in _makers() if maker in words.casefold()]
    return max(found, key=len) if found else architecture


@cache
def _makers() -> frozenset[str]:
    """Return the names of the known families without their versions: gemma, not gemma3."""
    return frozenset(
        model.family.rstrip("0123456789.") for model in known_models() if model.kind == "chat"
    )
