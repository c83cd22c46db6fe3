"""Back up a study's tables, and files that the user names, if something in them would be lost.

Every run writes the tables again. A person may have written decisions into them, or labels
may be leaving them; such a table is renamed, never overwritten. A file that the user names as
output may be anything; what it held is kept beside it.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from localensemble.core.errors import TableError
from localensemble.core.files import reported_writing
from localensemble.core.identity import sha256_file
from localensemble.core.words import counted
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import Manifest
from localensemble.study.run_record import FinishedRun
from localensemble.tables.delimited import open_table, write_table
from localensemble.tables.row_ids import id_places, row_id

_TABLES = frozenset({".csv", ".tsv", ".txt"})
_LEDGER_FILES = ("", "-wal", "-shm", ".lock")
# Files of ours that name no item.
_WITHOUT_ITEMS = ("findings.json", "manifest.json", "certificate-", "rater-calibration-")


def put_aside_edited(folder: StudyFolder) -> tuple[str, ...]:
    """Rename tables that were edited since they were written; report each new name."""
    written = Manifest.of(folder).files
    return tuple(
        f"{path.name} was edited; the edited table is kept as {_renamed(path, 'edited')}."
        for path in _tables(folder)
        if _sha256(path) != written.get(path.name)
    )


def without_needless_copies(folder: StudyFolder, messages: Sequence[str]) -> tuple[str, ...]:
    """Remove tables put aside as edited that equal the new ones, and drop what was said of them.

    A process that is killed after it wrote a table, and before it recorded its hash, leaves a
    table that looks edited.
    """
    kept = tuple(messages)
    for path in _tables(folder):
        for copy in folder.path.glob(f"{path.stem}.edited-*{path.suffix}"):
            if any(copy.name in one for one in kept) and _sha256(copy) == _sha256(path):
                copy.unlink()
                kept = tuple(one for one in kept if copy.name not in one)
    return kept


def put_aside(folder: StudyFolder) -> tuple[str, ...]:
    """Rename the tables, because labels in them will not be in the new ones; report it."""
    return tuple(
        f"The previous {path.name} is kept as {_renamed(path, 'before')}."
        for path in _tables(folder)
    )


@contextmanager
def keeping_previous(*paths: Path) -> Iterator[list[str]]:
    """Keep the files that the block replaces by others, each beside the new one.

    Gives a list, which has a sentence for each file that was kept once the block has ended. A
    file that is the same afterwards is not kept twice; if the block raises, none is.
    """
    said: list[str] = []
    held = {path: _second_name(path) for path in paths if path.is_file()}
    try:
        yield said
    except BaseException:
        for kept in held.values():
            kept.unlink()
        raise
    for path, kept in held.items():
        if _sha256(path) == _sha256(kept):
            kept.unlink()
        else:
            said.append(f"The previous {path.name} is kept as {kept.name}.")


def written_before(folder: StudyFolder, run: FinishedRun) -> bool:
    """Tell whether the tables are from an earlier run than the last one that finished."""
    runs = Manifest.of(folder).content.get("runs")
    ended = [one.get("finished_at") for one in runs] if isinstance(runs, list) else []
    return bool(ended) and run.finished_at not in ended


def put_aside_with_columns(folder: StudyFolder, columns: Sequence[str]) -> tuple[str, ...]:
    """Rename the tables if they have input columns that the new ones will lack.

    Args:
        folder: the study's folder.
        columns: the columns of the input now.
    """
    before = Manifest.of(folder).content.get("item_set")
    held = before.get("columns") if isinstance(before, dict) else None
    gone = [name for name in held if name not in columns] if isinstance(held, list) else []
    if not gone or not _tables(folder):
        return ()
    listed = ", ".join(f'"{name}"' for name in gone)
    return (f"The table no longer has {listed}.", *put_aside(folder))


def clear_of_items(
    folder: StudyFolder,
    *,
    gone: Collection[str],
    id_columns: Sequence[str],
    spared: Collection[Path],
) -> tuple[str, ...]:
    """Remove items from everything else in the folder; name what could not be looked into.

    Backups and other tables with the same id columns lose the rows of the items. What killed
    processes left is removed. Studies within the folder are left alone, and named.

    Args:
        folder: the study's folder.
        gone: the ids of the items.
        id_columns: the columns of the items with their ids.
        spared: files that are left as they are: written without these items, or the user's.
    """
    messages = []
    ledger = [folder.ledger.with_name(folder.ledger.name + end) for end in _LEDGER_FILES]
    left_alone = {path.resolve() for path in (*spared, *ledger)}
    for path in folder.own_paths():
        if path.resolve() in left_alone or not path.is_file():
            continue
        name = path.relative_to(folder.path)
        if path.name.startswith(".") and path.suffix == ".part":
            path.unlink()
        elif path.suffix.lower() in _TABLES:
            rows = _clear_table(path, gone=gone, id_columns=id_columns)
            if rows:
                messages.append(f"Removed {counted(rows, 'row')} from {name}.")
            elif rows is None:
                messages.append(_unread(name))
        elif not path.name.startswith(_WITHOUT_ITEMS):
            messages.append(_unread(name))
    messages += [
        f"{study.relative_to(folder.path)} is another study, and was left alone: if it has the "
        "items, withdraw them there."
        for study in folder.studies_within()
    ]
    return tuple(messages)


def _unread(name: Path) -> str:
    return f"Look into {name} yourself: if it holds withdrawn items, remove them."


def _clear_table(path: Path, *, gone: Collection[str], id_columns: Sequence[str]) -> int | None:
    """Remove the rows of items from a CSV file; return their number, None if ids are unknown."""
    try:
        table = open_table(path)
        # Another column of ids may number something else, and its rows would be lost.
        if not id_columns or not set(id_columns) <= set(table.columns):
            return None
        places = id_places(table, id_columns)
        rows = list(table.rows())
    except TableError:
        return None
    kept = [row for row in rows if row_id(row, places=places, position=0) not in gone]
    if len(kept) < len(rows):
        write_table(
            path,
            kept=table.columns,
            added=(),
            rows=((row, ()) for row in kept),
            format=table.format,
        )
    return len(rows) - len(kept)


def _tables(folder: StudyFolder) -> tuple[Path, ...]:
    return tuple(path for path in (folder.labels, folder.escalations) if path.exists())


def _sha256(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError:
        # A folder of that name or an unreadable file: we did not write it.
        return ""


def _renamed(path: Path, why: str) -> str:
    kept = _free_name(path, why)
    path.rename(kept)
    return kept.name


def _second_name(path: Path) -> Path:
    """Give a file a second name, which it keeps when another file takes the first.

    Raises:
        LocalEnsembleError: the folder is not writable, or the disk is full.
    """
    kept = _free_name(path, "before")
    with reported_writing(path):
        try:
            kept.hardlink_to(path)
        except OSError:
            # Some file systems have one name for each file.
            shutil.copy2(path, kept)
    return kept


def _free_name(path: Path, why: str) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.stem}.{why}-{number}{path.suffix}")).exists():
        number += 1
    return kept
