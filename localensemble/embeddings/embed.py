"""Turn texts into vectors: near when they mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.catalog.models import locate_model
from localensemble.core.errors import InputError
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker import WorkerEmbedder
from localensemble.privacy.egress import guarded_launcher

__all__ = ["EMBEDDING_MODEL", "Embeddings", "embed"]

EMBEDDING_MODEL = "all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The vectors of N texts, and which model they are from.

    Attributes:
        vectors: N x 384, each row of length 1, so that a product of two rows is their cosine;
            a row of NaN for a text that has no vector.
        failures: row to why it has no vector: ``too_long: 600 of 512 tokens``, ``no_tokens``
            (nothing but spaces), ``unknown_words: all 3`` (a script the model does not know),
            ``not_text`` or ``not_finite``. Never text.
        model_sha256: over the model file. Vectors of different files are not comparable to the
            last digit.
    """

    vectors: NDArray[np.float32] = field(repr=False)
    failures: dict[int, str]
    model_sha256: str


def embed(texts: Sequence[str], *, threads: int | None = None) -> Embeddings:
    """Give each text a vector of length 1, with the model all-minilm-l6-v2.

    The model was made for English sentences. It takes 512 tokens, about 380 words; its authors
    cut texts at 256, and this function cuts none: a longer text has a failure in the place of
    a vector. A text's vector does not depend on the texts beside it.

    Args:
        threads: processor threads; None means all cores.

    Raises:
        InputError: ``texts`` is one text.
        ModelFileError: the model was not pulled yet, or its bytes changed.
        EngineError: the model cannot go on.
    """
    if isinstance(texts, str):
        raise InputError("Cannot embed a single text.", hint="Give a list of texts: [text].")
    model = locate_model(EMBEDDING_MODEL, folder=Path())
    embedder = WorkerEmbedder(
        EngineSettings(model_path=model.path, threads=threads, launcher=guarded_launcher())
    )
    try:
        vectors, failures = embedder.embed(texts)
    finally:
        embedder.close()
    reasons = {row: one.reason for row, one in enumerate(failures) if one is not None}
    return Embeddings(vectors, reasons, model.sha256)
