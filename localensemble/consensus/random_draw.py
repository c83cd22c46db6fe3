"""Random draws of items that depend on a seed and the item's id alone."""

from __future__ import annotations

import hashlib
from typing import Literal

DrawPurpose = Literal["sample", "audit"]

_DRAW_BYTES = 8
_DRAW_RANGE = 2.0 ** (8 * _DRAW_BYTES)


def random_draw(item_id: str, *, seed: int, purpose: DrawPurpose) -> float:
    """Draw a number in [0, 1) that depends on purpose, seed and the item's id alone.

    Draws for two purposes are independent even where the seed is the same: an audit must not
    find the items again that were calibrated on.
    """
    text = f"{purpose}\x1f{seed}\x1f{item_id}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=_DRAW_BYTES).digest()
    return int.from_bytes(digest, "big") / _DRAW_RANGE
