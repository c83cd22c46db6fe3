"""What Ollama's folder on this machine holds: model files, and the weights its names refer to.

An Ollama name can come to mean another model, so a name shows that two raters have the same
weights only while it means them. Reads the folder without the server.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from localensemble.core.input_files import read_json_file
from localensemble.engines.ollama.model_name import OllamaName

_WEIGHTS, _ADAPTER = "ollama.image.model", "ollama.image.adapter"
# Where the service set up by the Linux installer keeps its files.
_SERVICE_STORE = Path("/usr/share/ollama/.ollama/models")


def kept_blobs(sha256: str) -> tuple[Path, ...]:
    """List where a file with this hash would be; the files may not exist."""
    return tuple(store / "blobs" / f"sha256-{sha256}" for store in _stores())


def weights_in_store(name: str) -> str:
    """Return the sha256 of the weights that a name refers to now.

    Empty if the store cannot be read or lacks the name, or if the weights are more than one
    blob (an adapter).
    """
    parsed = OllamaName.of(name)
    if parsed is None:
        return ""
    for store in _stores():
        try:
            manifest = read_json_file(_file(store / "manifests", parsed.parts))
            layers = {str(layer["mediaType"]): str(layer["digest"]) for layer in manifest["layers"]}
        except (OSError, ValueError, KeyError, TypeError):
            # This process may lack permission to read the service's store.
            continue
        if not any(kind.endswith(_ADAPTER) for kind in layers):
            found = (digest for kind, digest in layers.items() if kind.endswith(_WEIGHTS))
            return next(found, "").removeprefix("sha256:")
    return ""


def _file(folder: Path, parts: Sequence[str]) -> Path:
    """Find a manifest; Ollama ignores the difference between capital and small letters."""
    for part in parts:
        exact = folder / part
        others = () if exact.exists() or not folder.is_dir() else sorted(folder.iterdir())
        alike = (one for one in others if one.name.casefold() == part.casefold())
        folder = next(alike, exact)
    return folder


def _stores() -> list[Path]:
    chosen = os.environ.get("OLLAMA_MODELS")
    return [Path(chosen)] if chosen else [Path.home() / ".ollama" / "models", _SERVICE_STORE]
