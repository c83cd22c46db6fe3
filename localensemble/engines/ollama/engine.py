"""Score answers through the Ollama of this machine.

Ollama writes a reply, which a JSON schema confines to the answers, and reports the twenty most
probable tokens at its first position, where nothing is confined yet. `answers` reads the
probabilities off these; the reply itself only shows that the schema was followed.

Every setting that a Modelfile or a default could decide is sent with every request. A prompt
that may not fit is counted first, in pieces too small to be cut, and a reply to fewer
tokens than that is refused, so no cut goes unnoticed. Ollama reads turn marks anywhere, so a
text that contains one is also refused (`special_token`).

Before results are reported the engine checks what the model's name refers to; if the manifest has
changed, they are dropped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from localensemble.core.errors import (
    EngineCrashedError,
    EngineError,
    EngineUnavailableError,
    ModelFileError,
)
from localensemble.core.identity import sha256_text
from localensemble.core.prompts import Prompt
from localensemble.engines.ollama.answers import (
    TOP_TOKENS,
    AnswerForm,
    answer_form,
    read_scores,
)
from localensemble.engines.ollama.client import (
    PAUSES,
    Json,
    OllamaClient,
    RefusedAsTooLong,
    Reply,
)
from localensemble.engines.ollama.host import ollama_address
from localensemble.engines.ollama.model import (
    OllamaModel,
    find_model,
    manifest_digest,
    refuse_cloud_name,
)
from localensemble.engines.protocol import (
    EngineDescription,
    OnScored,
    ScoreFailure,
    Scores,
    Usage,
    refuse_unequal,
    score_all,
)
from localensemble.engines.settings import EngineSettings

PARALLEL_VARIABLE = "OLLAMA_NUM_PARALLEL"
_DEFAULT_CONTEXT = 4096
_KEEP_ALIVE = "15m"
# Replies for each parallel request before results are reported.
_REPORTED_AT_ONCE = 4
_MOST_PARALLEL = 64
# Bytes per token of usual text, and the ratio above which a token count is verified.
_BYTES_PER_TOKEN = 4
_MOST_BYTES_PER_TOKEN = 8
# How many tokens cutting a text into pieces may add per piece.
_CUT_TOKENS = 4
_SHORT_PIECE = 128
# Everything that a Modelfile could set differently; the most probable token, unaltered.
_OPTIONS: Json = {
    "frequency_penalty": 0.0,
    "min_p": 0.0,
    "num_keep": 0,
    "presence_penalty": 0.0,
    "repeat_last_n": 0,
    "repeat_penalty": 1.0,
    "seed": 1,
    "stop": [],
    "temperature": 0.0,
    "top_k": 1,
    "top_p": 1.0,
    "typical_p": 1.0,
}
# Used to measure everything in a prompt except its texts.
_SHORT = "x"
_PROBE_FORM = AnswerForm(("1", "2"), "", ("1", "2"), (2, 2))


class OllamaEngine:
    """A model served by Ollama on this machine.

    Args:
        settings: ``model_name`` is what Ollama calls the model. Ollama chooses devices and
            threads unless they are given. ``strict`` sends one request at a time.
        pauses: seconds before each further attempt while Ollama is busy or away.

    Raises:
        EngineUnavailableError: Ollama does not answer, is too old, or cannot load the model.
        ModelFileError: Ollama does not have the model, or the model may not be used.
    """

    def __init__(self, settings: EngineSettings, *, pauses: Sequence[float] = PAUSES) -> None:
        if not settings.model_name:
            raise ModelFileError(
                "Cannot open engine ollama: no model name is given.",
                hint="Give the name that `ollama list` shows, for example qwen2.5:3b.",
            )
        refuse_cloud_name(settings.model_name)
        self._parallel = 1 if settings.mode == "strict" else _parallel_requests()
        self._client = OllamaClient(ollama_address(), parallel=self._parallel, pauses=pauses)
        self._closed = False
        self._prompt_tokens = self._evaluated_tokens = 0
        self._seconds = 0.0
        self._forms: dict[tuple[str, ...], AnswerForm | ScoreFailure] = {}
        self._description: EngineDescription | None = None
        self._was_loaded = True
        try:
            self._model = find_model(self._client, settings.model_name)
            self._was_loaded = self._loaded() is not None
            marks = "|".join(map(re.escape, self._model.marks))
            self._marks = re.compile(marks) if marks else None
            self._context = _context_tokens(settings, self._model)
            self._options = _OPTIONS | {"num_ctx": self._context} | _devices(settings)
            self._frame_tokens = self._load()
            self._memory = self._check_loaded()
        except BaseException:
            self.close()
            raise

    def describe(self) -> EngineDescription:
        """Describe what runs here; the first call hashes the weights if it can read them."""
        self._refuse_when_closed()
        if self._description is None:
            model = self._model
            model.check_blob()
            self._description = EngineDescription(
                engine="ollama",
                engine_version=f"Ollama {model.version}",
                model_name=model.title,
                model_sha256=model.weights_sha256,
                architecture=model.architecture,
                chat_template_sha256=sha256_text(model.template),
                context_tokens=self._context,
                settings=tuple(
                    sorted(
                        {
                            **{name: str(value) for name, value in self._options.items()},
                            "answers": "names whose first words are tokens, else letters",
                            "length_rule": "first_token",
                            "manifest_sha256": model.manifest_sha256,
                            "model_sha256_of": "blob" if model.is_blob else "manifest",
                            "parallel": str(self._parallel),
                            "thinking": "off",
                            "top_tokens": str(TOP_TOKENS),
                        }.items()
                    )
                ),
            )
        return self._description

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Estimate the tokens of each text at four bytes a token: Ollama cannot count them."""
        self._refuse_when_closed()
        return tuple(-(-_byte_count(text) // _BYTES_PER_TOKEN) for text in texts)

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
        """Score some prompts' answers; see the protocol and this module's docstring.

        A prompt fails on its own, with one of the reasons ``too_long``, ``truncated``,
        ``not_text``, ``special_token``, ``answers``, ``no_probability``, ``not_told_apart`` and
        ``not_finite``, or unparsable with ``not_an_answer`` or ``thought``.

        Raises:
            EngineError: Ollama failed, or the model has changed.
        """
        self._refuse_when_closed()
        refuse_unequal(prompts, answers)
        failures: dict[int, Scores | ScoreFailure] = {}
        asked: dict[int, _Question] = {}
        counted: dict[str, int] = {}
        for index in sorted(wanted):
            question = self._question(prompts[index], answers[index], counted)
            if isinstance(question, ScoreFailure):
                failures[index] = question
            else:
                asked[index] = question
        if failures:
            self._refuse_other_model()
            on_scored(failures)
        pairs, size = list(asked.items()), _REPORTED_AT_ONCE * self._parallel
        for start in range(0, len(pairs), size):
            results = self._results(dict(pairs[start : start + size]))
            self._refuse_other_model()
            on_scored(results)

    def _results(self, asked: Mapping[int, _Question]) -> Mapping[int, Scores | ScoreFailure]:
        results: dict[int, Scores | ScoreFailure] = {}
        # Ask once more if the first reply was not an answer; the second is final.
        for _ in range(2):
            replies = self._client.chat([question.body for question in asked.values()])
            for (index, question), reply in zip(asked.items(), replies, strict=True):
                results[index] = self._result(question, reply)
            asked = {index: asked[index] for index in asked if _is_unparsable(results[index])}
            if not asked:
                break
        return results

    def usage(self) -> Usage:
        """Report the work done so far; the memory is what Ollama uses for the model."""
        return Usage(
            prompt_tokens=self._prompt_tokens,
            evaluated_tokens=self._evaluated_tokens,
            seconds=self._seconds,
            peak_memory_bytes=self._memory,
        )

    def close(self) -> None:
        """Close the connections; a model that was not loaded before is unloaded."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self._was_loaded:
                # This makes room for the next rater. If it fails, no harm is done.
                body = {"model": self._model.name, "keep_alive": 0}
                self._client.ask("/api/generate", {**body, "stream": False})
        except (EngineError, ModelFileError):
            pass
        finally:
            self._client.close()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise EngineError(
                f'Cannot use model "{self._model.name}": its engine is closed.',
                hint="Open the engine again.",
            )

    # Loading

    def _load(self) -> int:
        """Make Ollama load the model, and return the tokens of a prompt without its texts.

        Raises:
            EngineUnavailableError: it cannot, or does not report what is needed.
        """
        # Twice, so that the second is found in the cache: some versions then count too few.
        body = self._probe(_SHORT)
        try:
            replies = [*self._client.chat([body]), *self._client.chat([body])]
        except EngineCrashedError as error:
            raise EngineUnavailableError(
                f'Ollama could not load model "{self._model.name}".',
                hint="Check free memory or set fewer `context_tokens`, then run again.",
            ) from error
        found = [reply for reply in replies if isinstance(reply, Reply)]
        if len(found) < len(replies):
            raise self._unsuitable(f"no prompt fits in a context of {self._context} tokens")
        counts = {reply.prompt_tokens for reply in found}
        if 0 in counts or len(counts) > 1:
            raise self._unsuitable("it does not count the tokens of every prompt")
        if not all(reply.top_tokens for reply in found):
            raise self._unsuitable("it does not report the probabilities of tokens")
        # Better to fail now than on every text. One of two replies may fail, as in a run.
        if all(reply.thought for reply in found):
            raise self._unsuitable("it thinks although thinking is off")
        if not any(_PROBE_FORM.is_answer(reply.text) for reply in found):
            raise self._unsuitable("it writes answers that are not permitted")
        return found[0].prompt_tokens

    def _unsuitable(self, why: str) -> EngineUnavailableError:
        return EngineUnavailableError(
            f"Cannot label with Ollama {self._model.version} and model "
            f'"{self._model.name}": {why}.',
            hint="Update Ollama, or use engine llama-cpp with a GGUF file.",
        )

    def _loaded(self) -> Json | None:
        """Find the model among those Ollama has loaded."""
        for entry in self._client.ask("/api/ps").get("models") or ():
            if self._model.name in {entry.get("name"), entry.get("model")}:
                return dict(entry)
        return None

    def _check_loaded(self) -> int:
        """Check the context that Ollama made, and return the memory it took in bytes."""
        entry = self._loaded() or {}
        allocated = entry.get("context_length")
        if allocated is None:
            raise self._unsuitable("it does not report the size of its context")
        if int(allocated) < self._context:
            raise self._unsuitable(
                f"its context has {allocated} tokens, but {self._context} were requested"
            )
        return int(entry.get("size") or 1)

    def _refuse_other_model(self) -> None:
        if manifest_digest(self._client, self._model.name) != self._model.manifest_sha256:
            raise ModelFileError(
                f'Ollama model "{self._model.name}" changed while it was in use.',
                hint="Run again: the new model is another rater. Labels so far are kept.",
            )

    # Asking

    def _chat(self, messages: list[dict[str, str]], form: AnswerForm) -> Json:
        return {
            "model": self._model.name,
            "messages": messages,
            "stream": True,
            "format": form.schema,
            "options": {**self._options, "num_predict": form.most_tokens},
            "keep_alive": _KEEP_ALIVE,
            "think": False,
            "truncate": False,
            "shift": False,
            "logprobs": True,
            "top_logprobs": TOP_TOKENS,
        }

    def _probe(self, text: str) -> Json:
        """Ask with a prompt that holds one text and almost nothing else."""
        return self._chat(
            [{"role": "system", "content": _SHORT}, {"role": "user", "content": text}], _PROBE_FORM
        )

    def _question(
        self, prompt: Prompt, answers: tuple[str, ...], counted: dict[str, int]
    ) -> _Question | ScoreFailure:
        if answers not in self._forms:
            self._forms[answers] = answer_form(answers, vocabulary=self._model.vocabulary)
        form = self._forms[answers]
        if isinstance(form, ScoreFailure):
            return form
        messages = [{"role": message.role, "content": message.text} for message in prompt.messages]
        messages[-1]["content"] += form.instruction
        refused = self._refused(message["content"] for message in messages)
        if refused is not None:
            return refused
        texts = [segment.text for message in prompt.messages for segment in message.segments]
        fewest = self._fewest_tokens([*texts, form.instruction], form, counted)
        needed = fewest + form.most_tokens
        if needed > self._context:
            return ScoreFailure(f"too_long: {needed} of {self._context} tokens")
        return _Question(self._chat(messages, form), form, texts, fewest)

    def _refused(self, texts: Iterable[str]) -> ScoreFailure | None:
        for text in texts:
            lone = next((at for at, one in enumerate(text) if "\ud800" <= one <= "\udfff"), None)
            if lone is not None:
                return ScoreFailure(f"not_text: character {lone} is a lone surrogate")
            if self._marks is not None and self._marks.search(text):
                return ScoreFailure(
                    "special_token: the text has a mark that Ollama would read as the end of a turn"
                )
        return None

    def _fewest_tokens(
        self, texts: Sequence[str], form: AnswerForm, counted: dict[str, int]
    ) -> int:
        """Return a lower bound on a prompt's tokens; 0 if the prompt is sure to fit.

        No token is shorter than a byte. A longer prompt is counted piece by piece until it
        is clear that it does not fit.
        """
        room = self._context - form.most_tokens - self._frame_tokens
        if sum(map(_byte_count, texts)) <= room:
            return 0
        total = self._frame_tokens
        for text in texts:
            if text not in counted:
                room = self._context - _PROBE_FORM.most_tokens - self._frame_tokens
                counted[text] = self._count(text, piece_bytes=max(_SHORT_PIECE, room))
            total += counted[text]
        return total

    def _count(self, text: str, *, piece_bytes: int) -> int:
        """Return a lower bound on a text's tokens; stop counting when it cannot fit."""
        total = 0
        for piece in _pieces(text, longest=piece_bytes):
            (reply,) = self._client.chat([self._probe(piece)])
            if isinstance(reply, Reply):
                self._note(reply)
                total += max(0, reply.prompt_tokens - self._frame_tokens - _CUT_TOKENS)
            if total > self._context:
                break
        return total

    def _note(self, reply: Reply) -> None:
        self._evaluated_tokens += max(0, reply.prompt_tokens - reply.cached_tokens)
        self._seconds += reply.seconds

    def _result(
        self, question: _Question, reply: Reply | RefusedAsTooLong
    ) -> Scores | ScoreFailure:
        if isinstance(reply, RefusedAsTooLong):
            needed = max(question.fewest_tokens + question.form.most_tokens, self._context + 1)
            return ScoreFailure(f"too_long: {needed} of {self._context} tokens")
        self._note(reply)
        fewest = question.fewest_tokens
        if reply.prompt_tokens < sum(map(_byte_count, question.texts)) // _MOST_BYTES_PER_TOKEN:
            # A count this low is possible but unlikely.
            fewest = self._frame_tokens + sum(
                self._count(text, piece_bytes=_SHORT_PIECE) for text in question.texts
            )
        if reply.prompt_tokens < max(1, fewest) or reply.prompt_tokens >= self._context:
            return ScoreFailure(
                f"truncated: Ollama read {reply.prompt_tokens} of at least {max(1, fewest)} tokens"
            )
        if reply.thought:
            return ScoreFailure("thought: the model thought with thinking off", unparsable=True)
        begun = reply.first_token.strip()
        if not question.form.is_answer(reply.text):
            return ScoreFailure("not_an_answer: the reply is not a category", unparsable=True)
        if not begun or not reply.text.lstrip().startswith(begun):
            return ScoreFailure(
                "not_an_answer: the probabilities do not belong to the reply", unparsable=True
            )
        scores = read_scores(
            question.form, top_tokens=reply.top_tokens, prompt_tokens=reply.prompt_tokens
        )
        if isinstance(scores, Scores):
            self._prompt_tokens += reply.prompt_tokens
        return scores


@dataclass(frozen=True, slots=True)
class _Question:
    """One prompt, ready to be sent; ``fewest_tokens`` is 0 if it is sure to fit."""

    body: Json
    form: AnswerForm
    texts: Sequence[str]
    fewest_tokens: int


def _parallel_requests() -> int:
    """Return how many requests the server works on at once; it does not report this, so 1."""
    given = os.environ.get(PARALLEL_VARIABLE, "")
    return min(_MOST_PARALLEL, max(1, int(given))) if given.isdecimal() else 1


def _context_tokens(settings: EngineSettings, model: OllamaModel) -> int:
    wanted = settings.context_tokens or _DEFAULT_CONTEXT
    return wanted if model.trained_context is None else min(wanted, model.trained_context)


def _devices(settings: EngineSettings) -> Json:
    given = {"num_thread": settings.threads, "num_gpu": settings.gpu_layers}
    return {name: value for name, value in given.items() if value is not None}


def _is_unparsable(result: Scores | ScoreFailure) -> bool:
    return isinstance(result, ScoreFailure) and result.unparsable


def _byte_count(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _pieces(text: str, *, longest: int) -> Iterator[str]:
    """Cut a text into pieces of at most ``longest`` bytes, before white space if possible."""
    data = text.encode()
    start = 0
    while start < len(data):
        end = min(start + longest, len(data))
        if end < len(data):
            space = max(data.rfind(b" ", start + 1, end), data.rfind(b"\n", start + 1, end))
            end = space if space > 0 else end
            while data[end] & 0xC0 == 0x80:
                end -= 1
        yield data[start:end].decode()
        start = end
