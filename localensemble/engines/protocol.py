"""What every engine does: describe itself and score answers.

Engines import nothing but `core`. A per-prompt failure is a value (`ScoreFailure`); a
failure of the whole call is an exception (`EngineError` and below).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from localensemble.core.prompts import Prompt

ScoringMode = Literal["batched", "strict"]


@dataclass(frozen=True, slots=True)
class EngineDescription:
    """What an engine runs, as facts that enter a rater's identity or a run's record.

    Attributes:
        engine: registered name, for example ``llama-cpp``.
        engine_version: version of the engine and of what it wraps.
        model_name: the name the model file carries.
        model_sha256: 64 hexadecimal digits over the weights file.
        architecture: GGUF ``general.architecture``; empty when unknown.
        chat_template_sha256: hash of the chat template in use.
        context_tokens: tokens one prompt and its answers may take.
        settings: every setting that can change a digit, as pairs of canonical name and value.
        prefix_rule: how an answer is told apart from a longer one that begins with it. Part of
            a rater's identity only if its codebook has such answers; empty if no digit depends
            on it.
        sums_spellings: whether an answer has the probability of all its spellings where a
            prompt asks for that.
    """

    engine: str
    engine_version: str
    model_name: str
    model_sha256: str
    architecture: str
    chat_template_sha256: str
    context_tokens: int
    settings: tuple[tuple[str, str], ...]
    prefix_rule: str = ""
    sums_spellings: bool = False


@dataclass(frozen=True, slots=True)
class Scores:
    """The distribution a model gives over a prompt's answers.

    Attributes:
        log_probabilities: natural log of the probability that the response is answer k,
            joint over the answer's tokens, not normalized over the answers; <= 0.
        off_codebook_mass: 1 - sum of the probabilities that are known, clipped to [0, 1].
        prompt_tokens: length of the prompt in tokens.
        censored: for each answer, whether the engine could not see its probability, so that
            ``log_probabilities`` has an upper bound instead; never true of the most probable
            one. Empty if all are known.
        other_spellings: the part of the answers' probability that comes from other spellings
            than the exact ones; 0 if only these are read.
    """

    log_probabilities: tuple[float, ...]
    off_codebook_mass: float
    prompt_tokens: int
    censored: tuple[bool, ...] = ()
    other_spellings: float = 0.0


@dataclass(frozen=True, slots=True)
class ScoreFailure:
    """Why one prompt could not be scored: ``too_long: 9310 of 8192 tokens``, never item text.

    ``unparsable`` means that the model replied, but with none of the answers.
    """

    reason: str
    unparsable: bool = False


# Called with results by the index of their prompt, as soon as they are there.
OnScored = Callable[[Mapping[int, Scores | ScoreFailure]], None]


@dataclass(frozen=True, slots=True)
class Usage:
    """Work done by an engine since it started.

    ``prompt_tokens`` counts every prompt in full; ``evaluated_tokens`` only what the model
    had to compute, so their ratio is what sharing saved. ``seconds`` is time in the model.
    """

    prompt_tokens: int
    evaluated_tokens: int
    seconds: float
    peak_memory_bytes: int


class Engine(Protocol):
    """A loaded model."""

    def describe(self) -> EngineDescription:
        """Describe what runs here."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Count the tokens of each text without parsing special tokens."""
        ...

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
    ) -> tuple[Scores | ScoreFailure, ...]:
        """Score each prompt's answers.

        Args:
            prompts: any number; the engine shares what they have in common.
            answers: the answer strings of each prompt, distinct and not empty.

        Returns:
            One result per prompt, in order. The same call gives the same digits.
        """
        ...

    def usage(self) -> Usage:
        """Report the work done so far."""
        ...

    def close(self) -> None:
        """Release the model; further calls are errors."""
        ...


@runtime_checkable
class ReportingEngine(Engine, Protocol):
    """An engine that can score some prompts of a call, and reports results while it works."""

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        """Score some of the prompts, with the digits that `score` gives them among all.

        Args:
            prompts: all prompts; which of them are computed together depends on all.
            answers: the answer strings of each prompt.
            wanted: indices of the prompts to score.
            on_scored: gets each wanted result once. What it raises ends the call.
        """
        ...


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What a model writes when nothing but its own choice decides, the likeliest token at a time.

    Attributes:
        text: the response; it may repeat the item, and is as confidential.
        is_whole: whether the response ended by itself, before the most tokens allowed.
    """

    text: str = field(repr=False)
    is_whole: bool


@runtime_checkable
class WritingEngine(Engine, Protocol):
    """An engine whose model can also write a response."""

    def write(self, prompt: Prompt, *, at_most: int) -> OwnWords | ScoreFailure:
        """Write the response to a prompt.

        Args:
            prompt: the prompt.
            at_most: the most tokens of the response, at least 1.
        """
        ...


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage of a text that a model quotes.

    Attributes:
        category: index of the category that it stands for.
        start: place of its first code point in the text.
        stop: place after its last code point.
        probability: what the model gives to this line among those that it may write.
    """

    category: int
    start: int
    stop: int
    probability: float


@dataclass(frozen=True, slots=True)
class Quotes:
    """What a model quotes from a text.

    Attributes:
        quotes: the passages, in the order of the text.
        is_whole: whether the response ended by itself, before the most tokens allowed.
        prompt_tokens: length of the prompt in tokens.
    """

    quotes: tuple[Quote, ...]
    is_whole: bool
    prompt_tokens: int


@runtime_checkable
class QuotingEngine(Engine, Protocol):
    """An engine whose model can also quote passages of a text, and nothing else."""

    def quote(
        self, prompt: Prompt, *, text: str, categories: Sequence[str], at_most: int
    ) -> Quotes | ScoreFailure:
        """Quote the passages of a text that a prompt asks for.

        Args:
            prompt: the prompt, which asks for lines such as ``Drug: ibuprofen``, or ``none``.
            text: what may be quoted: whole words, in the order of the text.
            categories: the names of the categories.
            at_most: the most tokens of the response, at least 1.
        """
        ...


def score_all(
    engine: ReportingEngine, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
) -> tuple[Scores | ScoreFailure, ...]:
    """Return what an engine reports of all prompts, in order: the ``score`` of such an engine."""
    results: dict[int, Scores | ScoreFailure] = {}
    every = range(len(prompts))
    engine.score_wanted(prompts, answers, every, on_scored=results.update)
    return tuple(results[index] for index in every)


def refuse_unequal(prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]) -> None:
    """Refuse a call with more or fewer answer sets than prompts.

    Raises:
        ValueError: their numbers differ.
    """
    if len(prompts) != len(answers):
        raise ValueError(f"{len(answers)} answer sets for {len(prompts)} prompts.")


def score_wanted(
    engine: Engine,
    prompts: Sequence[Prompt],
    answers: Sequence[tuple[str, ...]],
    wanted: Collection[int],
    *,
    on_scored: OnScored,
) -> None:
    """Score some prompts of a call with any engine, and report results.

    An engine that only has `score` scores all prompts, and reports when it is done.
    """
    if isinstance(engine, ReportingEngine):
        engine.score_wanted(prompts, answers, wanted, on_scored=on_scored)
        return
    results = engine.score(prompts, answers)
    on_scored({index: results[index] for index in wanted})
