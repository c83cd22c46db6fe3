"""Turn texts into vectors with llama.cpp, one text at a time.

An encoder of the BERT family with mean pooling: the vector of a text is the mean of the
model's vectors of its tokens, scaled to length 1. Each text is evaluated by itself, so its vector
does not depend on its neighbors; packing texts together was measured and is not faster.

Refuses a text that does not fit (`too_long`): nothing is ever cut. Special tokens in a text are
read as text.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localensemble.core.errors import EngineError, ModelFileError
from localensemble.core.identity import sha256_file
from localensemble.engines.llama_cpp.model_file import (
    LlamaFile,
    available_cores,
    last_errors,
    open_library,
)
from localensemble.engines.llama_cpp.text_parts import parts_of
from localensemble.engines.process_memory import peak_memory_bytes
from localensemble.engines.protocol import EngineDescription, Usage
from localensemble.engines.settings import EngineSettings
from localensemble.engines.steps import STEPS

PART_TOKENS = 256
"""The most tokens of a part of a long text: the length that all-minilm-l6-v2 was trained on."""

# The two that the encoder puts around every text.
_MARKS = 2
# llama.h: llama_pooling_type.
_POOLING_MEAN = 1
# llama.cpp's default for files with this tokenizer that do not name one.
_UNKNOWN_TOKEN = "100"


@dataclass(frozen=True, slots=True)
class EmbeddingFailure:
    """Why a text has no vector: ``too_long: 600 of 512 tokens``, never item text."""

    reason: str


class LlamaEmbedder:
    """An encoder in this process; `worker.WorkerEmbedder` runs it in another.

    Raises:
        EngineUnavailableError: llama-cpp-python is not installed.
        ModelFileError: the file is missing, damaged, or not a known encoder.
    """

    def __init__(self, settings: EngineSettings) -> None:
        if settings.model_path is None:
            raise ModelFileError(
                "Cannot embed texts: no model file is given.", hint="Give the path of a GGUF file."
            )
        library = open_library()
        self._version = library.llama_version().decode()
        self._path = Path(settings.model_path)
        self._encoder: _Encoder | None = _Encoder(
            library,
            self._path,
            gpu_layers=settings.gpu_layers,
            threads=settings.threads or available_cores(),
        )
        self._tokens = 0
        self._seconds = 0.0

    def describe(self) -> EngineDescription:
        """Describe what runs here."""
        encoder = self._open_encoder()
        binding = importlib.metadata.version("llama-cpp-python")
        return EngineDescription(
            engine="llama-cpp",
            engine_version=f"llama-cpp-python {binding}, llama.cpp {self._version}",
            model_name=encoder.metadata("general.name") or self._path.stem,
            model_sha256=sha256_file(self._path, on_piece=STEPS.take),
            architecture=encoder.architecture,
            chat_template_sha256="",
            context_tokens=encoder.trained_context,
            settings=(
                ("gpu_layers", str(encoder.gpu_layers)),
                ("part_tokens", str(self.part_tokens)),
                ("pooling", "mean"),
            ),
        )

    @property
    def part_tokens(self) -> int:
        """The most tokens of a part, the marks around it included."""
        return min(PART_TOKENS, self._open_encoder().trained_context)

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self._open_encoder().width

    def count(self, text: str) -> int:
        """Count the tokens of a text without the marks around it; a lone surrogate as another."""
        tokens = self._open_encoder().tokens(text.encode("utf-8", "replace").decode())
        return len(tokens[1:-1]) if tokens else 0

    def embed(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], tuple[EmbeddingFailure | None, ...]]:
        """Return a vector for each text; a text fails on its own.

        Returns:
            N vectors of length 1, with a row of NaN for a text that failed, and N failures.
        """
        encoder = self._open_encoder()
        vectors = np.full((len(texts), encoder.width), np.nan, dtype=np.float32)
        failures: list[EmbeddingFailure | None] = []
        started = time.perf_counter()
        for row, text in enumerate(texts):
            STEPS.take()
            tokens = encoder.tokens(text)
            failure = _failure(tokens, encoder)
            if tokens is not None and failure is None:
                vector = encoder.evaluate(tokens)
                self._tokens += len(tokens)
                length = float(np.linalg.norm(vector))
                if np.isfinite(length) and length > 0:
                    vectors[row] = vector / length
                else:
                    failure = EmbeddingFailure("not_finite: the model returned an invalid number")
            failures.append(failure)
        self._seconds += time.perf_counter() - started
        return vectors, tuple(failures)

    def embed_nothing(self) -> tuple[NDArray[np.float32], tuple[EmbeddingFailure | None, ...]]:
        """Return the vector of the empty string: of the two marks alone.

        `embed` refuses a text without words, because its vector means nothing. How close that
        vector is to a text serves as the zero of relevancy.
        """
        encoder = self._open_encoder()
        vector = encoder.evaluate(encoder.tokens("") or ())
        return (vector / np.linalg.norm(vector))[np.newaxis], (None,)

    def embed_parts(self, texts: Sequence[str]) -> tuple[NDArray[np.float64] | None, ...]:
        """Return the vectors of each text's parts, which are at most `part_tokens` long.

        Returns:
            For each text, P vectors of length 1, one for each part that has a word the model knows;
            no row for a text without words, and None for one of unknown words only.
        """
        return tuple(map(self._vectors_of_parts, texts))

    def _vectors_of_parts(self, text: str) -> NDArray[np.float64] | None:
        if not self.count(text):
            return np.zeros((0, self.width))
        parts = parts_of(text, count=self.count, most=self.part_tokens - _MARKS)
        vectors, failures = self.embed(parts)
        known = [row for row, failure in enumerate(failures) if failure is None]
        return vectors[known].astype(np.float64) if known else None

    def usage(self) -> Usage:
        """Report the work done so far."""
        return Usage(self._tokens, self._tokens, self._seconds, peak_memory_bytes())

    def close(self) -> None:
        """Release the model."""
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None

    def _open_encoder(self) -> _Encoder:
        if self._encoder is None:
            raise EngineError(
                f'Cannot use model "{self._path.name}": it is closed.', hint="Open it again."
            )
        return self._encoder


def _failure(tokens: tuple[int, ...] | None, encoder: _Encoder) -> EmbeddingFailure | None:
    if tokens is None:
        return EmbeddingFailure("not_text")
    if len(tokens) > encoder.trained_context:
        return EmbeddingFailure(f"too_long: {len(tokens)} of {encoder.trained_context} tokens")
    # Between the two marks that the model adds around every text.
    words = tokens[1:-1]
    if not words:
        return EmbeddingFailure("no_tokens")
    # No generator: an interruption while one ends would be lost.
    if set(words) == {encoder.unknown_token}:
        return EmbeddingFailure(f"unknown_words: all {len(words)}")
    return None


class _Encoder(LlamaFile):
    """A loaded encoder and its context; makes no decision about a text."""

    def __init__(self, library: Any, path: Path, *, gpu_layers: int | None, threads: int) -> None:
        super().__init__(library, path, gpu_layers=gpu_layers)
        try:
            self._refuse_other_models()
            self._open_context(threads)
        except BaseException:
            self.close()
            raise

    def tokens(self, text: str) -> tuple[int, ...] | None:
        """Tokenize a text between the model's two marks; return None if it is not text."""
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError:
            return None
        return self.token_ids(data, special=False, marks=True)

    def evaluate(self, tokens: tuple[int, ...]) -> NDArray[np.float32]:
        """Return the mean of the model's vectors of these tokens, not scaled.

        Raises:
            EngineError: llama.cpp refused or failed.
        """
        row = (ctypes.c_int32 * len(tokens))(*tokens)
        batch = self._library.llama_batch_get_one(row, len(tokens))
        code = self._library.llama_encode(self._context, batch)
        if code != 0:
            raise EngineError(
                f'Model "{self._path.name}" could not evaluate {len(tokens)} tokens '
                f"(code {code}).{last_errors()}",
                hint="The system may be short of memory; end other programs and run again.",
            )
        pointer = self._library.llama_get_embeddings_seq(self._context, 0)
        return np.ctypeslib.as_array(pointer, (self.width,)).copy()

    def _refuse_other_models(self) -> None:
        pooling = self.metadata(f"{self.architecture}.pooling_type")
        # A file that names no pooling leaves the choice to its user.
        if self.architecture != "bert" or pooling not in (None, str(_POOLING_MEAN)):
            raise ModelFileError(
                f'Cannot embed texts with model file "{self._path}": it has architecture '
                f'"{self.architecture}" and pooling type {pooling or "none"}, but "bert" with '
                f"pooling type {_POOLING_MEAN} (mean) is needed.",
                hint="Use all-minilm-l6-v2: run `localensemble models pull all-minilm-l6-v2`.",
            )

    def _open_context(self, threads: int) -> None:
        library = self._library
        self.width = int(library.llama_model_n_embd(self._model))
        self.unknown_token = int(self.metadata("tokenizer.ggml.unknown_token_id") or _UNKNOWN_TOKEN)
        parameters = library.llama_context_default_params()
        # An encoder sees a whole text at once, so the text cannot be split.
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = self.trained_context
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.embeddings = True
        parameters.pooling_type = _POOLING_MEAN
        self._context = library.llama_init_from_model(self._model, parameters)
        if not self._context:
            raise EngineError(
                f"Cannot open a context of {self.trained_context:,} tokens for "
                f'"{self._path.name}"; there is probably not enough memory.{last_errors()}',
                hint="End other programs and run again.",
            )
