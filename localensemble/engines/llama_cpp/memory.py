"""How much memory a model will take, computed from its shape before it is loaded.

Pure: other modules ask what the machine has. Measured against llama.cpp's own figures for
its buffers; docs/performance.md reports the error.
"""

from __future__ import annotations

from localensemble.core.model_shape import ModelShape
from localensemble.engines.kind import MemoryNeed
from localensemble.engines.llama_cpp.context_shape import ContextShape
from localensemble.engines.llama_cpp.head_cache import SAVED_BYTES

_MEBIBYTE = 1 << 20
# Python, numpy and llama.cpp in the worker's process, with the arrays of scoring.
_PROCESS_BYTES = 54 * _MEBIBYTE
# One token of the vocabulary: its text, twice, and the tables that look it up.
_VOCABULARY_BYTES = 400
# Buffers of 32-bit numbers: per token, this many times the embedding and the feed-forward.
_EMBEDDINGS_HELD = 3
_FEED_FORWARDS_HELD = 2
# Which part of the context each token of a batch can see: a mask of 32 bits and one of 16.
_MASK_BYTES = 6
# A device's own needs: the context of its driver, and room for fragmentation.
_DEVICE_RESERVE = 512 * _MEBIBYTE
_DEVICE_SHARE = 20


def memory_need(
    shape: ModelShape, context: ContextShape, *, beginning_tokens: int = 0, gpu_layers: int = 0
) -> MemoryNeed:
    """Return the memory a model will take.

    Args:
        beginning_tokens: total tokens of the different beginnings of its prompts.
        gpu_layers: layers on graphics devices; one more than the model has puts all there.
    """
    layers = len(shape.layer_bytes)
    token_bytes = sum(shape.cache_bytes)
    moved = _moved(shape, context, gpu_layers)
    return MemoryNeed(
        weights=shape.weight_bytes
        - sum(shape.layer_bytes[layers - min(gpu_layers, layers) :])
        - (shape.other_bytes if gpu_layers > layers else 0),
        context=context.tokens * sum(shape.cache_bytes[: layers - min(gpu_layers, layers)]),
        beginnings=min(SAVED_BYTES, beginning_tokens * token_bytes),
        buffers=_buffers(shape, context),
        process=_PROCESS_BYTES + _VOCABULARY_BYTES * shape.vocabulary,
        device=moved,
    )


def layers_that_fit(shape: ModelShape, context: ContextShape, *, free_bytes: int) -> int:
    """Return how many layers to put on graphics devices with this much free memory.

    Returns one more than the number of layers, which means all of them, if they fit; otherwise as
    many as fit beside the output, which goes there first; 0 if none fits.
    """
    room = free_bytes - max(_DEVICE_RESERVE, free_bytes // _DEVICE_SHARE)
    layers = len(shape.layer_bytes)
    for count in range(layers + 1, 0, -1):
        if _moved(shape, context, count) <= room:
            return count
    return 0


def _moved(shape: ModelShape, context: ContextShape, gpu_layers: int) -> int:
    """Add up what a device holds; which layers go there depends on llama.cpp's version."""
    if gpu_layers == 0:
        return 0
    each = [
        weights + context.tokens * cache
        for weights, cache in zip(shape.layer_bytes, shape.cache_bytes, strict=True)
    ]
    return sum(sorted(each)[-gpu_layers:]) + shape.other_bytes + _buffers(shape, context)


def _buffers(shape: ModelShape, context: ContextShape) -> int:
    output = 4 * context.sequences * shape.vocabulary
    embeddings = 4 * context.batch_tokens * _EMBEDDINGS_HELD * shape.embedding
    logits = 4 * context.outputs * shape.vocabulary
    layer = context.batch_tokens * (
        4 * _FEED_FORWARDS_HELD * shape.feed_forward + _MASK_BYTES * context.tokens
    )
    # Logits are computed after the layers, in the same buffer.
    return output + embeddings + max(logits, layer)
