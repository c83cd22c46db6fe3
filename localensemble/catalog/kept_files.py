"""Model files that an engine keeps on this machine already.

A file is taken over only when its bytes have the hash that is pinned here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from localensemble.catalog.download import is_whole
from localensemble.catalog.known import KnownModel


def take_over(model: KnownModel, *, folder: Path, kept: Iterable[Path]) -> Path | None:
    """Put a model's file that lies elsewhere into a folder; None when it is in no such place.

    A link where the disk allows it, so that the bytes are not stored twice; else a copy.
    The engine's own file is left as it is. Where neither works, it counts as not there.

    Args:
        kept: where the file may lie; none need be there.
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
            # Another disk, or one that has no links.
            shutil.copyfile(kept, part)
        part.replace(final)
    except OSError:
        part.unlink(missing_ok=True)
        return False
    return True


def _is_whole_file(path: Path, model: KnownModel) -> bool:
    try:
        return is_whole(path, model)
    except OSError:
        # The files of a service may not be ours to read.
        return False
