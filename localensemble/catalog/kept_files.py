"""Reuse model files that an engine already keeps on this machine.

A file is reused only if its bytes have the pinned hash.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from localensemble.catalog.download import is_whole
from localensemble.catalog.known import KnownModel
from localensemble.core.files import put_in_place


def take_over(model: KnownModel, *, folder: Path, kept: Iterable[Path]) -> Path | None:
    """Put a model's file from elsewhere into a folder and return its path, or None if not found.

    Links the file if the disk allows it, so that the bytes are not stored twice; otherwise
    copies it. Leaves the engine's own file unchanged. Returns None if both fail.

    Args:
        kept: paths where the file may be; they need not exist.
    """
    for path in kept:
        if _is_whole_file(path, model) and _link_or_copy(path, folder / model.file):
            return folder / model.file
    return None


def _link_or_copy(kept: Path, final: Path) -> bool:
    part = final.with_name(f".{final.name}.taking")
    try:
        part.unlink(missing_ok=True)
        try:
            part.hardlink_to(kept)
        except OSError:
            # Another disk, or one that does not support links.
            shutil.copyfile(kept, part)
        put_in_place(part, final)
    except OSError:
        part.unlink(missing_ok=True)
        return False
    return True


def _is_whole_file(path: Path, model: KnownModel) -> bool:
    try:
        return is_whole(path, model)
    except OSError:
        # The user may not be allowed to read the files of a service.
        return False
