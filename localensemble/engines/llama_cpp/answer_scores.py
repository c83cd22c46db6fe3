"""Evaluate tails on a model and read their answers, batched or strictly one by one.

Works on anything that evaluates batches and has a cache; decides what is evaluated when,
and leaves the cache in a state that the next call can use.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from localensemble.engines.llama_cpp.answer_plan import BatchLimits
from localensemble.engines.llama_cpp.head_cache import HeadCache, SequenceStore
from localensemble.engines.llama_cpp.log_softmax import log_normalizers
from localensemble.engines.llama_cpp.prefix_tree import (
    Batch,
    Decode,
    Extend,
    Tail,
    path_batch,
    plan_steps,
)
from localensemble.engines.protocol import ScoringMode

Head = tuple[int, ...]


class Evaluator(SequenceStore, Protocol):
    """A model with a cache."""

    def decode(self, batch: Batch) -> None:
        """Evaluate a batch on top of what the cache holds."""
        ...

    def logits(self, rows: int) -> NDArray[np.float32]:
        """Return the logits of the last batch, one row for each output."""
        ...


class Scorer:
    """Scores the tails of prompts grouped by head.

    Attributes:
        evaluated_tokens: tokens the model has computed so far.
        seconds: time spent in the model and in reading it.
    """

    def __init__(
        self, evaluator: Evaluator, *, mode: ScoringMode, limits: BatchLimits, cache_tokens: int
    ) -> None:
        self.evaluated_tokens = 0
        self.seconds = 0.0
        self._evaluator = evaluator
        self._mode = mode
        self._limits = limits
        self._cache_tokens = cache_tokens
        self._cache = HeadCache(evaluator)

    def score(self, groups: Mapping[Head, Sequence[Tail]], *, slots: int) -> NDArray[np.float64]:
        """Return the log-probability of every path of every plan, at the slots the tails name.

        The digits depend on the groups alone, not on what was scored before.
        """
        results = np.zeros(slots, dtype=np.float64)
        for head, tails in groups.items():
            if self._mode == "strict":
                self._score_strictly(head, tails, results)
            else:
                self._score_batched(head, tails, results)
        return results

    def _score_batched(
        self, head: Head, tails: Sequence[Tail], results: NDArray[np.float64]
    ) -> None:
        cache = self._cache
        steps = plan_steps(
            tails, head_length=len(head), limits=self._limits, cache_tokens=self._cache_tokens
        )
        try:
            if not cache.recall(head):
                if head:
                    self._evaluate(path_batch(head, first_output=len(head)))
                cache.keep(head)
            for step in steps:
                if isinstance(step, Decode):
                    cache.share(step.batch.path_count)
                    self._read(step.batch, results)
                    cache.retreat()
                elif isinstance(step, Extend):
                    self._read(step.batch, results)
                    cache.extend(len(step.batch.tokens))
                else:
                    cache.retreat(layers=1)
        except BaseException:
            # Interrupted or failed: the content of the cache is unknown.
            cache.forget()
            raise

    def _score_strictly(
        self, head: Head, tails: Sequence[Tail], results: NDArray[np.float64]
    ) -> None:
        for tail in tails:
            prompt = head + tail.tokens
            # Paths read off the same evaluation; the others get their own.
            by_evaluation: dict[tuple[int, ...], list[int]] = {}
            for index, path in enumerate(tail.plan.paths):
                by_evaluation.setdefault(path[:-1], []).append(index)
            for inner, members in by_evaluation.items():
                self._cache.forget()
                self._evaluate(path_batch(prompt + inner, first_output=len(prompt) - 1))
                rows = np.arange(len(inner) + 1)
                tokens = np.array([tail.plan.paths[index] for index in members])
                read = self._log_probabilities(len(rows), rows, tokens)
                for index, logs in zip(members, read, strict=True):
                    results[tail.slot + index] = logs.sum()

    def _read(self, batch: Batch, results: NDArray[np.float64]) -> None:
        """Evaluate a batch and add its readings to the results."""
        self._evaluate(batch)
        rows = int(np.count_nonzero(batch.outputs))
        if rows:
            read = self._log_probabilities(rows, batch.read_rows, batch.read_tokens)
            np.add.at(results, batch.read_slots, read)

    def _evaluate(self, batch: Batch) -> None:
        started = time.perf_counter()
        self._evaluator.decode(batch)
        self.seconds += time.perf_counter() - started
        self.evaluated_tokens += len(batch.tokens)

    def _log_probabilities(
        self, rows: int, at: NDArray[Any], tokens: NDArray[Any]
    ) -> NDArray[np.float64]:
        """Read the log-probability of each token at its row of the last evaluation."""
        started = time.perf_counter()
        logits = self._evaluator.logits(rows)
        read: NDArray[np.float64] = logits[at, tokens] - log_normalizers(logits)[at]
        self.seconds += time.perf_counter() - started
        return read
