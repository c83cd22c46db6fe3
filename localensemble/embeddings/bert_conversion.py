"""Convert a sentence encoder of the BERT family from its published files to GGUF.

Decides how the weights and the vocabulary are named and laid out for llama.cpp, and stores
matrices with 16 bits. Reads the archive without unpacking or executing it; the caller has
checked its hash. Refuses models with another architecture.
"""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.core.errors import ModelFileError
from localensemble.core.foreign_json import read_json
from localensemble.embeddings.gguf_file import Value, write_gguf

# llama.cpp: LLAMA_FTYPE_MOSTLY_F16, LLAMA_POOLING_TYPE_MEAN, token types.
_MOSTLY_F16 = 1
_POOLING_MEAN = 1
_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3
_BEGINS_A_WORD = "\u2581"
_CONTINUES_A_WORD = "##"
_EXPECTED = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
}
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.(.+)\.(weight|bias)")
_LAYER_PARTS = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_EMBEDDINGS = {
    "embeddings.word_embeddings.weight": "token_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight",
    "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.LayerNorm.weight": "token_embd_norm.weight",
    "embeddings.LayerNorm.bias": "token_embd_norm.bias",
}
# These are small, and llama.cpp's own conversion also keeps them at 32 bits.
_KEPT_WHOLE = frozenset({"token_types.weight", "position_embd.weight"})
# llama.cpp numbers the positions itself, and the published method does not use the pooler.
_LEFT_OUT = re.compile(r"embeddings\.position_ids|pooler\.dense\.(weight|bias)")


def convert_bert(archive: Path, *, folder: str, name: str, license: str, to: Path) -> None:
    """Convert the model in a folder of a zip archive to a GGUF file.

    Args:
        folder: the folder of ``config.json``, ``vocab.txt`` and ``model.safetensors`` in it.
        name: the model's name, written into the file.
        license: short name of the terms, written into the file.

    Raises:
        ModelFileError: the archive contains another kind of model.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            config = read_json(content.read(f"{folder}/config.json"))
            pooling = read_json(content.read(f"{folder}/1_Pooling/config.json"))
            vocabulary = content.read(f"{folder}/vocab.txt").decode("utf-8")
            weights = content.read(f"{folder}/model.safetensors")
        _refuse_other_builds(config, pooling)
        tokens = vocabulary.removesuffix("\n").split("\n")
        metadata = _metadata(config, tokens, name=name, license=license)
        write_gguf(to, metadata=metadata, tensors=_tensors(_safetensors(weights)))
    except (KeyError, ValueError, struct.error, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f"Cannot convert {archive.name}: it does not contain the files of a BERT model "
            f"({type(error).__name__}).",
            hint="Fetch it again; this is not the expected archive.",
        ) from error


def _refuse_other_builds(config: dict[str, object], pooling: dict[str, object]) -> None:
    architecture = {key: config.get(key) for key in _EXPECTED}
    if architecture != _EXPECTED or pooling.get("pooling_mode_mean_tokens") is not True:
        raise ValueError("another model architecture")


def _metadata(
    config: dict[str, int], tokens: list[str], *, name: str, license: str
) -> dict[str, Value]:
    return {
        "general.architecture": "bert",
        "general.name": name,
        "general.license": license,
        "general.file_type": _MOSTLY_F16,
        "bert.block_count": config["num_hidden_layers"],
        "bert.context_length": config["max_position_embeddings"],
        "bert.embedding_length": config["hidden_size"],
        "bert.feed_forward_length": config["intermediate_size"],
        "bert.attention.head_count": config["num_attention_heads"],
        "bert.attention.layer_norm_epsilon": float(config["layer_norm_eps"]),
        "bert.attention.causal": False,
        "bert.pooling_type": _POOLING_MEAN,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": [_llama_token(token) for token in tokens],
        "tokenizer.ggml.token_type": [_token_type(token) for token in tokens],
        "tokenizer.ggml.token_type_count": config["type_vocab_size"],
        "tokenizer.ggml.bos_token_id": tokens.index("[CLS]"),
        "tokenizer.ggml.unknown_token_id": tokens.index("[UNK]"),
        "tokenizer.ggml.seperator_token_id": tokens.index("[SEP]"),
        "tokenizer.ggml.padding_token_id": tokens.index("[PAD]"),
        "tokenizer.ggml.mask_token_id": tokens.index("[MASK]"),
    }


def _llama_token(token: str) -> str:
    """Return a token as llama.cpp writes it, marking the start of a word, not its continuation."""
    if _is_special(token):
        return token
    if token.startswith(_CONTINUES_A_WORD):
        return token.removeprefix(_CONTINUES_A_WORD)
    return _BEGINS_A_WORD + token


def _is_special(token: str) -> bool:
    return len(token) > 2 and token.startswith("[") and token.endswith("]")


def _token_type(token: str) -> int:
    if token == "[UNK]":
        return _UNKNOWN
    return _CONTROL if _is_special(token) else _NORMAL


def _tensors(published: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.generic]]:
    tensors: dict[str, NDArray[np.generic]] = {}
    for name, tensor in published.items():
        ours = _llama_name(name)
        halved = tensor.ndim == 2 and ours not in _KEPT_WHOLE
        tensors[ours] = tensor.astype(np.float16) if halved else tensor
    return tensors


def _llama_name(name: str) -> str:
    if layer := _LAYER.fullmatch(name):
        return f"blk.{layer[1]}.{_LAYER_PARTS[layer[2]]}.{layer[3]}"
    return _EMBEDDINGS[name]


def _safetensors(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Read the 32-bit tensors of a safetensors file, in the order of their names."""
    (length,) = struct.unpack_from("<Q", data)
    body = memoryview(data)[8 + length :]
    entries = read_json(data[8 : 8 + length])
    tensors = {}
    for name in sorted(entries.keys() - {"__metadata__"}):
        entry = entries[name]
        if _LEFT_OUT.fullmatch(name):
            continue
        if entry["dtype"] != "F32":
            raise ValueError("a tensor of another type")
        start, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(body[start:end], dtype="<f4").reshape(entry["shape"])
    return tensors
