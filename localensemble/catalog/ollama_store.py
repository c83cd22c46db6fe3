"""Model files that Ollama has fetched already, and the weights that its names mean.

What Ollama calls a model moves, so a file is taken over only when its bytes have the hash that
is pinned here. A name tells whether two raters have the same weights, as long as it means them.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from localensemble.catalog.download import is_whole
from localensemble.catalog.known import KnownModel

_DEFAULT_PLACE = ("registry.ollama.ai", "library")
_WEIGHTS, _ADAPTER = "ollama.image.model", "ollama.image.adapter"
# Where the service that the Linux installer sets up keeps its files.
_SERVICE_STORE = Path("/usr/share/ollama/.ollama/models")


def take_over(model: KnownModel, *, folder: Path) -> Path | None:
    """Put a model's file from Ollama's store into a folder; None when it is not there.

    A link where the disk allows it, so that the bytes are not stored twice; else a copy.
    Ollama's own file is left as it is. Where neither works, it counts as not there.
    """
    for store in _stores():
        blob = store / "blobs" / f"sha256-{model.sha256}"
        if _is_whole_blob(blob, model) and _link_or_copy(blob, folder / model.file):
            return folder / model.file
    return None


def weights_in_ollama(name: str) -> str:
    """Say which weights a name of Ollama means now, as the sha256 of their blob.

    Empty when the store cannot be read, has no such name, or the weights are more than one
    blob (an adapter).
    """
    path, _, tag = name.partition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
    parts = path.split("/")
    # Ollama's defaults: its own registry, and within it the library.
    parts = [*_DEFAULT_PLACE[: 3 - len(parts)], *parts, tag]
    if len(parts) != 4 or any(part in {"", ".", ".."} for part in parts):
        return ""
    for store in _stores():
        try:
            manifest = json.loads(store.joinpath("manifests", *parts).read_bytes())
            layers = {str(layer["mediaType"]): str(layer["digest"]) for layer in manifest["layers"]}
        except (OSError, ValueError, KeyError, TypeError):
            # The store of the service may not be ours to read.
            continue
        if not any(kind.endswith(_ADAPTER) for kind in layers):
            found = (digest for kind, digest in layers.items() if kind.endswith(_WEIGHTS))
            return next(found, "").removeprefix("sha256:")
    return ""


def _link_or_copy(blob: Path, final: Path) -> bool:
    part = final.with_name(f".{final.name}.taking")
    try:
        part.unlink(missing_ok=True)
        try:
            part.hardlink_to(blob)
        except OSError:
            # Another disk, or one that has no links.
            shutil.copyfile(blob, part)
        part.replace(final)
    except OSError:
        part.unlink(missing_ok=True)
        return False
    return True


def _stores() -> list[Path]:
    chosen = os.environ.get("OLLAMA_MODELS")
    return [Path(chosen)] if chosen else [Path.home() / ".ollama" / "models", _SERVICE_STORE]


def _is_whole_blob(blob: Path, model: KnownModel) -> bool:
    try:
        return is_whole(blob, model)
    except OSError:
        # The store of the service may not be ours to read.
        return False
