"""An engine without a model, for tests and examples: the same text gets the same scores.

Its numbers mean nothing. It does what an engine must do: it describes itself, counts, scores
each prompt by itself, reports usage, and refuses to work when closed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence

from localensemble.core.engine_facts import EngineFacts
from localensemble.core.errors import EngineError
from localensemble.core.identity import sha256_text
from localensemble.core.prompts import Prompt
from localensemble.engines.kind import EngineKind
from localensemble.engines.process_memory import peak_memory_bytes
from localensemble.engines.protocol import (
    EngineDescription,
    ScoreFailure,
    Scores,
    Usage,
    refuse_unequal,
)
from localensemble.engines.settings import EngineSettings

Script = Callable[[Prompt, tuple[str, ...]], Sequence[float] | ScoreFailure]

_DEFAULT_CONTEXT = 4096
# The largest share of the probability that a hashed prompt leaves to other responses.
_LARGEST_REST = 0.5
# The logarithm of zero is not a number.
_SMALLEST = 5e-324


class ScriptedEngine:
    """Scores from a function, or from a hash of the prompt's text.

    Args:
        script: a function that returns the probabilities of a prompt's answers, which sum to
            at most 1, or a failure; None to use the hash.
        seed: a different seed makes a different rater, with a different description.
        context_tokens: the most words a prompt may have.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        seed: str = "0",
        context_tokens: int = _DEFAULT_CONTEXT,
    ) -> None:
        self._script = script or self._hashed
        self._seed = seed
        self._context_tokens = context_tokens
        self._prompt_tokens = 0
        self._closed = False

    @classmethod
    def from_settings(cls, settings: EngineSettings) -> ScriptedEngine:
        """Hash with the model file's name as the seed; the file need not exist."""
        seed = settings.model_path.stem if settings.model_path is not None else "0"
        return cls(seed=seed, context_tokens=settings.context_tokens or _DEFAULT_CONTEXT)

    def describe(self) -> EngineDescription:
        """Describe a rater without a model."""
        self._refuse_when_closed()
        return EngineDescription(
            engine="scripted",
            engine_version="1",
            model_name=f"scripted {self._seed}",
            model_sha256=sha256_text(f"scripted {self._seed}"),
            architecture="",
            chat_template_sha256=sha256_text(""),
            context_tokens=self._context_tokens,
            settings=(("seed", self._seed),),
        )

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Count the words of each text."""
        self._refuse_when_closed()
        return tuple(len(text.split()) for text in texts)

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
    ) -> tuple[Scores | ScoreFailure, ...]:
        """Score each prompt by itself."""
        self._refuse_when_closed()
        refuse_unequal(prompts, answers)
        return tuple(map(self._score, prompts, answers))

    def usage(self) -> Usage:
        """Report the words of all prompts so far."""
        return Usage(
            prompt_tokens=self._prompt_tokens,
            evaluated_tokens=self._prompt_tokens,
            seconds=0.0,
            peak_memory_bytes=peak_memory_bytes(),
        )

    def close(self) -> None:
        """Refuse further calls."""
        self._closed = True

    def _score(self, prompt: Prompt, answers: tuple[str, ...]) -> Scores | ScoreFailure:
        length = sum(len(message.text.split()) for message in prompt.messages)
        if length > self._context_tokens:
            return ScoreFailure(f"too_long: {length} of {self._context_tokens} tokens")
        self._prompt_tokens += length
        probabilities = self._script(prompt, answers)
        if isinstance(probabilities, ScoreFailure):
            return probabilities
        if len(probabilities) != len(answers):
            raise ValueError(f"{len(probabilities)} probabilities for {len(answers)} answers.")
        return Scores(
            log_probabilities=tuple(math.log(max(value, _SMALLEST)) for value in probabilities),
            off_codebook_mass=min(1.0, max(0.0, 1.0 - math.fsum(probabilities))),
            prompt_tokens=length,
        )

    def _hashed(self, prompt: Prompt, answers: tuple[str, ...]) -> Sequence[float]:
        text = _digest("\0".join(message.text for message in prompt.messages), self._seed)
        numbers = [int(_digest(answer, text)[:16], 16) + 1 for answer in ("", *answers)]
        rest, *weights = (number / 2**64 for number in numbers)
        # Cubed so that one answer usually dominates.
        weights = [weight**3 for weight in weights]
        scale = (1.0 - _LARGEST_REST * rest) / math.fsum(weights)
        return [weight * scale for weight in weights]

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise EngineError(
                f'Cannot use scripted engine "{self._seed}": it is closed.',
                hint="Open it again.",
            )


def _digest(text: str, key: str) -> str:
    data = f"{key}\0{text}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class _ScriptedKind(EngineKind):
    def cautions(self, raters: Sequence[str]) -> Sequence[str]:
        """Warn that the labels mean nothing."""
        be, their = ("is", "its") if len(raters) == 1 else ("are", "their")
        return (f"{', '.join(raters)} {be} scripted: {their} labels mean nothing.",)


SCRIPTED = _ScriptedKind(
    ScriptedEngine.from_settings,
    facts=EngineFacts(never_cuts=True, scripted=True),
    readouts=("name", "option", "prefilled"),
)
