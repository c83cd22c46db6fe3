"""Which model a name means: an entry of the catalog or a GGUF file on this machine.

Decides where the weights are and whether they are the bytes that were pinned. Refuses a
catalog file whose sha256 differs. Never downloads.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from localensemble.core.errors import ModelFileError
from localensemble.core.identity import sha256_file
from localensemble.core.resources import models_dir


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One known model.

    Attributes:
        name: what an ensemble file writes.
        file: file name inside the models folder.
        sha256: 64 hexadecimal digits over that file.
        size_bytes: size of that file.
        architecture: GGUF ``general.architecture``.
        licence: licence of the weights.
        variables: names of the variables an embedded model was trained on.
    """

    name: str
    file: str
    sha256: str
    size_bytes: int
    architecture: str
    licence: str
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LocatedModel:
    """A model file found on this machine; ``entry`` is None for a file of the user's own."""

    name: str
    path: Path
    sha256: str
    entry: CatalogEntry | None


@cache
def catalog_entries() -> tuple[CatalogEntry, ...]:
    """List the catalog, in its own order."""
    content = tomllib.loads((models_dir() / "catalog.toml").read_text(encoding="utf-8"))
    return tuple(
        CatalogEntry(
            name=model["name"],
            file=model["file"],
            sha256=model["sha256"],
            size_bytes=model["bytes"],
            architecture=model["architecture"],
            licence=model["licence"],
            variables=tuple(model["variables"]),
        )
        for model in content["models"]
    )


def locate_model(reference: str, *, folder: Path) -> LocatedModel:
    """Find the file a model reference means and check its hash.

    Args:
        reference: a catalog name, or the path of a GGUF file (recognised by a path
            separator or the ending ``.gguf``).
        folder: where relative paths start, usually the ensemble file's folder.

    Raises:
        ModelFileError: unknown name, missing file, or catalog bytes that changed.
    """
    if reference.endswith(".gguf") or "/" in reference or "\\" in reference:
        path = (folder / Path(reference).expanduser()).resolve()
        if not path.is_file():
            raise ModelFileError(
                f'Cannot use model "{reference}": there is no file at {path}.',
                hint="Correct the path in the ensemble file, or use a name of the catalog: "
                + ", ".join(entry.name for entry in catalog_entries())
                + ".",
            )
        return LocatedModel(path.stem, path, sha256_file(path), None)
    return _locate_entry(reference)


def _locate_entry(name: str) -> LocatedModel:
    entries = {entry.name: entry for entry in catalog_entries()}
    entry = entries.get(name)
    if entry is None:
        close = difflib.get_close_matches(name, entries, n=1)
        suggestion = f'Did you mean "{close[0]}"? ' if close else ""
        raise ModelFileError(
            f'Model "{name}" is not in the catalog, which has: {", ".join(entries)}.',
            hint=f"{suggestion}To use a file of your own, write its path, ending in .gguf.",
        )
    path = models_dir() / entry.file
    if not path.is_file():
        raise ModelFileError(
            f'Cannot use model "{name}": its file {path} is missing.',
            hint="Install localensemble again; the file is part of it.",
        )
    found = sha256_file(path)
    if found != entry.sha256:
        raise ModelFileError(
            f'Cannot use model "{name}": {path} has sha256 {found}, '
            f"but the catalog pins {entry.sha256}.",
            hint="The file is damaged or was replaced. Install localensemble again.",
        )
    return LocatedModel(name, path, found, entry)
