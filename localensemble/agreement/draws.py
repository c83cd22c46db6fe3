"""Draw items with replacement, counted per pattern.

One multinomial over patterns is equivalent to drawing items, and costs no more for a million
of them. Coefficients of the same patterns share the same draws, which are made once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

# Draws are kept for the next coefficient up to this many numbers of four bytes: 32 MB.
_KEPT_CELLS = 8_000_000


class ItemDraws:
    """Draws of N items out of the N items.

    Attributes:
        multiplicity: (P,) number of items that show each pattern.
    """

    def __init__(self, multiplicity: NDArray[np.int64]) -> None:
        self.multiplicity = multiplicity
        self._kept: tuple[tuple[int, int], NDArray[np.int32]] | None = None

    def blocks(self, *, resamples: int, seed: int, size: int) -> Iterator[NDArray[np.int32]]:
        """Yield (B, P) items per pattern, at most ``size`` draws at a time.

        The draws depend only on the seed, not on the size of a block.
        """
        asked = (resamples, seed)
        if self._kept is not None and self._kept[0] == asked:
            draws = self._kept[1]
        elif resamples * len(self.multiplicity) <= _KEPT_CELLS:
            draws = self._drawn(np.random.default_rng(seed), resamples)
            self._kept = (asked, draws)
        else:
            generator = np.random.default_rng(seed)
            for start in range(0, resamples, size):
                yield self._drawn(generator, min(size, resamples - start))
            return
        for start in range(0, resamples, size):
            yield draws[start : start + size]

    def _drawn(self, generator: np.random.Generator, count: int) -> NDArray[np.int32]:
        items = int(self.multiplicity.sum())
        return generator.multinomial(items, self.multiplicity / items, size=count).astype(np.int32)
