"""Send messages between two processes that do not trust each other.

A message is a JSON object, texts and arrays of numbers. Nothing in it can name a class or a
function, so reading one runs no code of the sender's. Texts and arrays travel as they lie in
memory, so that no digit and no character changes, not even half of a surrogate pair.

Refuses (`MalformedMessageError`) whatever is not such a message, is larger than allowed, or
claims sizes that do not add up.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from localensemble.core.identity import JsonValue

_MARK = b"LEM1"
# The mark, then the bytes of the JSON object and those of everything after it.
_PREFIX = struct.Struct(">4sQQ")
# A block of 256 items of 1 MB each is 256 MB; a million vectors of 384 numbers are 1.5 GB.
MOST_BYTES = 4 << 30
_MOST_OBJECT = 256 << 20
_PART_BYTES = 16 << 20
_DTYPES: dict[str, np.dtype[Any]] = {
    "f4": np.dtype("<f4"),
    "f8": np.dtype("<f8"),
    "i8": np.dtype("<i8"),
    "u1": np.dtype("u1"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_MOST_DIMENSIONS = 2


class MalformedMessageError(Exception):
    """Report bytes that are not a message; the text names what is wrong and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one process tells another.

    Attributes:
        fields: a JSON object.
        texts: texts, which may be confidential.
        arrays: arrays of numbers, of one or two dimensions.
    """

    fields: Mapping[str, Any]
    texts: Sequence[str] = field(default=(), repr=False)
    arrays: Sequence[NDArray[Any]] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """A message as it was received, not yet understood."""

    object_bytes: bytes = field(repr=False)
    rest: bytes = field(repr=False)


def packed(message: Message) -> bytes:
    """Return the bytes of a message."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in message.texts]
    buffers = [np.ascontiguousarray(array) for array in message.arrays]
    content: JsonValue = {
        "fields": message.fields,
        "texts": [len(one) for one in encoded],
        "arrays": [[_NAMES[one.dtype], *one.shape] for one in buffers],
    }
    data = json.dumps(content, separators=(",", ":")).encode("ascii")
    parts = [*encoded, *(one.tobytes() for one in buffers)]
    return b"".join([_PREFIX.pack(_MARK, len(data), sum(map(len, parts))), data, *parts])


def read_frame(stream: IO[bytes], *, most_bytes: int = MOST_BYTES) -> Frame:
    """Wait for a message and return its bytes.

    Raises:
        EOFError: the other process is gone.
        MalformedMessageError: what arrives is not a message, or one that is too large.
    """
    mark, object_size, rest_size = _PREFIX.unpack(_read_exactly(stream, _PREFIX.size))
    if mark != _MARK:
        raise MalformedMessageError("its first bytes do not mark a message")
    if object_size > _MOST_OBJECT or object_size + rest_size > most_bytes:
        raise MalformedMessageError(f"it announces {object_size + rest_size:,} bytes")
    return Frame(_read_exactly(stream, object_size), _read_exactly(stream, rest_size))


def unpacked(frame: Frame) -> Message:
    """Return the message in a frame.

    Raises:
        MalformedMessageError: the bytes are not a message.
    """
    try:
        content = json.loads(frame.object_bytes)
    # A number of too many digits is a ValueError, too.
    except (ValueError, RecursionError):
        raise MalformedMessageError("it is not JSON") from None
    if not isinstance(content, dict) or set(content) != {"fields", "texts", "arrays"}:
        raise MalformedMessageError("it has other parts than a message")
    fields, sizes, shapes = content["fields"], content["texts"], content["arrays"]
    if not (isinstance(fields, dict) and isinstance(sizes, list) and isinstance(shapes, list)):
        raise MalformedMessageError("its parts are of other types than those of a message")
    reader = _Bytes(frame.rest)
    texts = tuple(reader.text(size) for size in sizes)
    arrays = tuple(reader.array(shape) for shape in shapes)
    reader.refuse_rest()
    return Message(fields, texts, arrays)


class _Bytes:
    """The part of a frame after its JSON object, read from the beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def text(self, size: object) -> str:
        try:
            return self._take(_whole(size)).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise MalformedMessageError("a text is not UTF-8") from None

    def array(self, described: object) -> NDArray[Any]:
        if not isinstance(described, list) or not 2 <= len(described) <= 1 + _MOST_DIMENSIONS:
            raise MalformedMessageError("an array has no shape")
        name, *shape = described
        dtype = _DTYPES.get(name) if isinstance(name, str) else None
        if dtype is None:
            raise MalformedMessageError("an array holds numbers of an unknown type")
        lengths = [_whole(length) for length in shape]
        data = self._take(math.prod(lengths) * dtype.itemsize)
        # A copy, because an array over bytes cannot be changed by its owner.
        return np.frombuffer(data, dtype=dtype).reshape(lengths).copy()

    def refuse_rest(self) -> None:
        if self._place != len(self._data):
            raise MalformedMessageError("it is longer than its parts")

    def _take(self, size: int) -> bytes:
        end = self._place + size
        if end > len(self._data):
            raise MalformedMessageError("it is shorter than its parts")
        part = self._data[self._place : end]
        self._place = end
        return part


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_BYTES:
        raise MalformedMessageError("a size is not a number of bytes")
    return value


def _read_exactly(stream: IO[bytes], count: int) -> bytes:
    """Read in parts: what is only announced takes no memory."""
    parts = []
    while count:
        part = stream.read(min(count, _PART_BYTES))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
