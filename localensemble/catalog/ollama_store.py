"""Model files that Ollama has fetched already, found by their hash.

Decides nothing by name: what Ollama calls a model moves. A file counts when its bytes have the
hash that is pinned here.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from localensemble.catalog.download import is_whole
from localensemble.catalog.known import KnownModel

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
