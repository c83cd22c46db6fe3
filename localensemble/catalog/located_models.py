"""Find the model a name refers to: embedded, in the models folder, or a GGUF file.

Decides where the weights are and whether they are the pinned bytes. Refuses a file whose
sha256 differs from the catalog's or from the one recorded at installation. Never downloads.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from localensemble.catalog.installed import InstalledModel, ModelsFolder
from localensemble.catalog.known import known_models
from localensemble.core.errors import ModelFileError
from localensemble.core.identity import sha256_file
from localensemble.core.resources import models_dir


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One known model.

    Attributes:
        name: the name used in ensemble files.
        file: file name inside the models folder.
        sha256: sha256 of that file, as 64 hexadecimal digits.
        size_bytes: size of that file.
        architecture: GGUF ``general.architecture``.
        license: license of the weights.
        variables: names of the variables an embedded model was trained on.
    """

    name: str
    file: str
    sha256: str
    size_bytes: int
    architecture: str
    license: str
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LocatedModel:
    """A model file found on this machine; ``entry`` is None unless it is an embedded one."""

    name: str
    path: Path
    sha256: str
    entry: CatalogEntry | None


@dataclass(frozen=True, slots=True)
class Training:
    """The conditions the embedded models were trained under; any other wording is new to them.

    Attributes:
        variable_sha256: for each variable name, the hash of all that raters see of it.
    """

    prompt_template: str
    prompt_version: int
    layout: str
    variable_sha256: Mapping[str, str]


@cache
def embedded_training() -> Training:
    """Return the conditions the embedded models were trained under."""
    training = _catalog_file()["training"]
    return Training(
        prompt_template=training["prompt_template"],
        prompt_version=training["prompt_template_version"],
        layout=training["layout"],
        variable_sha256=training["variable_sha256"],
    )


@cache
def catalog_entries() -> tuple[CatalogEntry, ...]:
    """Return the catalog's entries, in its order."""
    return tuple(
        CatalogEntry(
            name=model["name"],
            file=model["file"],
            sha256=model["sha256"],
            size_bytes=model["bytes"],
            architecture=model["architecture"],
            license=model["license"],
            variables=tuple(model["variables"]),
        )
        for model in _catalog_file()["models"]
    )


def _catalog_file() -> dict[str, Any]:
    return tomllib.loads((models_dir() / "catalog.toml").read_text(encoding="utf-8"))


def locate_model(reference: str, *, folder: Path) -> LocatedModel:
    """Find the file that a model reference names and check its hash.

    Args:
        reference: the name of an embedded, pulled or added model, or the path of a GGUF file
            or a probe (recognized by a path separator, ``.gguf`` or ``.probe``).
        folder: the folder that relative paths start from, usually the ensemble file's.

    Raises:
        ModelFileError: the name is unknown, the model was not pulled, or its file is missing
            or has changed.
    """
    if reference.endswith((".gguf", ".probe")) or "/" in reference or "\\" in reference:
        path = (folder / Path(reference).expanduser()).resolve()
        if not path.is_file():
            raise ModelFileError(
                f'Cannot use model "{reference}": there is no file at {path}.',
                hint="Correct the path in the ensemble file, or use a name from the catalog: "
                + ", ".join(entry.name for entry in catalog_entries())
                + ".",
            )
        return LocatedModel(path.stem, path, sha256_file(path), None)
    return _locate_entry(reference)


def _locate_entry(name: str) -> LocatedModel:
    entries = {entry.name: entry for entry in catalog_entries()}
    entry = entries.get(name)
    if entry is None:
        installed = ModelsFolder().find(name)
        if installed is None:
            raise _not_here(name)
        return _locate_installed(installed)
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


def _locate_installed(model: InstalledModel) -> LocatedModel:
    folder = ModelsFolder()
    path = folder.file_of(model)
    state = folder.state_of(model)
    again = f"Run `localensemble models pull {model.name}`."
    if state == "missing":
        raise ModelFileError(
            f'Cannot use model "{model.name}": its file {path} cannot be read.',
            hint=again
            if model.origin == "pulled"
            else f"Put it back, or, if it was moved, run `localensemble models add FILE --name "
            f'"{model.name}"` with its new path.',
        )
    if state == "changed":
        if model.origin == "added":
            again = "Put the file back, or add this one under another name, as another rater."
        raise ModelFileError(
            f'Cannot use model "{model.name}": {path} has changed since it was {model.origin}; '
            f"expected sha256 {model.sha256}.",
            hint=again,
        )
    return LocatedModel(model.name, path, model.sha256, None)


def _not_here(name: str) -> ModelFileError:
    known = [model.name for model in known_models()]
    if name in known:
        return ModelFileError(
            f'Cannot use model "{name}": it has not been pulled yet.',
            hint=f"Run `localensemble models pull {name}` while connected to a network.",
        )
    here = [entry.name for entry in catalog_entries()]
    here += [model.name for model in ModelsFolder().installed()]
    close = difflib.get_close_matches(name, [*here, *known], n=1)
    suggestion = f'Did you mean "{close[0]}"? ' if close else ""
    return ModelFileError(
        f'Unknown model "{name}"; this machine has: {", ".join(here)}.',
        hint=f"{suggestion}`localensemble models list` shows all models. To use your own file, "
        "write its path, ending in .gguf.",
    )
