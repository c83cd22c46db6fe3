"""What the program knows about encoders before one is loaded."""

from __future__ import annotations

from collections.abc import Sequence

from localensemble.core.engine_facts import EngineFacts
from localensemble.core.model_shape import ModelShape
from localensemble.engines.kind import EngineKind, LoadPlan, MemoryNeed
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker.worker_engines import WorkerEmbeddingEngine

# Measured with all-minilm-l6-v2: the process, llama.cpp's buffers and the vocabulary.
_PROCESS_BYTES = 150 << 20


class _EmbeddingKind(EngineKind):
    def plan(
        self,
        settings: EngineSettings,
        *,
        shape: ModelShape | None,
        beginning_tokens: int,
        free_bytes: int,
    ) -> LoadPlan:
        """Add up the memory: the whole model on the processor, and the process."""
        if shape is None:
            return LoadPlan(settings)
        weights = sum(shape.layer_bytes) + shape.other_bytes
        return LoadPlan(settings, MemoryNeed(weights=weights, process=_PROCESS_BYTES))

    def cautions(self, raters: Sequence[str]) -> Sequence[str]:
        """State what such a rater cannot know."""
        return (
            f"{', '.join(raters)} compares the meaning of a text with that of the categories' "
            "definitions. It recognizes topics; where the answer is not the topic (negation, "
            "sentiment, hate), it is often no better than the most frequent category.",
        )


EMBEDDING = _EmbeddingKind(
    WorkerEmbeddingEngine,
    facts=EngineFacts(
        scored_by="by the mean cosine between the vector of the text and those of the category's "
        "name, definition and examples",
        never_cuts=True,
        without_prompt=True,
        model_kind="embedding model",
    ),
    reads_files=True,
    # It reads no prompt.
    readouts=(),
)
