"""The raters that cause a reason to escalate, so that the reason can name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from localensemble.core.words import listed

# Nobody reads a sentence with more names.
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Causes:
    """Which of R raters cause a reason on each of N items.

    Attributes:
        raters: the names of the raters.
        packed: uint8 (N, ceil(R / 8)); one bit per rater, because this is kept for every item.
        predicate: what these raters did: "gave no label".
        opening: what the sentence says before their names; often empty.
    """

    raters: tuple[str, ...]
    packed: NDArray[np.uint8]
    predicate: str
    opening: str = ""

    @classmethod
    def of(
        cls,
        raters: Sequence[str],
        *,
        masks: NDArray[np.bool_],
        predicate: str,
        opening: str = "",
    ) -> Causes:
        """Keep the raters that cause a reason: ``masks`` is (N, R), True where one does."""
        return cls(tuple(raters), np.packbits(masks, axis=1), predicate, opening)

    def without(self, items: NDArray[np.bool_]) -> Causes:
        """Forget the causes on some items: ``items`` is (N,), True for these."""
        return replace(self, packed=np.where(items[:, None], np.uint8(0), self.packed))

    def text(self, item: int) -> str:
        """Name the raters that cause the reason on one item; "" if none does."""
        found = np.unpackbits(self.packed[item], count=len(self.raters))
        return self._sentence([self.raters[column] for column in np.flatnonzero(found)])

    def caused_by(self, rater: str) -> NDArray[np.bool_]:
        """Return the items on which a rater causes the reason: (N,)."""
        column = self.raters.index(rater)
        found: NDArray[np.bool_] = self.packed[:, column // 8] & np.uint8(128 >> column % 8) > 0
        return found

    def summary(self) -> str:
        """Name the raters that cause the reason on any item, each with its number of items.

        One rater alone needs no number: that of the reason is its own.
        """
        counts = [int(np.count_nonzero(self.caused_by(rater))) for rater in self.raters]
        found = [(count, rater) for count, rater in zip(counts, self.raters, strict=True) if count]
        if len(found) == 1:
            return self._sentence([found[0][1]])
        if len(found) > _MOST_NAMED:
            found.sort(key=lambda one: -one[0])
        return self._sentence([f"{name} ({count:,})" for count, name in found])

    def _sentence(self, names: Sequence[str]) -> str:
        if not names:
            return ""
        if len(names) > _MOST_NAMED:
            rest = len(names) - _MOST_NAMED
            others = f"{rest:,} other rater{'s' if rest > 1 else ''}"
            names = (*names[:_MOST_NAMED], others)
        return f"{self.opening}{listed(names)} {self.predicate}"


def joined_causes(parts: Sequence[Causes | None]) -> Causes | None:
    """Join the causes of one reason on successive blocks of items."""
    held = [part for part in parts if part is not None]
    if not held:
        return None
    first = held[0]
    packed = np.concatenate([part.packed for part in held])
    return Causes(first.raters, packed, first.predicate, first.opening)
