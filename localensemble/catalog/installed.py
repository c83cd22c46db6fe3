"""Keep the user's models folder: which models were pulled or added, and their hashes.

Decides where the folder is and what is recorded about each model. A file whose bytes differ
from the recorded ones is refused: another template or other weights make another rater, which
must not go unnoticed.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast, get_args

from localensemble.core.errors import LocalEnsembleError, ModelFileError
from localensemble.core.files import replaced_text_file
from localensemble.core.foreign_json import Fields, ForeignJsonError
from localensemble.core.identity import sha256_file
from localensemble.core.input_files import read_json_file

FOLDER_VARIABLE = "LOCALENSEMBLE_MODELS"

_LONGEST_NAME = 200

Origin = Literal["pulled", "added"]
FileState = Literal["whole", "missing", "changed"]


@dataclass(frozen=True, slots=True)
class Consent:
    """Consent to the terms of a model: which terms, where they were read, and when."""

    license: str
    url: str
    agreed_at: str


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """One model in the models folder.

    Attributes:
        name: the name used in ensemble files.
        path: file name in the models folder, or the full path of a file elsewhere.
        sha256: sha256 of the file when it was installed, as 64 hexadecimal digits.
        size_bytes: size of the file.
        architecture: GGUF ``general.architecture``.
        chat_template_sha256: sha256 of the file's chat template; empty if it has none.
        license: short name of its terms, or a note by the person who added it.
        origin: how it was installed.
        verified_at: when its bytes last had that sha256, in UTC.
        consent: consent to its terms; None if they do not require it.
    """

    name: str
    path: str
    sha256: str
    size_bytes: int
    architecture: str
    chat_template_sha256: str
    license: str
    origin: Origin
    verified_at: str
    consent: Consent | None


class ModelsFolder:
    """The models folder and its list, ``installed.json``."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_folder()

    def installed(self) -> tuple[InstalledModel, ...]:
        """Return the installed models, sorted by name.

        Raises:
            LocalEnsembleError: the list cannot be read.
        """
        try:
            content = _american(read_json_file(self._list))
            return tuple(map(model_from_fields, Fields(content).each("models")))
        except FileNotFoundError:
            return ()
        except (OSError, ForeignJsonError) as error:
            detail = error.strerror if isinstance(error, OSError) else str(error)
            raise LocalEnsembleError(
                f"Cannot read {self._list} as the list of installed models: {detail}.",
                hint="Move it away, then pull or add the models again; files that are already "
                "there are not fetched again.",
            ) from error

    def find(self, name: str) -> InstalledModel | None:
        """Return the installed model with this name, or None."""
        return next((model for model in self.installed() if model.name == name), None)

    def record(self, model: InstalledModel) -> None:
        """Record a model, replacing any earlier record under its name.

        Raises:
            ModelFileError: the list could not be read again with this model in it.
        """
        try:
            model_from_fields(Fields(asdict(model)))
        except ForeignJsonError as error:
            raise ModelFileError(
                f"Cannot record the model {model.name!a}: {error}.",
                hint="Rename the file or the model, or shorten the note on its license.",
            ) from error
        self.make()
        others = [other for other in self.installed() if other.name != model.name]
        models = sorted([*others, model], key=lambda entry: entry.name)
        with replaced_text_file(self._list) as stream:
            json.dump({"models": [asdict(entry) for entry in models]}, stream, indent=2)
            stream.write("\n")

    def file_of(self, model: InstalledModel) -> Path:
        """Return the path of a model's file."""
        return self.path / model.path

    def state_of(self, model: InstalledModel) -> FileState:
        """Return whether a model's file is still the installed one; read all of it."""
        path = self.file_of(model)
        try:
            same = path.stat().st_size == model.size_bytes and sha256_file(path) == model.sha256
        except OSError:
            return "missing"
        return "whole" if same else "changed"

    def make(self) -> None:
        """Create the folder if it does not exist.

        Raises:
            ModelFileError: the folder cannot be created.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelFileError(
                f"Cannot create the models folder {self.path}: {error.strerror}.",
                hint=f"Choose another folder with the environment variable {FOLDER_VARIABLE}.",
            ) from error

    @property
    def _list(self) -> Path:
        return self.path / "installed.json"


def model_from_fields(stored: Fields) -> InstalledModel:
    """Return the model that a list or a bundle describes.

    Raises:
        ForeignJsonError: a value is missing, or not what it should be.
    """
    stored.refuse_others([field.name for field in fields(InstalledModel)])
    consent = stored.inside_or_none("consent")
    return InstalledModel(
        name=stored.text("name", empty=False, most=_LONGEST_NAME),
        path=stored.text("path", empty=False),
        sha256=stored.sha256("sha256"),
        size_bytes=stored.count("size_bytes"),
        architecture=stored.text("architecture", most=_LONGEST_NAME),
        chat_template_sha256=stored.sha256("chat_template_sha256", empty=True),
        license=stored.text("license"),
        origin=cast(Origin, stored.one_of("origin", get_args(Origin))),
        verified_at=stored.text("verified_at", most=_LONGEST_NAME),
        consent=None if consent is None else _consent(consent),
    )


def _consent(stored: Fields) -> Consent:
    stored.refuse_others([field.name for field in fields(Consent)])
    return Consent(stored.text("license"), stored.text("url"), stored.text("agreed_at"))


def _american(stored: Any) -> Any:
    """Return what is stored with current keys; before 0.2 one was spelled ``licence``."""
    if isinstance(stored, list):
        return [_american(one) for one in stored]
    if not isinstance(stored, dict):
        return stored
    renamed = {"license" if key == "licence" else key: one for key, one in stored.items()}
    return {key: _american(one) for key, one in renamed.items()}


def default_folder() -> Path:
    """Return the models folder set in the environment, or the one in the user's data folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else _user_data() / "localensemble" / "models"


def now() -> str:
    """Return the current time in the format of the list."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _user_data() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    # The XDG specification requires relative paths to be ignored.
    data = Path(os.environ.get("XDG_DATA_HOME", ""))
    return data if data.is_absolute() else Path.home() / ".local" / "share"
