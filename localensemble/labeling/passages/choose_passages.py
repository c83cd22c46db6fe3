"""Let a rater choose the pieces of a text that show a topic; it writes nothing.

Every piece is scored as the response to two prompts: quote what shows the topic, and quote any
words. The difference of the log-probabilities is how much more the model would quote a piece
because of the topic; its length and how usual its words are cancel out. No quote can be invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from localensemble.codebook.model import Variable
from localensemble.core.identity import canonical_json
from localensemble.engines.protocol import Engine, ScoreFailure, Scores
from localensemble.ledger.records import ItemPassages, Passage
from localensemble.prompting.quote_prompt import QUOTING_SHA256, quoting_prompt
from localensemble.strategies.relevancy.text_pieces import Place, text_pieces

MOST_PASSAGES = 3
_PART_OF_BEST = 0.5
_UNSEEN = "unseen: the engine does not tell how probable a quote is"


def choosing_method(*, embedder_sha256: str) -> str:
    """Return everything that decides which passages are chosen, and their score."""
    return canonical_json(
        {
            "strategy": "relevancy",
            "pieces": "punctuation/v1",
            "prompt_sha256": QUOTING_SHA256,
            "most": MOST_PASSAGES,
            "embedder_sha256": embedder_sha256,
        }
    )


def choose_passages(
    engine: Engine, text: str, topics: Sequence[Variable]
) -> Mapping[str, ItemPassages]:
    """Return the passages of one text that show each topic, the best first, without a score.

    A text of one piece is quoted without asking; one without a letter has none.
    """
    places: dict[str, Place] = {}
    for start, stop in text_pieces(text):
        places.setdefault(text[start:stop], (start, stop))
    pieces = tuple(places)
    if len(pieces) < 2:
        only = ItemPassages(tuple(Passage(*place) for place in places.values()))
        return {topic.name: only for topic in topics}
    prompts = [quoting_prompt(text, about=topic) for topic in (None, *topics)]
    unasked, *asked = engine.score(prompts, [pieces] * len(prompts))
    return {
        topic.name: _chosen(unasked, found, [places[piece] for piece in pieces])
        for topic, found in zip(topics, asked, strict=True)
    }


def _chosen(
    unasked: Scores | ScoreFailure, found: Scores | ScoreFailure, places: Sequence[Place]
) -> ItemPassages:
    if isinstance(unasked, ScoreFailure):
        return ItemPassages(reason=unasked.reason)
    if isinstance(found, ScoreFailure):
        return ItemPassages(reason=found.reason)
    if any(unasked.censored) or any(found.censored):
        return ItemPassages(reason=_UNSEEN)
    gains = np.array(found.log_probabilities) - np.array(unasked.log_probabilities)
    gains = np.nan_to_num(gains, nan=-np.inf, posinf=np.inf)
    order = np.argsort(-gains, kind="stable")[:MOST_PASSAGES]
    best = gains[order[0]]
    kept = [
        place for place in order if place == order[0] or gains[place] > max(0, _PART_OF_BEST * best)
    ]
    return ItemPassages(tuple(Passage(*places[place]) for place in kept))
