"""Write a bundle: one folder with everything that a run needs on a machine without a network.

Decides the layout of the folder: plain files under names that every file system accepts, and
``SHA256SUMS`` with the SHA-256 of each, which is written last. If the writing is interrupted
before that, the folder does not pass the check. Refuses a folder that is not empty, and a model
whose bytes differ from the recorded ones.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath

from localensemble import __version__
from localensemble.bundle import installer
from localensemble.bundle.installer import MANIFEST, PYTHON_ARCHIVE, SUMS, WHEELS
from localensemble.bundle.wheels import Target, gather_wheels, needed_library
from localensemble.catalog.gguf_header import read_chat_template
from localensemble.catalog.installed import InstalledModel, ModelsFolder
from localensemble.catalog.known import known_models, licenses
from localensemble.core.errors import BundleError, InputError
from localensemble.core.identity import sha256_file
from localensemble.core.resources import prompts_dir
from localensemble.core.windows_names import name_problem_on_windows

_FILES = Path(__file__).with_name("files")
_CHUNK_BYTES = 1 << 20
# Wheels take about 150 MB; the rest is for the small files.
_ROOM_BESIDE_WEIGHTS = 400 << 20
_PORTABLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,150}")


@dataclass(frozen=True, slots=True)
class BundleContents:
    """What goes into a bundle besides the program.

    Attributes:
        models: models from the models folder, pulled or added.
        codebooks: the user's codebook files.
        ensembles: the user's ensemble files.
        beside: the prompt templates and probes of the user that these name.
    """

    models: tuple[InstalledModel, ...] = ()
    codebooks: tuple[Path, ...] = ()
    ensembles: tuple[Path, ...] = ()
    beside: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class WrittenBundle:
    """A bundle that was written; ``sha256`` is the hash of its ``SHA256SUMS``."""

    folder: Path
    platform: str
    file_count: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BundleSource:
    """What a bundle is made from, and the machine it is for.

    Attributes:
        checkout: the checkout of the program.
        target: the machine that the bundle is for.
        compiled: a wheel of llama-cpp-python for that machine; None makes or builds it here.
        python: an archive with a Python that runs where it is unpacked; None if the machine
            has one.
    """

    checkout: Path
    target: Target
    compiled: Path | None
    python: Path | None = None


def write_bundle(
    folder: Path,
    *,
    contents: BundleContents,
    source: BundleSource,
    on_step: Callable[[str], None] = lambda step: None,
) -> WrittenBundle:
    """Write a bundle into a folder that is new or empty.

    Raises:
        InputError: the folder is not empty, or some systems do not accept a file's name.
        BundleError: a wheel is not available, a model has changed, or the disk is full. The
            files written so far are deleted.
    """
    folder = folder.resolve()
    existed = folder.is_dir()
    if existed and any(folder.iterdir()):
        raise InputError(
            f"Cannot make a bundle in {folder}: the folder is not empty.",
            hint="Name a new folder, for example one on the drive. You can delete what an "
            "interrupted call left.",
        )
    writing = _Writing(folder)
    done = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_little_room(folder, contents)
        _fill(writing, contents, source, on_step)
        _write_manifest(writing, contents, source)
        sha256 = writing.finish()
        done = True
    except OSError as error:
        raise _not_written(folder, error) from error
    finally:
        if not done:
            _remove_written(folder, keep=existed)
    return WrittenBundle(folder, source.target.name, writing.file_count, writing.size_bytes, sha256)


class _Writing:
    """The files of a bundle as they are written, with their hashes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size_bytes = 0
        self._files: dict[str, str] = {}

    @property
    def file_count(self) -> int:
        return len(self._files)

    def text(self, name: str, content: str) -> None:
        self._make(name).write_text(content, encoding="utf-8", newline="\n")
        self.found(name)

    def found(self, name: str) -> None:
        """Add a file that is already in the folder."""
        path = self.folder / name
        self.size_bytes += path.stat().st_size
        self._files[name] = sha256_file(path)

    def copy(self, name: str, source: Path) -> str:
        """Copy a file of any size, and return the sha256 of the copied bytes."""
        digest = hashlib.sha256()
        with source.open("rb") as stream, self._make(name).open("wb") as copied:
            while chunk := stream.read(_CHUNK_BYTES):
                self.size_bytes += len(chunk)
                digest.update(chunk)
                copied.write(chunk)
            copied.flush()
            os.fsync(copied.fileno())
        self._files[name] = digest.hexdigest()
        return self._files[name]

    def finish(self) -> str:
        """Write the list of hashes, and return the hash of the list."""
        lines = [f"{sha256}  {name}\n" for name, sha256 in sorted(self._files.items())]
        content = "".join(lines).encode("ascii")
        (self.folder / SUMS).write_bytes(content)
        return hashlib.sha256(content).hexdigest()

    def _make(self, name: str) -> Path:
        self._refuse_name(name)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _refuse_name(self, name: str) -> None:
        taken = {other.casefold() for other in self._files}
        if name.casefold() in taken or not is_portable(name.rpartition("/")[2]):
            raise InputError(
                f'Cannot put "{name}" into a bundle: two files have that name, or some file '
                "systems do not accept it.",
                hint="Use different names of letters, digits, dots, hyphens and underscores. "
                "Your own model file has the name it was added under.",
            )


def is_portable(name: str) -> bool:
    """Tell whether every file system accepts a file of this name."""
    return bool(_PORTABLE.fullmatch(name)) and not name_problem_on_windows(PurePath(name))


def _fill(
    writing: _Writing,
    contents: BundleContents,
    source: BundleSource,
    on_step: Callable[[str], None],
) -> None:
    for path in contents.codebooks:
        writing.copy(f"codebooks/{path.name}", path)
    for path in (*contents.ensembles, *contents.beside):
        writing.copy(f"ensembles/{path.name}", path)
    prompts = prompts_dir()
    for path in sorted(prompts.glob("*/v*.yaml")):
        writing.copy(f"prompts/{path.relative_to(prompts).as_posix()}", path)
    # Before the models, so that a missing wheel is reported before gigabytes are copied.
    on_step(f"Gathering the packages for {source.target.name} with Python {source.target.python}")
    (writing.folder / WHEELS).mkdir()
    gather_wheels(
        writing.folder / WHEELS,
        checkout=source.checkout,
        target=source.target,
        compiled=source.compiled,
    )
    if source.python is not None:
        on_step(f"Copying {source.python.name}")
        writing.copy(PYTHON_ARCHIVE, source.python)
    for path in sorted((writing.folder / WHEELS).iterdir()):
        writing.found(f"{WHEELS}/{path.name}")
    for model in contents.models:
        on_step(f"Copying {model.name}, {model.size_bytes:,} bytes")
        _add_model(writing, model)
    _add_installer(writing, contents, source)


def _add_model(writing: _Writing, model: InstalledModel) -> None:
    weights = ModelsFolder().file_of(model)
    # Use the model's name, not its file name: the name is safe and unique in the bundle.
    copied = writing.copy(weights_name(model.name), weights)
    if copied != model.sha256:
        raise BundleError(
            f'Cannot bundle "{model.name}": {weights} has sha256 {copied}, '
            f"but it was {model.origin} with {model.sha256}.",
            hint="The file has changed since. Pull the model again, or put the file back.",
        )
    template = read_chat_template(weights)
    if template:
        writing.text(f"templates/{model.name}.jinja", template)
    source = next((known for known in known_models() if known.name == model.name), None)
    terms = licenses().get(model.license)
    entry = {
        # The path on this machine and the consent given here do not concern the other machine.
        "model": asdict(replace(model, path=_file_name(model), consent=None)),
        "terms": terms and asdict(terms),
        "source": source and asdict(source),
    }
    writing.text(entry_name(model.name), json.dumps(entry, indent=2) + "\n")


def _file_name(model: InstalledModel) -> str:
    # The user's own file may have any name.
    return model.path if model.origin == "pulled" else f"{model.name}.gguf"


def weights_name(model: str) -> str:
    """Return the path of a model's weights in a bundle."""
    return f"models/{model}.gguf"


def entry_name(model: str) -> str:
    """Return the path of a model's catalog entry in a bundle."""
    return f"catalog/{model}.json"


def _add_installer(writing: _Writing, contents: BundleContents, source: BundleSource) -> None:
    installer_file, target = Path(installer.__file__), source.target
    library = needed_library(writing.folder / WHEELS)
    words = {
        "@PYTHON@": target.python,
        "@VERSION@": __version__,
        "@BUILT_ON@": _built_on(source),
        "@MADE_FOR@": f"{target.name} with CPython {target.python}"
        + (f" and {library} or newer" if library else ""),
        "@TERMS@": _terms(contents),
    }
    writing.copy("install.py", installer_file)
    for name in ("install.sh", "install.ps1", "README.txt"):
        text = (_FILES / name).read_text(encoding="utf-8")
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        writing.text(name, text)


def _terms(contents: BundleContents) -> str:
    if not contents.models:
        return "There are no models here other than those that are part of the program."
    lines = ["Summary of the models' terms. Only the terms themselves are binding.", ""]
    for model in contents.models:
        terms = licenses().get(model.license)
        short = f"{terms.title}, {terms.url}. {terms.terms}" if terms else model.license
        lines.append(f"    {model.name}: {short}")
    return "\n".join(lines)


def _write_manifest(writing: _Writing, contents: BundleContents, source: BundleSource) -> None:
    manifest = {
        "program_version": __version__,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": source.target.name,
        "library": needed_library(writing.folder / WHEELS),
        "python": source.target.python,
        "built_on": _built_on(source),
        "models": [
            {"name": model.name, "license": model.license, "sha256": model.sha256}
            for model in contents.models
        ],
    }
    writing.text(MANIFEST, json.dumps(manifest, indent=2) + "\n")


def _built_on(source: BundleSource) -> str:
    """Return the processor that the engine was built for, which is that of this machine."""
    if source.compiled is not None:
        return "another machine (the wheel came from --llama-cpp-wheel)"
    if source.target.has_prebuilt_library:
        return "a library for the usual processors of its kind (x86-64: with AVX2)"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _refuse_little_room(folder: Path, contents: BundleContents) -> None:
    needed = sum(model.size_bytes for model in contents.models) + _ROOM_BESIDE_WEIGHTS
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BundleError(
            f"Cannot make a bundle in {folder}: it needs about {needed:,} bytes, but only "
            f"{free:,} are free.",
            hint="Free some space, or bundle fewer models.",
        )


def _not_written(folder: Path, error: OSError) -> BundleError:
    hint = "Check that the folder can be written."
    if error.errno == errno.EFBIG:
        hint = "FAT stores at most 4 GB per file. Format the drive as exFAT."
    elif error.errno == errno.ENOSPC:
        hint = "Free some space, or bundle fewer models."
    place = f" ({error.filename})" if error.filename else ""
    return BundleError(
        f"Cannot make a bundle in {folder}: {error.strerror or error}{place}. The files written "
        "so far were deleted.",
        hint=hint,
    )


def _remove_written(folder: Path, *, keep: bool) -> None:
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
