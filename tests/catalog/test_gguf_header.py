"""A header is read, or the file is refused; never more memory than the file is long."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.catalog.gguf_header import read_header
from localensemble.core.errors import ModelFileError
from localensemble.core.identity import sha256_text
from tests.catalog.file_server import gguf_bytes

WHOLE = gguf_bytes(padding=0)


def test_the_header_says_what_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf_bytes())
    header = read_header(path)
    assert (header.architecture, header.name, header.licence) == ("llama", "Tiny", "apache-2.0")
    assert header.context_tokens == 512
    assert header.chat_template_sha256 == sha256_text("{{ messages }}")


def test_the_embedded_models_can_be_read(repository: Path) -> None:
    for path in (repository / "models").glob("*.gguf"):
        header = read_header(path)
        assert header.architecture
        assert header.chat_template_sha256
        assert header.context_tokens


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGU",
        b"<!doctype html>",
        b"GGUF",
        b"GGUF" + struct.pack("<IQQ", 1, 0, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1 << 60),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 8, 1 << 60),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 4, 1 << 62),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 9, 1),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"\xff" + struct.pack("<IB", 0, 1),
    ],
)
def test_what_is_no_whole_header_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="not a GGUF file"):
        read_header(path)


@given(length=st.integers(0, len(WHOLE) - 1))
def test_a_cut_header_is_refused(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "cut.gguf"
    path.write_bytes(WHOLE[:length])
    with pytest.raises(ModelFileError):
        read_header(path)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="No such file"):
        read_header(tmp_path / "no.gguf")
