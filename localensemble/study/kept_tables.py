"""Back up a study's tables if something in them would be lost.

Every run writes the tables again. A person may have written decisions into them, or labels
may be leaving them; such a table is renamed, never overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from localensemble.study.folder import StudyFolder
from localensemble.core.files import unfinished_files
from localensemble.core.identity import sha256_file
from localensemble.study.run_record import FinishedRun


def put_aside_edited(folder: StudyFolder) -> tuple[str, ...]:
    """Rename tables that were edited since they were written; report each new name."""
    written = _hashes(folder.manifest)
    return tuple(
        f"{path.name} was edited; the edited table is kept as {_renamed(path, 'edited')}."
        for path in _tables(folder)
        if _sha256(path) != written.get(path.name)
    )


def put_aside(folder: StudyFolder) -> tuple[str, ...]:
    """Rename the tables, because labels in them will not be in the new ones; report it."""
    return tuple(
        f"The previous {path.name} is kept as {_renamed(path, 'before')}."
        for path in _tables(folder)
    )


def written_before(folder: StudyFolder, run: FinishedRun) -> bool:
    """Tell whether the tables are from an earlier run than the last one that finished."""
    runs = _read_manifest(folder.manifest).get("runs")
    ended = [one.get("finished_at") for one in runs] if isinstance(runs, list) else []
    return bool(ended) and run.finished_at not in ended


def put_aside_with_columns(folder: StudyFolder, columns: Sequence[str]) -> tuple[str, ...]:
    """Rename the tables if they have input columns that the new ones will lack.

    Args:
        folder: the study's folder.
        columns: the columns of the input now.
    """
    before = _read_manifest(folder.manifest).get("item_set")
    held = before.get("columns") if isinstance(before, dict) else None
    gone = [name for name in held if name not in columns] if isinstance(held, list) else []
    if not gone or not _tables(folder):
        return ()
    listed = ", ".join(f'"{name}"' for name in gone)
    return (f"The table no longer has {listed}.", *put_aside(folder))


def remove_leftovers(folder: StudyFolder) -> None:
    """Remove the unfinished tables that a killed process left, with the texts in them.

    The caller holds the ledger for writing, so no other process writes tables meanwhile.
    """
    for path in (folder.labels, folder.escalations):
        for leftover in unfinished_files(path):
            leftover.unlink(missing_ok=True)


def _tables(folder: StudyFolder) -> tuple[Path, ...]:
    return tuple(path for path in (folder.labels, folder.escalations) if path.exists())


def _sha256(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError:
        # A folder of that name or an unreadable file: we did not write it.
        return ""


def _hashes(manifest: Path) -> dict[str, object]:
    files = _read_manifest(manifest).get("files")
    return files if isinstance(files, dict) else {}


def _read_manifest(manifest: Path) -> dict[str, object]:
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Without a manifest of ours, nothing is known about the tables.
        return {}
    return content if isinstance(content, dict) else {}


def _renamed(path: Path, why: str) -> str:
    number = 1
    while (kept := path.with_name(f"{path.stem}.{why}-{number}{path.suffix}")).exists():
        number += 1
    path.rename(kept)
    return kept.name
