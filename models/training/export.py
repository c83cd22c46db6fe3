"""Write a trained decoder as a GGUF file: matrices Q8_0, norms and biases F32."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from decoder import Decoder
from specs import ModelSpec
from vocabulary import Vocabulary, add_vocabulary

_EPSILON = 1e-5


def write_vocabulary(path: Path, spec: ModelSpec, vocabulary: Vocabulary) -> None:
    """Write a GGUF file that can only tokenize."""
    writer = _writer(path, spec, vocabulary)
    _finish(writer)


def write_model(path: Path, spec: ModelSpec, vocabulary: Vocabulary, decoder: Decoder) -> None:
    """Write the whole model."""
    writer = _writer(path, spec, vocabulary)
    for name, parameter in decoder.named_parameters():
        array = parameter.detach().to("cpu").float().numpy()
        tensor = name.replace("blocks.", "blk.")
        kind = _kind(tensor, array)
        writer.add_tensor(tensor, gguf.quants.quantize(array, kind), raw_dtype=kind)
    _finish(writer)


def _kind(tensor: str, array: np.ndarray) -> gguf.GGMLQuantizationType:
    if array.ndim == 1:
        return gguf.GGMLQuantizationType.F32
    if tensor.startswith("position_embd"):
        return gguf.GGMLQuantizationType.F16
    return gguf.GGMLQuantizationType.Q8_0


def _writer(path: Path, spec: ModelSpec, vocabulary: Vocabulary) -> gguf.GGUFWriter:
    writer = gguf.GGUFWriter(path, spec.architecture)
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(spec.title)
    writer.add_organization("localensemble")
    writer.add_license("apache-2.0")
    writer.add_languages(["en"])
    writer.add_description(
        "Small decoder trained from scratch for the demo and tests of localensemble; "
        "it knows only the example codebooks. Not for clinical use."
    )
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(spec.vocabulary_size)
    writer.add_context_length(spec.context_tokens)
    writer.add_embedding_length(spec.width)
    writer.add_block_count(spec.layers)
    writer.add_feed_forward_length(spec.feed_forward)
    writer.add_head_count(spec.heads)
    writer.add_head_count_kv(spec.key_value_heads)
    if spec.architecture == "gpt2":
        writer.add_layer_norm_eps(_EPSILON)
    else:
        writer.add_layer_norm_rms_eps(_EPSILON)
        writer.add_rope_dimension_count(spec.width // spec.heads)
        writer.add_rope_freq_base(10000.0)
    add_vocabulary(writer, spec, vocabulary)
    return writer


def _finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
