"""What Ollama's folder on this machine holds: model files, and the weights its names refer to.

An Ollama name can come to mean another model, so a name shows that two raters have the same
weights only while it means them. Reads the folder without the server.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

_DEFAULT_PLACE = ("registry.ollama.ai", "library")
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
    path, _, tag = name.partition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
    parts = path.split("/")
    # Ollama's defaults: its own registry, and the library in it.
    parts = [*_DEFAULT_PLACE[: 3 - len(parts)], *parts, tag]
    if len(parts) != 4 or any(part in {"", ".", ".."} for part in parts):
        return ""
    for store in _stores():
        try:
            manifest = json.loads(store.joinpath("manifests", *parts).read_bytes())
            layers = {str(layer["mediaType"]): str(layer["digest"]) for layer in manifest["layers"]}
        except (OSError, ValueError, KeyError, TypeError):
            # This process may lack permission to read the service's store.
            continue
        if not any(kind.endswith(_ADAPTER) for kind in layers):
            found = (digest for kind, digest in layers.items() if kind.endswith(_WEIGHTS))
            return next(found, "").removeprefix("sha256:")
    return ""


def _stores() -> list[Path]:
    chosen = os.environ.get("OLLAMA_MODELS")
    return [Path(chosen)] if chosen else [Path.home() / ".ollama" / "models", _SERVICE_STORE]
