"""Draw items at random, depending only on a seed and the item's id."""

from __future__ import annotations

import hashlib
from typing import Literal

DrawPurpose = Literal["sample", "audit"]

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
