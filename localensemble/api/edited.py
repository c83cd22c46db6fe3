"""Keep what a person wrote into a study's tables.

The tables are written anew by every run. A person may have put decisions into them; a table
that is not the one last written is moved aside, never written over.
"""

from __future__ import annotations

import json
from pathlib import Path

from localensemble.api.study import StudyFolder
from localensemble.core.identity import sha256_file


def put_aside_edited(folder: StudyFolder) -> tuple[str, ...]:
    """Rename tables that somebody changed since they were written; say for each what it is now."""
    said = []
    written = _hashes(folder.manifest)
    for path in (folder.labels, folder.escalations):
        if path.exists() and sha256_file(path) != written.get(path.name):
            kept = _free_name(path)
            path.rename(kept)
            said.append(f"{path.name} was changed by hand; it is kept as {kept.name}.")
    return tuple(said)


def _hashes(manifest: Path) -> dict[str, str]:
    try:
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        # No manifest, or not ours: then nothing is known to be unchanged.
        return {}
    return files if isinstance(files, dict) else {}


def _free_name(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.stem}.edited-{number}{path.suffix}")).exists():
        number += 1
    return kept
