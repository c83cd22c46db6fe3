"""Send values from one process to another: pickles, each preceded by its length."""

from __future__ import annotations

import pickle
import struct
from typing import IO

_LENGTH = struct.Struct(">Q")


def write_pickle(stream: IO[bytes] | None, value: object) -> None:
    """Send a value.

    Raises:
        EOFError: there is no stream.
        OSError: the other process is gone.
    """
    if stream is None:
        raise EOFError
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def read_pickle(stream: IO[bytes] | None) -> object:
    """Wait for a value and return it.

    Raises:
        EOFError: the other process is gone, or there is no stream.
    """
    if stream is None:
        raise EOFError
    return pickle.loads(_read_exactly(stream, _LENGTH.unpack(_read_exactly(stream, 8))[0]))


def _read_exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
