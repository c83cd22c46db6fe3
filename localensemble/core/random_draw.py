"""Draw items at random, depending only on a seed and the item's id."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

DrawPurpose = Literal[
    "sample", "audit", "double_coding", "control", "existing", "replay", "labeled_by_all", "chain"
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


def drawn_share(
    candidates: NDArray[np.bool_],
    *,
    item_ids: Sequence[str],
    share: float,
    seed: int,
    purpose: DrawPurpose,
) -> NDArray[np.bool_]:
    """Draw a share of some items, rounded up: bool (N,).

    The draw does not depend on the order of the items.

    Args:
        candidates: bool (N,); the items to draw from.
        item_ids: the N ids.
        share: the share of the candidates to draw, from 0 to 1.
        seed: another seed draws other items.
        purpose: what the draw is for.
    """
    drawn = np.zeros_like(candidates)
    places = np.flatnonzero(candidates)
    # Rounded first: 0.1 * 30 is a little more than 3.
    size = math.ceil(round(share * len(places), 9))
    draws = random_draws([item_ids[place] for place in places.tolist()], seed=seed, purpose=purpose)
    drawn[places[np.argsort(draws, kind="stable")[:size]]] = True
    return drawn


def labeled_by_all(item_ids: Sequence[str], *, share: float, seed: int) -> NDArray[np.bool_]:
    """Draw the items that every rater labels, although a strategy leaves out others: (N,)."""
    drawn: NDArray[np.bool_] = random_draws(item_ids, seed=seed, purpose="labeled_by_all") < share
    return drawn
