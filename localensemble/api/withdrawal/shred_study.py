"""Overwrite and delete the files of a study that hold texts, ids or labels.

Touches only files in the study folder, and by default only those with a name that the program
writes directly there, because a study can lie in a folder with other studies. Follows no link.
What it cannot promise is in `WHAT_REMAINS`.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.errors import InputError, LocalEnsembleError
from localensemble.ledger.connection import take_writing_lock
from localensemble.study.folder import StudyFolder

__all__ = ["WHAT_REMAINS", "ShreddedStudy", "StudyFiles", "files_to_shred", "shred_study"]

WHAT_REMAINS = (
    "Overwritten content can survive on SSDs and memory cards, which write to other cells, on file "
    "systems that keep snapshots or copy on write, in swap, in backups, and in every copy outside "
    "this folder. On an encrypted disk, destroying its key also destroys what survives there. The "
    "table that you labeled was not touched, unless it is listed above."
)

_CHUNK_BYTES = 1 << 20
# What the program writes into a study folder, with its backups and unfinished files.
_OURS = (
    *("study.sqlite*", "labels*.csv", "escalations*.csv", "report*.html", "findings.json"),
    *(
        "manifest.json",
        "data-sheet.md",
        "certificate-*.json",
        "rater-calibration-*.json",
        "spans-*.csv",
        "worksheet*",
        "problems*",
    ),
    *("sample*.csv", "final*.csv", "decisions*", "*.edited-[0-9]*", "*.before-[0-9]*", ".*.part"),
)


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """The files in a study folder.

    Attributes:
        shredded: those to overwrite and delete.
        left: other files, which may be the user's; they may hold texts, too.
        linked: those of ``shredded`` that have another name elsewhere, or are links.
    """

    shredded: tuple[Path, ...]
    left: tuple[Path, ...]
    linked: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ShreddedStudy:
    """What was shredded.

    Attributes:
        files: the files that were overwritten and deleted.
        left: the files that are still in the folder.
        messages: what the user should know, in sentences.
    """

    files: tuple[Path, ...]
    left: tuple[Path, ...]
    messages: tuple[str, ...]


def files_to_shred(study: Path, *, everything: bool = False) -> StudyFiles:
    """List what `shred_study` would shred; change nothing.

    Args:
        study: the study folder.
        everything: also files that the program did not write.

    Raises:
        InputError: the folder is not a study.
    """
    # Unlike `StudyFolder.of`, which removes what killed processes left without overwriting it.
    folder = StudyFolder(study)
    if not os.path.lexists(folder.ledger) and not os.path.lexists(folder.manifest):
        raise InputError(
            f"Cannot shred {study}: it is not a study; found neither {folder.ledger.name} nor "
            f"{folder.manifest.name}.",
            hint="Give the folder of a study.",
        )
    files = [path for path in sorted(study.rglob("*")) if path.is_symlink() or not path.is_dir()]
    ours = {
        path for path in files if path.parent == study and any(path.match(form) for form in _OURS)
    }
    chosen = [path for path in files if everything or path in ours]
    return StudyFiles(
        tuple(chosen),
        tuple(path for path in files if path not in chosen),
        tuple(path for path in chosen if not _is_only_name(path)),
    )


def shred_study(
    study: Path,
    *,
    everything: bool = False,
    on_file: Callable[[Path], None] = lambda path: None,
) -> ShreddedStudy:
    """Overwrite the files of a study with random bytes once, and delete them.

    The folder goes too if nothing is left in it. Cut off, run it again.

    Args:
        study: the study folder.
        everything: also files that the program did not write.
        on_file: called with each file after it was deleted.

    Raises:
        InputError: the folder is not a study.
        LedgerError: a run is writing to the ledger.
        LocalEnsembleError: a file cannot be overwritten or deleted; the message names it.
    """
    files = files_to_shred(study, everything=everything)
    # Waits for nobody: a run that is writing would write the texts again. It is kept out until only
    # the lock and the manifest are left; without them, a half-shredded study is not recognized.
    lock = take_writing_lock(StudyFolder(study).ledger)
    last = ("study.sqlite.lock", "manifest.json")
    try:
        files = files_to_shred(study, everything=everything)
        in_order = sorted(
            files.shredded, key=lambda path: path.parent == study and path.name in last
        )
        for path in in_order:
            if path.parent == study and path.name in last:
                lock.close()
            _shred(path, overwrite=path not in files.linked)
            on_file(path)
    finally:
        lock.close()
    if not files.left:
        _remove_folders(study)
    return ShreddedStudy(files.shredded, files.left, (*_about(files, study), WHAT_REMAINS))


def _remove_folders(study: Path) -> None:
    """Remove the empty folders; one that another program wrote to meanwhile, or a link, stays."""
    for folder in (*sorted((p for p in study.rglob("*") if p.is_dir()), reverse=True), study):
        with contextlib.suppress(OSError):
            folder.rmdir()


def _about(files: StudyFiles, study: Path) -> Sequence[str]:
    messages = [
        f"{path.relative_to(study)} was a link, or had another name elsewhere: only the name in "
        "this folder was deleted, and the content is still there."
        for path in files.linked
    ]
    if files.left:
        named = ", ".join(str(path.relative_to(study)) for path in files.left)
        messages.append(
            f"Left alone, because this program did not write them: {named}. If they hold texts or "
            "labels, delete them yourself, or run this again with --everything."
        )
    return messages


def _is_only_name(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def _shred(path: Path, *, overwrite: bool) -> None:
    try:
        if overwrite:
            _overwrite(path)
        path.unlink()
    except OSError as error:
        raise LocalEnsembleError(
            f"Cannot shred {path}: {error.strerror or type(error).__name__}. The files before it "
            "are gone; it and those after it are still there.",
            hint="Close programs that have it open, check the permissions, and run this again.",
        ) from error


def _overwrite(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.chmod(0o600)
    left = path.stat().st_size
    with path.open("r+b", buffering=0) as stream:
        while left > 0:
            left -= stream.write(os.urandom(min(left, _CHUNK_BYTES)))
        os.fsync(stream.fileno())
        stream.truncate(0)
        os.fsync(stream.fileno())
