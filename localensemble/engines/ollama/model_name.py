"""The ways to write the name of an Ollama model: which of them mean the same model.

A whole name is ``registry/namespace/model:tag``; Ollama fills in what is left out, and ignores
the difference between capital and small letters.
"""

from __future__ import annotations

from dataclasses import dataclass

_REGISTRY, _NAMESPACE, _TAG = "registry.ollama.ai", "library", "latest"


@dataclass(frozen=True, slots=True)
class OllamaName:
    """The four parts of a model's name, as they are written."""

    registry: str
    namespace: str
    model: str
    tag: str

    @classmethod
    def of(cls, written: str) -> OllamaName | None:
        """Read a name and fill in what it leaves out; None if it cannot be a name."""
        path, _, tag = (
            written.rpartition(":") if ":" in written.rpartition("/")[2] else (written, "", _TAG)
        )
        parts = path.split("/")
        parts = [*(_REGISTRY, _NAMESPACE)[: 3 - len(parts)], *parts, tag]
        if len(parts) != 4 or any(part in {"", ".", ".."} for part in parts):
            return None
        return cls(*parts)

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """The parts, in the order of the folders in Ollama's store."""
        return self.registry, self.namespace, self.model, self.tag

    @property
    def short(self) -> str:
        """The name as Ollama lists it, with its tag."""
        places = [self.registry, self.namespace]
        if self.registry.casefold() == _REGISTRY:
            places = [] if self.namespace.casefold() == _NAMESPACE else [self.namespace]
        return "/".join((*places, f"{self.model}:{self.tag}"))


def is_same_model(one: str, other: str) -> bool:
    """Tell whether Ollama takes two names for the same model."""
    found = OllamaName.of(one), OllamaName.of(other)
    first, second = (name and tuple(map(str.casefold, name.parts)) for name in found)
    return first is not None and first == second
