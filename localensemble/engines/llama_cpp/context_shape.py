"""The size of the context that an engine makes for a model."""

from __future__ import annotations

from dataclasses import dataclass

from localensemble.engines.llama_cpp.model_file import available_cores
from localensemble.engines.protocol import ScoringMode
from localensemble.engines.settings import EngineSettings

# Measured on 2 cores: larger batches gain nothing; smaller ones are up to a tenth slower.
_BATCH_TOKENS = 512
_DEFAULT_CONTEXT = 4096
# Logits of one batch, in bytes; a vocabulary of 150,000 tokens takes 0.6 MB a position.
_LOGITS_BYTES = 64 << 20
_FEWEST_OUTPUTS = 64
_SEQUENCES = 128


@dataclass(frozen=True, slots=True)
class ContextShape:
    """The size of a context.

    Attributes:
        tokens: number of cells in the cache.
        batch_tokens: most tokens computed together.
        sequences: most paths that can exist at once.
        outputs: most positions whose logits can be requested at once.
        threads: number of CPU threads.
    """

    tokens: int
    batch_tokens: int
    sequences: int
    outputs: int
    threads: int


def context_shape(
    settings: EngineSettings, *, vocabulary: int, trained_context: int, mode: ScoringMode
) -> ContextShape:
    """Choose the shape from a model's vocabulary size and the context it was trained on."""
    # Beyond the context it was trained on, a model answers wrongly and without a warning.
    tokens = min(settings.context_tokens or _DEFAULT_CONTEXT, trained_context)
    outputs = max(_FEWEST_OUTPUTS, _LOGITS_BYTES // (4 * max(1, vocabulary)))
    outputs = min(_BATCH_TOKENS, outputs)
    return ContextShape(
        tokens=tokens,
        batch_tokens=min(_BATCH_TOKENS, tokens),
        # llama.cpp keeps an output for every sequence, requested or not.
        sequences=1 if mode == "strict" else min(_SEQUENCES, outputs),
        outputs=outputs,
        threads=settings.threads or available_cores(),
    )
