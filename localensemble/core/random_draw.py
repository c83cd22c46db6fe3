"""Draw items at random, depending only on a seed and the item's id."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

DrawPurpose = Literal[
    "sample", "audit", "double_coding", "control", "existing", "replay", "early_stop", "chain"
]

_DRAW_BYTES = 8
_DRAW_RANGE = 2.0 ** (8 * _DRAW_BYTES)


def random_draw(item_id: str, *, seed: int, purpose: DrawPurpose) -> float:
    """Draw a number in [0, 1) that depends only on the purpose, the seed and the item's id.

    Draws for two purposes are independent even with the same seed: an audit must not draw the
    items of the gold sample again.
    """
    text = f"{purpose}\x1f{seed}\x1f{item_id}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=_DRAW_BYTES).digest()
    return int.from_bytes(digest, "big") / _DRAW_RANGE


def random_draws(
    item_ids: Sequence[str], *, seed: int, purpose: DrawPurpose
) -> NDArray[np.float64]:
    """Draw a number for each of N items: (N,)."""
    drawn = (random_draw(item_id, seed=seed, purpose=purpose) for item_id in item_ids)
    return np.fromiter(drawn, np.float64, len(item_ids))
