"""Plan how the answers of one variable are read off a model.

Decides the length rule and which tokens must be evaluated for it, independently of any model.

The probability of an answer is the probability that the response begins with exactly the
answer's tokens: the product over all of them. Where one answer's tokens are a proper prefix
of another's, the shorter counts with the end-of-turn token appended. The answers are then
disjoint events, so their probabilities and the rest sum to 1.

Only tokens after which an answer branches or continues are evaluated: an answer of one token
needs only the prompt's last position. These *continuation tokens* form a tree,
written in depth-first order; a *path* leads from the prompt to one of its leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What one batch may hold: tokens, paths (sequences), and positions that are read."""

    tokens: int
    paths: int
    reads: int


@dataclass(frozen=True, slots=True, eq=False)
class AnswerPart:
    """Continuation tokens of some answers, small enough for one batch.

    Attributes:
        tokens: the tokens in depth-first order.
        depths: depth of each token; 0 for a token that directly follows the prompt.
        first_paths: index of the first path through each token.
        path_counts: number of paths through each token; they are consecutive.
        path_count: number of paths in the whole part, at least 1.
        read_rows: which continuation token each reading follows.
        read_tokens: the token whose probability is read there.
        read_answers: the answer the reading belongs to.
    """

    tokens: Indices
    depths: Indices
    first_paths: Indices
    path_counts: Indices
    path_count: int
    read_rows: Indices
    read_tokens: Indices
    read_answers: Indices


@dataclass(frozen=True, slots=True, eq=False)
class AnswerPlan:
    """Everything that is read for one set of answers.

    Attributes:
        first_tokens: for each answer, the token read at the prompt's last position.
        parts: the continuation tokens; empty if every answer is a single token.
        continuation_count: number of continuation tokens in all parts.
        paths: for each answer, all its tokens, with the end-of-turn token if needed.
    """

    first_tokens: Indices
    parts: tuple[AnswerPart, ...]
    continuation_count: int
    paths: tuple[tuple[int, ...], ...]

    @property
    def answer_count(self) -> int:
        """Number of answers."""
        return len(self.paths)


class UnscorableAnswersError(ValueError):
    """Report why this model cannot tell a set of answers apart."""


def plan_answers(
    answers: Sequence[tuple[int, ...]], *, end_token: int | None, limits: BatchLimits
) -> AnswerPlan:
    """Plan the reading of tokenized answers.

    Raises:
        UnscorableAnswersError: an answer has no tokens, two have the same tokens, or one
            begins another and the model has no end-of-turn token.
    """
    paths = _disjoint_paths(answers, end_token)
    parts = tuple(_part(group) for group in _groups(paths, limits))
    return AnswerPlan(
        first_tokens=_array(path[0] for path in paths),
        parts=parts,
        continuation_count=sum(len(part.tokens) for part in parts),
        paths=paths,
    )


def _disjoint_paths(
    answers: Sequence[tuple[int, ...]], end_token: int | None
) -> tuple[tuple[int, ...], ...]:
    first_with: dict[tuple[int, ...], int] = {}
    beginnings: set[tuple[int, ...]] = set()
    for index, answer in enumerate(answers):
        if not answer:
            raise UnscorableAnswersError(f"answer {index} has no tokens")
        if answer in first_with:
            raise UnscorableAnswersError(
                f"answers {first_with[answer]} and {index} have the same tokens"
            )
        first_with[answer] = index
        beginnings.update(answer[:end] for end in range(1, len(answer)))
    paths = []
    for index, answer in enumerate(answers):
        if answer not in beginnings:
            paths.append(answer)
        elif end_token is None:
            raise UnscorableAnswersError(
                f"answer {index} begins another answer and the model has no end-of-turn token"
            )
        else:
            paths.append((*answer, end_token))
    return tuple(paths)


def _groups(
    paths: tuple[tuple[int, ...], ...], limits: BatchLimits
) -> list[list[tuple[int, tuple[int, ...]]]]:
    """Split the answers that continue after their first token into groups that fit a batch."""
    longer = sorted(
        ((index, path) for index, path in enumerate(paths) if len(path) > 1),
        key=lambda pair: pair[1],
    )
    groups: list[list[tuple[int, tuple[int, ...]]]] = []
    # The sum over answers bounds the size of their tree from above.
    room = min(limits.tokens, limits.reads)
    tokens = 0
    for index, path in longer:
        cost = len(path) - 1
        if cost > room:
            raise UnscorableAnswersError(
                f"answer {index} has {len(path)} tokens, but at most {room + 1} can be read"
            )
        if not groups or tokens + cost > room or len(groups[-1]) >= limits.paths:
            groups.append([])
            tokens = 0
        groups[-1].append((index, path))
        tokens += cost
    return groups


def _part(group: list[tuple[int, tuple[int, ...]]]) -> AnswerPart:
    tokens: list[int] = []
    depths: list[int] = []
    first_paths: list[int] = []
    path_counts: list[int] = []
    reads: list[tuple[int, int, int]] = []
    open_nodes: list[int] = []
    previous: tuple[int, ...] = ()
    path_count = 0
    for answer, path in group:
        inner = path[:-1]
        shared = _common_length(previous, inner)
        del open_nodes[shared:]
        # A path continues while the token before is the parent; anything else starts another.
        if shared < len(inner) and (not open_nodes or open_nodes[-1] != len(tokens) - 1):
            path_count += 1
        for depth in range(shared, len(inner)):
            open_nodes.append(len(tokens))
            tokens.append(inner[depth])
            depths.append(depth)
            first_paths.append(path_count - 1)
            path_counts.append(1)
        for node in open_nodes:
            path_counts[node] = path_count - first_paths[node]
        reads.extend((node, path[depth + 1], answer) for depth, node in enumerate(open_nodes))
        previous = inner
    return AnswerPart(
        tokens=_array(tokens),
        depths=_array(depths),
        first_paths=_array(first_paths),
        path_counts=_array(path_counts),
        path_count=path_count,
        read_rows=_array(row for row, _, _ in reads),
        read_tokens=_array(token for _, token, _ in reads),
        read_answers=_array(answer for _, _, answer in reads),
    )


def _common_length(left: Sequence[int], right: Sequence[int]) -> int:
    length = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        length += 1
    return length


def _array(values: Iterable[int]) -> Indices:
    return np.fromiter(values, dtype=np.int32)
