"""The contract of an engine: labels, probabilities, failures, cancellation, identity, usage.

A test suite in one class. Subclass it in your own tests and define how your engine is opened:

    class TestMyEngine(EngineContract):
        def open(self) -> Engine:
            return MyEngine(EngineSettings("mine", context_tokens=self.context_tokens))

Tests only what the program relies on, not whether a model labels well.
"""

from __future__ import annotations

import contextlib
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import FrameType
from typing import ClassVar

import pytest

from localensemble.codebook.model import Category, Variable
from localensemble.core.errors import EngineError
from localensemble.core.items import Item
from localensemble.core.labels import ItemId, LabelStatus
from localensemble.core.prompts import Prompt
from localensemble.engines.protocol import (
    Engine,
    EngineDescription,
    ScoreFailure,
    Scores,
    Usage,
    score_wanted,
)
from localensemble.labeling.scoring import Questions, label_block
from localensemble.prompting.template import load_template

Results = Sequence[Scores | ScoreFailure]

TOPIC = Variable(
    "topic",
    "nominal",
    "What is the text mainly about?",
    (
        Category("Staff", "The people who work there and how they behave."),
        # One answer that begins another, and one of several words.
        Category("Staff attitude", "How the people who work there treat others."),
        Category("Couldn't be improved", "Nothing to complain about."),
        Category("Other", "Anything else."),
    ),
)
URGENT = Variable(
    "urgent",
    "binary",
    "Does somebody have to act today?",
    (Category("yes", "Somebody has to act today."), Category("no", "It can wait.")),
)
VARIABLES = (TOPIC, URGENT)
TEXTS = ("The staff were kind.", "", "Parking is a problem.", "שלום 😀\0", "The staff were kind.")
# A word of a text that must never come back in a reason or an error.
SECRET = "zebrafish"
# A call is interrupted before and after this many of its longest waits.
_WAITS = 3
# What sys.setprofile names the calls of Python and of C functions.
_CALLS = frozenset({"call", "c_call"})


def prompts_of(texts: Sequence[str], *, variables: Sequence[Variable] = VARIABLES) -> list[Prompt]:
    """Put texts into prompts as the program does: every text for every variable, in turn."""
    template = load_template()
    return [
        template.render(variable, text, layout="codebook_first")
        for text in texts
        for variable in variables
    ]


def answers_of(
    texts: Sequence[str], *, variables: Sequence[Variable] = VARIABLES
) -> list[tuple[str, ...]]:
    """Return the answers that belong to these prompts."""
    return [variable.answers for variable in variables] * len(texts)


class EngineContract:
    """What any engine must do; every method is one promise.

    Attributes:
        context_tokens: the context that ``open`` must ask for.
        tolerance: the most by which the natural logarithm of a probability may differ between
            equal calls. 0 promises the same digits, as our engines do; a larger number is for
            software that cannot promise them, and belongs in the engine's documentation.
        order_tolerance: the same when the answers are given in another order. An engine that
            shows the model a numbered list sets it to infinity.
        unread_texts: texts of ``TEXTS`` that the engine refuses because its model knows no word
            of them; a refusal with a reason is better than a guess.
    """

    context_tokens: ClassVar[int] = 1024
    tolerance: ClassVar[float] = 0.0
    order_tolerance: ClassVar[float] = 1e-3
    unread_texts: ClassVar[frozenset[str]] = frozenset()

    def open(self) -> Engine:
        """Open the engine under test; called several times, always with the same model."""
        raise NotImplementedError("Define in your subclass how the engine is opened.")

    def open_other(self) -> Engine | None:
        """Open the engine with another model; return None if there is no other."""
        return None

    @pytest.fixture
    def opened(self) -> Iterator[list[Engine]]:
        """Every engine that a test opened; closed when the test ends."""
        engines: list[Engine] = []
        yield engines
        for engine in engines:
            engine.close()

    @pytest.fixture
    def engine(self, opened: list[Engine]) -> Engine:
        """The engine under test."""
        opened.append(self.open())
        return opened[-1]

    # Probabilities

    def test_every_prompt_gets_a_result_in_its_place(self, engine: Engine) -> None:
        results = engine.score(prompts_of(TEXTS), answers_of(TEXTS))
        assert len(results) == len(TEXTS) * len(VARIABLES)
        texts = [text for text in TEXTS for _ in VARIABLES]
        for text, result, answers in zip(texts, results, answers_of(TEXTS), strict=True):
            if text in self.unread_texts:
                assert isinstance(result, ScoreFailure)
            else:
                assert isinstance(result, Scores)
                assert len(result.log_probabilities) == len(answers)

    def test_probabilities_are_probabilities_and_the_rest_is_what_is_left(
        self, engine: Engine
    ) -> None:
        texts = [text for text in TEXTS if text not in self.unread_texts]
        for result in engine.score(prompts_of(texts), answers_of(texts)):
            assert isinstance(result, Scores)
            assert all(value <= 0.0 for value in result.log_probabilities)
            censored = result.censored or (False,) * len(result.log_probabilities)
            assert len(censored) == len(result.log_probabilities)
            # An unseen probability has a bound in its place; its mass counts as the rest.
            total = math.fsum(
                math.exp(value)
                for value, hidden in zip(result.log_probabilities, censored, strict=True)
                if not hidden
            )
            assert not censored[max(range(len(censored)), key=result.log_probabilities.__getitem__)]
            assert 0.0 <= result.off_codebook_mass <= 1.0
            assert total + result.off_codebook_mass == pytest.approx(1.0, abs=1e-9)
            assert result.prompt_tokens > 0

    def test_a_score_belongs_to_its_answer_wherever_the_answer_stands(self, engine: Engine) -> None:
        prompts = prompts_of(TEXTS[:1], variables=[TOPIC])
        (forward,) = engine.score(prompts, [TOPIC.answers])
        (backward,) = engine.score(prompts, [TOPIC.answers[::-1]])
        assert isinstance(forward, Scores)
        assert isinstance(backward, Scores)
        assert forward.log_probabilities == pytest.approx(
            backward.log_probabilities[::-1], abs=self.order_tolerance
        )

    def test_no_prompts_is_no_work(self, engine: Engine) -> None:
        assert engine.score([], []) == ()

    def test_prompts_and_answers_that_do_not_match_are_refused(self, engine: Engine) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - with any message
            engine.score(prompts_of(TEXTS), answers_of(TEXTS)[1:])

    # Labels

    def test_a_text_gets_a_category_of_the_codebook_or_a_status_with_a_reason(
        self, engine: Engine
    ) -> None:
        texts = (*TEXTS, self._too_long())
        items = [Item(ItemId(f"i-{n}"), text, n) for n, text in enumerate(texts)]
        questions = Questions(VARIABLES, load_template(), "codebook_first")
        labels = label_block(engine, items, questions=questions)
        assert list(labels) == [variable.name for variable in VARIABLES]
        for variable in VARIABLES:
            column = labels[variable.name]
            for text, label in zip(texts, column, strict=True):
                if label.status is LabelStatus.ASSIGNED:
                    assert text.strip()
                    assert label.category in range(len(variable.answers))
                    assert math.fsum(label.probabilities or ()) == pytest.approx(1.0)
                else:
                    assert label.category is None
                    assert label.reason
            assert column[1].reason.startswith("empty_text")
            assert column[-1].reason.startswith("too_long")

    # Failures

    def test_a_prompt_that_is_too_long_fails_alone_and_says_by_how_much(
        self, engine: Engine
    ) -> None:
        texts = (TEXTS[0], self._too_long(), TEXTS[2])
        before, failed, after = engine.score(
            prompts_of(texts, variables=[TOPIC]), answers_of(texts, variables=[TOPIC])
        )
        assert isinstance(before, Scores)
        assert isinstance(after, Scores)
        assert isinstance(failed, ScoreFailure)
        reason, needed, *rest = failed.reason.split()
        assert (reason, rest) == ("too_long:", ["of", str(self.context_tokens), "tokens"])
        assert int(needed) > self.context_tokens

    def test_a_failure_tells_nothing_of_the_text(self, engine: Engine) -> None:
        texts = (self._too_long(), f"{SECRET} \udcff", f"{TEXTS[0]} {SECRET}")
        results = engine.score(prompts_of(texts), answers_of(texts))
        reasons = [result.reason for result in results if isinstance(result, ScoreFailure)]
        assert len(reasons) >= len(VARIABLES)
        assert SECRET not in " ".join(reasons)
        # A string that is not text may fail; the text beside it may not.
        assert all(isinstance(result, Scores) for result in results[-len(VARIABLES) :])

    # Determinism

    def test_the_same_call_gives_the_same_scores_now_later_and_opened_again(
        self, engine: Engine, opened: list[Engine]
    ) -> None:
        prompts, answers = prompts_of(TEXTS), answers_of(TEXTS)
        first = engine.score(prompts, answers)
        engine.score(prompts[3:5], answers[3:5])
        self._assert_same(engine.score(prompts, answers), first)
        opened.append(self.open())
        self._assert_same(opened[-1].score(prompts, answers), first)

    def test_equal_prompts_get_equal_scores(self, engine: Engine) -> None:
        prompt, answers = prompts_of(TEXTS[:1])[0], TOPIC.answers
        results = engine.score([prompt] * 3, [answers] * 3)
        self._assert_same(results[1:], [results[0]] * 2)

    # Parts of a call

    def test_the_results_that_are_reported_are_those_of_the_whole_call(
        self, engine: Engine
    ) -> None:
        prompts, answers = prompts_of(TEXTS), answers_of(TEXTS)
        reported = _reported(engine, prompts, answers, range(len(prompts)))
        self._assert_same(reported, engine.score(prompts, answers))

    def test_results_that_are_wanted_alone_are_those_of_the_whole_call(
        self, engine: Engine
    ) -> None:
        prompts, answers = prompts_of(TEXTS), answers_of(TEXTS)
        whole = engine.score(prompts, answers)
        for wanted in ([0], [1, len(prompts) - 1], range(0, len(prompts), 3)):
            results = _reported(engine, prompts, answers, wanted)
            self._assert_same(results, [whole[index] for index in wanted])
        assert _reported(engine, prompts, answers, []) == []

    # Cancellation

    def test_an_interrupted_call_leaves_nothing_that_changes_the_next(self, engine: Engine) -> None:
        prompts, answers = prompts_of(TEXTS), answers_of(TEXTS)
        first = engine.score(prompts, answers)

        def score() -> Results:
            return engine.score(prompts, answers)

        interrupted = 0
        usage = engine.usage()
        for calls in _around_waits(score):
            interrupted += _interrupt(score, after=calls)
            # Other prompts first: a late response would be mistaken for theirs.
            engine.score(prompts[::-1], answers[::-1])
            self._assert_same(score(), first)
            assert engine.usage().evaluated_tokens >= usage.evaluated_tokens
            usage = engine.usage()
        assert interrupted > 0

    def test_a_closed_engine_refuses_and_can_be_closed_again(self, engine: Engine) -> None:
        engine.close()
        engine.close()
        with pytest.raises(EngineError, match="closed"):
            engine.score(prompts_of(TEXTS), answers_of(TEXTS))
        with pytest.raises(EngineError, match="closed"):
            engine.count_tokens(["x"])

    # Identity

    def test_the_description_is_the_same_every_time_and_complete(
        self, engine: Engine, opened: list[Engine]
    ) -> None:
        description = engine.describe()
        opened.append(self.open())
        assert description == engine.describe() == opened[-1].describe()
        assert isinstance(description, EngineDescription)
        assert description.engine
        assert description.engine_version
        assert description.model_name
        for digest in (description.model_sha256, description.chat_template_sha256):
            assert len(digest) == 64
            assert set(digest) <= set("0123456789abcdef")
        assert description.context_tokens == self.context_tokens
        assert sorted(description.settings) == list(description.settings)
        assert all(isinstance(text, str) for pair in description.settings for text in pair)

    def test_another_model_is_another_rater(self, engine: Engine, opened: list[Engine]) -> None:
        other = self.open_other()
        if other is None:
            pytest.skip("open_other returns no engine with another model")
        opened.append(other)
        assert other.describe().model_sha256 != engine.describe().model_sha256
        prompts, answers = prompts_of(TEXTS), answers_of(TEXTS)
        assert other.score(prompts, answers) != engine.score(prompts, answers)

    # Resources

    def test_tokens_are_counted_one_text_at_a_time(self, engine: Engine) -> None:
        counts = engine.count_tokens(["The staff were kind.", "", "The staff"])
        assert counts[0] > counts[2] > 0
        assert counts[1] == 0
        assert engine.count_tokens([]) == ()

    def test_usage_grows_with_the_work(self, engine: Engine) -> None:
        before = engine.usage()
        assert before.prompt_tokens == before.evaluated_tokens == 0
        results = engine.score(prompts_of(TEXTS), answers_of(TEXTS))
        usage = engine.usage()
        assert isinstance(usage, Usage)
        assert usage.prompt_tokens == sum(
            result.prompt_tokens for result in results if isinstance(result, Scores)
        )
        assert usage.evaluated_tokens > 0
        assert usage.seconds >= before.seconds
        assert usage.peak_memory_bytes > 0

    def _too_long(self) -> str:
        """Make a text with more words than the context has tokens."""
        return f"{SECRET} too long " * self.context_tokens

    def _assert_same(self, results: Results, expected: Results) -> None:
        if self.tolerance == 0.0:
            assert list(results) == list(expected)
            return
        assert len(results) == len(expected)
        for result, other in zip(results, expected, strict=True):
            if isinstance(result, ScoreFailure) or isinstance(other, ScoreFailure):
                assert result == other
                continue
            assert result.prompt_tokens == other.prompt_tokens
            assert result.log_probabilities == pytest.approx(
                other.log_probabilities, abs=self.tolerance
            )


def _reported(
    engine: Engine,
    prompts: Sequence[Prompt],
    answers: Sequence[tuple[str, ...]],
    wanted: Sequence[int],
) -> Results:
    """Return what is reported of the wanted prompts, in their order; each must come once."""
    found: dict[int, Scores | ScoreFailure] = {}

    def keep(results: Mapping[int, Scores | ScoreFailure]) -> None:
        assert not found.keys() & results.keys()
        found.update(results)

    score_wanted(engine, prompts, answers, wanted, on_scored=keep)
    assert sorted(found) == sorted(wanted)
    return [found[index] for index in wanted]


def _around_waits(work: Callable[[], object]) -> list[int]:
    """Find where a piece of work spends its time, which is where Ctrl-C would interrupt it.

    A place is the number of Python and C function calls made before it in this thread.
    """
    times: list[float] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event in _CALLS:
            times.append(time.perf_counter())

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    waits = [later - earlier for earlier, later in pairwise(times)]
    longest = sorted(range(len(waits)), key=waits.__getitem__)[-_WAITS:]
    return sorted({0, *longest, *(place + 1 for place in longest)})


def _interrupt(work: Callable[[], object], *, after: int) -> bool:
    """Do a piece of work and press Ctrl-C after that many calls; tell whether it got that far."""
    left = after

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal left
        if event in _CALLS:
            left -= 1
            if left < 0:
                sys.setprofile(None)
                # As Ctrl-C does: whoever handles the signal decides where it is raised.
                handler = signal.getsignal(signal.SIGINT)
                assert callable(handler)
                handler(signal.SIGINT, frame)

    with contextlib.suppress(KeyboardInterrupt):
        sys.setprofile(count)
        try:
            work()
        finally:
            sys.setprofile(None)
        return False
    return True
