"""Write a worksheet as an Excel workbook with drop-down lists.

Every cell is text: ids keep their zeros, and nothing is run as a formula or turned into a date.
What is not to be edited is locked; the protection has no password, so it prevents accidents only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from localensemble.core.errors import InputError
from localensemble.core.files import replaced_binary_file
from localensemble.core.workbook_library import workbook_library
from localensemble.review.worksheets.asked_items import (
    DECISION_PREFIX,
    NOTE_COLUMN,
    OPEN_COLUMN,
    REVIEWER_COLUMN,
    Worksheet,
    answers_of,
)
from localensemble.study.people.answer_words import CANNOT_DECIDE, CODEBOOK_UNCLEAR
from localensemble.tables.workbook_text import MOST_CELL_CHARACTERS, refuse_too_large, workbook_text

ITEM_SHEET = "Worksheet"
CODEBOOK_SHEET = "Codebook"
_LISTS_SHEET = "Lists"
_MOST_PROMPT, _MOST_PROMPT_TITLE = 255, 32  # a longer one damages the workbook
_WIDTHS = {"id": 16, "text": 80, OPEN_COLUMN: 22, NOTE_COLUMN: 40, REVIEWER_COLUMN: 16}
_OTHER_WIDTH = 26
_GREY = "FFEFEFEF"
_HEADER = "FFD9E2EC"
_TO_FILL_IN = "FFFFFBE6"


def write_workbook_worksheet(worksheet: Worksheet, path: Path) -> None:
    """Write one row per item and a sheet with the codebook; only the owner can read the file.

    Raises:
        InputError: a workbook cannot hold a text or all the rows.
    """
    _refuse_what_does_not_fit(worksheet, path)
    # Imported here because it takes 0.2 s.
    book = workbook_library().Workbook()
    book.properties.creator = "localensemble"
    sheet = book.active
    sheet.title = ITEM_SHEET
    columns = (*worksheet.item_columns, *worksheet.added_columns)
    _write_items(sheet, worksheet, columns)
    _write_codebook(book.create_sheet(CODEBOOK_SHEET), worksheet)
    lists = book.create_sheet(_LISTS_SHEET)
    lists.sheet_state = "hidden"
    _offer_lists(sheet, lists, worksheet, columns)
    _protect(sheet)
    with replaced_binary_file(path) as stream:
        book.save(stream)


def _refuse_what_does_not_fit(worksheet: Worksheet, path: Path) -> None:
    refuse_too_large(
        path,
        rows=len(worksheet.items) + 1,
        columns=len(worksheet.item_columns) + len(worksheet.added_columns),
        hint="Write fewer items with --n, or write a CSV or an HTML file.",
    )
    for item in worksheet.items:
        if item.text is not None and len(item.text) > MOST_CELL_CHARACTERS:
            raise InputError(
                f'Cannot write {path.name}: the text of item "{item.id}" has '
                f"{len(item.text):,} characters, but a cell of a workbook holds at most "
                f"{MOST_CELL_CHARACTERS:,}.",
                hint="Texts are never cut. Write a CSV or an HTML file: end the name with .csv "
                "or .html.",
            )


def _write_items(sheet: Any, worksheet: Worksheet, columns: Sequence[str]) -> None:
    styles = _styles()
    for place, name in enumerate(columns, start=1):
        _fill(sheet.cell(1, place), name, styles["header"])
        sheet.column_dimensions[_letter(place)].width = _WIDTHS.get(name, _OTHER_WIDTH)
    for row, item in enumerate(worksheet.items, start=2):
        open_columns = {NOTE_COLUMN, *(f"{DECISION_PREFIX}{name}" for name in item.open)}
        cells = (*worksheet.item_cells(item), *worksheet.added_cells(item))
        for place, (name, text) in enumerate(zip(columns, cells, strict=True), start=1):
            if name in open_columns:
                style = "open"
            else:
                style = "closed" if name.startswith(DECISION_PREFIX) else "kept"
            _fill(sheet.cell(row, place), text, styles[style])
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = f"A1:{_letter(len(columns))}{len(worksheet.items) + 1}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"


def _write_codebook(sheet: Any, worksheet: Worksheet) -> None:
    """Write the definitions and rules. The examples are left out: they may be item texts."""
    styles = _styles()
    for place, width in enumerate((24, 30, 80), start=1):
        sheet.column_dimensions[_letter(place)].width = width
    for row, cells in enumerate(_codebook_rows(worksheet), start=1):
        for place, text in enumerate(cells, start=1):
            _fill(sheet.cell(row, place), text, styles["header" if row == 1 else "kept"])
    sheet.freeze_panes = "A2"
    _protect(sheet)


def _codebook_rows(worksheet: Worksheet) -> Iterator[tuple[str, str, str]]:
    yield "variable", "category", "meaning"
    for variable in worksheet.variables:
        yield variable.name, "", variable.question
        for category in variable.categories:
            yield variable.name, category.name, category.definition
        yield variable.name, CANNOT_DECIDE, "The text does not allow a decision."
        yield variable.name, CODEBOOK_UNCLEAR, "The codebook does not settle this text."
        for number, rule in enumerate(variable.rules, start=1):
            yield variable.name, f"(rule {number})", rule


def _offer_lists(sheet: Any, lists: Any, worksheet: Worksheet, columns: Sequence[str]) -> None:
    """Give each column of decisions its drop-down list.

    The lists are ranges of a hidden sheet: one written into the cell's rule may have 255
    characters, and splits a name at its comma.
    """
    validation = import_module("openpyxl.worksheet.datavalidation")
    style = _styles()["kept"]
    for number, variable in enumerate(worksheet.variables, start=1):
        answers = [*answers_of(variable)]
        for row, answer in enumerate(answers, start=1):
            _fill(lists.cell(row, number), answer, style)
        letter = _letter(number)
        offered = validation.DataValidation(
            type="list",
            formula1=f"{_LISTS_SHEET}!${letter}$1:${letter}${len(answers)}",
            allow_blank=True,
            showErrorMessage=True,
            errorTitle="Not in the codebook",
            error="Choose one of the answers in the list.",
            showInputMessage=True,
            promptTitle=_cut(variable.name, _MOST_PROMPT_TITLE),
            prompt=_cut(variable.question, _MOST_PROMPT),
        )
        place = _letter(columns.index(f"{DECISION_PREFIX}{variable.name}") + 1)
        offered.add(f"{place}2:{place}{len(worksheet.items) + 1}")
        sheet.add_data_validation(offered)


def _protect(sheet: Any) -> None:
    protection = sheet.protection
    protection.sheet = True
    # These name what is forbidden: a person may change widths and use the filter.
    for allowed in ("formatCells", "formatColumns", "formatRows", "autoFilter"):
        setattr(protection, allowed, False)


def _styles() -> Mapping[str, Mapping[str, Any]]:
    style = import_module("openpyxl.styles")
    wrapped = style.Alignment(wrap_text=True, vertical="top")
    thin = style.Side(style="thin", color="FFBFC5CC")
    locked, unlocked = style.Protection(locked=True), style.Protection(locked=False)
    plain = {"alignment": wrapped, "number_format": "@", "protection": locked}

    def filled(color: str) -> Any:
        return style.PatternFill("solid", start_color=color)

    return {
        "kept": plain,
        "header": plain | {"font": style.Font(bold=True), "fill": filled(_HEADER)},
        "closed": plain | {"fill": filled(_GREY)},
        "open": plain
        | {
            "protection": unlocked,
            "fill": filled(_TO_FILL_IN),
            "border": style.Border(left=thin, right=thin, top=thin, bottom=thin),
        },
    }


def _fill(cell: Any, text: str, style: Mapping[str, Any]) -> None:
    if text:
        cell.value = workbook_text(text)
        # openpyxl takes a text that begins with "=" for a formula, and "#N/A" for an error.
        cell.data_type = "s"
    for name, value in style.items():
        setattr(cell, name, value)
    if text:
        # Excel then keeps the cell as text, even if somebody edits it.
        cell.quotePrefix = True


def _letter(place: int) -> str:
    letter: str = import_module("openpyxl.utils").get_column_letter(place)
    return letter


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
