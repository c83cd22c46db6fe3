"""A header is read, or the file is refused; never more memory than the file is long."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from localensemble.catalog import gguf_header
from localensemble.catalog.gguf_header import TENSOR_BLOCKS, GgufHeader, read_header
from localensemble.core.errors import ModelFileError
from localensemble.core.identity import sha256_text
from tests.catalog.file_server import gguf_bytes
from tests.engines.llama_cpp.tiny_gguf import write_tiny_gguf

pytestmark = pytest.mark.slow  # tries many damaged files

WHOLE = gguf_bytes(padding=0)
EMBEDDED = Path(__file__).resolve().parents[2] / "models" / "le-llama-2m.gguf"
# The header of that file is about 71,000 bytes long.
HEADER = EMBEDDED.read_bytes()[:72_000]
EXTREMES = (0, 1, 2**31, 2**32 - 1, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
MOST_MEMORY = 40 << 20


def entry(key: str, kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", kind) + value


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def header(*entries: bytes, tensors: bytes = b"", tensor_count: int = 0) -> bytes:
    counts = struct.pack("<IQQ", 3, tensor_count, len(entries))
    return b"GGUF" + counts + b"".join(entries) + tensors


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a file to write a changed header into; its weights are not stored."""
    path = tmp_path_factory.mktemp("fuzzed") / "fuzzed.gguf"
    yield path
    path.unlink(missing_ok=True)


def read_or_refuse(path: Path, start: bytes, *, size: int) -> GgufHeader | None:
    """Read a file that begins so and has this size; never more memory than allowed."""
    with path.open("wb") as stream:
        stream.write(start)
        stream.truncate(max(size, len(start)))
    tracemalloc.start()
    try:
        return read_header(path)
    except ModelFileError:
        return None
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MOST_MEMORY


def test_the_header_says_what_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf_bytes())
    header = read_header(path)
    assert (header.architecture, header.name, header.license) == ("llama", "Tiny", "apache-2.0")
    assert header.context_tokens == 512
    assert header.chat_template_sha256 == sha256_text("{{ messages }}")


def test_the_embedded_models_can_be_read(repository: Path) -> None:
    for path in (repository / "models").glob("*.gguf"):
        header = read_header(path)
        assert header.architecture
        assert header.chat_template_sha256
        assert header.context_tokens


def test_the_sizes_of_its_parts_are_those_that_another_reader_finds(repository: Path) -> None:
    gguf = pytest.importorskip("gguf")
    for path in (repository / "models").glob("*.gguf"):
        shape = read_header(path).shape
        assert shape is not None
        tensors = gguf.GGUFReader(path).tensors
        assert shape.weight_bytes == sum(int(tensor.n_bytes) for tensor in tensors)
        for layer, size in enumerate(shape.layer_bytes):
            own = [one for one in tensors if one.name.startswith(f"blk.{layer}.")]
            assert size == sum(int(tensor.n_bytes) for tensor in own)
        embeddings = next(one for one in tensors if one.name == "token_embd.weight")
        assert [shape.embedding, shape.vocabulary] == list(map(int, embeddings.shape))


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gpt2", "gemma3", "mamba"])
def test_the_cache_is_told_for_every_architecture(tmp_path: Path, architecture: Any) -> None:
    shape = read_header(write_tiny_gguf(tmp_path / "tiny.gguf", architecture=architecture)).shape
    assert shape is not None
    assert (sum(shape.cache_bytes) == 0) == (architecture == "mamba")
    assert len(shape.cache_bytes) == len(shape.layer_bytes) > 0


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


@settings(max_examples=200)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 71_000), st.sampled_from(EXTREMES), st.sampled_from("BIQ")),
        min_size=1,
        max_size=6,
    )
)
@example(changes=[(8, 2**64 - 1, "Q")])
@example(changes=[(16, 2**63, "Q")])
def test_numbers_that_cannot_be_are_read_or_refused(
    fuzzed: Path, changes: list[tuple[int, int, str]]
) -> None:
    content = bytearray(HEADER)
    for place, number, form in changes:
        size = struct.calcsize(f"<{form}")
        struct.pack_into(f"<{form}", content, place, number % 2 ** (8 * size))
    read_or_refuse(fuzzed, bytes(content), size=EMBEDDED.stat().st_size)


# The entries before the vocabulary, where the counts, lengths and types stand close together.
@settings(max_examples=200)
@given(place=st.integers(0, 1200), blob=st.binary(min_size=1, max_size=40), insert=st.booleans())
def test_bytes_that_were_changed_or_put_in_are_read_or_refused(
    fuzzed: Path, place: int, blob: bytes, insert: bool
) -> None:
    after = place if insert else place + len(blob)
    content = HEADER[:place] + blob + HEADER[after:]
    read_or_refuse(fuzzed, content, size=EMBEDDED.stat().st_size)


@given(length=st.integers(0, EMBEDDED.stat().st_size - 1))
def test_an_embedded_model_cut_anywhere_is_refused(fuzzed: Path, length: int) -> None:
    fuzzed.write_bytes(EMBEDDED.read_bytes()[:length])
    with pytest.raises(ModelFileError, match="not a GGUF file"):
        read_header(fuzzed)


def test_a_file_without_the_end_of_its_weights_says_where_it_ends(fuzzed: Path) -> None:
    size = EMBEDDED.stat().st_size
    assert read_or_refuse(fuzzed, HEADER, size=size) is not None
    fuzzed.write_bytes(EMBEDDED.read_bytes()[:-1])
    with pytest.raises(ModelFileError, match=f"byte {size:,}, .*{size - 1:,}"):
        read_header(fuzzed)


HUGE = 1 << 40


@pytest.mark.parametrize("count", [1 << 22, 1 << 23, HUGE // 8])
def test_a_file_of_zeros_without_end_is_refused(fuzzed: Path, count: int) -> None:
    # It would be read for hours if its count of words were believed.
    start = header(entry("a", 9, struct.pack("<IQ", 8, count)))
    try:
        assert read_or_refuse(fuzzed, start, size=HUGE) is None
    except OSError:
        pytest.skip("needs a file system that does not store zeros")


def test_all_words_are_counted_together(fuzzed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_header, "_MOST_READS", 1000)
    words = struct.pack("<IQ", 8, 400) + bytes(8 * 400)
    assert read_or_refuse(fuzzed, header(entry("a", 9, words)), size=0) is not None
    twice = header(entry("a", 9, words), entry("b", 9, words), entry("c", 9, words))
    assert read_or_refuse(fuzzed, twice, size=0) is None
    numbers = [entry(str(number), 4, bytes(4)) for number in range(400)]
    assert read_or_refuse(fuzzed, header(*numbers), size=0) is None


@pytest.mark.parametrize("length", [(1 << 24) + 1, 1 << 40, 2**63, 2**64 - 1])
def test_a_text_without_end_is_refused(fuzzed: Path, length: int) -> None:
    start = header(entry("a", 8, struct.pack("<Q", length)))
    assert read_or_refuse(fuzzed, start, size=1 << 30) is None


def test_many_long_texts_are_refused(fuzzed: Path) -> None:
    long = struct.pack("<Q", 1 << 23) + bytes(1 << 23)
    start = header(*[entry(f"{number}", 8, long) for number in range(4)])
    assert read_or_refuse(fuzzed, start, size=0) is None


def test_a_file_that_says_two_things_is_refused(fuzzed: Path) -> None:
    template = "tokenizer.chat_template"
    fuzzed.write_bytes(header(entry(template, 8, text("a")), entry(template, 8, text("b"))))
    with pytest.raises(ModelFileError, match="twice"):
        read_header(fuzzed)


@pytest.mark.parametrize("name", ["llama\x1b[31m", "qwen2\n3", "x" * 65, "la ma"])
def test_an_architecture_that_is_no_name_is_refused(fuzzed: Path, name: str) -> None:
    fuzzed.write_bytes(header(entry("general.architecture", 8, text(name))))
    with pytest.raises(ModelFileError, match="invalid architecture") as caught:
        read_header(fuzzed)
    assert name not in str(caught.value)


@pytest.mark.parametrize("context", [struct.pack("<Ii", 5, -1), struct.pack("<IB", 7, 1)])
def test_a_context_that_cannot_be_is_none(fuzzed: Path, context: bytes) -> None:
    key = "llama.context_length"
    entries = (
        entry("general.architecture", 8, text("llama")),
        struct.pack("<Q", len(key)) + key.encode() + context,
    )
    fuzzed.write_bytes(header(*entries))
    assert read_header(fuzzed).context_tokens is None


@pytest.mark.parametrize(("axes", "alignment"), [(4, 0), (5, 32), (2**32 - 1, 32), (4, 2**31)])
def test_tensors_that_cannot_be_are_refused(fuzzed: Path, axes: int, alignment: int) -> None:
    tensor = text("t") + struct.pack("<I", axes) + struct.pack("<4QIQ", 1, 1, 1, 1, 0, 0)
    start = header(
        entry("general.alignment", 4, struct.pack("<I", alignment)), tensors=tensor, tensor_count=1
    )
    assert read_or_refuse(fuzzed, start, size=1 << 20) is None


def test_the_sizes_of_blocks_are_those_of_the_format() -> None:
    sizes = {int(kind): size for kind, size in gguf.GGML_QUANT_SIZES.items()}
    assert {kind: sizes[kind] for kind in TENSOR_BLOCKS} == TENSOR_BLOCKS


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="No such file"):
        read_header(tmp_path / "no.gguf")
