"""Write a GGUF file of version 3.

The same content gives the same bytes on every machine, so that a converted file can be pinned
by its sha256 like a fetched one. Refuses all types other than those below.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.catalog.gguf_header import MAGIC

Value = bool | int | float | str | Sequence[str] | Sequence[int]
"""An integer is written as unsigned 32-bit, a real number as 32-bit, and a sequence of integers
as signed 32-bit."""

_VERSION = 3
_ALIGNMENT = 32
# Numbers of the format: value types, then tensor types.
_UINT32, _INT32, _FLOAT32, _BOOL, _TEXT, _ARRAY = 4, 5, 6, 7, 8, 9
_TENSOR_TYPES = {np.dtype("<f4"): 0, np.dtype("<f2"): 1}


def write_gguf(
    path: Path, *, metadata: Mapping[str, Value], tensors: Mapping[str, NDArray[np.generic]]
) -> None:
    """Write metadata and tensors, both in the given order.

    Args:
        tensors: arrays of 16-bit or 32-bit real numbers; the last axis is contiguous.
    """
    with path.open("wb") as stream:
        stream.write(MAGIC + struct.pack("<IQQ", _VERSION, len(tensors), len(metadata)))
        for key, value in metadata.items():
            stream.write(_text(key) + _value(value))
        offset = 0
        for name, tensor in tensors.items():
            # The format lists the contiguous axis first.
            shape = struct.pack(f"<I{tensor.ndim}Q", tensor.ndim, *reversed(tensor.shape))
            kind = struct.pack("<IQ", _TENSOR_TYPES[tensor.dtype.newbyteorder("<")], offset)
            stream.write(_text(name) + shape + kind)
            offset += tensor.nbytes + _gap(tensor.nbytes)
        stream.write(bytes(_gap(stream.tell())))
        for tensor in tensors.values():
            stream.write(tensor.astype(tensor.dtype.newbyteorder("<"), copy=False).tobytes())
            stream.write(bytes(_gap(tensor.nbytes)))


def _gap(length: int) -> int:
    return -length % _ALIGNMENT


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", _BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", _FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", _TEXT) + _text(value)
    texts = [element for element in value if isinstance(element, str)]
    if texts:
        head = struct.pack("<IIQ", _ARRAY, _TEXT, len(texts))
        return head + b"".join(_text(text) for text in texts)
    return struct.pack(f"<IIQ{len(value)}i", _ARRAY, _INT32, len(value), *value)
