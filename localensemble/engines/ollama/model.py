"""Which model an Ollama name refers to, and whether it may be used here.

A name can come to mean another model, so a model is identified by the hash of its manifest
(weights, template, parameters) and by the hash of its weights, which also identifies llama.cpp's
raters. Refuses models that Ollama runs on other machines, that are not chat models, or whose blob
does not match the hash in its name.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localensemble.core.errors import EngineError, EngineUnavailableError, ModelFileError
from localensemble.core.identity import sha256_file
from localensemble.engines.ollama.client import Json, OllamaClient, OllamaNotRunningError
from localensemble.engines.ollama.host import ollama_address
from localensemble.engines.ollama.model_name import OllamaName, is_same_model

# The first version that reports the probabilities of tokens.
_OLDEST = (0, 12, 11)
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FROM_BLOB = re.compile(r"^FROM\s+(.*sha256[-:]([0-9a-f]{64}))\s*$", re.MULTILINE)
_ADAPTER = re.compile(r"^ADAPTER\s", re.MULTILINE)
# Turn marks as templates write them, for models whose vocabulary Ollama does not report.
_MARKS = re.compile(r"<[^<>{}\s]{1,40}>|\[/?[A-Z_]{2,40}\]")
_CONTROL, _USER_DEFINED = 3, 4


@dataclass(frozen=True, slots=True)
class OllamaServer:
    """Ollama on this machine: its address, its version, and the models it has here."""

    address: str
    version: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """One model of Ollama.

    Attributes:
        name: the name as Ollama lists it, with its tag.
        version: the server's version.
        manifest_sha256: the digest that Ollama lists.
        weights_sha256: hash of the GGUF blob, or of the manifest if Ollama names no single blob.
        is_blob: whether ``weights_sha256`` is the blob's.
        blob: the blob's path as Ollama reports it; None if it does not.
        title: the name the weights carry.
        architecture: GGUF ``general.architecture``.
        template: the chat template, in Ollama's language.
        trained_context: tokens it was trained to look back on; None if not reported.
        vocabulary: its tokens as the file writes them; empty if not reported.
        marks: texts that Ollama reads as turn marks wherever they occur.
    """

    name: str
    version: str
    manifest_sha256: str
    weights_sha256: str
    is_blob: bool
    blob: Path | None
    title: str
    architecture: str
    template: str
    trained_context: int | None
    vocabulary: frozenset[str]
    marks: tuple[str, ...]

    def check_blob(self) -> None:
        """Read the weights if that is allowed, and refuse them if the hash differs.

        Raises:
            ModelFileError: the blob does not match the hash in its name.
        """
        if self.blob is None or not os.access(self.blob, os.R_OK) or not self.blob.is_file():
            return
        if sha256_file(self.blob) != self.weights_sha256:
            raise ModelFileError(
                f'Cannot use model "{self.name}": its blob {self.blob} does not match the hash '
                "in its name.",
                hint="It is damaged: remove the model from Ollama and pull it again.",
            )


def find_server() -> OllamaServer | None:
    """Look for Ollama on this machine; return None if nothing answers at its address.

    Raises:
        EngineUnavailableError: what answers cannot be used.
    """
    address = ollama_address()
    client = OllamaClient(address)
    try:
        version = server_version(client)
        listed = client.ask("/api/tags").get("models") or ()
    except OllamaNotRunningError:
        return None
    finally:
        client.close()
    models = (str(entry.get("name")) for entry in listed if not _is_remote(entry))
    return OllamaServer(address, version, tuple(models))


def refuse_cloud_name(name: str) -> None:
    """Refuse a name of a model on another machine, before anything is sent.

    Raises:
        ModelFileError: the model is on another machine.
    """
    base, _, tag = name.rpartition("/")[2].partition(":")
    if base.endswith("-cloud") or tag == "cloud" or tag.endswith("-cloud"):
        raise _remote(name)


def server_version(client: OllamaClient) -> str:
    """Ask for the server's version.

    Raises:
        EngineUnavailableError: nothing answers, it is not Ollama, or its version is too old.
    """
    version = client.ask("/api/version").get("version")
    found = _VERSION.match(version) if isinstance(version, str) else None
    if found is None:
        raise EngineUnavailableError(
            "The server at Ollama's address does not identify itself as Ollama.",
            hint="Check OLLAMA_HOST.",
        )
    # A self-built Ollama reports 0.0.0 and can be of any age.
    number = tuple(map(int, found.groups()))
    if (0, 0, 0) < number < _OLDEST:
        raise EngineUnavailableError(
            f"Ollama {version} does not report the probabilities of answers; this needs version "
            f"{'.'.join(map(str, _OLDEST))} or newer.",
            hint="Update Ollama.",
        )
    return str(version)


def manifest_digest(client: OllamaClient, name: str) -> str:
    """Return what a name refers to now, as the sha256 of its manifest.

    Raises:
        ModelFileError: Ollama has no such model, or runs it on another machine.
    """
    return str(_entry(client, name)["digest"]).removeprefix("sha256:")


def find_model(client: OllamaClient, name: str) -> OllamaModel:
    """Find a model and collect everything the engine needs to know about it.

    Raises:
        EngineUnavailableError: Ollama cannot be used.
        ModelFileError: the model cannot be used.
    """
    refuse_cloud_name(name)
    version = server_version(client)
    entry = _entry(client, name)
    name = str(entry["name"])
    shown = client.ask("/api/show", {"model": name, "verbose": True})
    facts = shown.get("model_info") or {}
    _refuse_unusable(name, entry, shown)
    modelfile = str(shown.get("modelfile") or "")
    found = None if _ADAPTER.search(modelfile) else _FROM_BLOB.search(modelfile)
    manifest = str(entry["digest"]).removeprefix("sha256:")
    architecture = str(facts.get("general.architecture") or "")
    context = facts.get(f"{architecture}.context_length")
    template = str(shown.get("template") or "")
    tokens = _texts(facts.get("tokenizer.ggml.tokens"))
    return OllamaModel(
        name=name,
        version=version,
        manifest_sha256=manifest,
        weights_sha256=found[2] if found else manifest,
        is_blob=found is not None,
        blob=Path(found[1]) if found else None,
        title=str(facts.get("general.name") or name),
        architecture=architecture,
        template=template,
        trained_context=int(context) if context else None,
        vocabulary=frozenset(tokens),
        marks=_turn_marks(tokens, facts.get("tokenizer.ggml.token_type"), template),
    )


def check_model(name: str) -> None:
    """Check, without loading it, that `find_model` would find a model.

    Raises:
        EngineUnavailableError: Ollama cannot be used.
        ModelFileError: the model cannot be used.
    """
    client = OllamaClient(ollama_address())
    try:
        find_model(client, name)
    finally:
        client.close()


def _entry(client: OllamaClient, name: str) -> Json:
    for entry in client.ask("/api/tags").get("models") or ():
        listed = (str(entry.get(key)) for key in ("name", "model"))
        if not any(is_same_model(name, one) for one in listed):
            continue
        if _is_remote(entry):
            raise _remote(name)
        if not _SHA256.fullmatch(str(entry.get("digest")).removeprefix("sha256:")):
            raise EngineError(f'Ollama lists no digest for model "{name}".', hint="Update Ollama.")
        return dict(entry)
    parsed = OllamaName.of(name)
    wanted = name if parsed is None else parsed.short
    raise ModelFileError(
        f'Ollama has no model "{wanted}".',
        hint=f"Fetch it with `ollama pull {wanted}`, or correct `model` in the ensemble file.",
    )


def _refuse_unusable(name: str, entry: Json, shown: Json) -> None:
    if _is_remote(shown):
        raise _remote(name)
    kind = str((entry.get("details") or {}).get("format") or "gguf")
    if kind != "gguf" or name.endswith("-mlx"):
        raise ModelFileError(
            f'Cannot use model "{name}": Ollama runs it with MLX, which ignores the list of '
            "permitted answers.",
            hint="Choose a tag with GGUF weights.",
        )
    capabilities = shown.get("capabilities")
    if capabilities is not None and "completion" not in capabilities:
        raise ModelFileError(
            f'Cannot label with model "{name}": it does not generate text.',
            hint="Choose a chat model; an embedding model cannot be a rater.",
        )


def _is_remote(shown: Json) -> bool:
    return bool(shown.get("remote_host") or shown.get("remote_model"))


def _remote(name: str) -> ModelFileError:
    return ModelFileError(
        f'Cannot use model "{name}": Ollama runs it on another machine.',
        hint="Choose a model that is on this machine. With OLLAMA_NO_CLOUD=1, Ollama also "
        "refuses the others.",
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _turn_marks(tokens: tuple[str, ...], types: Any, template: str) -> tuple[str, ...]:
    """List what Ollama would read as a mark in the text of an item.

    It reads a prompt as one text, marks and contents alike, so a content that contains a mark
    could close its turn.
    """
    if not tokens or not isinstance(types, list) or len(types) != len(tokens):
        return tuple(sorted(set(_MARKS.findall(template))))
    return tuple(
        sorted(
            {
                token
                for token, kind in zip(tokens, types, strict=True)
                if token.strip()
                and (kind == _CONTROL or (kind == _USER_DEFINED and token in template))
            }
        )
    )
