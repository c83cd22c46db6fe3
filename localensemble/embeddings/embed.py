"""Turn texts into vectors that are close when the texts mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.catalog.located_models import locate_model
from localensemble.core.encoder_name import ENCODER
from localensemble.core.errors import InputError
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker.worker_engines import WorkerEmbedder
from localensemble.privacy.egress import guarded_launcher

__all__ = ["Embeddings", "embed"]


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The vectors of N texts, and the model they come from.

    Attributes:
        vectors: N x 384, each row of length 1, so that the product of two rows is their cosine.
            A text without a vector has a row of NaN.
        failures: for each row without a vector, the reason: ``too_long: 600 of 512 tokens``,
            ``no_tokens`` (only spaces), ``unknown_words: all 3`` (a script the model does not
            know), ``not_text`` or ``not_finite``. Never contains text.
        model_sha256: sha256 of the model file. Vectors from different files are not comparable
            to the last digit.
    """

    vectors: NDArray[np.float32] = field(repr=False)
    failures: dict[int, str]
    model_sha256: str


def embed(texts: Sequence[str], *, threads: int | None = None) -> Embeddings:
    """Compute a vector of length 1 for each text, with the model all-minilm-l6-v2.

    The model was made for English sentences. It takes 512 tokens, about 380 words. Its authors
    cut texts at 256 tokens; this function never cuts: a text over 512 tokens gets a failure
    instead of a vector. A text's vector does not depend on the other texts.

    Args:
        threads: number of processor threads; None means all cores.

    Raises:
        InputError: ``texts`` is a single text.
        ModelFileError: the model has not been pulled yet, or its file has changed.
        EngineError: the model cannot continue.
    """
    if isinstance(texts, str):
        raise InputError("Cannot embed a single text.", hint="Pass a list of texts: [text].")
    model = locate_model(ENCODER, folder=Path())
    embedder = WorkerEmbedder(
        EngineSettings(model_path=model.path, threads=threads, launcher=guarded_launcher())
    )
    try:
        vectors, failures = embedder.embed(texts)
    finally:
        embedder.close()
    reasons = {row: failure.reason for row, failure in enumerate(failures) if failure is not None}
    return Embeddings(vectors, reasons, model.sha256)
