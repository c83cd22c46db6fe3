"""Ask one rater for the passages behind its yes, item by item, and record them as they come.

Only what is missing is recorded, but an item's topics are always asked about together: so a run
that was killed goes on with the same digits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.core.items import Item
from localensemble.engines.protocol import Engine
from localensemble.labeling.passages.choose_passages import choose_passages
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import AskedForPassages, ItemPassages
from localensemble.strategies.relevancy.relevancy_score import Embedder, cosines_to

# A crash loses at most so many items.
_ITEMS_AT_A_TIME = 16
_DIGITS = 6


@dataclass(frozen=True, slots=True, eq=False)
class YesCells:
    """Where one rater says yes.

    Attributes:
        asked: by name of a topic, under which key its passages are recorded.
        is_yes: by name of a topic, (N,) whether the rater says yes.
        missing: by name of a topic, (N,) whether passages are still to record.
    """

    asked: Mapping[str, AskedForPassages]
    is_yes: Mapping[str, NDArray[np.bool_]]
    missing: Mapping[str, NDArray[np.bool_]]

    @property
    def positions(self) -> NDArray[np.int64]:
        """The positions of the items with something to record."""
        return np.flatnonzero(np.logical_or.reduce(list(self.missing.values())))


@dataclass(frozen=True, slots=True)
class Scoring:
    """How passages are scored.

    Attributes:
        embedder: turns texts into vectors.
        baselines: by name of a topic, the cosine of the empty string to its description.
    """

    embedder: Embedder
    baselines: Mapping[str, float]


def ask_for_passages(
    engine: Engine,
    items: Iterator[Item],
    *,
    topics: Sequence[Variable],
    cells: YesCells,
    ledger: Ledger,
    scoring: Scoring,
    on_items: Callable[[int], None] = lambda count: None,
) -> None:
    """Record the passages that a rater lacks; what is found is chosen from the texts.

    Args:
        items: those at ``cells.positions``, in order.
        on_items: called with the number of items done at a time.
    """
    while chunk := [item for _, item in zip(range(_ITEMS_AT_A_TIME), items, strict=False)]:
        started = time.perf_counter()
        found: dict[str, dict[int, ItemPassages]] = {topic.name: {} for topic in topics}
        for item in chunk:
            wanted = [topic for topic in topics if cells.is_yes[topic.name][item.position]]
            for name, passages in choose_passages(engine, item.text, wanted).items():
                if cells.missing[name][item.position]:
                    found[name][item.position] = passages
        texts = {item.position: item.text for item in chunk}
        scored = {topic.name: _scored(found[topic.name], texts, topic, scoring) for topic in topics}
        count = sum(map(len, scored.values()))
        seconds = time.perf_counter() - started
        for name, column in scored.items():
            ledger.append_passages(
                column, asked=cells.asked[name], seconds=seconds * len(column) / max(count, 1)
            )
        on_items(len(chunk))


def _scored(
    found: Mapping[int, ItemPassages],
    texts: Mapping[int, str],
    topic: Variable,
    scoring: Scoring,
) -> dict[int, ItemPassages]:
    """Score every passage: its cosine to the topic's definition, over the baseline."""
    quotes = [
        texts[at][one.start : one.stop] for at, all_ in found.items() for one in all_.passages
    ]
    if topic.yes is None or not quotes:
        return dict(found)
    cosines = iter(cosines_to(topic.yes.definition, quotes, embedder=scoring.embedder))
    baseline = scoring.baselines[topic.name]
    return {
        at: replace(
            all_,
            passages=tuple(
                replace(one, score=_rounded(next(cosines) - baseline)) for one in all_.passages
            ),
        )
        for at, all_ in found.items()
    }


def _rounded(score: float) -> float | None:
    """Return a score without digits that differ between machines; None without a vector."""
    return None if np.isnan(score) else round(score, _DIGITS) + 0.0
