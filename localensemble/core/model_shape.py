"""How large the parts of a model are, by which its memory can be told before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes that decide what a model needs.

    Attributes:
        layer_bytes: weights of each layer, first to last.
        other_bytes: weights outside the layers: embeddings and output.
        cache_bytes: what one token of the context takes in each layer, at 16 bits a number;
            0 in a layer that keeps a running state instead.
        vocabulary: tokens it knows.
        embedding: numbers that stand for a token between the layers.
        feed_forward: the same at its widest, within a layer.
        context_tokens: tokens it was made for.
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
        """All weights."""
        return sum(self.layer_bytes) + self.other_bytes
