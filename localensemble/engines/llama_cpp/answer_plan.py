"""Plan how the answers of one variable are read off a model.

Decides the length rule and which tokens must be evaluated for it, independently of any model.

A response that begins with the tokens of an answer counts for that answer, unless it goes on to
a longer answer: then it counts for the longer one. So P(shorter) = P(its tokens) - P(its tokens
followed by the rest of a longer answer), no response counts twice, and the probabilities of the
answers and the rest sum to 1. The end of the turn plays no part.

A response is recognized by token *paths*: the tokens of each answer in each of its spellings, and
further paths if a spelling begins another (`name_paths`).

Only tokens after which a path branches or continues are evaluated: an answer of one token needs
only the prompt's last position. These *continuation tokens* form a tree, written in depth-first
order; a *path* of an `AnswerPart` leads from the prompt to one of its leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.engines.llama_cpp.name_paths import NamePath, Tokens

Indices = NDArray[np.int32]

# The smallest share that rounding can tell from 0.
_SMALLEST_SHARE = float(np.finfo(np.float64).eps)


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
        read_paths: the token path the reading belongs to.
    """

    tokens: Indices
    depths: Indices
    first_paths: Indices
    path_counts: Indices
    path_count: int
    read_rows: Indices
    read_tokens: Indices
    read_paths: Indices


@dataclass(frozen=True, slots=True, eq=False)
class AnswerPlan:
    """Everything that is read for one set of answers.

    Attributes:
        first_tokens: for each path, the token read at the prompt's last position.
        parts: the continuation tokens; empty if every path is a single token.
        continuation_count: number of continuation tokens in all parts.
        paths: all tokens of each path; those of the spellings come first, in their order.
        path_answers: for each path, the answer that a response on it counts for.
        path_exact: for each path, whether a response on it has the answer's exact spelling.
        parents: for each path, the longest other path that begins it, or -1.
        answer_count: number of answers.
    """

    first_tokens: Indices
    parts: tuple[AnswerPart, ...]
    continuation_count: int
    paths: tuple[Tokens, ...]
    path_answers: Indices
    path_exact: NDArray[np.bool_]
    parents: Indices
    answer_count: int

    @property
    def path_count(self) -> int:
        """Number of paths, at least one for each answer."""
        return len(self.paths)

    def answers(self, results: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-probability of each answer.

        Args:
            results: begins with the log-probability of each path.
        """
        ended = self._ended(results)
        if self.path_count == self.answer_count:
            return ended
        answers = np.full(self.answer_count, -np.inf)
        # A result that is not finite is refused later.
        with np.errstate(invalid="ignore"):
            np.logaddexp.at(answers, self.path_answers, ended)
        return answers

    def other_spellings(self, results: NDArray[np.float64]) -> float:
        """Return the probability of all answers in other spellings than the exact ones.

        Args:
            results: begins with the log-probability of each path.
        """
        others = ~self.path_exact
        return float(np.exp(self._ended(results)[others]).sum()) if others.any() else 0.0

    def _ended(self, results: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-probability that a response is on a path and on no longer one."""
        path_logs = results[: self.path_count]
        inner = np.flatnonzero(self.parents >= 0)
        if not len(inner):
            return path_logs
        parents = self.parents[inner]
        gone_on = np.zeros(self.path_count)
        with np.errstate(invalid="ignore"):
            np.add.at(gone_on, parents, np.exp(path_logs[inner] - path_logs[parents]))
            ended: NDArray[np.float64] = path_logs + np.log(
                np.maximum(1.0 - gone_on, _SMALLEST_SHARE)
            )
        return ended


class UnscorableAnswersError(ValueError):
    """Report why this model cannot tell a set of answers apart."""


def plan_answers(
    answers: Sequence[Tokens],
    *,
    others: Sequence[NamePath] = (),
    longer: Sequence[NamePath] = (),
    limits: BatchLimits,
) -> AnswerPlan:
    """Plan the reading of tokenized answers.

    Args:
        answers: the tokens of each answer in its exact spelling.
        others: the tokens of other spellings. One that has the tokens of an earlier spelling is
            left out.
        longer: further paths, from the tokens of a spelling to a longer one; ``answer`` is the
            place of the longer one among the exact spellings followed by the others.

    Raises:
        UnscorableAnswersError: an answer has no tokens or too many, or two have the same.
    """
    _refuse_equal(answers)
    exact = [NamePath(tokens, answer) for answer, tokens in enumerate(answers)]
    spelled = [*exact, *others]
    own = {path.tokens: path for path in reversed(spelled) if path.tokens}
    kept = [*exact, *(path for path in others if own.get(path.tokens) is path)]
    paths = (*(path.tokens for path in kept), *(path.tokens for path in longer))
    parts = tuple(_part(group) for group in _groups(paths, len(kept), limits))
    read = [*kept, *(spelled[path.answer] for path in longer)]
    return AnswerPlan(
        first_tokens=_array(path[0] for path in paths),
        parts=parts,
        continuation_count=sum(len(part.tokens) for part in parts),
        paths=paths,
        path_answers=_array(path.answer for path in read),
        path_exact=np.array([path in exact for path in read], dtype=np.bool_),
        parents=_array(_parents(paths)),
        answer_count=len(answers),
    )


def _refuse_equal(answers: Sequence[Tokens]) -> None:
    first_with: dict[Tokens, int] = {}
    for index, answer in enumerate(answers):
        if not answer:
            raise UnscorableAnswersError(f"answer {index} has no tokens")
        if answer in first_with:
            raise UnscorableAnswersError(
                f"answers {first_with[answer]} and {index} have the same tokens"
            )
        first_with[answer] = index


def _parents(paths: tuple[Tokens, ...]) -> list[int]:
    places = {path: place for place, path in enumerate(paths)}
    return [
        next(
            (places[path[:end]] for end in range(len(path) - 1, 0, -1) if path[:end] in places), -1
        )
        for path in paths
    ]


def _groups(
    paths: tuple[Tokens, ...], answer_count: int, limits: BatchLimits
) -> list[list[tuple[int, Tokens]]]:
    """Split the paths that continue after their first token into groups that fit a batch."""
    longer = sorted(
        ((index, path) for index, path in enumerate(paths) if len(path) > 1),
        key=lambda pair: pair[1],
    )
    groups: list[list[tuple[int, Tokens]]] = []
    # The sum over paths bounds the size of their tree from above. Thousands of further paths may
    # differ only in the last token, which is read and not evaluated; these cost nothing.
    room = min(limits.tokens, limits.reads)
    tokens = counted = 0
    evaluated: set[Tokens] = set()
    for index, path in longer:
        inner = path[:-1]
        if index >= answer_count and inner in evaluated:
            groups[-1].append((index, path))
            continue
        cost = len(inner)
        if cost > room:
            raise UnscorableAnswersError(
                f"answer {index} has {len(path)} tokens, but at most {room + 1} can be read"
            )
        if not groups or tokens + cost > room or counted >= limits.paths:
            groups.append([])
            tokens = counted = 0
            evaluated = set()
        groups[-1].append((index, path))
        evaluated.update(inner[:end] for end in range(1, cost + 1))
        tokens += cost
        counted += 1
    return groups


def _part(group: list[tuple[int, Tokens]]) -> AnswerPart:
    tokens: list[int] = []
    depths: list[int] = []
    first_paths: list[int] = []
    path_counts: list[int] = []
    reads: list[tuple[int, int, int]] = []
    open_nodes: list[int] = []
    previous: Tokens = ()
    path_count = 0
    for index, path in group:
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
        reads.extend((node, path[depth + 1], index) for depth, node in enumerate(open_nodes))
        previous = inner
    return AnswerPart(
        tokens=_array(tokens),
        depths=_array(depths),
        first_paths=_array(first_paths),
        path_counts=_array(path_counts),
        path_count=path_count,
        read_rows=_array(row for row, _, _ in reads),
        read_tokens=_array(token for _, token, _ in reads),
        read_paths=_array(index for _, _, index in reads),
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
