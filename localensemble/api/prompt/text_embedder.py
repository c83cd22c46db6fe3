"""Find the local model that compares texts, for shots that are retrieved and for free answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.api.before_a_run.train_probe import text_vectors
from localensemble.catalog.located_models import locate_model


@dataclass(frozen=True, slots=True)
class LocalEmbedder:
    """An encoder on this machine; it runs in a process of its own while it makes vectors."""

    name: str
    sha256: str
    path: Path
    threads: int | None

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return N vectors of length 1; zeros for a text without a word that the model knows."""
        rows, known = text_vectors(texts, self.path, self.threads)
        width = known.shape[1] if len(rows) else 0
        vectors = np.zeros((len(texts), width))
        vectors[rows] = known
        return vectors


def embedder_opener(folder: Path, threads: int | None) -> Callable[[str], LocalEmbedder]:
    """Return a function that finds an embedder by its catalog name, or by a path from a folder.

    The function raises `ModelFileError` if the model has not been pulled or has changed.
    """

    def opened(name: str) -> LocalEmbedder:
        located = locate_model(name, folder=folder)
        return LocalEmbedder(name, located.sha256, located.path, threads)

    return opened
