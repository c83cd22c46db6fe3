"""A model file as llama.cpp loads it, for any purpose.

Refuses a path that is not a GGUF file before llama.cpp reads it. llama.cpp's own log is silenced;
its last errors are kept for the message of the next failure.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections import deque
from pathlib import Path
from typing import Any

from localensemble.core.errors import ModelFileError
from localensemble.core.input_files import open_input
from localensemble.engines.llama_cpp.held_interrupts import interrupts_held
from localensemble.engines.llama_cpp.loaded_library import import_library
from localensemble.engines.steps import STEPS

# llama.h: ggml_log_level.
_LOG_WARN, _LOG_ERROR, _LOG_CONTINUED = 3, 4, 5

_SPLIT_NAME = re.compile(r"-\d{5}-of-\d{5}\.gguf$")

_log_lines: deque[str] = deque(maxlen=8)
_log_callback: Any = None


def open_library() -> Any:
    """Import llama-cpp-python and silence its log.

    Raises:
        EngineUnavailableError: it is not installed, or its library cannot be loaded.
    """
    library = import_library()
    silence_log(library)
    return library


def silence_log(library: Any) -> None:
    """Keep llama.cpp's errors and drop the rest of its log."""
    global _log_callback
    if _log_callback is not None:
        return

    def keep(level: int, text: bytes, _: object) -> None:
        if level in (_LOG_WARN, _LOG_ERROR, _LOG_CONTINUED) and text.strip():
            _log_lines.append(text.decode("utf-8", "replace").strip())

    # Kept forever, because llama.cpp goes on calling it.
    _log_callback = library.llama_log_callback(keep)
    library.llama_log_set(_log_callback, ctypes.c_void_p(0))


def _note_loading(progress: float, _: object) -> bool:
    STEPS.take()
    return True


def last_errors() -> str:
    """Quote llama.cpp's last errors; empty if there are none."""
    errors = "; ".join(list(_log_lines)[-2:])
    return f' llama.cpp says: "{errors[:300]}".' if errors else ""


def check_model_file(path: Path) -> None:
    """Refuse a path that is not a GGUF file before llama.cpp reads it.

    Raises:
        ModelFileError: the file is missing, unreadable, of another format, or one of several
            parts.
    """
    hint = "Give the path of a GGUF file, or pull the model again."
    try:
        with open_input(path) as stream:
            magic = stream.read(4)
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise ModelFileError(f'Cannot read model file "{path}": {found}.', hint=hint) from error
    if magic != b"GGUF":
        raise ModelFileError(
            f'Cannot use model file "{path}": it does not begin with "GGUF".', hint=hint
        )
    if _SPLIT_NAME.search(path.name):
        raise ModelFileError(
            f'Cannot use model file "{path}": it is one part of several.',
            hint="Join the parts with llama-gguf-split --merge and give the resulting file.",
        )


def available_cores() -> int:
    """Count the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LlamaFile:
    """A loaded model file, and the context opened for it.

    Raises:
        ModelFileError: the file is damaged, or of a kind this llama.cpp does not know.
    """

    def __init__(self, library: Any, path: Path, *, gpu_layers: int | None) -> None:
        check_model_file(path)
        self._library = library
        self._path = path
        self._context: Any = None
        _log_lines.clear()
        parameters = library.llama_model_default_params()
        # A negative number means every layer.
        offload = bool(library.llama_supports_gpu_offload())
        self.gpu_layers = (-1 if gpu_layers is None else gpu_layers) if offload else 0
        parameters.n_gpu_layers = self.gpu_layers
        # Kept as long as the model, because llama.cpp may call it. True lets loading go on.
        self._loading = library.llama_progress_callback(_note_loading)
        parameters.progress_callback = self._loading
        with interrupts_held():
            self._model = library.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise ModelFileError(
                f'Cannot load model file "{path}": it is damaged, or of a kind this llama.cpp '
                f"does not know.{last_errors()}",
                hint="Check its sha256, pull it again, or update llama-cpp-python.",
            )
        self._vocabulary = library.llama_model_get_vocab(self._model)
        self.architecture = self.metadata("general.architecture") or ""

    def close(self) -> None:
        """Release the context and the model."""
        if self._context:
            self._library.llama_free(self._context)
            self._context = None
        if self._model:
            self._library.llama_model_free(self._model)
            self._model = None

    def metadata(self, key: str) -> str | None:
        """Return one metadata value as text; None if the file lacks it."""
        size = 256
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self._library.llama_model_meta_val_str(self._model, key.encode(), buffer, size)
            if length < 0:
                return None
            if length < size:
                return buffer.value.decode("utf-8", "replace")
            size = length + 1

    def token_ids(self, text: bytes, *, special: bool, marks: bool = False) -> tuple[int, ...]:
        """Tokenize UTF-8 in one call.

        Args:
            special: whether to read special tokens that are written in the text.
            marks: whether to add the marks that the model puts around every text.
        """
        room = len(text) + 16
        # Half a megabyte of letters takes long in some vocabularies.
        STEPS.take()
        while True:
            buffer = (ctypes.c_int32 * room)()
            count = self._library.llama_tokenize(
                self._vocabulary, text, len(text), buffer, room, marks, special
            )
            if count >= 0:
                return tuple(buffer[:count])
            room = -count

    @property
    def trained_context(self) -> int:
        """Tokens the model was trained to look back on."""
        return int(self._library.llama_model_n_ctx_train(self._model))
