"""Bundle the program and its models for a machine without a network, and unbundle them there."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from localensemble.api.models import consent_to
from localensemble.bundle.content import (
    BundleContents,
    BundleSource,
    WrittenBundle,
    entry_name,
    is_portable,
    weights_name,
    write_bundle,
)
from localensemble.bundle.installer import CheckedBundle, DamagedBundleError, check_bundle
from localensemble.bundle.wheels import Target, this_python
from localensemble.catalog.gguf_header import read_header
from localensemble.catalog.installed import (
    FOLDER_VARIABLE,
    Consent,
    InstalledModel,
    ModelsFolder,
    model_from_fields,
    now,
)
from localensemble.catalog.known import License, known_models, known_wheels, licenses
from localensemble.catalog.located_models import catalog_entries, locate_model
from localensemble.codebook.load import load_codebook
from localensemble.core.errors import BundleError, InputError, ModelFileError
from localensemble.core.files import put_in_place
from localensemble.core.foreign_json import Fields, ForeignJsonError, read_json
from localensemble.core.identity import sha256_file
from localensemble.core.leftovers import noted
from localensemble.core.resources import checkout_dir, prompts_dir
from localensemble.engines.registry import engine_kind
from localensemble.engines.settings import DEFAULT_ENGINE
from localensemble.labeling.ensemble import load_ensemble
from localensemble.prompting.template import load_own_template

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
    """A bundle that was written.

    Attributes:
        written: the folder, and the SHA-256 to send separately.
        models: the models in the bundle.
        terms: the license terms of these models that the catalog knows.
    """

    written: WrittenBundle
    models: tuple[InstalledModel, ...]
    terms: tuple[License, ...]


@dataclass(frozen=True, slots=True)
class UnbundledFiles:
    """What was installed from a bundle.

    Attributes:
        checked: the bundle.
        models: the models that are now on this machine.
        copied: codebooks and ensemble files that were copied.
        other_prompts: prompt templates of the bundle that this program lacks or words
            differently; labels made with them cannot be repeated here.
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
    target: str | None = None,
    standalone_python: Path | None = None,
    compiled: Path | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> BundledProgram:
    """Write the program, its models and the user's files into a folder to carry.

    Runs pip, which may fetch the packages from a package index.

    Args:
        folder: a new or empty folder.
        names: models of the models folder. Without names, the models that the ensembles use;
            without ensembles, all models that were pulled. A model file of your own is included
            only if it is named.
        codebooks: codebook files to include.
        ensembles: ensemble files to include.
        python: Python version of the other machine, for example ``3.12``; this one by default.
        target: the other machine, for example ``windows-x64``, or pip's name of its platform;
            this one by default.
        standalone_python: an archive (.tar.gz) with a Python for that machine that runs where it
            is unpacked; None if the machine has one.
        compiled: a wheel of llama-cpp-python for that platform; by default one with a prebuilt
            library where one exists, else the one built here.
        on_step: called with a description of each step.

    Raises:
        InputError: a model is not on this machine, or a codebook or ensemble file cannot be used.
        BundleError: this program does not run from a checkout, a package is unavailable, or the
            disk is full.
    """
    checkout = checkout_dir()
    if checkout is None:
        raise BundleError(
            "Cannot make a bundle: this program was installed as a wheel, without the source "
            "files.",
            hint="Run it from a checkout: scripts/setup, then .venv/bin/localensemble.",
        )
    for path in codebooks:
        load_codebook(path)
    models = _chosen(names, ensembles)
    written = write_bundle(
        folder,
        contents=BundleContents(models, tuple(codebooks), tuple(ensembles), _beside(ensembles)),
        source=BundleSource(
            checkout,
            Target.named(target, python=python or this_python()),
            compiled,
            standalone_python,
        ),
        on_step=on_step,
    )
    known = licenses()
    terms = {model.license: known[model.license] for model in models if model.license in known}
    return BundledProgram(written, models, tuple(terms.values()))


def verify_bundle(folder: Path, *, sha256: str) -> CheckedBundle:
    """Check every byte of a bundle.

    Args:
        folder: the bundle.
        sha256: SHA-256 of its file ``SHA256SUMS``, as shown when the bundle was made.

    Raises:
        BundleError: a file is changed, missing or unexpected; the message names each.
    """
    try:
        return check_bundle(folder.resolve(), sha256=sha256)
    except DamagedBundleError as error:
        raise BundleError(
            f"{folder} is not the bundle that was made. Nothing was installed.\n{error}",
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
    """Check a bundle, then copy its models into the models folder.

    Args:
        folder: the bundle.
        sha256: SHA-256 of its file ``SHA256SUMS``, as shown when the bundle was made.
        agree: called to ask for consent if a model's terms require it and it was not given on
            this machine before.
        output: where to copy its codebooks and ensemble files; None does not copy them.

    Raises:
        BundleError: the bundle is damaged, or a file cannot be written.
        InputError: consent was not given, or a different file would be overwritten.
        ModelFileError: another model on this machine has the same name.
    """
    checked = verify_bundle(folder, sha256=sha256)
    here = ModelsFolder()
    entries = [_entry(checked, model["name"]) for model in checked.manifest["models"]]
    for model, _ in entries:
        _refuse_other(model, here)
        _refuse_taken(model, here)
        _refuse_other_weights(checked, model)
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
            f"Cannot unbundle {folder}: {error.strerror or error} ({error.filename}).",
            hint="Check free space and write permission there, then run it again.",
        ) from error
    return UnbundledFiles(
        checked, models, tuple(copied for _, copied in copies), _other_prompts(checked)
    )


def _beside(ensembles: Sequence[Path]) -> tuple[Path, ...]:
    """Find the user's prompt templates and probes, which stay beside the ensemble files.

    Raises:
        InputError: one is in another folder than its ensemble file, or cannot be used.
    """
    found: dict[Path, None] = {}
    for path in ensembles:
        ensemble = load_ensemble(path)
        if ensemble.prompt_file is not None:
            _refuse_elsewhere(ensemble.prompt_file, path, named="prompt.file")
            load_own_template(ensemble.prompt_file)
            found[ensemble.prompt_file] = None
        for rater in ensemble.raters:
            if engine_kind(rater.engine).is_trained_here:
                probe = locate_model(rater.model, folder=ensemble.folder).path
                _refuse_elsewhere(probe, path, named=f'rater "{rater.name}"')
                found[probe] = None
    return tuple(found)


def _refuse_elsewhere(file: Path, ensemble: Path, *, named: str) -> None:
    if file.parent != ensemble.resolve().parent:
        raise InputError(
            f"{ensemble}, {named}: {file} is not in the folder of the ensemble file, so "
            "the copies in the bundle would not find each other.",
            hint="Put it beside the ensemble file, and name it without a folder.",
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
                f'Cannot bundle "{model.name}": nobody on this machine agreed to "{terms.title}".',
                hint=f"Run `localensemble models pull {model.name}`, which asks for consent.",
            )
    return chosen


def _models_of(path: Path) -> list[str]:
    ensemble = load_ensemble(path)
    models = []
    for rater in ensemble.raters:
        kind = engine_kind(rater.engine)
        if kind.is_trained_here:
            probe = locate_model(rater.model, folder=ensemble.folder).path
            models += [name for name in (kind.training(probe).encoder,) if name]
            continue
        by_name = not rater.model.endswith(".gguf") and "/" not in rater.model
        if not (by_name and kind.reads_files):
            raise InputError(
                f'{path}: rater "{rater.name}" uses "{rater.model}" through {rater.engine}, which '
                "a bundle cannot include.",
                hint=f"Name a model of the models folder and engine {DEFAULT_ENGINE}; register a "
                "file of your own with `localensemble models add`.",
            )
        models.append(rater.model)
    return models


def _entry(checked: CheckedBundle, name: str) -> tuple[InstalledModel, License | None]:
    """Read the bundle's entry of a model and its license terms.

    The hash of the entry matches, but its maker may use another version or mean harm.
    """
    try:
        data = (checked.folder / entry_name(name)).read_bytes()
        content = Fields(read_json(data))
        # Consent is asked for on each machine.
        model = replace(model_from_fields(content.inside("model")), consent=None)
        brought = content.inside_or_none("terms")
        given = None if brought is None else _terms(brought)
        # If our catalog knows the terms, it decides whether to ask for consent, not the bundle.
        terms = licenses().get(model.license, given)
    except (OSError, ForeignJsonError) as error:
        detail = error.strerror if isinstance(error, OSError) else str(error)
        raise _unreadable(checked, name, str(detail)) from error
    if hashlib.sha256(data).hexdigest() != checked.files.get(entry_name(name)):
        raise _unreadable(checked, name, "it changed while it was being read")
    if model.name != name or model.sha256 != checked.files.get(weights_name(name)):
        raise _unreadable(checked, name, "it describes another model")
    if given is not None and given.name != model.license:
        raise _unreadable(checked, name, "its terms are not those of its license")
    return model, terms


def _terms(stored: Fields) -> License:
    stored.refuse_others([field.name for field in fields(License)])
    return License(
        name=stored.text("name", empty=False),
        title=stored.text("title", empty=False),
        url=stored.text("url"),
        needs_consent=stored.flag("needs_consent"),
        terms=stored.text("terms"),
    )


def _refuse_other_weights(checked: CheckedBundle, model: InstalledModel) -> None:
    """Refuse weights that are not a whole GGUF file, or not the one that the entry describes."""
    path = checked.folder / weights_name(model.name)
    try:
        header = read_header(path)
    except ModelFileError as error:
        raise ModelFileError(
            f'Cannot unbundle "{model.name}". {error.message}',
            hint="Nothing was installed. Ask whoever made the bundle.",
        ) from error
    found = (path.stat().st_size, header.architecture, header.chat_template_sha256)
    if found != (model.size_bytes, model.architecture, model.chat_template_sha256):
        raise _unreadable(
            checked, model.name, "its size, architecture or chat template is not that of the file"
        )


def _unreadable(checked: CheckedBundle, name: str, detail: str) -> BundleError:
    return BundleError(
        f"Cannot unbundle {name!a} from {checked.folder}: {entry_name(name)!a} is not what "
        f"this version of the program expects: {detail}.",
        hint="Nothing was installed. Install the program in the bundle with its install.sh.",
    )


def _refuse_other(model: InstalledModel, here: ModelsFolder) -> None:
    """Refuse weights whose name belongs to other weights on this machine."""
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
            f'Cannot unbundle "{model.name}": here that is the name of a model with sha256 '
            f"{' or '.join(expected)}, but the bundle has {model.sha256}.",
            hint="Nothing was installed. Make the bundle with the program version used here, or "
            "give your own model file another name.",
        )


def _refuse_taken(model: InstalledModel, here: ModelsFolder) -> None:
    """Refuse to overwrite a file in the models folder that belongs to another model."""
    name = Path(model.path).name
    final = here.path / name
    if not name.endswith(".gguf") or not is_portable(name):
        raise ModelFileError(
            f"Cannot unbundle {model.name!a}: {name!a} is not a valid name for a model file.",
            hint="Nothing was installed. Ask whoever made the bundle.",
        )
    present = here.find(model.name)
    own = present is not None and here.file_of(present) == final
    if final.exists() and not own and sha256_file(final) != model.sha256:
        raise ModelFileError(
            f'Cannot unbundle "{model.name}": {final} is another model.',
            hint="Nothing was installed. Move that file away, or set the environment variable "
            f"{FOLDER_VARIABLE} to use another models folder.",
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
    """Copy a file completely or not at all; verify the copy, since the drive is read again."""
    part = target.with_name(f".{target.name}.part")
    with noted(part):
        try:
            shutil.copyfile(checked.folder / name, part)
            if sha256_file(part) != checked.files[name]:
                raise BundleError(
                    f'Cannot unbundle "{name}": the file changed while it was being copied.',
                    hint="The drive may be failing. Copy the bundle to another one.",
                )
            put_in_place(part, target)
        finally:
            part.unlink(missing_ok=True)


def _study_files(checked: CheckedBundle, output: Path | None) -> list[tuple[str, Path]]:
    """Return which of the user's files to copy where; refuse to overwrite a different file."""
    copies = []
    for name, sha256 in checked.files.items():
        if output is None or not name.startswith(_STUDY_FOLDERS):
            continue
        target = output / name
        if target.exists() and sha256_file(target) != sha256:
            raise InputError(
                f"Cannot copy {name} to {target}: a different file is already there.",
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
