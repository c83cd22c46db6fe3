"""Write GGUF files of a few hundred kilobytes with random weights and a real tokenizer.

They know nothing about text; they are there because their logits are real logits of a
real architecture, computed by llama.cpp from real tokens, special ones included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import gguf
import numpy as np
from numpy.typing import NDArray

Architecture = Literal["llama", "qwen2", "gpt2", "gemma3", "mamba"]
Tokenizer = Literal["bpe", "spm"]

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CHATML_MARKERS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

_CORPUS = (
    "The staff were kind and the care was good. The waiting room was cold and the waiting time "
    "was too long. Nobody told us what the doctor had said about the operation. Communication "
    "between the ward and the family was poor. Parking is a problem. The nurses listened to me "
    "and explained everything clearly. Nothing could be better, it was excellent. The food was "
    "not good. You label texts with a codebook. Read the question, the categories and the rules, "
    "then the text. Reply with the name of the one category that fits best, exactly as written, "
    "and nothing else. Question: What is the comment mainly about? Categories: Care received, "
    "Staff, Communication, Environment, Access, Miscellaneous, Transition, Dignity. Text: Which "
    "category fits best? negative neutral positive present absent yes no. No evidence of "
    "PNEUMONIA was found. The patient denies chest pain, fever and cough. "
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens with their types, and what the tokenizer needs to use them."""

    tokenizer: Tokenizer
    tokens: tuple[bytes, ...]
    types: tuple[gguf.TokenType, ...]
    scores: tuple[float, ...]
    merges: tuple[str, ...]
    bos: int | None
    eos: int


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the model is."""

    layers: int = 2
    embedding: int = 64
    heads: int = 4
    feed_forward: int = 128
    context: int = 1024


def write_tiny_gguf(
    path: Path,
    *,
    architecture: Architecture = "llama",
    vocabulary: Vocabulary | None = None,
    chat_template: str | None = CHATML,
    shape: Shape | None = None,
    seed: int = 0,
    add_bos: bool | None = None,
    weights: bool = True,
    causal: bool = True,
    pre_tokenizer: str = "gpt-2",
    favored: Sequence[str] = (),
) -> Path:
    """Write a model file.

    Args:
        favored: tokens that are likely after any text, for whoever sees the likeliest only.
        weights: False writes the vocabulary and no tensors.
        pre_tokenizer: llama.cpp's name for how a byte-level vocabulary cuts text into words.
        causal: False says that every token sees all others, as in a model that embeds.
    """
    vocabulary = vocabulary or bpe_vocabulary()
    shape = shape or Shape()
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(f"tiny {architecture}")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _write_shape(writer, architecture, shape)
    _write_vocabulary(writer, vocabulary, add_bos, pre_tokenizer)
    if not causal:
        writer.add_causal_attention(False)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    if weights:
        generator = np.random.default_rng(seed)
        for name, tensor in _tensors(architecture, shape, len(vocabulary.tokens), generator):
            if favored and name == "token_embd.weight":
                # Far along one direction, whatever the token, ...
                tensor[:, 0] = 30.0
            elif favored and name == "output.weight":
                # ... which only these follow.
                tensor[:, 0] = [token.decode() in favored for token in vocabulary.tokens]
            writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def bpe_vocabulary(
    *,
    control: Sequence[str] = CHATML_MARKERS,
    user_defined: Sequence[str] = (),
    bos: str | None = None,
    eos: str = "<|im_end|>",
    merges: int = 300,
) -> Vocabulary:
    """Build a byte-level BPE vocabulary from a small corpus, with special tokens."""
    alphabet = _byte_alphabet()
    learned = _learn_merges(_CORPUS, alphabet, merges)
    plain = [*alphabet.values(), *("".join(pair) for pair in learned)]
    special = [*control, *user_defined]
    types = [
        *[gguf.TokenType.NORMAL] * len(plain),
        *[gguf.TokenType.CONTROL] * len(control),
        *[gguf.TokenType.USER_DEFINED] * len(user_defined),
    ]
    tokens = [*plain, *special]
    return Vocabulary(
        tokenizer="bpe",
        tokens=tuple(token.encode() for token in tokens),
        types=tuple(types),
        scores=(0.0,) * len(tokens),
        merges=tuple(" ".join(pair) for pair in learned),
        bos=None if bos is None else tokens.index(bos),
        eos=tokens.index(eos),
    )


def spm_vocabulary(*, control: Sequence[str] = ("<end>",), eos: str = "</s>") -> Vocabulary:
    """Build a SentencePiece-style vocabulary: pieces with scores, and byte tokens."""
    words = Counter("▁" + word for word in _CORPUS.split())
    pieces = dict.fromkeys(character for word in words for character in word)
    for word in words:
        pieces.update(dict.fromkeys(word[:end] for end in range(2, len(word) + 1)))
    tokens = ["<unk>", "<s>", "</s>", *control]
    types = [gguf.TokenType.UNKNOWN, *[gguf.TokenType.CONTROL] * (2 + len(control))]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    types += [gguf.TokenType.BYTE] * 256
    tokens += list(pieces)
    types += [gguf.TokenType.NORMAL] * len(pieces)
    return Vocabulary(
        tokenizer="spm",
        tokens=tuple(token.encode() for token in tokens),
        types=tuple(types),
        scores=tuple(-float(rank) for rank in range(len(tokens))),
        merges=(),
        bos=1,
        eos=tokens.index(eos),
    )


def _byte_alphabet() -> dict[int, str]:
    """Map every byte to the printable character that byte-level BPE writes for it."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in alphabet:
            alphabet[byte] = chr(256 + len(alphabet) - len(printable))
    return {byte: alphabet[byte] for byte in range(256)}


def _learn_merges(corpus: str, alphabet: dict[int, str], count: int) -> list[tuple[str, str]]:
    words = Counter(" " + word for word in corpus.split())
    spelled = {word: [alphabet[byte] for byte in word.encode()] for word in words}
    learned: list[tuple[str, str]] = []
    for _ in range(count):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, symbols in spelled.items():
            for pair in pairwise(symbols):
                pairs[pair] += words[word]
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        learned.append(best)
        for word, symbols in spelled.items():
            spelled[word] = _merge(symbols, best)
    return learned


def _merge(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    index = 0
    while index < len(symbols):
        if tuple(symbols[index : index + 2]) == pair:
            merged.append("".join(pair))
            index += 2
        else:
            merged.append(symbols[index])
            index += 1
    return merged


def _write_shape(writer: gguf.GGUFWriter, architecture: Architecture, shape: Shape) -> None:
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.embedding)
    writer.add_block_count(shape.layers)
    if architecture == "mamba":
        writer.add_feed_forward_length(0)
        writer.add_head_count(0)
        writer.add_ssm_conv_kernel(4)
        writer.add_ssm_inner_size(2 * shape.embedding)
        writer.add_ssm_state_size(16)
        writer.add_ssm_time_step_rank(4)
        writer.add_layer_norm_rms_eps(1e-5)
        return
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    if architecture == "gpt2":
        writer.add_layer_norm_eps(1e-5)
        return
    writer.add_head_count_kv(shape.heads // 2)
    writer.add_layer_norm_rms_eps(1e-5)
    if architecture == "gemma3":
        writer.add_key_length(shape.embedding // shape.heads)
        writer.add_value_length(shape.embedding // shape.heads)
        writer.add_sliding_window(32)


def _write_vocabulary(
    writer: gguf.GGUFWriter, vocabulary: Vocabulary, add_bos: bool | None, pre_tokenizer: str
) -> None:
    if vocabulary.tokenizer == "bpe":
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre_tokenizer)
        writer.add_token_merges(list(vocabulary.merges))
    else:
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_scores(list(vocabulary.scores))
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(list(vocabulary.types))
    writer.add_eos_token_id(vocabulary.eos)
    if vocabulary.bos is not None:
        writer.add_bos_token_id(vocabulary.bos)
    if add_bos is not None:
        writer.add_add_bos_token(add_bos)


def _tensors(
    architecture: Architecture, shape: Shape, tokens: int, generator: np.random.Generator
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    width = shape.embedding

    def matrix(rows: int, columns: int, scale: float = 1.0) -> NDArray[np.float32]:
        values = generator.standard_normal((rows, columns), dtype=np.float32)
        return values * np.float32(scale / columns**0.5)

    def vector(size: int, mean: float = 0.0) -> NDArray[np.float32]:
        return (mean + 0.1 * generator.standard_normal(size)).astype(np.float32)

    yield "token_embd.weight", matrix(tokens, width, 8.0)
    yield "output_norm.weight", vector(width, 1.0)
    # Enough for a distribution that is not flat, so that differences show.
    yield "output.weight", matrix(tokens, width)
    if architecture == "gpt2":
        yield "position_embd.weight", matrix(shape.context, width, 2.0)
        yield "output_norm.bias", vector(width)
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        yield f"{block}.attn_norm.weight", vector(width, 1.0)
        if architecture == "mamba":
            inner = 2 * width
            yield f"{block}.ssm_in.weight", matrix(2 * inner, width)
            yield f"{block}.ssm_conv1d.weight", matrix(inner, 4)
            yield f"{block}.ssm_conv1d.bias", vector(inner)
            yield f"{block}.ssm_x.weight", matrix(4 + 2 * 16, inner)
            yield f"{block}.ssm_dt.weight", matrix(inner, 4)
            yield f"{block}.ssm_dt.bias", vector(inner)
            yield f"{block}.ssm_a", -np.exp(matrix(inner, 16))
            yield f"{block}.ssm_d", vector(inner, 1.0)
            yield f"{block}.ssm_out.weight", matrix(width, inner)
            continue
        if architecture == "gpt2":
            yield f"{block}.attn_norm.bias", vector(width)
            yield f"{block}.attn_qkv.weight", matrix(3 * width, width)
            yield f"{block}.attn_qkv.bias", vector(3 * width)
            yield f"{block}.attn_output.bias", vector(width)
            yield f"{block}.ffn_norm.bias", vector(width)
            yield f"{block}.ffn_up.bias", vector(shape.feed_forward)
            yield f"{block}.ffn_down.bias", vector(width)
        else:
            yield f"{block}.attn_q.weight", matrix(width, width)
            yield f"{block}.attn_k.weight", matrix(width // 2, width)
            yield f"{block}.attn_v.weight", matrix(width // 2, width)
            yield f"{block}.ffn_gate.weight", matrix(shape.feed_forward, width)
        if architecture == "qwen2":
            yield f"{block}.attn_q.bias", vector(width)
            yield f"{block}.attn_k.bias", vector(width // 2)
            yield f"{block}.attn_v.bias", vector(width // 2)
        if architecture == "gemma3":
            head = width // shape.heads
            yield f"{block}.attn_q_norm.weight", vector(head, 1.0)
            yield f"{block}.attn_k_norm.weight", vector(head, 1.0)
            yield f"{block}.post_attention_norm.weight", vector(width, 1.0)
            yield f"{block}.post_ffw_norm.weight", vector(width, 1.0)
        yield f"{block}.attn_output.weight", matrix(width, width)
        yield f"{block}.ffn_norm.weight", vector(width, 1.0)
        yield f"{block}.ffn_up.weight", matrix(shape.feed_forward, width)
        yield f"{block}.ffn_down.weight", matrix(width, shape.feed_forward)
