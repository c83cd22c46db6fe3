"""What a GGUF file says about itself, read without loading its weights.

Decides whether a file is a GGUF file at all. Believes no length in it: a damaged or hostile
file is refused instead of filling the memory.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from localensemble.core.errors import ModelFileError
from localensemble.core.identity import sha256_text

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MOST_ENTRIES = 65_536
_LONGEST_TEXT = 1 << 24
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


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What identifies a model beside its bytes; empty or None where the file does not say.

    Attributes:
        architecture: ``general.architecture``.
        name: ``general.name``.
        licence: ``general.license``.
        context_tokens: tokens the model was made for.
        chat_template_sha256: over ``tokenizer.chat_template``.
    """

    architecture: str
    name: str
    licence: str
    context_tokens: int | None
    chat_template_sha256: str


def read_header(path: Path) -> GgufHeader:
    """Read a file's header.

    Raises:
        ModelFileError: it cannot be read, or is no whole GGUF header.
    """
    entries = _entries(path)
    architecture = _text(entries, "general.architecture")
    context = entries.get(f"{architecture}.context_length")
    template = _text(entries, "tokenizer.chat_template")
    return GgufHeader(
        architecture=architecture,
        name=_text(entries, "general.name"),
        licence=_text(entries, "general.license"),
        context_tokens=context if isinstance(context, int) else None,
        chat_template_sha256=sha256_text(template) if template else "",
    )


def read_chat_template(path: Path) -> str:
    """Read a file's chat template; empty when it has none.

    Raises:
        ModelFileError: it cannot be read, or is no whole GGUF header.
    """
    return _text(_entries(path), "tokenizer.chat_template")


def _entries(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as stream:
            return _Reader(stream, path.stat().st_size).entries()
    except OSError as error:
        raise ModelFileError(
            f"Cannot read {path}: {error.strerror}.", hint="Check the path."
        ) from error
    except (_NotGgufError, struct.error, UnicodeDecodeError) as error:
        raise ModelFileError(
            f"Cannot use {path}: it is not a GGUF file of version 2 or 3, or it is damaged.",
            hint="Fetch the file again. A page saved in place of a model looks like this, too.",
        ) from error


def _text(entries: dict[str, object], key: str) -> str:
    value = entries.get(key, "")
    return value if isinstance(value, str) else ""


class _NotGgufError(Exception):
    """The bytes are not those of a GGUF header."""


class _Reader:
    """Read entries in their order; arrays are passed over."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size

    def entries(self) -> dict[str, object]:
        if self._bytes(4) != MAGIC or self._number("<I") not in _VERSIONS:
            raise _NotGgufError
        self._number("<Q")
        count = self._number("<Q")
        if count > _MOST_ENTRIES:
            raise _NotGgufError
        found: dict[str, object] = {}
        for _ in range(count):
            key = self._text()
            found[key] = self._value(self._number("<I"))
        return found

    def _value(self, kind: int) -> object:
        if kind == _TEXT:
            return self._text()
        if kind == _ARRAY:
            self._pass_array()
            return None
        return self._number(_format_of(kind))

    def _pass_array(self) -> None:
        kind, count = self._number("<I"), self._number("<Q")
        if kind == _TEXT:
            # Every text has a length of 8 bytes, so the file's size bounds their number.
            if count > self._size // 8:
                raise _NotGgufError
            for _ in range(count):
                self._pass(self._number("<Q"))
        else:
            self._pass(count * struct.calcsize(_format_of(kind)))

    def _pass(self, length: int) -> None:
        if self._stream.tell() + length > self._size:
            raise _NotGgufError
        self._stream.seek(length, 1)

    def _text(self) -> str:
        length = self._number("<Q")
        if length > _LONGEST_TEXT:
            raise _NotGgufError
        return self._bytes(length).decode("utf-8")

    def _number(self, form: str) -> int:
        value: int = struct.unpack(form, self._bytes(struct.calcsize(form)))[0]
        return value

    def _bytes(self, length: int) -> bytes:
        data = self._stream.read(length)
        if len(data) < length:
            raise _NotGgufError
        return data


def _format_of(kind: int) -> str:
    # Arrays of arrays exist in the format's description but in no model.
    try:
        return _NUMBERS[kind]
    except KeyError:
        raise _NotGgufError from None
