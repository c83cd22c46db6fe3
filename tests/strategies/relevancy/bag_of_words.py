"""An embedder for tests: the words of a text, hashed into 512 places."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH = 512


def bag_of_words(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return a vector of length 1 for each text; of zeros for a text without words."""
    vectors = np.zeros((len(texts), WIDTH), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            digest = hashlib.sha256(word.encode()).digest()
            vectors[row, int.from_bytes(digest[:4], "little") % WIDTH] += 1
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(vectors, lengths, out=vectors, where=lengths > 0)
    return scaled
