"""The models folder of a user: what was pulled or added, and what it was then.

Decides where the folder is and what is remembered of each model. A file whose bytes are no
longer those that were remembered is refused: another template or other weights make another
rater, which must not happen unseen.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from localensemble.core.errors import LocalEnsembleError, ModelFileError
from localensemble.core.files import replaced_text_file
from localensemble.core.identity import sha256_file

FOLDER_VARIABLE = "LOCALENSEMBLE_MODELS"

Origin = Literal["pulled", "added"]
FileState = Literal["whole", "missing", "changed"]


@dataclass(frozen=True, slots=True)
class Consent:
    """That somebody agreed to the terms of a model, where they stood, and when."""

    license: str
    url: str
    agreed_at: str


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """One model of the models folder.

    Attributes:
        name: what an ensemble file writes.
        path: file name in the models folder, or the whole path of a file elsewhere.
        sha256: 64 hexadecimal digits over the file when it was installed.
        size_bytes: size of the file.
        architecture: GGUF ``general.architecture``.
        chat_template_sha256: over the file's chat template; empty when it has none.
        license: short name of its terms, or a note of the person who added it.
        origin: how it came here.
        verified_at: when its bytes last had that sha256, in UTC.
        consent: consent to its terms, where they ask for it.
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
        """List what is installed, by name.

        Raises:
            LocalEnsembleError: the list cannot be read.
        """
        try:
            content = json.loads(self._list.read_text(encoding="utf-8"))
            return tuple(
                InstalledModel(
                    **(
                        _american(model)
                        | {"consent": _consent(model["consent"]) if model["consent"] else None}
                    )
                )
                for model in content["models"]
            )
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LocalEnsembleError(
                f"Cannot read {self._list}: it is not a list of installed models.",
                hint="Move it away, then pull or add the models again; files that are there "
                "already are not fetched again.",
            ) from error

    def find(self, name: str) -> InstalledModel | None:
        """Find an installed model by its name."""
        return next((model for model in self.installed() if model.name == name), None)

    def record(self, model: InstalledModel) -> None:
        """Remember a model, in the place of what was remembered under its name."""
        self.make()
        others = [one for one in self.installed() if one.name != model.name]
        models = sorted([*others, model], key=lambda one: one.name)
        with replaced_text_file(self._list) as stream:
            json.dump({"models": [asdict(one) for one in models]}, stream, indent=2)
            stream.write("\n")

    def file_of(self, model: InstalledModel) -> Path:
        """Say where a model's file lies."""
        return self.path / model.path

    def state_of(self, model: InstalledModel) -> FileState:
        """Read a model's whole file and say whether it is what was installed."""
        path = self.file_of(model)
        try:
            same = path.stat().st_size == model.size_bytes and sha256_file(path) == model.sha256
        except OSError:
            return "missing"
        return "whole" if same else "changed"

    def make(self) -> None:
        """Make the folder if it is not there.

        Raises:
            ModelFileError: it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelFileError(
                f"Cannot make the models folder {self.path}: {error.strerror}.",
                hint=f"Choose another folder with the environment variable {FOLDER_VARIABLE}.",
            ) from error

    @property
    def _list(self) -> Path:
        return self.path / "installed.json"


def _consent(stored: dict[str, str]) -> Consent:
    return Consent(**_american(stored))


def _american(stored: dict[str, Any]) -> dict[str, Any]:
    """Return a stored record under today's keys: before 0.2 it said ``licence``."""
    return {"license" if key == "licence" else key: value for key, value in stored.items()}


def default_folder() -> Path:
    """Find the models folder: as the environment says, or among the user's data."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else _user_data() / "localensemble" / "models"


def now() -> str:
    """Write the time as the list does."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _user_data() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    # A relative path there is to be ignored, says its specification.
    data = Path(os.environ.get("XDG_DATA_HOME", ""))
    return data if data.is_absolute() else Path.home() / ".local" / "share"
