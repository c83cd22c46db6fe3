"""The calls into llama.cpp: one model, one context, no decisions about scoring.

Everything here takes and returns numbers and arrays.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localensemble.core.errors import EngineError, ModelFileError
from localensemble.engines.llama_cpp.context_shape import ContextShape
from localensemble.engines.llama_cpp.held_interrupts import interrupts_held
from localensemble.engines.llama_cpp.model_file import LlamaFile, last_errors
from localensemble.engines.llama_cpp.prefix_tree import Batch
from localensemble.engines.steps import STEPS

# llama.h: llama_token_attr, llama_vocab_type, llama_flash_attn_type.
_ATTRIBUTE_UNKNOWN, _ATTRIBUTE_CONTROL, _ATTRIBUTE_USER_DEFINED = 1, 8, 16
_VOCABULARY_NONE = 0
_FLASH_ATTENTION_AUTO = -1

_NOT_GENERATIVE = re.compile(r"bert|^t5|embed|^clip$|wavtokenizer|diffusion|^dream$|^llada")

# The longest text tokenized on the current stack, and the stack each byte of a text may need.
_SHORT_BYTES = 4_000
_PIECE_BYTES = 500_000
_STACK_BYTES = 16 << 20
_STACK_BYTES_EACH = 1024


class LlamaModel(LlamaFile):
    """A loaded model with its vocabulary, and a context once opened.

    Raises:
        ModelFileError: the file is damaged, has no vocabulary, or holds a model that does
            not generate text.
    """

    def __init__(self, library: Any, path: Path, *, gpu_layers: int | None) -> None:
        super().__init__(library, path, gpu_layers=gpu_layers)
        try:
            self._refuse_what_cannot_score()
            self._read_vocabulary()
        except BaseException:
            self.close()
            raise

    def chat_template(self) -> str | None:
        """Return the Jinja text in the file; None if there is none."""
        template: bytes | None = self._library.llama_model_chat_template(self._model, None)
        return template.decode("utf-8", "replace") if template else None

    @property
    def is_recurrent(self) -> bool:
        """Whether part of the model's memory is a state that cannot be cut back."""
        library, model = self._library, self._model
        return bool(library.llama_model_is_recurrent(model) or library.llama_model_is_hybrid(model))

    def _refuse_what_cannot_score(self) -> None:
        library, model = self._library, self._model
        causal = self.metadata(f"{self.architecture}.attention.causal")
        if (
            library.llama_model_has_encoder(model)
            or not library.llama_model_has_decoder(model)
            or library.llama_model_is_diffusion(model)
            or causal == "false"
            or _NOT_GENERATIVE.search(self.architecture)
        ):
            raise ModelFileError(
                f'Cannot label with model file "{self._path}": architecture '
                f'"{self.architecture}" encodes text and does not generate it.',
                hint="Choose a chat model; an embedding model cannot be a rater.",
            )

    # Vocabulary

    def _read_vocabulary(self) -> None:
        library = self._library
        if library.llama_vocab_type(self._vocabulary) == _VOCABULARY_NONE:
            raise ModelFileError(
                f'Cannot use model file "{self._path}": it has no vocabulary.',
                hint="Choose another conversion of the model.",
            )
        self.token_count: int = library.llama_vocab_n_tokens(self._vocabulary)
        self.adds_bos = bool(library.llama_vocab_get_add_bos(self._vocabulary))
        self.bos = self._token_or_none(library.llama_vocab_bos(self._vocabulary))
        self.eos = self._token_or_none(library.llama_vocab_eos(self._vocabulary))
        attribute = library.llama_vocab_get_attr
        self._attributes = np.fromiter(
            (attribute(self._vocabulary, token) for token in range(self.token_count)),
            dtype=np.int32,
            count=self.token_count,
        )
        source = self.chat_template() or ""
        ends = library.llama_vocab_is_eog
        self._never_text = {
            int(token) for token in np.flatnonzero(self._attributes & _ATTRIBUTE_CONTROL)
        }
        turn_marks = []
        for token in np.flatnonzero(self._attributes & _ATTRIBUTE_USER_DEFINED):
            text = self.token_text(int(token))
            marks = len(text) > 2 and not text.isspace() and text in source
            if marks or ends(self._vocabulary, int(token)):
                self._never_text.add(int(token))
                turn_marks.append(text)
        self.turn_marks = tuple(turn_marks)
        self.adds_space = self._begins_with_space(self.tokenize(b"a", special=False))

    def _token_or_none(self, token: int) -> int | None:
        return token if 0 <= token < self.token_count else None

    def _begins_with_space(self, tokens: tuple[int, ...]) -> bool:
        return self._piece(tokens[0]).startswith(b" ")

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """What each token spells in text; nothing for those that must never come out of it."""
        return tuple(
            b"" if self.ends_or_controls(token) else self._piece(token)
            for token in range(self.token_count)
        )

    @property
    def ending_tokens(self) -> tuple[int, ...]:
        """The tokens that end a response: those that must never come out of text."""
        return tuple(sorted(self._never_text))

    def _piece(self, token: int) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self._library.llama_token_to_piece(
                self._vocabulary, token, buffer, size, 0, False
            )
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def token_text(self, token: int | None) -> str:
        """Return a token's text as the vocabulary spells it; empty for None."""
        if token is None:
            return ""
        text: bytes | None = self._library.llama_vocab_get_text(self._vocabulary, token)
        return (text or b"").decode("utf-8", "replace")

    def tokenize(self, text: bytes, *, special: bool) -> tuple[int, ...]:
        """Tokenize any UTF-8, NUL included, without adding anything."""
        if len(text) <= _SHORT_BYTES:
            return self.token_ids(text, special=special)
        # Many vocabularies cut text with std::regex, which calls itself for every letter and
        # runs out of stack (measured: 20,000 letters of one word fit in 8 MB).
        tokens: tuple[int, ...] = ()
        for start, end in _pieces(text):
            tokens += _with_large_stack(partial(self.token_ids, special=special), text[start:end])
        return tokens

    def is_special(self, token: int) -> bool:
        """Tell whether the tokenizer treats this token apart from text."""
        marks = _ATTRIBUTE_CONTROL | _ATTRIBUTE_USER_DEFINED | _ATTRIBUTE_UNKNOWN
        return bool(self._attributes[token] & marks)

    def ends_or_controls(self, token: int) -> bool:
        """Tell whether plain text must never yield this token."""
        return token in self._never_text

    # Context

    def open_context(self, shape: ContextShape) -> None:
        """Make the context in which everything is evaluated.

        Raises:
            EngineError: there is not enough memory for the context.
        """
        library = self._library
        parameters = library.llama_context_default_params()
        parameters.n_ctx = shape.tokens
        # A head or a long item is passed as a whole; llama.cpp splits it at n_ubatch.
        parameters.n_batch = shape.tokens
        parameters.n_ubatch = min(shape.batch_tokens, shape.tokens)
        parameters.n_seq_max = shape.sequences
        parameters.n_outputs_max = shape.outputs
        parameters.n_threads = parameters.n_threads_batch = shape.threads
        # Even without layers on it, a device would compute long batches.
        parameters.offload_kqv = parameters.op_offload = self.gpu_layers != 0
        parameters.flash_attn_type = _FLASH_ATTENTION_AUTO
        # One buffer for all sequences, so that copying a prefix costs nothing; and the whole
        # past of sliding windows, so that the cache can return to a prefix.
        parameters.kv_unified = True
        parameters.swa_full = True
        # Called after each operation of the graph; False lets the evaluation go on.
        self._computing = library.ggml_abort_callback(_note_computing)
        parameters.abort_callback = self._computing
        self._context = library.llama_init_from_model(self._model, parameters)
        if not self._context:
            raise EngineError(
                f'Cannot open a context of {shape.tokens:,} tokens for "{self._path.name}"; '
                f"there is probably not enough memory.{last_errors()}",
                hint="Set a smaller context, or choose a smaller model.",
            )
        self._memory = library.llama_get_memory(self._context)
        # Sequence sets are consecutive numbers, so every token can point into this array.
        self._sequences = np.arange(shape.sequences, dtype=np.int32)

    def decode(self, batch: Batch) -> None:
        """Evaluate a batch on top of what the cache holds.

        Raises:
            EngineError: llama.cpp refused or failed; the cache is then in an unknown state.
        """
        count = len(batch.tokens)
        pointers = (self._sequences.ctypes.data + 4 * batch.first_paths.astype(np.uint64)).astype(
            np.uint64
        )
        call = self._library.llama_batch()
        call.n_tokens = count
        call.token = _pointer(batch.tokens, ctypes.c_int32)
        call.pos = _pointer(batch.positions, ctypes.c_int32)
        call.n_seq_id = _pointer(batch.path_counts, ctypes.c_int32)
        call.seq_id = _pointer(pointers, ctypes.POINTER(ctypes.c_int32))
        call.logits = _pointer(batch.outputs, ctypes.c_int8)
        with interrupts_held():
            code = self._library.llama_decode(self._context, call)
        # A graphics device does not call back for each operation.
        STEPS.take()
        if code != 0:
            raise EngineError(
                f'Model "{self._path.name}" could not evaluate {count} tokens '
                f"(code {code}).{last_errors()}",
                hint="Try a smaller context. If that does not help, try the mode strict.",
            )

    def logits(self, rows: int) -> NDArray[np.float32]:
        """Return the logits of the last batch, one row for each output, valid until the next."""
        pointer = self._library.llama_get_logits(self._context)
        return np.ctypeslib.as_array(pointer, (rows, self.token_count))

    # Cache

    def clear_cache(self) -> None:
        """Forget everything."""
        self._library.llama_memory_clear(self._memory, False)

    def copy_sequence(self, to: range, *, start: int, end: int) -> None:
        """Let other sequences share positions start to end of sequence 0."""
        for sequence in to:
            self._library.llama_memory_seq_cp(self._memory, 0, sequence, start, end)

    def cut_back(self, position: int) -> None:
        """Forget everything from this position on, in all sequences."""
        if not self._library.llama_memory_seq_rm(self._memory, -1, position, -1):
            raise EngineError(
                f'Model "{self._path.name}" cannot forget part of its context.',
                hint="Use the mode strict for this model.",
            )

    def save_sequence(self) -> NDArray[np.uint8]:
        """Copy the state of sequence 0; empty if restoring would change it."""
        if self._library.llama_model_n_swa(self._model) > 0:
            # llama.cpp leaves out what a sliding window has passed, so the rest would be at
            # other positions: right, but rounded differently from the evaluated head.
            return np.zeros(0, dtype=np.uint8)
        size = self._library.llama_state_seq_get_size(self._context, 0)
        state = np.empty(size, dtype=np.uint8)
        pointer = _pointer(state, ctypes.c_uint8)
        written = self._library.llama_state_seq_get_data(self._context, pointer, size, 0)
        return state[:written]

    def restore_sequence(self, state: NDArray[np.uint8]) -> bool:
        """Restore a saved state as sequence 0 of an empty cache; False if that failed."""
        pointer = _pointer(state, ctypes.c_uint8)
        return bool(self._library.llama_state_seq_set_data(self._context, pointer, len(state), 0))


def _note_computing(_: object) -> bool:
    STEPS.take()
    return False


def _pieces(text: bytes) -> Iterator[tuple[int, int]]:
    """Cut UTF-8 between characters; return one piece unless it is longer than any context."""
    start = 0
    while start < len(text):
        end = min(len(text), start + _PIECE_BYTES)
        while end < len(text) and text[end] & 0xC0 == 0x80:
            end += 1
        yield start, end
        start = end


def _with_large_stack(function: Callable[[bytes], tuple[int, ...]], text: bytes) -> tuple[int, ...]:
    results: list[tuple[int, ...]] = []
    before = threading.stack_size(_STACK_BYTES + _STACK_BYTES_EACH * len(text))
    try:
        thread = threading.Thread(target=lambda: results.append(function(text)))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    return results[0]


def _pointer(array: NDArray[Any], kind: Any) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(kind))
