"""Train a tokenizer and use it through llama.cpp.

Decides the tokens of a model. llama.cpp itself encodes all texts, from a GGUF file that
contains only the vocabulary, so that training sees the same ids as inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gguf
import llama_cpp
import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from specs import ModelSpec

_SPACE = "\u2581"
_QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_PRE = {"qwen2": "qwen2", "gpt2": "gpt-2"}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens in id order, with the properties that GGUF needs.

    Attributes:
        scores: SentencePiece scores (higher merges first); empty for byte-level BPE.
        merges: byte-level BPE merges; empty for SentencePiece.
    """

    tokens: tuple[str, ...]
    types: tuple[int, ...]
    scores: tuple[float, ...]
    merges: tuple[str, ...]

    def token_id(self, token: str) -> int:
        """Return the id of a token."""
        return self.tokens.index(token)


def train_vocabulary(spec: ModelSpec, texts: Sequence[str], phrases: Sequence[str]) -> Vocabulary:
    """Learn a vocabulary from training texts.

    Args:
        phrases: answer strings; each becomes one token if the tokenizer can join words.
    """
    if spec.architecture == "llama":
        return _sentencepiece(spec, texts, phrases)
    return _byte_level(spec, texts)


def add_vocabulary(writer: gguf.GGUFWriter, spec: ModelSpec, vocabulary: Vocabulary) -> None:
    """Write the vocabulary and the chat template into a GGUF file."""
    sentencepiece = spec.architecture == "llama"
    writer.add_tokenizer_model("llama" if sentencepiece else "gpt2")
    writer.add_tokenizer_pre("default" if sentencepiece else _PRE[spec.architecture])
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    if sentencepiece:
        writer.add_token_scores(vocabulary.scores)
        writer.add_unk_token_id(vocabulary.token_id("<unk>"))
        # Segments are tokenized on their own; a space put before each would be invented text.
        writer.add_add_space_prefix(False)
    else:
        writer.add_token_merges(vocabulary.merges)
    end = vocabulary.token_id(spec.end_of_text)
    beginning = end if spec.beginning is None else vocabulary.token_id(spec.beginning)
    writer.add_bos_token_id(beginning)
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(vocabulary.token_id(spec.end_of_turn))
    writer.add_pad_token_id(end)
    writer.add_add_bos_token(spec.beginning is not None)
    writer.add_add_eos_token(False)
    writer.add_chat_template(spec.chat_template)


class Encoder:
    """llama.cpp's own tokenizer for one GGUF file."""

    def __init__(self, path: Path) -> None:
        self._llama = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)

    def text(self, text: str) -> list[int]:
        """Encode a text in which nothing is a special token."""
        return self._encode(text, special=False)

    def markup(self, text: str) -> list[int]:
        """Encode chat markup, whose special tokens count."""
        return self._encode(text, special=True)

    def _encode(self, text: str, *, special: bool) -> list[int]:
        if not text:
            return []
        return self._llama.tokenize(text.encode("utf-8"), add_bos=False, special=special)


def _byte_level(spec: ModelSpec, texts: Sequence[str]) -> Vocabulary:
    tokenizer = Tokenizer(models.BPE())
    words = (
        [
            pre_tokenizers.Split(Regex(_QWEN2_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
        if spec.architecture == "qwen2"
        else [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(words)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=spec.vocabulary_size,
        min_frequency=2,
        special_tokens=list(spec.special_tokens),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokens, merges = _tokens_and_merges(tokenizer)
    _check_size(spec, tokens)
    control, normal = int(gguf.TokenType.CONTROL), int(gguf.TokenType.NORMAL)
    special = set(spec.special_tokens)
    types = tuple(control if token in special else normal for token in tokens)
    return Vocabulary(tuple(tokens), types, (), tuple(f"{a} {b}" for a, b in merges))


def _sentencepiece(spec: ModelSpec, texts: Sequence[str], phrases: Sequence[str]) -> Vocabulary:
    splitting = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="never"),
            pre_tokenizers.Split("\n", behavior="isolated"),
            pre_tokenizers.Punctuation(behavior="isolated"),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    reserved = len(spec.special_tokens) + 256
    # Joining a phrase of n pieces takes n - 1 tokens; 32 cover all of them.
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = splitting
    trainer = trainers.BpeTrainer(
        vocab_size=spec.vocabulary_size - reserved - 32,
        min_frequency=2,
        limit_alphabet=110,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    learned, merges = _tokens_and_merges(tokenizer)
    rank = {a + b: position for position, (a, b) in reversed(list(enumerate(merges)))}
    pieces = [piece for piece in learned if piece in rank]
    characters = [piece for piece in learned if piece not in rank]
    joined: list[str] = []
    for phrase in phrases:
        parts = tokenizer.encode(phrase).tokens
        for length in range(2, len(parts) + 1):
            piece = "".join(parts[:length])
            if piece not in rank and piece not in joined:
                joined.append(piece)
    pieces = sorted(pieces, key=lambda piece: rank[piece]) + joined
    free = spec.vocabulary_size - reserved - len(pieces) - len(characters)
    pieces = pieces if free >= 0 else pieces[: len(pieces) - len(joined) + free] + joined
    tokens = [*spec.special_tokens, *(f"<0x{byte:02X}>" for byte in range(256))]
    tokens += [*pieces, *characters]
    tokens += [f"<unused{number}>" for number in range(spec.vocabulary_size - len(tokens))]
    _check_size(spec, tokens)
    first = reserved + len(pieces)
    scores = [0.0] * reserved + [-float(position) for position in range(len(pieces))]
    scores += [-float(position) for position in range(first, spec.vocabulary_size)]
    kinds = {"<unk>": int(gguf.TokenType.UNKNOWN)}
    kinds |= {token: int(gguf.TokenType.CONTROL) for token in spec.special_tokens[1:]}
    types = [kinds.get(token, int(gguf.TokenType.NORMAL)) for token in tokens]
    types[len(spec.special_tokens) : reserved] = [int(gguf.TokenType.BYTE)] * 256
    for position, token in enumerate(tokens):
        if token.startswith("<unused"):
            types[position] = int(gguf.TokenType.UNUSED)
    return Vocabulary(tuple(tokens), tuple(types), tuple(scores), ())


def _tokens_and_merges(
    tokenizer: tokenizers.Tokenizer,
) -> tuple[list[str], list[tuple[str, str]]]:
    import json

    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=lambda token: model["vocab"][token])
    return tokens, [tuple(merge) for merge in model["merges"]]


def _check_size(spec: ModelSpec, tokens: Sequence[str]) -> None:
    if len(tokens) != spec.vocabulary_size or len(set(tokens)) != len(tokens):
        raise ValueError(
            f"{spec.name}: {len(set(tokens))} different tokens of {len(tokens)}, "
            f"but {spec.vocabulary_size} were asked for."
        )
