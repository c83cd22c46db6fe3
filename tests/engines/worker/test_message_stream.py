from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from localensemble.engines.worker.message_stream import (
    MalformedMessageError,
    Message,
    packed,
    read_frame,
    unpacked,
)

EMPTY: dict[str, object] = {"fields": {}, "texts": [], "arrays": []}


def _read(data: bytes) -> Message:
    return unpacked(read_frame(io.BytesIO(data)))


def _sent(content: object, rest: bytes = b"") -> bytes:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack(">4sQQ", b"LEM1", len(data), len(rest)) + data + rest


def test_a_message_arrives_as_it_was_sent() -> None:
    texts = ("", "Käse", "half \ud83d of a pair", "\ud83d\ude00", "\x00", "😀")
    arrays: tuple[NDArray[Any], ...] = (
        np.array([[0.1, -np.inf, np.nan]], dtype=np.float32),
        np.array([0.1 + 0.2, -0.0, 5e-324]),
        np.zeros((0, 3)),
        np.array([2**62], dtype=np.int64),
        np.array([0, 1], dtype=np.uint8),
    )
    read = _read(packed(Message({"a": [1, None, True, "x"]}, texts, arrays)))
    assert read.fields == {"a": [1, None, True, "x"]}
    assert read.texts == texts
    for sent, arrived in zip(arrays, read.arrays, strict=True):
        assert sent.dtype == arrived.dtype
        assert sent.shape == arrived.shape
        assert sent.tobytes() == arrived.tobytes()
        assert arrived.flags.writeable


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=()))),
    numbers=st.lists(st.floats()),
)
def test_no_character_and_no_digit_changes(texts: list[str], numbers: list[float]) -> None:
    read = _read(packed(Message({}, texts, (np.array(numbers, dtype=np.float64),))))
    assert list(read.texts) == texts
    assert read.arrays[0].tobytes() == np.array(numbers, dtype=np.float64).tobytes()


@pytest.mark.parametrize(
    "data",
    [
        # What pickle sent, and would have run.
        b"\x00" * 7 + b"\x10" + b"cos\nsystem\n(S'id'\ntR.",
        b"Loading the model ...\n\x00\x00",
        struct.pack(">4sQQ", b"LEM1", 1 << 60, 0),
        struct.pack(">4sQQ", b"LEM1", 2, 1 << 50) + b"{}",
        _sent(b"[" * 100_000),
        _sent(b"{" * 10),
        _sent(b"\xff\xfe"),
        _sent(b"9" * 10_000),
        _sent([]),
        _sent({**EMPTY, "more": 1}),
        _sent({"fields": [], "texts": [], "arrays": []}),
        _sent({**EMPTY, "texts": {}}),
        _sent({**EMPTY, "texts": [-1]}),
        _sent({**EMPTY, "texts": [True]}, b"x"),
        _sent({**EMPTY, "texts": [2]}, b"x"),
        _sent({**EMPTY, "texts": [1]}, b"\xff"),
        _sent(EMPTY, b"x"),
        _sent({**EMPTY, "arrays": [["O", 1]]}, b"12345678"),
        _sent({**EMPTY, "arrays": [["f8"]]}),
        _sent({**EMPTY, "arrays": [["f8", 1, 1, 1]]}, b"12345678"),
        _sent({**EMPTY, "arrays": [["f8", -1]]}),
        _sent({**EMPTY, "arrays": [["f8", 1 << 31, 1 << 31]]}),
        _sent({**EMPTY, "arrays": [[["f8"], 1]]}),
        _sent({**EMPTY, "arrays": ["f8"]}),
    ],
)
def test_whatever_is_not_a_message_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        _read(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_end(data: bytes) -> None:
    for start in (b"", b"LEM1"):
        with pytest.raises((MalformedMessageError, EOFError)):
            _read(start + data)


def test_a_message_that_is_cut_off_is_an_end() -> None:
    whole = packed(Message({"a": 1}, ("text",)))
    for length in range(len(whole)):
        with pytest.raises(EOFError):
            _read(whole[:length])


def test_what_is_refused_is_not_quoted() -> None:
    with pytest.raises(MalformedMessageError) as caught:
        _read(b"The patient denies chest pain")
    assert "patient" not in str(caught.value)
