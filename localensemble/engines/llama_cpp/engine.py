"""Score answers with llama.cpp: no generation, no parsing, every answer's probability.

The prompts of a call are grouped by their head (the part before the item). A head is
evaluated once and stays in the cache, even across calls; the tails of many items, with the
continuation tokens of their answers, are evaluated together, and each token sees only its own
prompt. Heads that alternate are kept as saved states, so each is computed once per run.

The length rule is `answer_plan`'s: the probability of an answer is the probability that the
response begins with exactly its tokens and does not go on to a longer answer. Refuses a prompt
that does not fit (`too_long`): nothing is ever cut.

The mode ``strict`` shares nothing: one sequence, an empty cache, each answer on its own. Models
whose memory is a running state (Mamba, LFM2 and other hybrids) are always scored this way.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.core.errors import EngineError, ModelFileError
from localensemble.core.identity import sha256_file
from localensemble.core.prompts import Prompt, Spellings
from localensemble.engines.hardware import graphics_devices
from localensemble.engines.llama_cpp.answer_plan import (
    AnswerPlan,
    BatchLimits,
    UnscorableAnswersError,
    plan_answers,
)
from localensemble.engines.llama_cpp.answer_scores import Scorer
from localensemble.engines.llama_cpp.build import library_origin
from localensemble.engines.llama_cpp.chat_template import ChatTemplate
from localensemble.engines.llama_cpp.context_shape import context_shape
from localensemble.engines.llama_cpp.model import LlamaModel
from localensemble.engines.llama_cpp.model_file import open_library
from localensemble.engines.llama_cpp.name_paths import NamePath, name_paths
from localensemble.engines.llama_cpp.prefix_tree import Tail
from localensemble.engines.llama_cpp.prompt_tokens import (
    NotTextError,
    PromptTokenizer,
    TokenizedPrompt,
)
from localensemble.engines.llama_cpp.quote_grammar import PieceIndex, QuoteGrammar
from localensemble.engines.llama_cpp.quoting import Quoter
from localensemble.engines.llama_cpp.spellings import other_spellings
from localensemble.engines.process_memory import peak_memory_bytes
from localensemble.engines.protocol import (
    EngineDescription,
    OnScored,
    OwnWords,
    Quotes,
    ScoreFailure,
    Scores,
    ScoringMode,
    Usage,
    refuse_unequal,
    score_all,
)
from localensemble.engines.settings import EngineSettings
from localensemble.engines.steps import STEPS


class LlamaCppEngine:
    """A GGUF model in this process.

    A fault in llama.cpp ends the process; `worker.WorkerEngine` runs this class in another.

    Raises:
        EngineUnavailableError: llama-cpp-python is not installed.
        ModelFileError: the file is missing, damaged, or not a model that generates text.
    """

    def __init__(self, settings: EngineSettings) -> None:
        if settings.model_path is None:
            raise ModelFileError(
                "Cannot open engine llama-cpp: no model file is given.",
                hint="Give the path of a GGUF file.",
            )
        library = open_library()
        self._version = library.llama_version().decode()
        self._path = Path(settings.model_path)
        self._model: LlamaModel | None = LlamaModel(
            library, self._path, gpu_layers=settings.gpu_layers
        )
        model = self._model
        try:
            self.mode: ScoringMode = "strict" if model.is_recurrent else settings.mode
            self._shape = context_shape(
                settings,
                vocabulary=model.token_count,
                trained_context=model.trained_context,
                mode=self.mode,
            )
            model.open_context(self._shape)
        except BaseException:
            self.close()
            raise
        self._template = ChatTemplate(
            model.chat_template(),
            bos=model.token_text(model.bos),
            eos=model.token_text(model.eos),
            launcher=settings.launcher,
        )
        self._tokenizer = PromptTokenizer(model, self._template)
        self._limits = BatchLimits(
            tokens=self._shape.batch_tokens,
            paths=self._shape.sequences,
            reads=self._shape.outputs,
        )
        self._plans: dict[tuple[tuple[str, ...], Spellings, bool], AnswerPlan | ScoreFailure] = {}
        self._scorer = Scorer(
            model, mode=self.mode, limits=self._limits, cache_tokens=self._shape.tokens
        )
        self._pieces: PieceIndex | None = None
        self._description: EngineDescription | None = None
        self._prompt_tokens = 0

    def describe(self) -> EngineDescription:
        """Describe what runs here; the first call reads the model file to hash it."""
        model = self._open_model()
        if self._description is None:
            binding = importlib.metadata.version("llama-cpp-python")
            self._description = EngineDescription(
                engine="llama-cpp",
                engine_version=", ".join(
                    filter(
                        None,
                        (
                            f"llama-cpp-python {binding}",
                            f"llama.cpp {self._version}",
                            library_origin(),
                        ),
                    )
                ),
                model_name=model.metadata("general.name") or self._path.stem,
                model_sha256=sha256_file(self._path, on_piece=STEPS.take),
                architecture=model.architecture,
                chat_template_sha256=self._template.sha256,
                context_tokens=self._shape.tokens,
                settings=(
                    ("batch_tokens", str(self._shape.batch_tokens)),
                    ("chat_template", "plain" if self._template.source is None else "model"),
                    *self._devices(),
                    ("flash_attention", "auto"),
                    ("gpu_layers", str(model.gpu_layers)),
                    ("length_rule", "joint"),
                    ("memory", "state" if model.is_recurrent else "attention"),
                    ("mode", self.mode),
                    ("thinking", "off"),
                ),
                prefix_rule="longest name",
                sums_spellings=True,
            )
        return self._description

    def _devices(self) -> tuple[tuple[str, str], ...]:
        """Name the devices used besides the processor; different devices round differently."""
        if self._open_model().gpu_layers == 0:
            return ()
        names = sorted({f"{one.name} ({one.built_with})" for one in graphics_devices()})
        return (("devices", ", ".join(names) or "unknown"),)

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Count the tokens of each text inside a message.

        Text that cannot be scored is counted as well: a lone surrogate as another character.
        """
        self._open_model()
        countable = [text.encode("utf-8", "replace").decode() for text in texts]
        return tuple(len(self._tokenizer.text(text, after_special=False)) for text in countable)

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
    ) -> tuple[Scores | ScoreFailure, ...]:
        """Score each prompt's answers; see `score_wanted`."""
        return score_all(self, prompts, answers)

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        """Score some prompts' answers, and report them after each batch; see the protocol.

        All prompts are packed into batches, and batches without a wanted prompt are left out.
        A prompt fails on its own, with one of the reasons ``too_long``, ``not_text``,
        ``no_tokens``, ``answers`` (they cannot be told apart) and ``not_finite``.

        Raises:
            ChatTemplateError: the model's chat template cannot be used.
            EngineError: the model could not be evaluated.
        """
        self._open_model()
        refuse_unequal(prompts, answers)
        asked = set(wanted)
        tokenized = self._tokenizer.prompts(prompts)
        failures: dict[int, ScoreFailure] = {}
        lengths: dict[int, int] = {}
        # The index of the prompt that a tail belongs to, by the tail's slot.
        indices: dict[int, int] = {}
        groups: dict[tuple[int, ...], list[Tail]] = {}
        wanted_slots: list[bool] = []
        for index, (prompt, strings) in enumerate(zip(tokenized, answers, strict=True)):
            checked = self._check(prompt, strings, prompts[index].spellings)
            if isinstance(checked, ScoreFailure):
                failures[index] = checked
                continue
            tokens, plan = checked
            lengths[index] = tokens.token_count
            slot = len(wanted_slots)
            indices[slot] = index
            groups.setdefault(tokens.head, []).append(Tail(tokens.tail, plan, slot))
            wanted_slots += [index in asked] * plan.path_count
        if failed := {index: failures[index] for index in failures if index in asked}:
            on_scored(failed)

        def report(tails: Sequence[Tail], results: NDArray[np.float64]) -> None:
            scored = {}
            for tail in tails:
                index = indices[tail.slot]
                self._prompt_tokens += lengths[index]
                scored[index] = _scores(tail.plan, results[tail.slot :], lengths[index])
            on_scored(scored)

        self._scorer.score(groups, wanted=np.array(wanted_slots, dtype=np.bool_), on_read=report)

    def write(self, prompt: Prompt, at_most: int) -> OwnWords | ScoreFailure:
        """Write the response to a prompt, the most probable token at a time.

        Fails with one of the reasons ``too_long``, ``not_text`` and ``no_tokens``.

        Raises:
            ChatTemplateError: the model's chat template cannot be used.
            EngineError: the model could not be evaluated.
        """
        model = self._open_model()
        tokenized = self._fitting(prompt, at_most)
        if isinstance(tokenized, ScoreFailure):
            return tokenized
        tokens: list[int] = []

        def choose(logits: NDArray[np.float32]) -> int | None:
            token = int(logits.argmax())
            if model.ends_or_controls(token):
                return None
            tokens.append(token)
            return token

        is_whole = self._scorer.continued(
            (), tokenized.head + tokenized.tail, at_most=at_most, choose=choose
        )
        self._prompt_tokens += tokenized.token_count
        written = b"".join(model.pieces[token] for token in tokens)
        return OwnWords(written.decode("utf-8", "replace"), is_whole)

    def quote(
        self, prompt: Prompt, *, text: str, categories: Sequence[str], at_most: int
    ) -> Quotes | ScoreFailure:
        """Quote passages of a text; see the protocol.

        Fails with one of the reasons ``too_long``, ``not_text`` and ``no_tokens``.

        Raises:
            ChatTemplateError: the model's chat template cannot be used.
            EngineError: the model could not be evaluated.
        """
        model = self._open_model()
        tokenized = self._fitting(prompt, at_most)
        if isinstance(tokenized, ScoreFailure):
            return tokenized
        if self._pieces is None:
            self._pieces = PieceIndex(model.pieces)
        grammar = QuoteGrammar(text, categories=categories, pieces=self._pieces)
        quoter = Quoter(grammar, ends=model.ending_tokens)
        is_whole = self._scorer.continued(
            tokenized.head, tokenized.tail, at_most=at_most, choose=quoter.choose
        )
        self._prompt_tokens += tokenized.token_count
        return Quotes(tuple(quoter.quotes), is_whole, tokenized.token_count)

    def _fitting(self, prompt: Prompt, at_most: int) -> TokenizedPrompt | ScoreFailure:
        """Tokenize a prompt that has room for a response, or return why it has none."""
        (tokenized,) = self._tokenizer.prompts([prompt])
        if isinstance(tokenized, NotTextError):
            return ScoreFailure(str(tokenized))
        if not tokenized.token_count:
            return ScoreFailure("no_tokens")
        needed = tokenized.token_count + at_most
        if needed > self._shape.tokens:
            return ScoreFailure(f"too_long: {needed} of {self._shape.tokens} tokens")
        return tokenized

    def usage(self) -> Usage:
        """Report the work done so far."""
        return Usage(
            prompt_tokens=self._prompt_tokens,
            evaluated_tokens=self._scorer.evaluated_tokens,
            seconds=self._scorer.seconds,
            peak_memory_bytes=peak_memory_bytes(),
        )

    def close(self) -> None:
        """Release the model."""
        if self._model is not None:
            self._model.close()
            self._model = None

    def _open_model(self) -> LlamaModel:
        if self._model is None:
            raise EngineError(
                f'Cannot use model "{self._path.name}": its engine is closed.',
                hint="Open the engine again.",
            )
        return self._model

    def _check(
        self,
        prompt: TokenizedPrompt | NotTextError,
        answers: tuple[str, ...],
        spellings: Spellings,
    ) -> tuple[TokenizedPrompt, AnswerPlan] | ScoreFailure:
        if isinstance(prompt, NotTextError):
            return ScoreFailure(str(prompt))
        if not prompt.token_count:
            return ScoreFailure("no_tokens")
        plan = self._plan(answers, spellings, prompt.after_special)
        if isinstance(plan, ScoreFailure):
            return plan
        needed = prompt.token_count + plan.continuation_count
        if needed > self._shape.tokens:
            return ScoreFailure(f"too_long: {needed} of {self._shape.tokens} tokens")
        return prompt, plan

    def _plan(
        self, answers: tuple[str, ...], spellings: Spellings, after_special: bool
    ) -> AnswerPlan | ScoreFailure:
        key = (answers, spellings, after_special)
        if key not in self._plans:
            others = other_spellings(answers) if spellings == "summed" else ()
            names = (*answers, *(other.text for other in others))
            try:
                tokens = [self._tokenizer.text(one, after_special=after_special) for one in names]
                longer = name_paths(
                    names,
                    tokens,
                    tokenize=partial(self._tokenizer.text, after_special=False),
                    pieces=lambda: self._open_model().pieces,
                )
                self._plans[key] = plan_answers(
                    tokens[: len(answers)],
                    others=[
                        NamePath(found, other.answer)
                        for found, other in zip(tokens[len(answers) :], others, strict=True)
                    ],
                    longer=longer,
                    limits=self._limits,
                )
            except (UnscorableAnswersError, NotTextError) as error:
                self._plans[key] = ScoreFailure(f"answers: {error}")
        return self._plans[key]


def _scores(
    plan: AnswerPlan, results: NDArray[np.float64], prompt_tokens: int
) -> Scores | ScoreFailure:
    log_probabilities = plan.answers(results)
    if not np.isfinite(log_probabilities).all():
        return ScoreFailure("not_finite: the model returned an invalid number")
    # Rounding may lift a certain answer slightly above 1.
    capped = np.minimum(log_probabilities, 0.0)
    rest = 1.0 - float(np.exp(capped).sum())
    return Scores(
        log_probabilities=tuple(capped.tolist()),
        off_codebook_mass=min(1.0, max(0.0, rest)),
        prompt_tokens=prompt_tokens,
        other_spellings=plan.other_spellings(results),
    )
