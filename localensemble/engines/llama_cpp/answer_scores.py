"""Evaluate tails on a model and read their answers, batched or strictly one by one.

Works on anything that evaluates batches and has a cache; decides what is evaluated when, reports
each tail when its last number is read, and leaves the cache in a state that the next call can
use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
    Retreat,
    Step,
    Tail,
    needed_steps,
    path_batch,
    plan_steps,
)
from localensemble.engines.protocol import ScoringMode

Head = tuple[int, ...]
Numbers = NDArray[np.float64]
# Called with the logits of the next token; returns it, or None to end.
Choose = Callable[[NDArray[np.float32]], int | None]
# Called with tails whose paths are all read, and the results so far.
OnRead = Callable[[Sequence[Tail], Numbers], None]


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

    def score(
        self,
        groups: Mapping[Head, Sequence[Tail]],
        *,
        wanted: NDArray[np.bool_],
        on_read: OnRead,
    ) -> None:
        """Read the log-probability of every path of the tails that are wanted.

        The digits depend on the groups alone, not on what was scored before or is wanted.

        Args:
            groups: all tails, by head.
            wanted: for each slot that the tails name, whether its number is wanted; a tail is
                wanted with all its slots.
            on_read: called with tails that are wanted, each once, and the numbers of all slots.
        """
        results = np.zeros(len(wanted), dtype=np.float64)
        for head, tails in groups.items():
            if self._mode == "strict":
                self._score_strictly(head, tails, wanted, results, on_read)
            else:
                self._score_batched(head, tails, wanted, results, on_read)

    def continued(self, head: Head, tail: Head, *, at_most: int, choose: Choose) -> bool:
        """Continue a prompt with the token that is chosen, again and again.

        Args:
            head: the beginning of the prompt, which stays in the cache; empty keeps nothing.
            tail: the rest of the prompt, at least one token.
            at_most: the most tokens to choose.
            choose: called with the logits; returns the next token, or None to end.

        Returns:
            Whether it ended before the most tokens.
        """
        keeps = bool(head) and self._mode != "strict"
        try:
            if not keeps:
                self._cache.forget()
                head, tail = (), head + tail
            elif not self._cache.recall(head):
                self._evaluate(path_batch(head, first_output=len(head)))
                self._cache.keep(head)
            batch = path_batch(tail, first_output=len(tail) - 1)
            length = len(head)
            for _ in range(at_most):
                places = np.arange(length, length + len(batch.tokens), dtype=np.int32)
                self._evaluate(replace(batch, positions=places))
                length += len(batch.tokens)
                token = choose(self._evaluator.logits(1)[0])
                if token is None:
                    break
                batch = path_batch([token], first_output=0)
            if keeps:
                self._cache.retreat()
            return token is None
        except BaseException:
            keeps = False
            raise
        finally:
            if not keeps:
                self._cache.forget()

    def _score_batched(
        self,
        head: Head,
        tails: Sequence[Tail],
        wanted: NDArray[np.bool_],
        results: Numbers,
        on_read: OnRead,
    ) -> None:
        cache = self._cache
        steps = needed_steps(
            plan_steps(
                tails, head_length=len(head), limits=self._limits, cache_tokens=self._cache_tokens
            ),
            wanted,
        )
        if not steps:
            return
        asked = [tail for tail in tails if wanted[tail.slot]]
        complete_after = _by_last_step(steps, asked, slots=len(wanted))
        try:
            if not cache.recall(head):
                if head:
                    self._evaluate(path_batch(head, first_output=len(head)))
                cache.keep(head)
            for number, step in enumerate(steps):
                if isinstance(step, Decode):
                    cache.share(step.batch.path_count)
                    self._read(step.batch, results)
                    cache.retreat()
                elif isinstance(step, Extend):
                    self._read(step.batch, results)
                    cache.extend(len(step.batch.tokens))
                else:
                    cache.retreat(layers=1)
                if number in complete_after:
                    on_read(complete_after[number], results)
        except BaseException:
            # Interrupted or failed: the content of the cache is unknown.
            cache.forget()
            raise

    def _score_strictly(
        self,
        head: Head,
        tails: Sequence[Tail],
        wanted: NDArray[np.bool_],
        results: Numbers,
        on_read: OnRead,
    ) -> None:
        for tail in tails:
            if not wanted[tail.slot]:
                continue
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
            on_read((tail,), results)

    def _read(self, batch: Batch, results: Numbers) -> None:
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

    def _log_probabilities(self, rows: int, at: NDArray[Any], tokens: NDArray[Any]) -> Numbers:
        """Read the log-probability of each token at its row of the last evaluation."""
        started = time.perf_counter()
        logits = self._evaluator.logits(rows)
        read: Numbers = logits[at, tokens] - log_normalizers(logits)[at]
        self.seconds += time.perf_counter() - started
        return read


def _by_last_step(
    steps: Sequence[Step], tails: Sequence[Tail], *, slots: int
) -> dict[int, list[Tail]]:
    """Group tails by the number of the step that reads the last of their numbers."""
    last = np.full(slots, -1)
    for number, step in enumerate(steps):
        if not isinstance(step, Retreat):
            last[step.batch.read_slots] = number
    by_step: dict[int, list[Tail]] = {}
    for tail in tails:
        number = int(last[tail.slot : tail.slot + tail.plan.path_count].max())
        by_step.setdefault(number, []).append(tail)
    return by_step
