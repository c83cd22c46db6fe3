"""Make a GGUF file with random weights in the shape of Qwen2.5-0.5B, for measuring speed.

Its vocabulary contains four-letter words. Each is exactly one token with and without a space
before it, so that a text has as many tokens as words. One channel of the weights makes whole
words and JSON punctuation likelier than single letters, so that a response is as short as that
of a trained model.
"""

from __future__ import annotations

import ctypes
import importlib
import itertools
import string
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

VOCABULARY = 151_936
LAYERS, EMBEDDING, FEED_FORWARD, HEADS, KEY_HEADS = 24, 896, 4864, 14, 2
Q4_K_M = 15

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# Merges that let a JSON response take as few tokens as with the real vocabulary.
_JSON = (
    ("{", '"'),
    ('"', "}"),
    ('"', ":"),
    ('":', '"'),
    ("l", "a"),
    ("b", "e"),
    ("la", "be"),
    ("labe", "l"),
)
# Each letter occurs in only one position of a word, so that a word can be split in only one way.
_LETTERS = [string.ascii_letters[at : at + 13] for at in range(0, 52, 13)]
_FIRST = ["".join(pair) for pair in itertools.product(_LETTERS[0], _LETTERS[1])]
_SECOND = ["".join(pair) for pair in itertools.product(_LETTERS[2], _LETTERS[3])]


def words() -> list[str]:
    """Return the words that are one token each."""
    return [first + second for first, second in itertools.product(_FIRST, _SECOND)]


def build(folder: Path) -> Path:
    """Return the quantized file in this folder (400 MB); make it if it does not exist."""
    path = folder / "random-qwen2.5-0.5b-q4_k_m.gguf"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    wide = path.with_suffix(".f16")
    narrow = path.with_suffix(".part")
    _write(wide)
    library = importlib.import_module("llama_cpp.llama_cpp")
    silent = library.llama_log_callback(lambda level, text, data: None)
    library.llama_log_set(silent, ctypes.c_void_p(0))
    parameters = library.llama_model_quantize_default_params()
    parameters.ftype = Q4_K_M
    code = library.llama_model_quantize(
        str(wide).encode(), str(narrow).encode(), ctypes.byref(parameters)
    )
    wide.unlink()
    if code:
        raise RuntimeError(f"llama.cpp could not quantize the model ({code}).")
    narrow.rename(path)
    return path


def _write(path: Path) -> None:
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_name("random weights in the shape of Qwen2.5-0.5B")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(32_768)
    writer.add_embedding_length(EMBEDDING)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    tokens = _write_vocabulary(writer)
    likely = {*words(), *(left + right for left, right in _JSON[-1:] + _JSON[:4]), "<|im_end|>"}
    preferred = np.array([token in likely for token in tokens])
    for name, tensor in _tensors(np.random.default_rng(0), preferred):
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_vocabulary(writer: gguf.GGUFWriter) -> list[str]:
    known = words()
    joined = [left + right for left, right in _JSON]
    tokens = [*_byte_alphabet(), *_FIRST, *_SECOND, *known, *("Ġ" + word for word in known)]
    tokens += [text for text in joined if text not in _FIRST]
    merges = [f"{half[0]} {half[1]}" for half in (*_FIRST, *_SECOND)]
    merges += [f"{word[:2]} {word[2:]}" for word in known]
    merges += [f"Ġ {word}" for word in known]
    merges += [f"{left} {right}" for left, right in _JSON]
    types = [gguf.TokenType.NORMAL] * len(tokens)
    tokens += _SPECIAL
    types += [gguf.TokenType.CONTROL] * len(_SPECIAL)
    unused = VOCABULARY - len(tokens)
    tokens += [f"<unused {number}>" for number in range(unused)]
    types += [gguf.TokenType.UNUSED] * unused
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)
    return tokens


def _byte_alphabet() -> list[str]:
    """Return the characters that byte-level BPE writes for the 256 bytes."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = itertools.count(256)
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def _tensors(generator: np.random.Generator, preferred: NDArray[np.bool_]) -> Any:
    def matrix(rows: int, columns: int) -> NDArray[np.float16]:
        values = generator.standard_normal((rows, columns), dtype=np.float32)
        return (values * np.float32(0.02)).astype(np.float16)

    # All layers pass channel 0 through unchanged, and it contributes to the logits directly.
    embedding = matrix(VOCABULARY, EMBEDDING)
    embedding[:, 0] = np.where(preferred, 3.0, 2.0)
    yield "token_embd.weight", embedding
    yield "output_norm.weight", np.ones(EMBEDDING, np.float32)
    key_width = EMBEDDING // HEADS * KEY_HEADS
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        yield f"{block}.attn_norm.weight", np.ones(EMBEDDING, np.float32)
        yield f"{block}.ffn_norm.weight", np.ones(EMBEDDING, np.float32)
        for name, rows in (("q", EMBEDDING), ("k", key_width), ("v", key_width)):
            yield f"{block}.attn_{name}.weight", matrix(rows, EMBEDDING)
            yield f"{block}.attn_{name}.bias", np.zeros(rows, np.float32)
        for name, columns in (("attn_output", EMBEDDING), ("ffn_down", FEED_FORWARD)):
            into_residual = matrix(EMBEDDING, columns)
            into_residual[0] = 0.0
            yield f"{block}.{name}.weight", into_residual
        yield f"{block}.ffn_gate.weight", matrix(FEED_FORWARD, EMBEDDING)
        yield f"{block}.ffn_up.weight", matrix(FEED_FORWARD, EMBEDDING)
