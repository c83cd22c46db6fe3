"""Keep what prompts share in a model's cache, and track what the cache holds.

The cache is a stack of layers: the head, and on top of it each extension. Layers are
evaluated in sequence 0 and shared with as many sequences as a batch needs. Heads that are
not in the cache are kept as saved states; the oldest is dropped first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# With more variables than this in a codebook, some of their heads are evaluated again.
_SAVED_HEADS = 32
SAVED_BYTES = 512 << 20


class SequenceStore(Protocol):
    """The calls into a model's cache that this module needs."""

    def clear_cache(self) -> None:
        """Forget everything."""
        ...

    def copy_sequence(self, to: range, *, start: int, end: int) -> None:
        """Let other sequences share positions start to end of sequence 0."""
        ...

    def cut_back(self, position: int) -> None:
        """Forget everything from this position on, in all sequences."""
        ...

    def save_sequence(self) -> NDArray[np.uint8]:
        """Copy the state of sequence 0."""
        ...

    def restore_sequence(self, state: NDArray[np.uint8]) -> bool:
        """Restore a saved state as sequence 0 of an empty cache; False if that failed."""
        ...


@dataclass(slots=True)
class _Layer:
    """Positions start to end, shared by the first sequences."""

    start: int
    end: int
    sequences: int


class HeadCache:
    """The content of one model's cache."""

    def __init__(self, store: SequenceStore) -> None:
        self._store = store
        self._head: tuple[int, ...] | None = None
        self._layers: list[_Layer] = []
        self._saved: OrderedDict[tuple[int, ...], NDArray[np.uint8]] = OrderedDict()

    def recall(self, head: tuple[int, ...]) -> bool:
        """Bring a head back; return False if it must be evaluated, on an empty cache."""
        if head == self._head:
            return True
        self._save()
        self.forget()
        state = self._saved.get(head)
        if state is None:
            return False
        self._saved.move_to_end(head)
        if not self._store.restore_sequence(state):
            self.forget()
            return False
        self.keep(head)
        return True

    def keep(self, head: tuple[int, ...]) -> None:
        """Record that the head was evaluated and is all that the cache holds."""
        self._head = head
        self._layers = [_Layer(0, len(head), 1)]

    def extend(self, length: int) -> None:
        """Record that ``length`` positions were evaluated on top, to be kept."""
        end = self._layers[-1].end
        self._layers.append(_Layer(end, end + length, 1))

    def share(self, sequences: int) -> None:
        """Make everything kept visible to the first ``sequences`` sequences."""
        for layer in self._layers:
            if layer.sequences < sequences:
                new = range(layer.sequences, sequences)
                self._store.copy_sequence(new, start=layer.start, end=layer.end)
                layer.sequences = sequences

    def retreat(self, *, layers: int = 0) -> None:
        """Cut the cache back to the kept layers, without the last ``layers`` of them."""
        if layers:
            del self._layers[-layers:]
        self._store.cut_back(self._layers[-1].end)

    def forget(self) -> None:
        """Empty the cache; keep the saved states."""
        self._store.clear_cache()
        self._head = None
        self._layers = []

    def _save(self) -> None:
        head = self._head
        if not head or head in self._saved:
            return
        state = self._store.save_sequence()
        if not len(state):
            return
        self._saved[head] = state
        while len(self._saved) > _SAVED_HEADS or (
            sum(map(len, self._saved.values())) > SAVED_BYTES
        ):
            self._saved.popitem(last=False)
