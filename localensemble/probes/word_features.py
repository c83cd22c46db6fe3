"""Words and pairs of words of a text as numbers, without keeping the words.

TF-IDF over hashed words: a file with these features does not show the texts they come from,
though whoever guesses a word can check the guess.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
_HASH_BYTES = 7


@dataclass(frozen=True, slots=True, eq=False)
class WordFeatures:
    """The words that training texts had.

    Attributes:
        hashes: (F,) int64, sorted hashes of words and of pairs of words in a row.
        rarity: (F,) the inverse document frequency of each: ``ln((1 + N) / (1 + n)) + 1``, where
            n of N training texts have it.
    """

    hashes: NDArray[np.int64]
    rarity: NDArray[np.float64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> WordFeatures:
        """Learn which words there are from training texts."""
        counts = Counter(one for text in texts for one in set(_hashes(text)))
        hashes = np.array(sorted(counts), dtype=np.int64)
        frequency = np.array([counts[int(one)] for one in hashes], dtype=np.float64)
        return cls(hashes, np.log((1 + len(texts)) / (1 + frequency)) + 1)

    def row(self, text: str) -> NDArray[np.float64]:
        """Return the features of a text.

        Returns:
            (F,) of length 1: (1 + ln count) x rarity; all 0 if the text has no known word.
        """
        row = np.zeros(len(self.hashes))
        for hashed, count in Counter(_hashes(text)).items():
            place = int(np.searchsorted(self.hashes, hashed))
            if place < len(self.hashes) and self.hashes[place] == hashed:
                row[place] = (1 + math.log(count)) * self.rarity[place]
        length = float(np.linalg.norm(row))
        return row / length if length > 0 else row


def _hashes(text: str) -> list[int]:
    words = _WORD.findall(text.casefold())
    pairs = [f"{one} {other}" for one, other in pairwise(words)]
    return [_hash(one) for one in (*words, *pairs)]


def _hash(word: str) -> int:
    data = word.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=_HASH_BYTES).digest(), "big")
