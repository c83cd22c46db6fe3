"""Define the three decoders in torch, with exactly the computation of llama.cpp.

A batch shares one prefix: it is computed once, with gradients, and every item attends to it,
as in the engine at inference. An item then costs only its own tokens.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from specs import ModelSpec

_ROPE_BASE = 10000.0
_EPSILON = 1e-5
_EMBEDDING_SIZE = 0.3


class Decoder(nn.Module):
    """A decoder of one of the three architectures."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        self.token_embd = nn.Embedding(spec.vocabulary_size, spec.width)
        self.position_embd: nn.Embedding | None = None
        if spec.architecture == "gpt2":
            self.position_embd = nn.Embedding(spec.context_tokens, spec.width)
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.layers))
        self.output_norm = _norm(spec)
        self.output = nn.Linear(spec.width, spec.vocabulary_size, bias=False)
        self.dropout = nn.Dropout(spec.dropout)
        self._initialize()

    def forward(self, prefix: Tensor, items: Tensor, *, shift: int = 0) -> Tensor:
        """Compute the last hidden state of every item token.

        Args:
            prefix: P ids that all items share.
            items: B by L ids, padded at the end.
            shift: how far beyond the prefix the positions of the items start.

        Returns:
            B by L by width.
        """
        length, (count, width) = prefix.shape[0], items.shape
        positions = torch.cat(
            (
                torch.arange(length),
                torch.arange(length + shift, length + shift + width).repeat(count),
            )
        ).to(items.device)
        hidden = self.token_embd(torch.cat((prefix, items.reshape(-1))))
        rotation = None
        if self.position_embd is not None:
            hidden = hidden + self.position_embd(positions)
        else:
            rotation = _rotation(positions, self.spec.width // self.spec.heads)
        hidden = self.dropout(hidden)
        for block in self.blocks:
            hidden = block(hidden, rotation, length, count)
        return self.output_norm(hidden[length:]).view(count, width, -1)

    def logits(self, hidden: Tensor) -> Tensor:
        """Turn hidden states into logits over the vocabulary."""
        return self.output(hidden)

    def start_from(self, vectors: Tensor) -> None:
        """Take word vectors for the embedding table, all of one mean size."""
        scale = vectors.pow(2).mean().sqrt()
        with torch.no_grad():
            self.token_embd.weight.copy_(_EMBEDDING_SIZE * vectors / scale)

    def _initialize(self) -> None:
        for name, parameter in self.blocks.named_parameters():
            if parameter.dim() == 2:
                size = 1 / math.sqrt(parameter.shape[1])
                if name.endswith(("attn_output.weight", "ffn_down.weight")):
                    size *= 0.5 / math.sqrt(2 * self.spec.layers)
                nn.init.normal_(parameter, std=size)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        nn.init.normal_(self.token_embd.weight, std=_EMBEDDING_SIZE)
        nn.init.normal_(self.output.weight, std=0.02)
        if self.position_embd is not None:
            # A smooth start: positions that training hardly visits stay sensible.
            with torch.no_grad():
                self.position_embd.weight.copy_(0.1 * _EMBEDDING_SIZE * _waves(self.spec))


class Block(nn.Module):
    """Attention and feed-forward with their norms; attribute names are GGUF's."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        width, size = spec.width, spec.width // spec.heads
        bias = spec.architecture == "gpt2"
        self.attn_norm = _norm(spec)
        if spec.architecture == "gpt2":
            self.attn_qkv = nn.Linear(width, 3 * width)
        else:
            own = spec.architecture == "qwen2"
            self.attn_q = nn.Linear(width, width, bias=own)
            self.attn_k = nn.Linear(width, spec.key_value_heads * size, bias=own)
            self.attn_v = nn.Linear(width, spec.key_value_heads * size, bias=own)
            self.ffn_gate = nn.Linear(width, spec.feed_forward, bias=False)
        self.attn_output = nn.Linear(width, width, bias=bias)
        self.ffn_norm = _norm(spec)
        self.ffn_up = nn.Linear(width, spec.feed_forward, bias=bias)
        self.ffn_down = nn.Linear(spec.feed_forward, width, bias=bias)
        self.dropout = nn.Dropout(spec.dropout)

    def forward(
        self, hidden: Tensor, rotation: tuple[Tensor, Tensor] | None, prefix: int, count: int
    ) -> Tensor:
        """Add this block's part to the hidden states of the prefix and of the items."""
        hidden = hidden + self.dropout(
            self._attend(self.attn_norm(hidden), rotation, prefix, count)
        )
        normed = self.ffn_norm(hidden)
        if self.spec.architecture == "gpt2":
            inner = functional.gelu(self.ffn_up(normed), approximate="tanh")
        else:
            inner = functional.silu(self.ffn_gate(normed)) * self.ffn_up(normed)
        return hidden + self.dropout(self.ffn_down(inner))

    def _attend(
        self, hidden: Tensor, rotation: tuple[Tensor, Tensor] | None, prefix: int, count: int
    ) -> Tensor:
        spec = self.spec
        size = spec.width // spec.heads
        if spec.architecture == "gpt2":
            query, key, value = self.attn_qkv(hidden).chunk(3, dim=-1)
        else:
            query, key, value = self.attn_q(hidden), self.attn_k(hidden), self.attn_v(hidden)
        # heads, tokens, size
        query = query.view(-1, spec.heads, size).transpose(0, 1)
        key = key.view(-1, spec.key_value_heads, size).transpose(0, 1)
        value = value.view(-1, spec.key_value_heads, size).transpose(0, 1)
        if rotation is not None:
            rotate = _rotate_pairs if spec.architecture == "llama" else _rotate_halves
            query, key = rotate(query, rotation), rotate(key, rotation)
        if spec.heads != spec.key_value_heads:
            key = key.repeat_interleave(spec.heads // spec.key_value_heads, dim=0)
            value = value.repeat_interleave(spec.heads // spec.key_value_heads, dim=0)
        own = functional.scaled_dot_product_attention(
            query[None, :, :prefix], key[None, :, :prefix], value[None, :, :prefix], is_causal=True
        )[0]
        items = _attend_items(query, key, value, prefix, count)
        joined = torch.cat((own, items), dim=1).transpose(0, 1).reshape(-1, spec.width)
        return self.attn_output(joined)


def _attend_items(query: Tensor, key: Tensor, value: Tensor, prefix: int, count: int) -> Tensor:
    """Let each item's tokens attend to the prefix and to the item's earlier tokens."""
    heads, _, size = query.shape
    own_query = query[:, prefix:] / math.sqrt(size)
    width = own_query.shape[1] // count
    shape = (heads, count, width, size)
    own_key, own_value = key[:, prefix:].reshape(shape), value[:, prefix:].reshape(shape)
    to_prefix = (own_query @ key[:, :prefix].transpose(1, 2)).view(heads, count, width, prefix)
    to_item = own_query.reshape(shape) @ own_key.transpose(2, 3)
    later = torch.ones(width, width, dtype=torch.bool, device=query.device).triu(1)
    to_item = to_item.masked_fill(later, float("-inf"))
    weights = torch.cat((to_prefix, to_item), dim=-1).softmax(dim=-1)
    from_prefix = weights[..., :prefix].reshape(heads, count * width, prefix) @ value[:, :prefix]
    from_item = weights[..., prefix:] @ own_value
    return from_prefix + from_item.reshape(heads, count * width, size)


def _norm(spec: ModelSpec) -> nn.Module:
    if spec.architecture == "gpt2":
        return nn.LayerNorm(spec.width, eps=_EPSILON)
    return nn.RMSNorm(spec.width, eps=_EPSILON)


def _rotation(positions: Tensor, size: int) -> tuple[Tensor, Tensor]:
    rates = _ROPE_BASE ** (-torch.arange(0, size, 2, device=positions.device) / size)
    angles = positions[:, None] * rates
    return angles.cos(), angles.sin()


def _rotate_pairs(states: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate neighbors, as llama.cpp does for llama."""
    cosine, sine = rotation
    even, odd = states[..., 0::2], states[..., 1::2]
    turned = (even * cosine - odd * sine, even * sine + odd * cosine)
    return torch.stack(turned, dim=-1).flatten(-2)


def _rotate_halves(states: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate the first half against the second, as llama.cpp does for qwen2."""
    cosine, sine = rotation
    first, second = states.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)


def _waves(spec: ModelSpec) -> Tensor:
    rates = _ROPE_BASE ** (-torch.arange(0, spec.width, 2) / spec.width)
    angles = torch.arange(spec.context_tokens)[:, None] * rates
    return torch.cat((angles.sin(), angles.cos()), dim=1)
