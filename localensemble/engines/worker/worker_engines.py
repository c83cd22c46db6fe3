"""The engines and the encoder that live in another process.

Each checks that what comes back answers what was asked: the other process reads files from
strangers, and whoever takes it over must not get further.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from localensemble.core.prompts import Prompt
from localensemble.engines.llama_cpp.embedding import EmbeddingFailure
from localensemble.engines.protocol import (
    OnScored,
    OwnWords,
    Quotes,
    ScoreFailure,
    Scores,
    refuse_unequal,
)
from localensemble.engines.worker.requests import Request
from localensemble.engines.worker.responses import Report
from localensemble.engines.worker.running_worker import Worker


class WorkerEngine(Worker):
    """An engine in a child process: llama.cpp's, if a subclass names no other."""

    _opened = "localensemble.engines.llama_cpp.engine:LlamaCppEngine"

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Count the tokens of each text."""
        value = self._call(Request("count_tokens", texts=tuple(texts)))
        if not isinstance(value, tuple) or len(value) != len(texts):
            raise self._malformed("it counts more or fewer texts than were sent")
        return tuple(one for one in value if isinstance(one, int))

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
    ) -> tuple[Scores | ScoreFailure, ...]:
        """Score each prompt's answers."""
        refuse_unequal(prompts, answers)
        value = self._call(Request("score", prompts=tuple(prompts), answers=tuple(answers)))
        results = tuple(
            one
            for one in (value if isinstance(value, tuple) else ())
            if isinstance(one, Scores | ScoreFailure)
        )
        if len(results) != len(prompts) or not all(map(_answers, results, answers)):
            raise self._malformed("its scores are not those of the answers")
        return results

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        """Score some prompts' answers, and report them while the child works."""
        refuse_unequal(prompts, answers)
        left = set(wanted)

        def check(report: Report) -> None:
            results = report.results
            if not results.keys() <= left or not all(
                _answers(one, answers[index]) for index, one in results.items()
            ):
                raise self._malformed("it reports scores that were not asked for")
            left.difference_update(results)
            on_scored(results)

        request = Request(
            "score_wanted",
            prompts=tuple(prompts),
            answers=tuple(answers),
            wanted=frozenset(wanted),
        )
        self._call(request, check)
        if left:
            raise self._malformed("it leaves out scores that were asked for")


class WorkerWritingEngine(WorkerEngine):
    """An engine in a child process whose model can also write a response and quote."""

    def write(self, prompt: Prompt, *, at_most: int) -> OwnWords | ScoreFailure:
        """Write the response to a prompt."""
        value = self._call(Request("write", prompts=(prompt,), at_most=at_most))
        if not isinstance(value, OwnWords | ScoreFailure):
            raise self._malformed("it wrote nothing")
        return value

    def quote(
        self, prompt: Prompt, *, text: str, categories: Sequence[str], at_most: int
    ) -> Quotes | ScoreFailure:
        """Quote passages of a text; refuse places outside of it and other categories."""
        request = Request(
            "quote",
            prompts=(prompt,),
            texts=(text,),
            answers=(tuple(categories),),
            at_most=at_most,
        )
        value = self._call(request)
        if not isinstance(value, Quotes | ScoreFailure):
            raise self._malformed("it quotes nothing")
        for one in value.quotes if isinstance(value, Quotes) else ():
            if one.stop > len(text) or one.category >= len(categories):
                raise self._malformed("it quotes what is not in the text")
        return value


class WorkerEmbeddingEngine(WorkerEngine):
    """An encoder that scores categories, in a child process."""

    _opened = "localensemble.engines.embedding.engine:EmbeddingEngine"


class WorkerProbeEngine(WorkerEngine):
    """A trained probe with its encoder, in a child process."""

    _opened = "localensemble.engines.probe.engine:ProbeEngine"


class WorkerEmbedder(Worker):
    """An encoder in a child process."""

    _opened = "localensemble.engines.llama_cpp.embedding:LlamaEmbedder"

    def embed(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], tuple[EmbeddingFailure | None, ...]]:
        """Return a vector for each text."""
        match self._call(Request("embed", texts=tuple(texts))):
            case (np.ndarray() as vectors, tuple(failures)) if len(vectors) == len(texts):
                return vectors, failures
        raise self._malformed("it has more or fewer vectors than texts")

    def embed_nothing(self) -> NDArray[np.float32]:
        """Return the vector of the empty string."""
        match self._call(Request("embed_nothing")):
            case (np.ndarray() as vectors, (None,)) if len(vectors) == 1:
                vector: NDArray[np.float32] = vectors[0]
                return vector
        raise self._malformed("it has no vector")

    def embed_parts(self, texts: Sequence[str]) -> tuple[NDArray[np.float64] | None, ...]:
        """Return the vectors of each text's parts."""
        value = self._call(Request("embed_parts", texts=tuple(texts)))
        parts = tuple(
            cast("NDArray[np.float64] | None", one)
            for one in (value if isinstance(value, tuple) else ())
            if one is None or (isinstance(one, np.ndarray) and one.dtype == np.float64)
        )
        if len(parts) != len(texts):
            raise self._malformed("it has more or fewer vectors than texts")
        return parts


def _answers(result: Scores | ScoreFailure, answers: tuple[str, ...]) -> bool:
    """Tell whether a result has one number for each answer."""
    return isinstance(result, ScoreFailure) or len(result.log_probabilities) == len(answers)
