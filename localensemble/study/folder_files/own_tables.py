"""Tie the files of a study folder to its ledger: refuse to replace those of another one.

`manifest.json` names the newest event of the ledger when the tables were written, the hash of
each file, and under its own name the hash of its other content. So a ledger that is gone, was
replaced, or lost its newest events is noticed, and so is an edited file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localensemble.core.errors import LedgerError
from localensemble.core.files import replaced_text_file
from localensemble.core.identity import sha256_file, sha256_json
from localensemble.core.input_files import read_json_file
from localensemble.core.words import listed
from localensemble.ledger.connection import is_begun
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.study.folder import StudyFolder

_HEAD = "ledger_head_sha256"
_OWN_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `manifest.json` of a study says about the ledger and the other files.

    Attributes:
        content: the whole content; empty if there is no such file, or another one.
    """

    content: Mapping[str, Any]

    @classmethod
    def of(cls, folder: StudyFolder) -> Manifest:
        """Read the manifest of a folder."""
        try:
            content = read_json_file(folder.manifest)
        except (OSError, ValueError):
            # Without a manifest of ours, nothing is known about the files.
            content = {}
        return cls(content if isinstance(content, dict) else {})

    @property
    def head_sha256(self) -> str | None:
        """The hash of the newest event when the tables were written; None if not recorded."""
        head = self.content.get(_HEAD)
        return head if isinstance(head, str) else None

    @property
    def files(self) -> Mapping[str, object]:
        """The hash of each file that was written, by its name."""
        files = self.content.get("files")
        return files if isinstance(files, dict) else {}

    @property
    def is_edited(self) -> bool:
        """Whether its own hash is another one; False without one, as in earlier versions."""
        own_hash = self.files.get(_OWN_NAME)
        return own_hash is not None and own_hash != _own_hash(self.content)

    def changed(self, folder: StudyFolder) -> tuple[str, ...]:
        """Name the files that are not as they were written, or are gone.

        The manifest is one of them if it says nothing: it is empty, no JSON object, or gone from
        beside the tables; or if its own hash is another one. Earlier versions wrote none.
        """
        written = (folder.manifest, folder.labels, folder.escalations)
        silent = not self.content and any(path.exists() for path in written)
        own = (folder.manifest.name,) if silent or self.is_edited else ()
        return (*own, *self._changed_files(folder))

    def _changed_files(self, folder: StudyFolder) -> Iterator[str]:
        for name, sha256 in self.files.items():
            if name != _OWN_NAME and _sha256(folder.path / name) != sha256:
                yield name


def open_ledger(folder: StudyFolder, *, create: bool) -> Ledger:
    """Open the ledger of a study for writing.

    Raises:
        LedgerError: the files in the folder belong to another ledger, or the ledger cannot be
            opened.
    """
    refuse_tables_of_another_ledger(folder)
    return Ledger.open(folder.ledger, create=create)


def refuse_tables_of_another_ledger(folder: StudyFolder) -> None:
    """Refuse a folder whose tables this ledger did not write; return if there are none.

    Raises:
        LedgerError: the ledger is missing or empty, or does not have the event that the manifest
            names; nothing was written.
    """
    manifest = Manifest.of(folder)
    tables = [path.name for path in (folder.labels, folder.escalations) if path.exists()]
    found = tables + ([folder.manifest.name] if manifest.head_sha256 is not None else [])
    if not found:
        return
    if not is_begun(folder.ledger):
        state = "is empty" if folder.ledger.exists() else "is missing"
        raise LedgerError(
            f"{folder.path} has {listed(found)}, but its ledger {folder.ledger.name} {state}.",
            hint="Restore the ledger from a copy, or use another folder. Nothing was written.",
        )
    if manifest.head_sha256 is None:
        return
    with LedgerReader.open(folder.ledger) as reader:
        known = reader.has_event(manifest.head_sha256)
    if not known:
        raise LedgerError(
            f"{folder.path}: the tables belong to another ledger. {folder.manifest.name} names "
            f"the event {manifest.head_sha256[:12]}, which {folder.ledger.name} does not have.",
            hint="Restore the ledger that wrote the tables, or move the tables and "
            f"{folder.manifest.name} to another folder. Nothing was written.",
        )


def record_hashes(folder: StudyFolder, files: Sequence[Path]) -> None:
    """Write the hashes of files into the manifest, if there is one."""
    manifest = Manifest.of(folder)
    if manifest.head_sha256 is None:
        return
    hashes = dict(manifest.files) | {path.name: sha256_file(path) for path in files}
    content = {**manifest.content, "files": hashes}
    if not manifest.is_edited:  # What was edited stays so.
        content = with_own_hash(content)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    with replaced_text_file(folder.manifest) as stream:
        stream.write(text + "\n")


def with_own_hash(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a manifest with its own hash among those of the files."""
    files = {**content["files"], _OWN_NAME: _own_hash(content)}
    return {**content, "files": files}


def _own_hash(content: Mapping[str, Any]) -> str:
    files = {name: sha256 for name, sha256 in content["files"].items() if name != _OWN_NAME}
    return sha256_json({**content, "files": files})


def _sha256(path: Path) -> str:
    try:
        return sha256_file(path) if path.is_file() else ""
    except OSError:
        return ""
