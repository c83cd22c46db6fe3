"""Score categories by how close their descriptions are to a text, without any training.

A category is described in several phrasings: its name, "name: definition", its definition,
and its examples. An encoder turns each into a vector; the mean of their cosines with the text's
vector is the category's score, and a softmax turns the scores of a variable into probabilities.
The prompt's wording plays no part. A text that is longer than the encoder was made for is
cut into parts, and for each category the part that is closest to it counts: nothing is left out.

The encoder knows topics. Whether a finding is negated, or a comment is friendly, is mostly not
in its vectors.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from localensemble.core.identity import sha256_text
from localensemble.core.prompts import CategoryText, Prompt
from localensemble.engines.llama_cpp.embedding import LlamaEmbedder
from localensemble.engines.protocol import (
    EngineDescription,
    OnScored,
    ScoreFailure,
    Scores,
    Usage,
    score_all,
)
from localensemble.engines.settings import EngineSettings
from localensemble.engines.text_scoring import refused_text, score_by_text

Vectors = NDArray[np.float64]

_REMEMBERED_CATEGORIES = 4096
TEMPERATURE = 0.05
"""The encoder was trained with cosines times 20, which is this temperature."""

_DEFAULT_CONTEXT = 4096
# The two that the encoder puts around every text.
_MARKS = 2


class EmbeddingEngine:
    """An encoder that reads the codebook, in this process.

    Args:
        settings: ``context_tokens`` is the most tokens of a text, all its parts together.

    Raises:
        EngineUnavailableError: llama-cpp-python is not installed.
        ModelFileError: the file is missing, damaged, or not a known encoder.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._embedder = LlamaEmbedder(settings)
        self._context = settings.context_tokens or _DEFAULT_CONTEXT
        self._categories: dict[CategoryText, Vectors | None] = {}
        self._prompt_tokens = 0

    def describe(self) -> EngineDescription:
        """Describe what runs here."""
        encoder = self._embedder.describe()
        settings = {
            **dict(encoder.settings),
            "categories": "name; name: definition; definition; examples as much as these",
            "long_texts": "closest part",
            "temperature": f"{TEMPERATURE:g}",
        }
        return replace(
            encoder,
            engine="embedding",
            chat_template_sha256=sha256_text(""),
            context_tokens=self._context,
            settings=tuple(sorted(settings.items())),
        )

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Count the tokens of each text, without the marks around it."""
        return tuple(map(self._embedder.count, texts))

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
    ) -> tuple[Scores | ScoreFailure, ...]:
        """Score each prompt's categories by the item in it.

        Every text gets one of the categories, so nothing is off the codebook. A text without
        words is equally close to all.

        A prompt fails on its own, with one of the reasons ``too_long``, ``not_text``,
        ``unknown_words`` and ``answers`` (the encoder knows no word of a category).
        """
        return score_all(self, prompts, answers)

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        """Score some of the prompts, and report each text with all its variables at once."""
        score_by_text(
            prompts,
            answers,
            wanted,
            read=self._item_vectors,
            score=self._scored,
            on_scored=on_scored,
        )

    def usage(self) -> Usage:
        """Report the work done so far; a text is evaluated once for all variables."""
        return replace(self._embedder.usage(), prompt_tokens=self._prompt_tokens)

    def close(self) -> None:
        """Release the model."""
        self._embedder.close()

    def _scored(
        self, prompt: Prompt, names: Sequence[str], vectors: Vectors | ScoreFailure
    ) -> Scores | ScoreFailure:
        if isinstance(vectors, ScoreFailure):
            return vectors
        categories = self._category_vectors(names, {one.name: one for one in prompt.categories})
        if categories is None:
            return ScoreFailure("answers: the model knows no word of a category")
        tokens = self._embedder.count(prompt.item) + _MARKS * max(1, len(vectors))
        self._prompt_tokens += tokens
        return _scores(vectors, categories, tokens)

    def _item_vectors(self, text: str) -> Vectors | ScoreFailure:
        """Return a vector for each part of a text; none for a text without words."""
        refused = refused_text(text, count=self._embedder.count, most=self._context)
        if refused is not None:
            return refused
        (vectors,) = self._embedder.embed_parts([text])
        return (
            ScoreFailure(f"unknown_words: all {self._embedder.count(text)}")
            if vectors is None
            else vectors
        )

    def _category_vectors(
        self, names: Sequence[str], described: Mapping[str, CategoryText]
    ) -> Vectors | None:
        rows = []
        for name in names:
            category = described.get(name, CategoryText(name))
            if category not in self._categories:
                if len(self._categories) >= _REMEMBERED_CATEGORIES:
                    # Shots of each text make a category another one for nearly every text.
                    self._categories.clear()
                self._categories[category] = self._category_vector(category)
            row = self._categories[category]
            if row is None:
                return None
            rows.append(row)
        return np.array(rows)

    def _category_vector(self, category: CategoryText) -> Vectors | None:
        """Return the mean of the phrasings' vectors, so that a product is a mean of cosines."""
        name = category.name.replace("_", " ")
        phrasings = [name, f"{name}: {category.definition}", category.definition]
        means = [
            mean
            for texts in (phrasings if category.definition else [name], category.examples)
            if (mean := self._mean_of(texts)) is not None
        ]
        return np.mean(means, axis=0) if means else None

    def _mean_of(self, texts: Sequence[str]) -> Vectors | None:
        found = self._embedder.embed_parts(texts)
        known = [vectors.mean(axis=0) for vectors in found if vectors is not None and len(vectors)]
        return np.mean(known, axis=0) if known else None


def _scores(vectors: Vectors, categories: Vectors, tokens: int) -> Scores:
    if len(vectors):
        scaled = (vectors @ categories.T).max(axis=0) / TEMPERATURE
    else:
        scaled = np.zeros(len(categories))
    best = float(scaled.max())
    total = best + math.log(math.fsum(np.exp(scaled - best)))
    return Scores(
        log_probabilities=tuple(min(0.0, float(value) - total) for value in scaled),
        off_codebook_mass=0.0,
        prompt_tokens=tokens,
    )
