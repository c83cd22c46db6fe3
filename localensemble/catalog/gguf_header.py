"""Read what a GGUF file says about itself, without loading its weights.

Decides whether a file is a complete GGUF file. Trusts no length or number in it: a damaged or
hostile file is refused instead of filling the memory or looping forever.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from localensemble.core.errors import ModelFileError
from localensemble.core.identity import sha256_text
from localensemble.core.input_files import open_input
from localensemble.core.model_shape import ModelShape

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_ALIGNMENT = 32
# Far above what real models have: some 40 entries, 2,000 tensors, a million words and merges,
# and chat templates of 100 kB.
_MOST_ENTRIES = 65_536
_MOST_READS = 1 << 22
_MOST_KEPT_BYTES = 1 << 24
_MOST_AXES = 4
_LARGEST_ALIGNMENT = 1 << 16
# It is shown to people; their terminal must not interpret it.
_ARCHITECTURE = re.compile(r"[A-Za-z0-9._-]{0,64}")
# Type number -> how struct reads it.
_NUMBERS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_TEXT = 8
_ARRAY = 9
_MOST_LAYERS = 1_024
_BLOCK = re.compile(r"blk\.(\d{1,4})\.")
# Tensor type number -> weights in a block, bytes of a block (ggml.h). Other types are newer.
TENSOR_BLOCKS = {
    **{0: (1, 4), 1: (1, 2), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8)},
    **{30: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34)},
    **{20: (32, 18), 39: (32, 17), 10: (256, 84), 11: (256, 110), 12: (256, 144)},
    **{13: (256, 176), 14: (256, 210), 16: (256, 66), 17: (256, 74), 18: (256, 98)},
    **{19: (256, 50), 21: (256, 110), 22: (256, 82), 23: (256, 136), 29: (256, 56)},
    **{34: (256, 54), 35: (256, 66)},
}


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What identifies a model besides its bytes; empty or None if the file does not say.

    Attributes:
        architecture: ``general.architecture``.
        name: ``general.name``.
        license: ``general.license``.
        context_tokens: the number of tokens the model was made for.
        chat_template_sha256: sha256 of ``tokenizer.chat_template``.
        shape: the sizes of its parts; None if the header does not give them.
    """

    architecture: str
    name: str
    license: str
    context_tokens: int | None
    chat_template_sha256: str
    shape: ModelShape | None


def read_header(path: Path) -> GgufHeader:
    """Read a file's header.

    Raises:
        ModelFileError: the file cannot be read, is not a complete GGUF file, or contradicts
            itself.
    """
    entries, tensors = _contents(path)
    architecture = _text(entries, "general.architecture")
    if not _ARCHITECTURE.fullmatch(architecture):
        raise ModelFileError(
            f"Cannot use {path}: invalid architecture name in the header.",
            hint="Do not use files from an unknown source.",
        )
    context = entries.get(f"{architecture}.context_length")
    template = _text(entries, "tokenizer.chat_template")
    return GgufHeader(
        architecture=architecture,
        name=_text(entries, "general.name"),
        license=_text(entries, "general.license"),
        context_tokens=context if type(context) is int and context > 0 else None,
        chat_template_sha256=sha256_text(template) if template else "",
        shape=_shape(_Numbers(entries, architecture), tensors),
    )


def read_chat_template(path: Path) -> str:
    """Read a file's chat template; empty if it has none.

    Raises:
        ModelFileError: the file cannot be read, is not a complete GGUF file, or contradicts
            itself.
    """
    return _text(_contents(path)[0], "tokenizer.chat_template")


def _contents(path: Path) -> tuple[dict[str, object], dict[str, int]]:
    """Read the entries, and the size of each tensor in bytes."""
    try:
        with open_input(path) as stream:
            reader = _Reader(stream, path.stat().st_size)
            entries = reader.entries()
            return entries, reader.tensors(entries.get("general.alignment", _ALIGNMENT))
    except OSError as error:
        raise ModelFileError(
            f"Cannot read {path}: {error.strerror}.", hint="Check the path."
        ) from error
    except (_NotGgufError, struct.error, UnicodeDecodeError) as error:
        detail = str(error) if isinstance(error, _NotGgufError) else ""
        raise ModelFileError(
            f"Cannot use {path}: it is not a GGUF file of version 2 or 3, or it is damaged"
            f"{detail and f': {detail}'}.",
            hint="Fetch the file again, and check that it is not a saved web page.",
        ) from error


@dataclass(frozen=True, slots=True)
class _Passed:
    """An array that was skipped, not kept."""

    count: int


class _Numbers:
    """The numbers of one architecture; each may be missing, or be given for each layer."""

    def __init__(self, entries: dict[str, object], architecture: str) -> None:
        self._entries = entries
        self._architecture = architecture

    def each(self, key: str, layers: int, missing: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return a number for each layer; ``missing`` if the file does not give them."""
        value = self._entries.get(f"{self._architecture}.{key}")
        values = (value,) * layers if type(value) is int else value
        if not isinstance(values, tuple) or len(values) != layers:
            return missing
        return values if all(type(size) is int and size >= 0 for size in values) else missing

    def one(self, key: str) -> int:
        """Return a number for the whole model; 0 if the file does not give it."""
        return max(self.each(key, 1), default=0)

    @property
    def vocabulary(self) -> int:
        tokens = self._entries.get("tokenizer.ggml.tokens")
        if isinstance(tokens, _Passed | tuple):
            return tokens.count if isinstance(tokens, _Passed) else len(tokens)
        return 0


def _shape(numbers: _Numbers, tensors: dict[str, int]) -> ModelShape | None:
    layers, embedding = numbers.one("block_count"), numbers.one("embedding_length")
    if not 0 < layers <= _MOST_LAYERS or not embedding or 0 in tensors.values():
        return None
    none = (0,) * layers
    heads = numbers.each("attention.head_count", layers, none)
    key_heads = numbers.each("attention.head_count_kv", layers, heads)
    widths = [embedding // max(1, count) for count in heads]
    keys = numbers.each("attention.key_length", layers, tuple(widths))
    values = numbers.each("attention.value_length", layers, tuple(widths))
    cache = [
        2 * count * (key + value) for count, key, value in zip(key_heads, keys, values, strict=True)
    ]
    sizes = [0] * layers
    others = 0
    for name, size in tensors.items():
        block = _BLOCK.match(name)
        if block is not None and int(block[1]) < layers:
            sizes[int(block[1])] += size
        else:
            others += size
    return ModelShape(
        layer_bytes=tuple(sizes),
        other_bytes=others,
        cache_bytes=tuple(cache),
        vocabulary=numbers.vocabulary,
        embedding=embedding,
        feed_forward=max(numbers.each("feed_forward_length", layers, none)),
        context_tokens=numbers.one("context_length"),
    )


def _text(entries: dict[str, object], key: str) -> str:
    value = entries.get(key, "")
    return value if isinstance(value, str) else ""


class _NotGgufError(Exception):
    """The bytes are not a complete GGUF file; the text, if any, says why."""


class _Reader:
    """Read entries in order, then tensors; skip long arrays."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size
        self._reads_left = _MOST_READS
        self._kept_bytes_left = _MOST_KEPT_BYTES
        self._tensor_count = 0

    def entries(self) -> dict[str, object]:
        if self._bytes(4) != MAGIC or self._number("<I") not in _VERSIONS:
            raise _NotGgufError
        self._tensor_count = self._number("<Q")
        count = self._number("<Q")
        if max(count, self._tensor_count) > _MOST_ENTRIES:
            raise _NotGgufError("more entries than any model has")
        found: dict[str, object] = {}
        for _ in range(count):
            key = self._text()
            if key in found:
                # Programs differ in which of the two they use.
                raise _NotGgufError("an entry appears twice")
            found[key] = self._value(self._number("<I"))
        return found

    def tensors(self, alignment: object) -> dict[str, int]:
        """Check that the file contains all weights to the last byte; return their sizes.

        Tensors of a type newer than this program have size 0.
        """
        if type(alignment) is not int or not 0 < alignment <= _LARGEST_ALIGNMENT:
            raise _NotGgufError("impossible alignment")
        needed = 0
        sizes: dict[str, int] = {}
        for _ in range(self._tensor_count):
            name = self._text()
            axes = self._number("<I")
            if axes > _MOST_AXES:
                raise _NotGgufError
            weights = math.prod(self._number("<Q") for _ in range(axes))
            block, length = TENSOR_BLOCKS.get(self._number("<I"), (1, 0))
            sizes[name] = weights // block * length
            needed = max(needed, self._number("<Q") + sizes[name])
        start = self._stream.tell()
        start += -start % alignment
        if self._tensor_count and start + needed > self._size:
            raise _NotGgufError(
                f"its weights end at byte {start + needed:,}, but the file at {self._size:,}"
            )
        return sizes

    def _value(self, kind: int) -> object:
        if kind == _TEXT:
            return self._text()
        if kind == _ARRAY:
            return self._array()
        return self._number(_format_of(kind))

    def _array(self) -> object:
        """Read arrays of few numbers, such as one for each layer; only count other arrays."""
        kind, count = self._number("<I"), self._number("<Q")
        if kind == _TEXT:
            if count > self._reads_left:
                raise _NotGgufError("more words than any model has")
            for _ in range(count):
                self._pass(self._number("<Q"))
        elif count <= _MOST_LAYERS:
            return tuple(self._number(_format_of(kind)) for _ in range(count))
        else:
            self._pass(count * struct.calcsize(_format_of(kind)))
        return _Passed(count)

    def _pass(self, length: int) -> None:
        if self._stream.tell() + length > self._size:
            raise _NotGgufError
        self._stream.seek(length, 1)

    def _text(self) -> str:
        length = self._number("<Q")
        if length > self._kept_bytes_left:
            raise _NotGgufError("more text than any model has")
        self._kept_bytes_left -= length
        return self._bytes(length).decode("utf-8")

    def _number(self, form: str) -> int:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise _NotGgufError("a longer header than any model has")
        value: int = struct.unpack(form, self._bytes(struct.calcsize(form)))[0]
        return value

    def _bytes(self, length: int) -> bytes:
        data = self._stream.read(length)
        if len(data) < length:
            raise _NotGgufError
        return data


def _format_of(kind: int) -> str:
    # Arrays of arrays exist in the format's specification but not in any model.
    try:
        return _NUMBERS[kind]
    except KeyError:
        raise _NotGgufError from None
