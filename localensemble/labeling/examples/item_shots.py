"""Shots that differ between items: which examples each text gets.

Decides by the text alone, so that an item gets the same examples in every run, in every order and
on its own. Examples are never copies of the text, or nearly so; the pool holds no item of the study
(`shots`). The nearest example stands last, next to the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Example
from localensemble.core.identity import sha256_json, sha256_text
from localensemble.strategies.example_groups import group_centers
from localensemble.strategies.near_duplicates import are_near_duplicates, words_of
from localensemble.strategies.nearest_examples import choose, choose_balanced, nearest_first

ItemSelection = Literal["random", "retrieved", "balanced"]

_TEXTS_AT_ONCE = 1024


class TextEmbedder(Protocol):
    """Turns texts into vectors whose cosine tells how close they are.

    Attributes:
        name: what the ensemble file calls it.
        sha256: hash of its file.
    """

    @property
    def name(self) -> str:  # noqa: D102
        ...

    @property
    def sha256(self) -> str:  # noqa: D102
        ...

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return N vectors of length 1; zeros for a text without a word that it knows."""
        ...


@dataclass(frozen=True, slots=True)
class ChosenShot:
    """An example that one text gets: its id, and its cosine with the text if it was compared."""

    id: str
    cosine: float | None


@dataclass(frozen=True, slots=True, eq=False)
class ShotPool:
    """The P examples that one variable may choose from, sorted by id.

    Attributes:
        ids: the ids.
        examples: the texts with their categories.
        categories: (P,) the index of each one's category.
        words: the words of each text.
    """

    ids: tuple[str, ...]
    examples: tuple[Example, ...] = field(repr=False)
    categories: NDArray[np.int16]
    words: tuple[frozenset[str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Choice:
    rows: tuple[int, ...]
    cosines: tuple[float | None, ...]


class ItemShots:
    """The examples of each text, chosen when they are first asked for.

    Args:
        pools: variable -> its pool.
        select: ``retrieved`` takes the nearest; ``balanced`` the nearest of as many categories as
            possible; ``random`` draws.
        count: examples for each variable.
        seed: seed of the draw.
        embedder: makes the vectors; None for ``random``.
        groups: how many groups the pool is divided into. A text then gets the examples nearest to
            the center of the group that it is nearest to, so that texts that are alike share
            examples, and raters read these once for several texts. None compares each text.
    """

    def __init__(
        self,
        pools: Mapping[str, ShotPool],
        *,
        select: ItemSelection,
        count: int,
        seed: int,
        embedder: TextEmbedder | None,
        groups: int | None = None,
    ) -> None:
        self._groups = groups
        self._pools = pools
        self._select = select
        self._count = count
        self._seed = seed
        self._embedder = embedder
        self._chosen: dict[str, Mapping[str, _Choice]] = {}

    @cached_property
    def sha256(self) -> str:
        """The hash of everything that decides which examples a text gets."""
        return sha256_json(
            {
                "select": self._select,
                "n": self._count,
                "seed": self._seed if self._select == "random" else None,
                "embedder": None if self._embedder is None else self._embedder.sha256,
                "groups": self._groups,
                "pools": {
                    name: [[one.text, one.category] for one in pool.examples]
                    for name, pool in self._pools.items()
                },
            }
        )

    @property
    def identity(self) -> tuple[tuple[str, str], ...]:
        """What a rater's identity says about its shots."""
        return (("shots", f"{self._select} {self._count}"), ("shots_sha256", self.sha256))

    @property
    def pools(self) -> Mapping[str, ShotPool]:
        """The pool of each variable."""
        return self._pools

    def prepare(self, texts: Iterable[str]) -> None:
        """Choose the examples of many texts, which is faster than one at a time."""
        wanted = {sha256_text(text): text for text in texts if text}
        new = [text for key, text in wanted.items() if key not in self._chosen]
        for start in range(0, len(new), _TEXTS_AT_ONCE):
            self._choose(new[start : start + _TEXTS_AT_ONCE])

    def examples(self, variable: str, text: str) -> tuple[Example, ...]:
        """Return the examples of a text in the order of the prompt: the nearest stands last."""
        pool = self._pools.get(variable)
        if pool is None or not text:
            return ()
        return tuple(pool.examples[row] for row in self._choice(variable, text).rows[::-1])

    def chosen(self, variable: str, text: str) -> tuple[ChosenShot, ...]:
        """Return which examples a text gets, in the order of the prompt."""
        pool = self._pools.get(variable)
        if pool is None or not text:
            return ()
        found = self._choice(variable, text)
        pairs = zip(found.rows[::-1], found.cosines[::-1], strict=True)
        return tuple(ChosenShot(pool.ids[row], cosine) for row, cosine in pairs)

    def _choice(self, variable: str, text: str) -> _Choice:
        key = sha256_text(text)
        if key not in self._chosen:
            self._choose([text])
        return self._chosen[key][variable]

    def _choose(self, texts: Sequence[str]) -> None:
        vectors = None if self._embedder is None else self._embedder.vectors(texts)
        for place, text in enumerate(texts):
            words = words_of(text)
            vector = None if vectors is None else vectors[place]
            self._chosen[sha256_text(text)] = {
                name: self._of_pool(name, pool, text, words, vector)
                for name, pool in self._pools.items()
            }

    def _of_pool(
        self,
        name: str,
        pool: ShotPool,
        text: str,
        words: frozenset[str],
        vector: NDArray[np.float64] | None,
    ) -> _Choice:
        def allowed(row: int) -> bool:
            return not are_near_duplicates(words, pool.words[row])

        if vector is None:
            rows = choose(self._drawn(name, pool, text), count=self._count, allowed=allowed)
            return _Choice(rows, (None,) * len(rows))
        cosines = self._pool_vectors[name] @ vector
        ranked = nearest_first(cosines)
        if self._groups is not None:
            ranked = self._ranked_of_group(name, vector)
        if self._select == "balanced":
            rows = choose_balanced(
                ranked, categories=pool.categories, count=self._count, allowed=allowed
            )
        else:
            rows = choose(ranked.tolist(), count=self._count, allowed=allowed)
        return _Choice(rows, tuple(float(cosines[row]) for row in rows))

    def _ranked_of_group(self, name: str, vector: NDArray[np.float64]) -> NDArray[np.intp]:
        """Rank a pool by nearness to the center of the group that a text is nearest to."""
        centers = self._centers[name]
        group = int(nearest_first(centers @ vector)[0])
        return nearest_first(self._pool_vectors[name] @ centers[group])

    def _drawn(self, name: str, pool: ShotPool, text: str) -> Iterator[int]:
        """Yield the rows of a pool in an order that the seed, the variable and the text decide."""
        left = list(range(len(pool.ids)))
        key = f"{self._seed} {name} {sha256_text(text)}"
        while left:
            place = int(sha256_text(f"{key} {len(left)}"), 16) % len(left)
            # The last takes the place of the drawn one, so that a draw costs the same in any pool.
            left[place], left[-1] = left[-1], left[place]
            yield left.pop()

    @cached_property
    def _centers(self) -> Mapping[str, NDArray[np.float64]]:
        groups = self._groups or 1
        return {
            name: group_centers(vectors, count=groups)
            for name, vectors in self._pool_vectors.items()
        }

    @cached_property
    def _pool_vectors(self) -> Mapping[str, NDArray[np.float64]]:
        if self._embedder is None:
            return {}
        texts = list(
            dict.fromkeys(one.text for pool in self._pools.values() for one in pool.examples)
        )
        vectors = self._embedder.vectors(texts)
        row_of = {text: row for row, text in enumerate(texts)}
        return {
            name: vectors[[row_of[one.text] for one in pool.examples]]
            for name, pool in self._pools.items()
        }
