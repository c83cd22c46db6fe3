"""A model whose next token depends on every token before it, and a cache with llama.cpp's rules.

It refuses what llama.cpp refuses: sequences that skip positions, sets of sequences that grow
along a batch, more cells or outputs than there are. So what evaluates rightly here asks
nothing of llama.cpp that it would not do.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from localensemble.engines.llama_cpp.answer_plan import BatchLimits
from localensemble.engines.llama_cpp.answer_scores import Scorer
from localensemble.engines.llama_cpp.prefix_tree import Batch, Tail

TOKENS = 12


@functools.lru_cache(maxsize=100_000)
def next_logits(context: tuple[int, ...]) -> NDArray[np.float32]:
    """Logits that any change of the context changes."""
    seed = int.from_bytes(hashlib.sha256(repr(context).encode()).digest()[:8])
    return np.random.default_rng(seed).standard_normal(TOKENS).astype(np.float32)


def log_probability(context: tuple[int, ...], tokens: tuple[int, ...]) -> float:
    """Log-probability that the tokens follow, by the chain rule and nothing else."""
    total = 0.0
    for token in tokens:
        logits = next_logits(context).astype(np.float64)
        total += float(logits[token] - np.log(np.exp(logits).sum()))
        context = (*context, token)
    return total


class PathModel:
    """Cells of (position, token, sequences), as a unified cache has them."""

    def __init__(self, limits: BatchLimits, *, cache_tokens: int) -> None:
        self.limits = limits
        self.cache_tokens = cache_tokens
        self.decoded: list[int] = []
        self.restored = 0
        self._cells: list[tuple[int, int, set[int]]] = []
        self._rows: list[NDArray[np.float32]] = []

    def decode(self, batch: Batch) -> None:
        """Evaluate each token in the context of its first sequence, as llama.cpp does."""
        assert batch.path_count <= self.limits.paths
        assert np.count_nonzero(batch.outputs) <= self.limits.reads
        assert len(self._cells) + len(batch.tokens) <= self.cache_tokens, "no room in the cache"
        self._rows = []
        allowed = [set(range(self.limits.paths)) for _ in range(self.limits.paths)]
        for index, token in enumerate(batch.tokens.tolist()):
            first, count = int(batch.first_paths[index]), int(batch.path_counts[index])
            sequences = set(range(first, first + count))
            position = int(batch.positions[index])
            contexts = {self._context(sequence) for sequence in sequences}
            assert len(contexts) == 1, "sequences of one token have diverged"
            context = contexts.pop()
            assert position == len(context), "a sequence skips or repeats a position"
            for sequence in sequences:
                allowed[sequence] &= sequences
                assert allowed[sequence], "incompatible sets of sequences"
            self._cells.append((position, token, sequences))
            if batch.outputs[index]:
                self._rows.append(next_logits((*context, token)))
        self.decoded.append(len(batch.tokens))

    def logits(self, rows: int) -> NDArray[np.float32]:
        """Return the rows of the last batch."""
        assert rows == len(self._rows)
        return np.stack(self._rows)

    def clear_cache(self) -> None:
        """Forget everything."""
        self._cells = []

    def copy_sequence(self, to: range, *, start: int, end: int) -> None:
        """Add sequences to the cells of sequence 0."""
        for position, _, sequences in self._cells:
            if 0 in sequences and start <= position < end:
                sequences.update(to)

    def cut_back(self, position: int) -> None:
        """Drop cells from this position on."""
        self._cells = [cell for cell in self._cells if cell[0] < position]

    def save_sequence(self) -> NDArray[np.uint8]:
        """Write the tokens of sequence 0."""
        return np.array(self._context(0), dtype=np.uint8)

    def restore_sequence(self, state: NDArray[np.uint8]) -> bool:
        """Read them back."""
        assert not self._cells
        self._cells = [(index, token, {0}) for index, token in enumerate(state.tolist())]
        self.restored += 1
        return True

    def _context(self, sequence: int) -> tuple[int, ...]:
        cells = sorted(cell[:2] for cell in self._cells if sequence in cell[2])
        return tuple(token for _, token in cells)


def read_all(
    scorer: Scorer,
    groups: Mapping[tuple[int, ...], Sequence[Tail]],
    slots: int,
    *,
    wanted: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return what is reported of the wanted slots, as it was when it was reported; else NaN."""
    read = np.full(slots, np.nan)

    def keep(tails: Sequence[Tail], results: NDArray[np.float64]) -> None:
        for tail in tails:
            place = slice(tail.slot, tail.slot + tail.plan.path_count)
            assert np.isnan(read[place]).all(), "a tail was reported twice"
            read[place] = results[place]

    chosen = np.ones(slots, dtype=np.bool_) if wanted is None else wanted
    scorer.score(groups, wanted=chosen, on_read=keep)
    return read
