"""Carry the program and its models to a machine without a network, and take them in there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from localensemble.api.models import consent_to
from localensemble.bundle.content import (
    BundleContents,
    BundleSource,
    WrittenBundle,
    entry_name,
    weights_name,
    write_bundle,
)
from localensemble.bundle.installer import CheckedBundle, DamagedBundleError, check_bundle
from localensemble.bundle.wheels import Target, this_python
from localensemble.catalog.installed import (
    FOLDER_VARIABLE,
    Consent,
    InstalledModel,
    ModelsFolder,
    now,
)
from localensemble.catalog.known import License, known_models, known_wheels, licenses
from localensemble.catalog.models import catalog_entries
from localensemble.codebook.load import load_codebook
from localensemble.core.errors import BundleError, InputError, ModelFileError
from localensemble.core.identity import sha256_file
from localensemble.core.resources import checkout_dir, prompts_dir
from localensemble.engines.registry import engine_kind
from localensemble.engines.settings import DEFAULT_ENGINE
from localensemble.labeling.ensemble import load_ensemble

__all__ = [
    "BundledProgram",
    "CheckedBundle",
    "UnbundledFiles",
    "WrittenBundle",
    "bundle_models",
    "unbundle_models",
    "verify_bundle",
]

_STUDY_FOLDERS = ("codebooks/", "ensembles/")


@dataclass(frozen=True, slots=True)
class BundledProgram:
    """A bundle as it was written.

    Attributes:
        written: the folder, and the SHA-256 to send by another way.
        models: those that are in it.
        terms: of these models, where the catalog knows them.
    """

    written: WrittenBundle
    models: tuple[InstalledModel, ...]
    terms: tuple[License, ...]


@dataclass(frozen=True, slots=True)
class UnbundledFiles:
    """What was taken in from a bundle.

    Attributes:
        checked: the bundle.
        models: the models that are here now.
        copied: codebooks and ensemble files that were copied.
        other_prompts: prompt templates of the bundle that this program has not, or has in
            another wording: labels made with them there cannot be repeated here.
    """

    checked: CheckedBundle
    models: tuple[InstalledModel, ...]
    copied: tuple[Path, ...]
    other_prompts: tuple[str, ...]


def bundle_models(
    folder: Path,
    *,
    names: Sequence[str] = (),
    codebooks: Sequence[Path] = (),
    ensembles: Sequence[Path] = (),
    python: str | None = None,
    platform_tag: str | None = None,
    compiled: Path | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> BundledProgram:
    """Write the program, its models and files of the user's into a folder to carry.

    Runs pip, which may ask a package index for the packages.

    Args:
        folder: new or empty.
        names: models of the models folder. Without names: those that the ensembles use; without
            ensembles: all that were pulled. A model file of one's own goes only by name.
        python: version of Python there, as in ``3.12``; this one by default.
        platform_tag: what pip calls the platform there; this one by default.
        compiled: a wheel of llama-cpp-python for that platform; by default the one built here.

    Raises:
        InputError: a model is not here, or a codebook or ensemble file cannot be used.
        BundleError: this program does not run from a checkout, a package cannot be got, or
            there is no room.
    """
    checkout = checkout_dir()
    if checkout is None:
        raise BundleError(
            "Cannot make a bundle: this program was installed as a wheel, and what it was built "
            "from is not here.",
            hint="Run it from a checkout: scripts/setup, then .venv/bin/localensemble.",
        )
    for path in codebooks:
        load_codebook(path)
    models = _chosen(names, ensembles)
    written = write_bundle(
        folder,
        contents=BundleContents(models, tuple(codebooks), tuple(ensembles)),
        source=BundleSource(checkout, Target(python or this_python(), platform_tag), compiled),
        on_step=on_step,
    )
    known = licenses()
    terms = {model.license: known[model.license] for model in models if model.license in known}
    return BundledProgram(written, models, tuple(terms.values()))


def verify_bundle(folder: Path, *, sha256: str) -> CheckedBundle:
    """Check every byte of a bundle.

    Args:
        sha256: of its ``SHA256SUMS``, as shown when the bundle was made.

    Raises:
        BundleError: a file is changed, missing or unexpected; each is named.
    """
    try:
        return check_bundle(folder.resolve(), sha256=sha256)
    except DamagedBundleError as error:
        raise BundleError(
            f"{folder} is not the bundle that was made. Nothing was taken from it.\n{error}",
            hint="Compare the digits, copy the bundle again from where it was made, or make it "
            "again.",
        ) from error


def unbundle_models(
    folder: Path,
    *,
    sha256: str,
    agree: Callable[[License], bool],
    output: Path | None = None,
) -> UnbundledFiles:
    """Check a bundle, then take its models into the models folder.

    Args:
        sha256: of its ``SHA256SUMS``, as shown when the bundle was made.
        agree: asked for consent to the terms of a model where they ask for it and none was
            given on this machine before.
        output: where its codebooks and ensemble files go; None leaves them.

    Raises:
        BundleError: the bundle is not whole, or a file cannot be written.
        InputError: consent was not given, or a file there has another content.
        ModelFileError: a name is that of another model here.
    """
    checked = verify_bundle(folder, sha256=sha256)
    here = ModelsFolder()
    entries = [_entry(checked, model["name"]) for model in checked.manifest["models"]]
    for model, _ in entries:
        _refuse_other(model, here)
        _refuse_taken(model, here)
    consents = {
        model.name: consent_to(terms, folder=here, agree=agree) if terms else None
        for model, terms in entries
    }
    copies = _study_files(checked, output)
    try:
        models = tuple(_take_in(checked, model, consents[model.name], here) for model, _ in entries)
        for name, copied in copies:
            copied.parent.mkdir(parents=True, exist_ok=True)
            _copy(checked, name, copied)
    except OSError as error:
        raise BundleError(
            f"Cannot take in the bundle {folder}: {error.strerror or error} ({error.filename}).",
            hint="Check that there is room and that you may write there, then run it again.",
        ) from error
    return UnbundledFiles(
        checked, models, tuple(copied for _, copied in copies), _other_prompts(checked)
    )


def _chosen(names: Sequence[str], ensembles: Sequence[Path]) -> tuple[InstalledModel, ...]:
    embedded = {entry.name for entry in catalog_entries()}
    installed = {model.name: model for model in ModelsFolder().installed()}
    wanted = [*names, *(name for path in ensembles for name in _models_of(path))]
    if not names and not ensembles:
        wanted = [name for name, model in installed.items() if model.origin == "pulled"]
    for name in wanted:
        if name not in embedded and name not in installed:
            raise InputError(
                f'Cannot bundle "{name}": it is not on this machine.',
                hint=f"Run `localensemble models pull {name}`, or add a file of your own with "
                "`localensemble models add`.",
            )
    chosen = tuple(installed[name] for name in dict.fromkeys(wanted) if name in installed)
    for model in chosen:
        terms = licenses().get(model.license)
        if terms is not None and terms.needs_consent and model.consent is None:
            raise InputError(
                f'Cannot bundle "{model.name}": nobody agreed to the terms "{terms.title}" here.',
                hint=f"Run `localensemble models pull {model.name}`, which asks for consent.",
            )
    return chosen


def _models_of(path: Path) -> list[str]:
    for rater in (raters := load_ensemble(path).raters):
        by_name = not rater.model.endswith(".gguf") and "/" not in rater.model
        if not (by_name and engine_kind(rater.engine).reads_files):
            raise InputError(
                f'{path}: rater "{rater.name}" uses "{rater.model}" through {rater.engine}, which '
                "a bundle cannot carry.",
                hint=f"Name a model of the models folder, run by {DEFAULT_ENGINE}; a file gets a "
                "name there with `localensemble models add`.",
            )
    return [rater.model for rater in raters]


def _entry(checked: CheckedBundle, name: str) -> tuple[InstalledModel, License | None]:
    """Read what the bundle knows of a model, and its terms.

    Its hash fits, but whoever made it may run another version, or mean harm.
    """
    try:
        data = (checked.folder / entry_name(name)).read_bytes()
        content = json.loads(data)
        written = content["model"]
        # A bundle does not decide whether consent is asked for, where this catalog knows.
        brought = License(**content["terms"]) if content["terms"] else None
        terms = licenses().get(written["license"], brought)
        # Consent is given on each machine anew.
        model = InstalledModel(**(written | {"consent": None}))
        same = hashlib.sha256(data).hexdigest() == checked.files[entry_name(name)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(checked, name) from error
    if not (same and model.name == name and model.sha256 == checked.files[weights_name(name)]):
        raise _unreadable(checked, name)
    return model, terms


def _unreadable(checked: CheckedBundle, name: str) -> BundleError:
    return BundleError(
        f"Cannot take in {name!a} from {checked.folder}: {entry_name(name)!a} does not "
        "say of it what this version of the program expects.",
        hint="Nothing was taken in. Install the program of the bundle with its install.sh.",
    )


def _refuse_other(model: InstalledModel, here: ModelsFolder) -> None:
    """Refuse weights under a name that means other weights on this machine."""
    pins = {known.name: [known.sha256] for known in known_models()}
    for name, wheel in known_wheels().items():
        pins[name].append(wheel.gguf_sha256)
    pins |= {entry.name: [entry.sha256] for entry in catalog_entries()}
    present = here.find(model.name)
    if present is not None:
        pins.setdefault(model.name, [present.sha256])
    expected = pins.get(model.name, [model.sha256])
    if model.sha256 not in expected:
        raise ModelFileError(
            f'Cannot take in "{model.name}": here that is the name of a model with sha256 '
            f"{' or '.join(expected)}, and the bundle brings {model.sha256}.",
            hint="Nothing was taken in. Make the bundle with the version of the program that is "
            "here; a file of your own needs another name.",
        )


def _refuse_taken(model: InstalledModel, here: ModelsFolder) -> None:
    """Refuse to write over a file of the models folder that is not this model's own."""
    name = Path(model.path).name
    final = here.path / name
    if not name.endswith(".gguf") or not (name + model.name).isprintable():
        raise ModelFileError(
            f"Cannot take in {model.name!a}: no model file is called {name!a}.",
            hint="Nothing was taken in. Ask whoever made the bundle.",
        )
    present = here.find(model.name)
    own = present is not None and here.file_of(present) == final
    if final.exists() and not own and sha256_file(final) != model.sha256:
        raise ModelFileError(
            f'Cannot take in "{model.name}": {final} holds another model.',
            hint="Nothing was taken in. Move that file away, or take the model in elsewhere with "
            f"the environment variable {FOLDER_VARIABLE}.",
        )


def _take_in(
    checked: CheckedBundle, model: InstalledModel, consent: Consent | None, here: ModelsFolder
) -> InstalledModel:
    present = here.find(model.name)
    if present is not None and here.state_of(present) == "whole":
        return present
    here.make()
    final = here.path / Path(model.path).name
    _copy(checked, weights_name(model.name), final)
    taken = replace(model, path=final.name, verified_at=now(), consent=consent)
    here.record(taken)
    return taken


def _copy(checked: CheckedBundle, name: str, target: Path) -> None:
    """Copy a file whole or not at all, and check the copy: the drive is read a second time."""
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(checked.folder / name, part)
        if sha256_file(part) != checked.files[name]:
            raise BundleError(
                f'Cannot take in "{name}": it changed while it was copied.',
                hint="The drive may be failing. Copy the bundle to another one.",
            )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _study_files(checked: CheckedBundle, output: Path | None) -> list[tuple[str, Path]]:
    """Say which files of the user's go where; refuse to write over other content."""
    copies = []
    for name, sha256 in checked.files.items():
        if output is None or not name.startswith(_STUDY_FOLDERS):
            continue
        target = output / name
        if target.exists() and sha256_file(target) != sha256:
            raise InputError(
                f"Cannot copy {name} to {target}: a file with another content is there.",
                hint="Move it away, or choose another folder.",
            )
        if not target.exists():
            copies.append((name, target))
    return copies


def _other_prompts(checked: CheckedBundle) -> tuple[str, ...]:
    here = prompts_dir()
    others = []
    for file, sha256 in checked.files.items():
        folder, _, name = file.partition("/")
        if folder == "prompts":
            path = here / name
            if not path.is_file() or sha256_file(path) != sha256:
                others.append(name.removesuffix(".yaml"))
    return tuple(others)
