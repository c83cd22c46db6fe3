"""The raters, or the signs in a text, that cause a reason to escalate: the reason names them."""

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
    """Which of R raters, or of R signs in a text, cause a reason on each of N items.

    Attributes:
        names: the names of the raters, or the signs in words.
        packed: uint8 (N, ceil(R / 8)); one bit per name, because this is kept for every item.
        predicate: what these raters did: "gave no label"; empty for signs.
        opening: what the sentence says before the names; often empty.
        are_raters: whether the names are those of raters, which a reviewer must not see.
    """

    names: tuple[str, ...]
    packed: NDArray[np.uint8]
    predicate: str
    opening: str = ""
    are_raters: bool = True

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

    @classmethod
    def of_signs(cls, signs: Sequence[str], *, masks: NDArray[np.bool_], opening: str) -> Causes:
        """Keep the signs that a text has: ``masks`` is (N, R), True where it has one."""
        packed = np.packbits(masks, axis=1)
        return cls(tuple(signs), packed, predicate="", opening=opening, are_raters=False)

    def without(self, items: NDArray[np.bool_]) -> Causes:
        """Forget the causes on some items: ``items`` is (N,), True for these."""
        return replace(self, packed=np.where(items[:, None], np.uint8(0), self.packed))

    def text(self, item: int) -> str:
        """Name what causes the reason on one item; "" if nothing does."""
        found = np.unpackbits(self.packed[item], count=len(self.names))
        return self._sentence([self.names[column] for column in np.flatnonzero(found)])

    def caused_by(self, name: str) -> NDArray[np.bool_]:
        """Return the items on which one rater, or one sign, causes the reason: (N,)."""
        column = self.names.index(name)
        found: NDArray[np.bool_] = self.packed[:, column // 8] & np.uint8(128 >> column % 8) > 0
        return found

    def summary(self) -> str:
        """Name what causes the reason on any item, each with its number of items.

        One name alone needs no number: that of the reason is its own.
        """
        counts = [int(np.count_nonzero(self.caused_by(name))) for name in self.names]
        found = [(count, name) for count, name in zip(counts, self.names, strict=True) if count]
        if len(found) == 1:
            return self._sentence([found[0][1]])
        if len(found) > self._most_named:
            found.sort(key=lambda one: -one[0])
        return self._sentence([f"{name} ({count:,})" for count, name in found])

    def _sentence(self, names: Sequence[str]) -> str:
        if not names:
            return ""
        if len(names) > self._most_named:
            rest = len(names) - self._most_named
            others = f"{rest:,} other rater{'s' if rest > 1 else ''}"
            names = (*names[: self._most_named], others)
        return f"{self.opening}{listed(names)} {self.predicate}".rstrip()

    @property
    def _most_named(self) -> int:
        # There are few signs.
        return _MOST_NAMED if self.are_raters else len(self.names)


def joined_causes(parts: Sequence[Causes | None]) -> Causes | None:
    """Join the causes of one reason on successive blocks of items."""
    held = [part for part in parts if part is not None]
    if not held:
        return None
    first = held[0]
    return replace(first, packed=np.concatenate([part.packed for part in held]))
