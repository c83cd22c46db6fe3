"""Check a codebook, or write one to start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localensemble.codebook.check import SharedRemark, check_codebook, shared_remarks
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Codebook
from localensemble.codebook.scaffold import find_label_columns, scaffold_codebook
from localensemble.core.errors import InputError
from localensemble.core.files import replaced_text_file
from localensemble.core.resources import examples_dir
from localensemble.tables.item_file import ItemFile
from localensemble.tables.table_files import open_item_table

__all__ = ["SharedRemark", "StartFiles", "check", "init"]


@dataclass(frozen=True, slots=True)
class StartFiles:
    """The files that `init` wrote, and the columns it took for labels."""

    codebook: Path
    ensemble: Path
    label_columns: tuple[str, ...]
    messages: tuple[str, ...]


def check(codebook: Path) -> tuple[Codebook, tuple[SharedRemark, ...]]:
    """Load a codebook and list what a methodologist would object to.

    Raises:
        CodebookError: the file cannot be used.
    """
    loaded = load_codebook(codebook)
    return loaded, shared_remarks(check_codebook(loaded))


def init(
    items: Path, *, folder: Path, id_column: str | None = None, text_column: str | None = None
) -> StartFiles:
    """Draft ``codebook.yaml`` and ``ensemble.yaml`` from the columns of a table.

    The codebook has one variable for each column that looks like existing labels, and
    placeholders for what only you can decide. Existing files are never overwritten.

    Raises:
        InputError: the table cannot be used, or one of the two files exists.
    """
    table = ItemFile.open(items, id_column=id_column, text_column=text_column)
    codebook, ensemble = folder / "codebook.yaml", folder / "ensemble.yaml"
    for path in (codebook, ensemble):
        if path.exists():
            raise InputError(
                f"Cannot write {path}: it already exists.",
                hint="Move it away, or choose another folder with --output.",
            )
    leave_out = (*table.id_columns, table.text_column)
    columns = find_label_columns(open_item_table(items), leave_out=leave_out)
    folder.mkdir(parents=True, exist_ok=True)
    with replaced_text_file(codebook) as stream:
        stream.write(scaffold_codebook(items.stem, label_columns=columns))
    with replaced_text_file(ensemble) as stream:
        stream.write((examples_dir() / "ensemble.yaml").read_text(encoding="utf-8"))
    return StartFiles(codebook, ensemble, tuple(columns), table.messages)
