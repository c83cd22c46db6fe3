"""Check a codebook, or write one to start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localensemble.catalog.first_ensemble import (
    choose_models,
    ensemble_text,
    pull_arguments,
    too_few,
)
from localensemble.codebook.check import SharedRemark, check_codebook, shared_remarks
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Codebook
from localensemble.codebook.refi_qda import read_qdc
from localensemble.codebook.scaffold import (
    doubtful_sentences,
    find_label_columns,
    scaffold_codebook,
    scaffold_of_codes,
)
from localensemble.core.errors import InputError
from localensemble.core.files import replaced_text_file, reported_writing
from localensemble.engines.machine import machine_memory
from localensemble.tables.item_file import ItemFile
from localensemble.tables.table_files import open_item_table

__all__ = ["SharedRemark", "StartFiles", "check", "init"]


@dataclass(frozen=True, slots=True)
class StartFiles:
    """What `init` wrote, and what it found.

    Attributes:
        codebook: the codebook, written or kept.
        ensemble: the ensemble file, written or kept; None if this machine has no model for it.
        kept: which of the two existed and were left as they are.
        raters: the models in an ensemble file that was written.
        pull: arguments of `models pull` for models that fit this machine; empty if there is an
            ensemble file or nothing fits.
        label_columns: the columns that were taken for labels.
        messages: what else to know, in sentences.
    """

    codebook: Path
    ensemble: Path | None
    kept: tuple[Path, ...]
    raters: tuple[str, ...]
    pull: tuple[str, ...]
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
    items: Path,
    *,
    folder: Path,
    codes: Path | None = None,
    id_column: str | None = None,
    text_column: str | None = None,
) -> StartFiles:
    """Draft ``codebook.yaml`` from the columns of a table, and ``ensemble.yaml`` of models here.

    The codebook has one variable for each column that looks like existing labels, and
    placeholders for what only you can decide. The ensemble has up to three models that were
    pulled or added, never the embedded ones; without such a model, it is not written. Files that
    exist are kept.

    Args:
        items: the table of items.
        folder: the folder for the two files.
        codes: a REFI-QDA codebook (``.qdc``) to draft the codebook from, instead of the columns.
        id_column: column that identifies an item; None detects it.
        text_column: column that holds the text; None detects it.

    Raises:
        CodebookError: ``codes`` is not a REFI-QDA codebook.
        InputError: the table cannot be used, or both files exist.
        LocalEnsembleError: the folder cannot be made or written to.
    """
    table = ItemFile.open(items, id_column=id_column, text_column=text_column)
    codebook, ensemble = folder / "codebook.yaml", folder / "ensemble.yaml"
    kept = tuple(path for path in (codebook, ensemble) if path.exists())
    if len(kept) == 2:
        raise InputError(
            f"Nothing to write: {codebook} and {ensemble} already exist.",
            hint="Move them away, or choose another folder with --output.",
        )
    coded = () if codes is None else read_qdc(codes)
    with reported_writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    columns: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    if coded and codes is not None and codebook not in kept:
        with replaced_text_file(codebook) as stream:
            stream.write(scaffold_of_codes(codes.stem, coded))
    elif codebook not in kept:
        leave_out = (*table.id_columns, table.text_column)
        found = find_label_columns(open_item_table(items), leave_out=leave_out)
        with replaced_text_file(codebook) as stream:
            stream.write(scaffold_codebook(items.stem, label_columns=found))
        columns, doubtful = tuple(found), doubtful_sentences(found)
    memory = machine_memory().total
    models = () if ensemble in kept else choose_models(memory)
    if models:
        with replaced_text_file(ensemble) as stream:
            stream.write(ensemble_text(models))
    few = (too_few(models),) if models and too_few(models) else ()
    there = bool(models) or ensemble in kept
    return StartFiles(
        codebook,
        ensemble if there else None,
        kept,
        tuple(model.name for model in models),
        () if there else pull_arguments(memory),
        columns,
        (*table.messages, *doubtful, *few),
    )
