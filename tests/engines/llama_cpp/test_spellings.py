"""Which spellings stand for which answer, and that their probabilities are of disjoint events.

The toy model of `test_name_paths` has letters in both cases and a space; its responses are
enumerated as there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localensemble.engines.llama_cpp.answer_plan import AnswerPlan, plan_answers
from localensemble.engines.llama_cpp.answer_scores import Scorer
from localensemble.engines.llama_cpp.name_paths import NamePath, Tokens, name_paths
from localensemble.engines.llama_cpp.prefix_tree import Tail
from localensemble.engines.llama_cpp.spellings import OtherSpelling, other_spellings
from localensemble.engines.protocol import ScoringMode
from tests.engines.llama_cpp.path_model import PathModel, read_all
from tests.engines.llama_cpp.test_name_paths import CACHE, LIMITS, PROMPT, ToyModel

PIECES = (b"a", b"b", b"A", b"B", b" ")

names_in_cases = st.lists(
    st.text("abAB", min_size=1, max_size=3), min_size=1, max_size=4, unique=True
)


def found(*answers: str) -> dict[str, set[str]]:
    spelled: dict[str, set[str]] = {answer: set() for answer in answers}
    for other in other_spellings(answers):
        spelled[answers[other.answer]].add(other.text)
    return spelled


def test_an_answer_is_spelled_with_and_without_a_space_and_in_other_case() -> None:
    assert found("Not sure")["Not sure"] == {" Not sure", "not sure", " not sure"}
    assert found("NA")["NA"] == {" NA", "na", " na", "Na", " Na"}


def test_the_exact_spelling_can_begin_with_a_space() -> None:
    assert found(" no")[" no"] == {"no", "No", " No"}


def test_one_letter_is_read_as_written() -> None:
    assert found("A", "B") == {"A": {" A"}, "B": {" B"}}


def test_names_that_differ_in_case_only_are_read_as_written() -> None:
    assert found("us", "US", "them")["us"] == {" us"}
    assert found("us", "US", "them")["US"] == {" US"}
    assert " Them" in found("us", "US", "them")["them"]


@given(answers=names_in_cases)
def test_no_spelling_stands_for_two_answers(answers: list[str]) -> None:
    texts = [*answers, *(other.text for other in other_spellings(answers))]
    assert len(set(texts)) == len(texts)


class SpellingModel:
    """The toy model, asked for answers in all their spellings."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.answers = tuple(answers)
        self.others: tuple[OtherSpelling, ...] = other_spellings(answers)
        self.texts = (*answers, *(other.text for other in self.others))
        self.toy = ToyModel(self.texts, PIECES)

    def plan(self) -> AnswerPlan:
        tokens, count = self.toy.tokens, len(self.answers)
        return plan_answers(
            tokens[:count],
            others=[
                NamePath(found, other.answer)
                for found, other in zip(tokens[count:], self.others, strict=True)
            ],
            longer=name_paths(
                self.texts, tokens, tokenize=self.toy.tokenize, pieces=lambda: self._pieces
            ),
            limits=LIMITS,
        )

    @property
    def _pieces(self) -> Sequence[bytes]:
        return (*PIECES, *[b""] * (12 - len(PIECES)))

    def longest(self, response: Tokens) -> str | None:
        text = self.toy.text(response)
        return max((one for one in self.texts if text.startswith(one)), key=len, default=None)


@settings(max_examples=25, deadline=None)
@given(answers=names_in_cases)
@pytest.mark.parametrize("mode", ["batched", "strict"])
def test_an_answer_has_the_probability_of_all_responses_in_one_of_its_spellings(
    mode: ScoringMode, answers: list[str]
) -> None:
    model = SpellingModel(answers)
    plan = model.plan()
    scorer = Scorer(
        PathModel(LIMITS, cache_tokens=CACHE), mode=mode, limits=LIMITS, cache_tokens=CACHE
    )
    groups: dict[Tokens, list[Tail]] = {PROMPT[:2]: [Tail(PROMPT[2:], plan, 0)]}
    results = read_all(scorer, groups, plan.path_count)

    by_text = dict(zip(model.texts, model.toy.enumerated(4, model.longest), strict=True))
    exact = np.array([by_text[answer] for answer in answers])
    expected = exact.copy()
    for other in model.others:
        expected[other.answer] += by_text[other.text]
    np.testing.assert_allclose(np.exp(plan.answers(results)), expected, rtol=1e-6, atol=1e-12)
    others = float(expected.sum() - exact.sum())
    assert plan.other_spellings(results) == pytest.approx(others, rel=1e-6, abs=1e-9)


def test_a_spelling_with_the_tokens_of_an_earlier_one_is_read_once() -> None:
    plan = plan_answers([(1,), (2,)], others=[NamePath((1,), 1), NamePath((3,), 1)], limits=LIMITS)
    assert plan.paths == ((1,), (2,), (3,))
    assert plan.path_answers.tolist() == [0, 1, 1]
    assert plan.other_spellings(np.log([0.5, 0.25, 0.125])) == pytest.approx(0.125)


def test_exact_spellings_alone_have_no_others() -> None:
    plan = plan_answers([(1,), (1, 2)], limits=LIMITS)
    assert plan.other_spellings(np.log([0.5, 0.25])) == 0.0
