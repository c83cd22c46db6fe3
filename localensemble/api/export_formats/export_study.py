"""Export a study: its labels, its raters' labels and people's decisions, in one format."""

from __future__ import annotations

from dataclasses import dataclass
from glob import escape
from pathlib import Path

from localensemble.api.deidentified.people_texts import people_texts, without_identifiers
from localensemble.core.errors import InputError
from localensemble.core.labels import ItemId
from localensemble.exports.export_formats import EXPORT_FORMATS, ExportFormat, item_count
from localensemble.exports.exported_study import ExportedStudy
from localensemble.exports.rows import DecidedStudy
from localensemble.study.folder_files.kept_tables import keeping_previous
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly, has_texts, items_of
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_file import ItemFile

__all__ = ["ExportFormat", "WrittenExport", "export_study"]


@dataclass(frozen=True, slots=True)
class WrittenExport:
    """What was exported.

    Attributes:
        files: the files that were written, the main one first.
        item_count: the number of items in it.
        open_count: decisions in it that people must still make; their labels are empty.
        with_texts: whether it holds item texts.
        messages: whether the texts have identifiers that raters did not see; what files of these
            names held before, and where it is kept.
    """

    files: tuple[Path, ...]
    item_count: int
    open_count: int
    with_texts: bool
    messages: tuple[str, ...] = ()


def export_study(
    study: Path,
    *,
    format: ExportFormat,  # noqa: A002
    output: Path,
    items: TableSource | None = None,
    include_text: bool = False,
    id_column: str | None = None,
    text_column: str | None = None,
    deidentify: Path | None = None,
) -> WrittenExport:
    """Export a study to one format.

    Without ``include_text`` no file holds an item's text or a person's note.

    Args:
        study: the study folder.
        format: the format.
        output: the file to write; what a file of that name held is kept beside it.
        items: the table that was labeled; needed for texts only.
        include_text: export the texts of the items, and the notes of people.
        id_column: column of ``items`` that identifies an item; None detects it.
        text_column: column of ``items`` that holds the text; None detects it.
        deidentify: the codebook that says which identifiers to replace in the texts; None exports
            them as they are.

    Raises:
        InputError: the table is missing or is not the one that was labeled, or the format
            cannot hold the study.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    if format not in EXPORT_FORMATS:
        raise InputError(
            f'Unknown export format "{format}".',
            hint=f"Choose one of: {', '.join(EXPORT_FORMATS)}.",
        )
    texts = people_texts(deidentify)
    with Study.open(study) as loaded:
        table = without_identifiers(
            _items(loaded, items, include_text, id_column, text_column), deidentify
        )
        decided = DecidedStudy.of(loaded, items=table, decisions=loaded.decide())
        exported = ExportedStudy.of(
            loaded,
            decided,
            with_texts=include_text,
            shown_note=lambda note: texts.text(note, where="a note"),
        )
        with keeping_previous(*_beside(output)) as kept:
            files = EXPORT_FORMATS[format].write(exported, path=output)
        return WrittenExport(
            files,
            item_count(exported, format=format),
            0
            if format == "hard-samples"
            else sum(int(final.open.sum()) for final in decided.finals),
            include_text,
            (*_about_identifiers(loaded, include_text, deidentify), *kept),
        )


def _about_identifiers(loaded: Study, with_texts: bool, deidentify: Path | None) -> tuple[str, ...]:
    if not with_texts:
        return ()
    if deidentify is not None:
        return (
            f"Identifiers in the texts were replaced as {deidentify.name} says; patterns miss "
            "some.",
        )
    if loaded.run.settings.deidentified is None:
        return ()
    return (
        "The texts are those of the table, with the identifiers that raters did not see. "
        "`--deidentify CODEBOOK` replaces them in the export.",
    )


def _beside(output: Path) -> tuple[Path, ...]:
    """Return the files that an export may replace: its own, and those named after it."""
    if output.is_dir():
        return tuple(sorted(output.glob("*.csv")))
    named = output.parent.glob(f"{escape(output.stem)}.*")
    return tuple(sorted(one for one in named if ".before-" not in one.name))


def _items(
    loaded: Study,
    items: TableSource | None,
    include_text: bool,
    id_column: str | None,
    text_column: str | None,
) -> ItemFile | IdsOnly:
    if include_text and not has_texts(loaded):
        raise InputError(
            "Cannot export texts: the study was imported without texts.",
            hint="Leave out --include-text.",
        )
    if items is None and include_text:
        raise InputError(
            "Cannot export texts without the table that was labeled: a study does not keep texts.",
            hint="Give the table with --items, or leave out --include-text.",
        )
    if items is None:
        labels = loaded.recorded
        return IdsOnly(labels.reader.path, tuple(map(ItemId, labels.item_ids)))
    return items_of(loaded, items, id_column=id_column, text_column=text_column)
