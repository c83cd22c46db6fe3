"""Probabilities of names that begin one another equal those of counted responses.

A toy language model writes tokens over the letters "a" and "b". All its responses of a few
tokens are enumerated, each is given to the name it counts for, and their probabilities added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from localensemble.engines.llama_cpp.answer_plan import AnswerPlan, BatchLimits, plan_answers
from localensemble.engines.llama_cpp.answer_scores import Scorer
from localensemble.engines.llama_cpp.name_paths import NamePath, Tokens, name_paths
from localensemble.engines.llama_cpp.prefix_tree import Tail
from localensemble.engines.protocol import ScoringMode
from tests.engines.llama_cpp.path_model import TOKENS, PathModel, log_probability, read_all

pytestmark = pytest.mark.slow  # tries many sets of names

LIMITS = BatchLimits(tokens=40, paths=6, reads=20)
CACHE = 100
PROMPT = (1, 2, 3)
END = TOKENS - 1

# The toy model's other tokens spell something else, or end the turn.
LETTERS = (b"a", b"b")
MERGED = (b"a", b"b", b"ab", b"ba", b"aab", b"bb")

names_of_letters = st.lists(
    st.text("ab", min_size=1, max_size=4), min_size=1, max_size=8, unique=True
)


def _vocabulary(pieces: Sequence[bytes]) -> tuple[bytes, ...]:
    return (*pieces, *[b""] * (TOKENS - len(pieces)))


def _greedy(text: str, pieces: Sequence[bytes]) -> Tokens:
    """Tokenize by the longest token, as vocabularies of merged letters roughly do."""
    left, tokens = text.encode(), []
    while left:
        token = max(
            (token for token, piece in enumerate(pieces) if left.startswith(piece)),
            key=lambda token: len(pieces[token]),
        )
        tokens.append(token)
        left = left[len(pieces[token]) :]
    return tuple(tokens)


class ToyModel:
    """Names in tokens of one vocabulary, scored as the engine does and by enumeration."""

    def __init__(self, names: Sequence[str], pieces: Sequence[bytes]) -> None:
        self.names = names
        self.pieces = pieces
        self.tokens = [self.tokenize(name) for name in names]

    def tokenize(self, text: str) -> Tokens:
        return _greedy(text, self.pieces)

    def plan(self) -> AnswerPlan:
        longer = name_paths(
            self.names,
            self.tokens,
            tokenize=self.tokenize,
            pieces=lambda: _vocabulary(self.pieces),
        )
        return plan_answers(self.tokens, longer=longer, limits=LIMITS)

    def scored(self, mode: ScoringMode = "batched") -> NDArray[np.float64]:
        plan = self.plan()
        model = PathModel(LIMITS, cache_tokens=CACHE)
        scorer = Scorer(model, mode=mode, limits=LIMITS, cache_tokens=CACHE)
        groups: dict[Tokens, list[Tail]] = {PROMPT[:2]: [Tail(PROMPT[2:], plan, 0)]}
        return np.exp(plan.answers(read_all(scorer, groups, plan.path_count)))

    def enumerated(
        self, length: int, counts_for: Callable[[Tokens], str | None]
    ) -> NDArray[np.float64]:
        """Add up the probabilities of all responses of so many tokens."""
        totals = dict.fromkeys(self.names, 0.0)
        # Tokens that spell nothing here are all alike to every rule: one stands for them all.
        spelling = range(len(self.pieces))
        for used in range(1, length + 1):
            for response in product(spelling, repeat=used):
                probability = math.exp(log_probability(PROMPT, response))
                if used < length:
                    context = (*PROMPT, *response)
                    goes_on = (math.exp(log_probability(context, (one,))) for one in spelling)
                    probability *= 1.0 - math.fsum(goes_on)
                name = counts_for(response)
                if name is not None:
                    totals[name] += probability
        return np.array([totals[name] for name in self.names])

    def text(self, response: Tokens) -> str:
        return b"".join(self.pieces[token] for token in response).decode()

    def named(self, response: Tokens) -> str | None:
        """Return the longest name that a response spells on a way that is followed."""
        spelled = [text for name in self.names for text in self._followed(response, name)]
        reached = [name for name in self.names if any(text.startswith(name) for text in spelled)]
        return max(reached, key=len, default=None)

    def _followed(self, response: Tokens, shorter: str) -> Iterator[str]:
        """Return what a response spells from a name on, as far as it is followed."""
        begun = self.tokenize(shorter)
        if response[: len(begun)] != begun:
            return
        yield shorter
        after = response[len(begun) :]
        for name in self.names:
            if name == shorter or not name.startswith(shorter):
                continue
            own = self.tokenize(name)
            goes_on = own[: len(begun)] == begun
            way = own[len(begun) :] if goes_on else self.tokenize(name[len(shorter) :])
            texts = [shorter + self.text(after[:end]) for end in range(len(after) + 1)]
            reaching = next((end for end, text in enumerate(texts) if text.startswith(name)), None)
            # Whatever the last token is, those before it are the tokenizer's.
            if reaching is not None and after[: reaching - 1] == way[: reaching - 1]:
                yield texts[reaching]


@settings(max_examples=60)
@given(names=names_of_letters)
@pytest.mark.parametrize("mode", ["batched", "strict"])
def test_probabilities_equal_those_of_all_responses_by_the_longest_name_they_spell(
    mode: ScoringMode, names: list[str]
) -> None:
    toy = ToyModel(names, LETTERS)

    def longest(response: Tokens) -> str | None:
        spelled = [name for name in names if toy.text(response).startswith(name)]
        return max(spelled, key=len, default=None)

    expected = toy.enumerated(4, longest)
    found = toy.scored(mode)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found / found.sum(), expected / expected.sum(), rtol=1e-6)


@settings(max_examples=30)
@given(names=names_of_letters)
def test_names_that_share_a_beginning_divide_its_probability_and_lose_nothing(
    names: list[str],
) -> None:
    toy = ToyModel(names, LETTERS)
    shortest = [
        name for name in names if not any(name.startswith(one) for one in names if one != name)
    ]
    begun = (math.exp(log_probability(PROMPT, toy.tokenize(name))) for name in shortest)
    assert toy.scored().sum() == pytest.approx(math.fsum(begun))


@given(data=st.data(), pieces=st.sampled_from([LETTERS, MERGED]))
def test_renaming_the_categories_changes_no_probability(
    data: st.DataObject, pieces: Sequence[bytes]
) -> None:
    """A model that means one of the categories and writes its name, whatever that is."""
    names = data.draw(names_of_letters)
    weights = data.draw(st.lists(st.integers(1, 100), min_size=len(names), max_size=len(names)))
    meant = np.array(weights) / (sum(weights) + 1)
    toy = ToyModel(names, pieces)
    plan = toy.plan()
    responses = [(*tokens, END) for tokens in toy.tokens]
    begun = [
        math.fsum(
            share
            for share, response in zip(meant, responses, strict=True)
            if response[: len(path)] == path
        )
        for path in plan.paths
    ]
    logs = np.log(np.maximum(begun, 1e-300))
    np.testing.assert_allclose(np.exp(plan.answers(logs)), meant, rtol=1e-9)


@settings(max_examples=40)
@given(names=names_of_letters)
def test_probabilities_equal_those_of_all_responses_by_the_ways_that_are_followed(
    names: list[str],
) -> None:
    toy = ToyModel(names, MERGED)
    found = toy.scored()
    np.testing.assert_allclose(found, toy.enumerated(4, toy.named), rtol=1e-6, atol=1e-12)
    assert found.sum() <= 1.0 + 1e-12


def paths_of(*names: str, pieces: Sequence[bytes]) -> set[tuple[bytes, str]]:
    """List what the further paths spell, token by token, and the name each counts for."""
    toy = ToyModel(names, pieces)
    return {
        (b"|".join(pieces[token] for token in path.tokens), names[path.answer])
        for path in _further(toy)
    }


def _further(toy: ToyModel) -> tuple[NamePath, ...]:
    return name_paths(toy.names, toy.tokens, tokenize=toy.tokenize, pieces=lambda: toy.pieces)


def test_names_none_of_which_begins_another_need_nothing_of_the_vocabulary() -> None:
    tokens = [(0,), (1,)]
    found = name_paths(["yes", "no"], tokens, tokenize=pytest.fail, pieces=pytest.fail)
    assert found == ()


def test_a_longer_name_in_tokens_of_its_own_is_reached_from_the_shorter_name_too() -> None:
    pieces = (b"Staff", b"ing", b"Staffing", b"ings", b"in", b"g", b":")
    # "in" and "g" are not what the tokenizer writes for "ing".
    assert paths_of("Staff", "Staffing", pieces=pieces) == {
        (b"Staff|ing", "Staffing"),
        (b"Staff|ings", "Staffing"),
    }


def test_a_token_that_reaches_several_longer_names_counts_for_the_longest() -> None:
    pieces = (b"1", b"0", b"00", b"000")
    # "100" itself is "1" and "00".
    assert paths_of("1", "10", "100", pieces=pieces) == {
        (b"1|000", "100"),
        (b"1|0|0", "100"),
        (b"1|0|00", "100"),
        (b"1|0|000", "100"),
    }
