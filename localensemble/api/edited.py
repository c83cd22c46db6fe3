"""Keep a study's tables where something in them would be lost.

The tables are written anew by every run. A person may have put decisions into them, or labels
may be leaving them; such a table is moved aside, never written over.
"""

from __future__ import annotations

import json
from pathlib import Path

from localensemble.api.study import StudyFolder
from localensemble.core.identity import sha256_file


def put_aside_edited(folder: StudyFolder) -> tuple[str, ...]:
    """Rename tables that somebody changed since they were written; say for each what it is now."""
    written = _hashes(folder.manifest)
    return tuple(
        f"{path.name} was changed by hand; it is kept as {_renamed(path, 'edited')}."
        for path in _tables(folder)
        if _sha256(path) != written.get(path.name)
    )


def put_aside(folder: StudyFolder) -> tuple[str, ...]:
    """Rename the tables, because labels in them will not be in the new ones; say it."""
    return tuple(
        f"{path.name} as it was before is kept as {_renamed(path, 'before')}."
        for path in _tables(folder)
    )


def _tables(folder: StudyFolder) -> tuple[Path, ...]:
    return tuple(path for path in (folder.labels, folder.escalations) if path.exists())


def _sha256(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError:
        # A folder of that name, or a file that cannot be read: nothing we wrote like that.
        return ""


def _hashes(manifest: Path) -> dict[str, str]:
    try:
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        # No manifest, or not ours: then nothing is known to be unchanged.
        return {}
    return files if isinstance(files, dict) else {}


def _renamed(path: Path, why: str) -> str:
    number = 1
    while (kept := path.with_name(f"{path.stem}.{why}-{number}{path.suffix}")).exists():
        number += 1
    path.rename(kept)
    return kept.name
