"""Which model a name means to Ollama, and whether it may be used here.

What a name means moves, so a model is known by the hash of its manifest (weights, template,
parameters) and by the hash of its weights, which llama.cpp's raters are known by, too. Refuses
models that Ollama runs on other machines, that are no chat models, or whose blob has other
bytes than its name says.
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

# The first version that tells the probabilities of tokens.
_OLDEST = (0, 12, 11)
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FROM_BLOB = re.compile(r"^FROM\s+(.*sha256[-:]([0-9a-f]{64}))\s*$", re.MULTILINE)
_ADAPTER = re.compile(r"^ADAPTER\s", re.MULTILINE)
# Turn marks as templates write them, for models whose vocabulary Ollama does not tell.
_MARKS = re.compile(r"<[^<>{}\s]{1,40}>|\[/?[A-Z_]{2,40}\]")
_CONTROL, _USER_DEFINED = 3, 4


@dataclass(frozen=True, slots=True)
class OllamaServer:
    """The Ollama of this machine: its address, its version, and the models it has here."""

    address: str
    version: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """One model of Ollama.

    Attributes:
        name: as Ollama lists it, with its tag.
        version: of the server.
        manifest_sha256: the digest that Ollama lists.
        weights_sha256: of the GGUF blob, or of the manifest when Ollama names no single blob.
        is_blob: whether ``weights_sha256`` is the blob's.
        blob: where the blob lies by Ollama's account; None when it did not say.
        title: the name the weights carry.
        architecture: GGUF ``general.architecture``.
        template: the chat template, in Ollama's language.
        trained_context: tokens it was trained to look back on; None when not told.
        vocabulary: its tokens as the file writes them; empty when not told.
        marks: texts that Ollama reads as turn marks wherever they stand.
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
        """Read the weights where that is allowed, and refuse them when the hash differs.

        Raises:
            ModelFileError: the blob has other bytes than its name says.
        """
        if self.blob is None or not os.access(self.blob, os.R_OK) or not self.blob.is_file():
            return
        if sha256_file(self.blob) != self.weights_sha256:
            raise ModelFileError(
                f'Cannot use model "{self.name}": its blob {self.blob} has other bytes than its '
                "name says.",
                hint="It is damaged: remove the model from Ollama and pull it again.",
            )


def find_server() -> OllamaServer | None:
    """Look for Ollama on this machine; None when nothing answers where it would be.

    Raises:
        EngineUnavailableError: what is there cannot be used.
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
    """Refuse a name that asks for a model on another machine, before anything is sent.

    Raises:
        ModelFileError: it does.
    """
    base, _, tag = name.rpartition("/")[2].partition(":")
    if base.endswith("-cloud") or tag == "cloud" or tag.endswith("-cloud"):
        raise _remote(name)


def server_version(client: OllamaClient) -> str:
    """Ask for the server's version.

    Raises:
        EngineUnavailableError: nothing answers, or something else, or a version too old.
    """
    version = client.ask("/api/version").get("version")
    found = _VERSION.match(version) if isinstance(version, str) else None
    if found is None:
        raise EngineUnavailableError(
            "What answers at Ollama's address does not say that it is Ollama.",
            hint="Check OLLAMA_HOST.",
        )
    # A build of one's own says 0.0.0, and may be of any age.
    number = tuple(map(int, found.groups()))
    if (0, 0, 0) < number < _OLDEST:
        raise EngineUnavailableError(
            f"Ollama {version} does not tell the probabilities of answers; version "
            f"{'.'.join(map(str, _OLDEST))} was the first.",
            hint="Update Ollama.",
        )
    return str(version)


def manifest_digest(client: OllamaClient, name: str) -> str:
    """Ask what a name means now, as the sha256 of its manifest.

    Raises:
        ModelFileError: Ollama has no such model, or has it on another machine.
    """
    return str(_entry(client, name)["digest"]).removeprefix("sha256:")


def find_model(client: OllamaClient, name: str) -> OllamaModel:
    """Find a model and everything that is to be known of it.

    Raises:
        EngineUnavailableError: Ollama cannot be used.
        ModelFileError: the model cannot.
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
    """Look, without loading it, whether a model can be found as `find_model` would.

    Raises:
        EngineUnavailableError: Ollama cannot be used.
        ModelFileError: the model cannot.
    """
    client = OllamaClient(ollama_address())
    try:
        find_model(client, name)
    finally:
        client.close()


def _entry(client: OllamaClient, name: str) -> Json:
    wanted = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
    for entry in client.ask("/api/tags").get("models") or ():
        if wanted not in {entry.get("name"), entry.get("model")}:
            continue
        if _is_remote(entry):
            raise _remote(name)
        if not _SHA256.fullmatch(str(entry.get("digest")).removeprefix("sha256:")):
            raise EngineError(f'Ollama gives no digest for model "{name}".', hint="Update Ollama.")
        return dict(entry)
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
            f'Cannot use model "{name}": Ollama runs it by MLX, which ignores the list of '
            "permitted answers.",
            hint="Choose a tag with GGUF weights.",
        )
    capabilities = shown.get("capabilities")
    if capabilities is not None and "completion" not in capabilities:
        raise ModelFileError(
            f'Cannot label with model "{name}": it does not continue text.',
            hint="Choose a chat model; an embedding model is no rater.",
        )


def _is_remote(said: Json) -> bool:
    return bool(said.get("remote_host") or said.get("remote_model"))


def _remote(name: str) -> ModelFileError:
    return ModelFileError(
        f'Cannot use model "{name}": Ollama runs it on another machine.',
        hint="Choose a model that is on this machine. OLLAMA_NO_CLOUD=1 makes Ollama refuse "
        "the others, too.",
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _turn_marks(tokens: tuple[str, ...], types: Any, template: str) -> tuple[str, ...]:
    """List what Ollama would take for a mark in the text of an item.

    It reads a prompt as one text, marks and contents alike, so a content with a mark in it
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
