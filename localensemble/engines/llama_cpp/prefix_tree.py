"""Find what prompts share and pack the rest into batches.

A prompt is a head, which its whole block shares and the engine keeps, and a tail. The tails
of a block form a tree: what several have in common (a long item under ten questions) is one
node, evaluated once. `plan_steps` turns the tree into steps an engine can execute with a
cache that can only grow and be cut back:

* `Decode` evaluates whole subtrees of many prompts at once and forgets them;
* `Extend` evaluates one node that is too large to go with its subtree, and keeps it;
* `Retreat` cuts the cache back to where it was before an `Extend`.

The steps depend only on the prompts, so the same call is always computed the same way. If only
some results are wanted, `needed_steps` leaves out whole steps and repacks nothing. Pure
Python and numpy, independent of any model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from localensemble.engines.llama_cpp.answer_plan import AnswerPart, AnswerPlan, BatchLimits, Indices

# Prompts that begin with fewer common tokens are kept apart: sharing two or three saves
# nothing and would only tie unrelated items to one batch.
_SHARED_MINIMUM = 16


@dataclass(frozen=True, slots=True)
class Tail:
    """What one prompt adds to the head, and where its answers' numbers go.

    Attributes:
        tokens: the tokens, at least one.
        plan: how its answers are read.
        slot: index of the plan's path 0 in the flat array of results; path k has slot + k.
    """

    tokens: tuple[int, ...]
    plan: AnswerPlan
    slot: int


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Arrays for one evaluation, and what is read from it.

    Positions count from the start of the prompt. ``read_rows`` indexes the positions with
    ``outputs`` set, in order; ``read_slots`` is where the log-probability of
    ``read_tokens`` at that row is added.
    """

    tokens: Indices
    positions: Indices
    first_paths: Indices
    path_counts: Indices
    outputs: NDArray[np.int8]
    path_count: int
    read_rows: Indices
    read_tokens: Indices
    read_slots: Indices


@dataclass(frozen=True, slots=True)
class Decode:
    """Evaluate the batch on top of the kept layers, and forget it."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class Extend:
    """Evaluate the batch, one path, and keep it."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class Retreat:
    """Forget everything from this position on."""

    position: int


Step = Decode | Extend | Retreat


@dataclass(slots=True, eq=False)
class _Ending:
    """Prompts that end at one node with the same answers."""

    plan: AnswerPlan
    slots: list[int]


@dataclass(slots=True, eq=False)
class _Part:
    """Continuation tokens below a node."""

    part: AnswerPart
    slots: list[int]

    @property
    def token_count(self) -> int:
        return len(self.part.tokens)

    @property
    def path_count(self) -> int:
        return self.part.path_count

    @property
    def read_count(self) -> int:
        return len(self.part.tokens)

    def write(self, writer: _BatchWriter, position: int, first_path: int) -> None:
        writer.add_part(self.part, self.slots, position, first_path)


@dataclass(slots=True, eq=False)
class _Node:
    """Tokens that all prompts below share."""

    tokens: tuple[int, ...]
    children: list[_Node] = field(default_factory=list)
    child_of: dict[tuple[int, ...], int] = field(default_factory=dict)
    endings: list[_Ending] = field(default_factory=list)
    branches: list[_Node | _Part] = field(default_factory=list)
    token_count: int = 0
    path_count: int = 0
    read_count: int = 0

    def insert(self, tail: Tail, offset: int = 0) -> None:
        """Hang a tail below this node, splitting a child where the two part."""
        node = self
        while offset < len(tail.tokens):
            key = tail.tokens[offset : offset + _SHARED_MINIMUM]
            index = node.child_of.get(key)
            if index is None:
                child = _Node(tail.tokens[offset:])
                node.child_of[key] = len(node.children)
                node.children.append(child)
            else:
                child = node.children[index]
                shared = _common_length(child.tokens, tail.tokens, offset)
                if shared < len(child.tokens):
                    child = node.children[index] = child.split(shared)
            offset += len(child.tokens)
            node = child
        for ending in node.endings:
            if ending.plan is tail.plan:
                ending.slots.append(tail.slot)
                return
        node.endings.append(_Ending(tail.plan, [tail.slot]))

    def split(self, length: int) -> _Node:
        """Return a node of the first tokens, with the rest of this one below it."""
        upper = _Node(self.tokens[:length])
        self.tokens = self.tokens[length:]
        upper.children.append(self)
        upper.child_of[self.tokens[:_SHARED_MINIMUM]] = 0
        return upper

    def finish(self) -> None:
        """Count what the subtree holds."""
        for child in self.children:
            child.finish()
        parts = [_Part(part, ending.slots) for ending in self.endings for part in ending.plan.parts]
        self.branches = [*parts, *self.children]
        self.token_count = len(self.tokens) + sum(branch.token_count for branch in self.branches)
        self.path_count = max(1, sum(branch.path_count for branch in self.branches))
        self.read_count = bool(self.endings) + sum(branch.read_count for branch in self.branches)

    def write(self, writer: _BatchWriter, position: int, first_path: int) -> None:
        """Write the subtree in depth-first order: a node, then everything below it."""
        self.write_own(writer, position, first_path, self.path_count)
        position += len(self.tokens)
        for branch in self.branches:
            branch.write(writer, position, first_path)
            first_path += branch.path_count

    def write_own(
        self, writer: _BatchWriter, position: int, first_path: int, path_count: int
    ) -> None:
        """Write this node's own tokens."""
        writer.add_node(self.tokens, self.endings, position, first_path, path_count)


def plan_steps(
    tails: Sequence[Tail], *, head_length: int, limits: BatchLimits, cache_tokens: int
) -> list[Step]:
    """Plan how the tails of prompts with one head are evaluated.

    Args:
        limits: limits of a batch; only an `Extend` may exceed them.
        cache_tokens: size of the cache, head included; the caller has made sure that the
            head with any one tail and all its continuation tokens fits.
    """
    root = _Node(())
    for tail in tails:
        root.insert(tail)
    root.finish()
    steps: list[Step] = []
    _plan(root.branches, head_length, limits, cache_tokens, steps)
    return steps


def needed_steps(steps: Sequence[Step], wanted: NDArray[np.bool_]) -> list[Step]:
    """Leave out the steps that only serve slots that are not wanted.

    The steps that remain are unchanged, so they give the digits that all steps would give.
    """
    needed: list[Step] = []
    extended: list[int] = []
    for step in steps:
        if isinstance(step, Extend):
            extended.append(len(needed))
            needed.append(step)
        elif isinstance(step, Decode):
            if _reads(step, wanted):
                needed.append(step)
        else:
            start = extended.pop()
            if len(needed) == start + 1 and not _reads(needed[start], wanted):
                # Nothing above the extension is needed either.
                del needed[start]
            else:
                needed.append(step)
    return needed


def _reads(step: Step, wanted: NDArray[np.bool_]) -> bool:
    return not isinstance(step, Retreat) and bool(wanted[step.batch.read_slots].any())


def path_batch(tokens: Sequence[int], *, first_output: int) -> Batch:
    """Make a batch of one path from the start; the caller reads it from ``first_output`` on."""
    count = len(tokens)
    nothing = np.zeros(0, dtype=np.int32)
    return Batch(
        tokens=np.asarray(tokens, dtype=np.int32),
        positions=np.arange(count, dtype=np.int32),
        first_paths=np.zeros(count, dtype=np.int32),
        path_counts=np.ones(count, dtype=np.int32),
        outputs=(np.arange(count) >= first_output).astype(np.int8),
        path_count=1,
        read_rows=nothing,
        read_tokens=nothing,
        read_slots=nothing,
    )


def _plan(
    branches: Sequence[_Node | _Part],
    position: int,
    most: BatchLimits,
    cache_tokens: int,
    steps: list[Step],
) -> None:
    limits = replace(most, tokens=min(most.tokens, cache_tokens - position))
    small: list[_Node | _Part] = []
    too_large: list[_Node] = []
    for branch in branches:
        if isinstance(branch, _Node) and not _fits(branch, limits):
            too_large.append(branch)
        else:
            small.append(branch)
    for group in _pack(small, limits):
        writer = _BatchWriter()
        first_path = 0
        for branch in group:
            branch.write(writer, position, first_path)
            first_path += branch.path_count
        steps.append(Decode(writer.finish()))
    for node in too_large:
        writer = _BatchWriter()
        node.write_own(writer, position, 0, 1)
        steps.append(Extend(writer.finish()))
        _plan(node.branches, position + len(node.tokens), most, cache_tokens, steps)
        steps.append(Retreat(position))


def _pack(branches: Sequence[_Node | _Part], limits: BatchLimits) -> list[list[_Node | _Part]]:
    """Divide branches, in order, into as few batches as possible, of about equal size.

    A small batch takes longer per token than a full one, so no small remainder is left.
    """
    batches = _fill(branches, limits)
    low = max((branch.token_count for branch in branches), default=0) - 1
    high = limits.tokens
    while high - low > 1:
        middle = (low + high) // 2
        even = _fill(branches, replace(limits, tokens=middle))
        if len(even) == len(batches):
            high, batches = middle, even
        else:
            low = middle
    return batches


def _fill(branches: Sequence[_Node | _Part], limits: BatchLimits) -> list[list[_Node | _Part]]:
    """Put each branch into the current batch while there is room."""
    batches: list[list[_Node | _Part]] = []
    tokens = paths = reads = 0
    for branch in branches:
        tokens += branch.token_count
        paths += branch.path_count
        reads += branch.read_count
        if not batches or tokens > limits.tokens or paths > limits.paths or reads > limits.reads:
            batches.append([])
            tokens, paths, reads = branch.token_count, branch.path_count, branch.read_count
        batches[-1].append(branch)
    return batches


def _fits(node: _Node, limits: BatchLimits) -> bool:
    return (
        node.token_count <= limits.tokens
        and node.path_count <= limits.paths
        and node.read_count <= limits.reads
    )


class _BatchWriter:
    """Collect subtrees until they are written out as arrays."""

    def __init__(self) -> None:
        self._rows = 0
        self._tokens: list[object] = []
        self._positions: list[Indices] = []
        self._first_paths: list[Indices] = []
        self._path_counts: list[Indices] = []
        self._outputs: list[NDArray[np.int8]] = []
        self._read_rows: list[Indices] = []
        self._read_tokens: list[Indices] = []
        self._read_slots: list[Indices] = []

    def add_node(
        self,
        tokens: tuple[int, ...],
        endings: Sequence[_Ending],
        position: int,
        first_path: int,
        path_count: int,
    ) -> None:
        count = len(tokens)
        outputs = np.zeros(count, dtype=np.int8)
        if endings:
            outputs[-1] = 1
            for ending in endings:
                first_tokens = ending.plan.first_tokens
                for slot in ending.slots:
                    self._read(
                        np.full(len(first_tokens), self._rows, dtype=np.int32),
                        first_tokens,
                        slot + np.arange(len(first_tokens), dtype=np.int32),
                    )
            self._rows += 1
        self._tokens.append(tokens)
        self._positions.append(np.arange(position, position + count, dtype=np.int32))
        self._first_paths.append(np.full(count, first_path, dtype=np.int32))
        self._path_counts.append(np.full(count, path_count, dtype=np.int32))
        self._outputs.append(outputs)

    def add_part(
        self, part: AnswerPart, slots: Sequence[int], position: int, first_path: int
    ) -> None:
        for slot in slots:
            self._read(self._rows + part.read_rows, part.read_tokens, slot + part.read_paths)
        self._rows += len(part.tokens)
        self._tokens.append(part.tokens)
        self._positions.append(position + part.depths)
        self._first_paths.append(first_path + part.first_paths)
        self._path_counts.append(part.path_counts)
        self._outputs.append(np.ones(len(part.tokens), dtype=np.int8))

    def finish(self) -> Batch:
        first_paths = np.concatenate(self._first_paths)
        path_counts = np.concatenate(self._path_counts)
        return Batch(
            tokens=np.concatenate([np.asarray(tokens, dtype=np.int32) for tokens in self._tokens]),
            positions=np.concatenate(self._positions),
            first_paths=first_paths,
            path_counts=path_counts,
            outputs=np.concatenate(self._outputs),
            path_count=int((first_paths + path_counts).max()),
            read_rows=_concatenate(self._read_rows),
            read_tokens=_concatenate(self._read_tokens),
            read_slots=_concatenate(self._read_slots),
        )

    def _read(self, rows: Indices, tokens: Indices, slots: Indices) -> None:
        self._read_rows.append(rows)
        self._read_tokens.append(tokens)
        self._read_slots.append(slots)


def _concatenate(arrays: Sequence[Indices]) -> Indices:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int32)


def _common_length(tokens: tuple[int, ...], other: tuple[int, ...], offset: int) -> int:
    """Count how many of the first tokens match the other's tokens from the offset on."""
    length = min(len(tokens), len(other) - offset)
    if tokens[:length] == other[offset : offset + length]:
        return length
    low, high = 0, length  # the first `low` are equal, the first `high` are not
    while high - low > 1:
        middle = (low + high) // 2
        if tokens[low:middle] == other[offset + low : offset + middle]:
            low = middle
        else:
            high = middle
    return low
