"""The sizes of a model's parts, from which its memory is estimated before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes that determine how much memory a model needs.

    Attributes:
        layer_bytes: size of the weights of each layer, first to last.
        other_bytes: size of the weights outside the layers (embeddings and output).
        cache_bytes: cache size of one context token in each layer, at 16 bits a number;
            0 for a layer that keeps a running state instead.
        vocabulary: number of tokens the model knows.
        embedding: how many numbers represent a token between the layers.
        feed_forward: the largest such count within a layer.
        context_tokens: the context length the model was trained for.
    """

    layer_bytes: tuple[int, ...]
    other_bytes: int
    cache_bytes: tuple[int, ...]
    vocabulary: int
    embedding: int
    feed_forward: int
    context_tokens: int

    @property
    def weight_bytes(self) -> int:
        """The size of all weights."""
        return sum(self.layer_bytes) + self.other_bytes
