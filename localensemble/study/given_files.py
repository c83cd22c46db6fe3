"""Read and write certificate and calibration files, and tell which ones a study made.

The ledger records the hash of every such file when it is made. A file without a record was made
from another study, by an earlier version, or edited: it is refused unless the user states that it
may be foreign.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from localensemble.core.errors import InputError
from localensemble.core.files import replaced_text_file
from localensemble.core.foreign_json import read_json
from localensemble.core.identity import sha256_json
from localensemble.core.input_files import read_json_file
from localensemble.ledger.connection import is_begun
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import FileKind
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import open_ledger

_COMMANDS: Mapping[FileKind, str] = {"certificate": "certify", "calibration": "calibrate"}
# The entry of a run's rules with such files, and the entry that names the foreign ones.
_IN_RULES: Mapping[FileKind, tuple[str, str]] = {
    "certificate": ("certificates", "foreign_certificates"),
    "calibration": ("rater_calibrations", "foreign_calibrations"),
}


@dataclass(frozen=True, slots=True)
class GivenFile:
    """The content of a file; ``foreign`` is True if the study has no record of it."""

    path: Path
    values: Mapping[str, Any]
    foreign: bool


@dataclass(frozen=True, slots=True)
class GivenFiles:
    """How to read the files that a person gives.

    Attributes:
        known: hashes of the files that the study made or already decides by.
        foreign_stated: whether the person states that files without a record may be used.
    """

    known: Mapping[FileKind, frozenset[str]]
    foreign_stated: bool = False

    @classmethod
    def of(cls, reader: LedgerReader, *, foreign_stated: bool) -> GivenFiles:
        """Look up the files on record in an open ledger."""
        rules = [cast(Mapping[str, Any], run.settings).get("rules", {}) for run in reader.runs()]
        return cls(
            {
                kind: reader.made_files(kind).union(*(_decided_by(kind, one) for one in rules))
                for kind in _COMMANDS
            },
            foreign_stated,
        )

    @classmethod
    def of_folder(cls, folder: StudyFolder, *, foreign_stated: bool) -> GivenFiles:
        """Look up the files on record in a study folder, which may not exist yet."""
        if not is_begun(folder.ledger):
            return cls(dict.fromkeys(_COMMANDS, frozenset()), foreign_stated)
        with LedgerReader.open(folder.ledger) as reader:
            return cls.of(reader, foreign_stated=foreign_stated)

    def read(self, path: Path, *, kind: FileKind) -> GivenFile:
        """Read one file.

        Raises:
            InputError: the file cannot be read, is not JSON, or is foreign and not stated to be.
        """
        values = _values(path, kind)
        foreign = sha256_json(values) not in self.known[kind]
        if foreign and not self.foreign_stated:
            raise InputError(
                f"{path}: the ledger of this study has no record of this {kind}. It was made "
                "from another study or by an earlier version, or changed after it was made.",
                hint=f"Run `localensemble {_COMMANDS[kind]}` again. To use the file nevertheless, "
                "add --foreign-files; the report then names it as foreign.",
            )
        return GivenFile(path, values, foreign)


def _decided_by(kind: FileKind, rules: Mapping[str, Any]) -> frozenset[str]:
    """Return the hashes of the files in a run's rules that were not stated to be foreign."""
    held, foreign = _IN_RULES[kind]
    return frozenset(
        sha256_json(one)
        for one in rules.get(held, ())
        if one["variable"] not in rules.get(foreign, ())
    )


def write_made_file(
    values: Mapping[str, Any], *, kind: FileKind, path: Path, folder: StudyFolder
) -> None:
    """Record a file that was made from a study in its ledger, and write it as JSON.

    Args:
        values: the content, with the name of the variable.
        path: the file to write, completely or not at all.
        folder: the study.
    """
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    sha256 = sha256_json(read_json(text))
    # On record first: a file without a record could not be given later.
    with open_ledger(folder, create=False) as ledger:
        ledger.register_file(kind, variable=str(values["variable"]), sha256=sha256)
    with replaced_text_file(path) as stream:
        stream.write(text)


def foreign_variables(given: Sequence[GivenFile]) -> tuple[str, ...]:
    """Return the variables that the foreign files are about."""
    return tuple(str(one.values["variable"]) for one in given if one.foreign)


def _values(path: Path, kind: FileKind) -> Mapping[str, Any]:
    hint = f"Give the file that `localensemble {_COMMANDS[kind]}` wrote."
    try:
        values = read_json_file(path)
    except OSError as error:
        raise InputError(
            f"Cannot read the {kind} {path}: {error.strerror}.",
            hint=f"Check the path given with --{kind}.",
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: the {kind} is not a JSON file.", hint=hint) from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: the file is not a {kind}.", hint=hint)
    return values
