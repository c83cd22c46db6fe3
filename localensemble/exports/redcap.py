"""Export a study as a CSV file to import into REDCap, with its data dictionary.

Field names and codes are lower case. A multi-label variable is a checkbox field with one column
``NAME___CODE`` per category. The fields ``VARIABLE_decision`` are empty: people fill them in, and
`review import` reads them. Source: REDCap's data dictionary of 18 columns, and its documentation
of field names, codes and checkbox columns ("Creating a Data Dictionary in REDCap", Vanderbilt
University).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.codebook.load import YES
from localensemble.codebook.model import Codebook, Variable
from localensemble.core.files import replaced_text_file
from localensemble.exports.exported_study import ExportedItem, ExportedStudy, Question, questions
from localensemble.study.people.answer_words import ANSWER_WORDS
from localensemble.study.people.final_labels import FINAL_STATUSES
from localensemble.tables.delimited import neutralize_formula, write_table

RECORD_ID, REVIEWER, TEXT, FORM = "record_id", "reviewer", "item_text", "labels"
_COMPLETE, _INCOMPLETE = "2", "0"
_ORIGINS = ("person", "models", "raters")
_LONGEST_NAME = 80  # of 100 characters, so that a checkbox column has room for its code
DICTIONARY_COLUMNS = (
    *("Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label"),
    *("Choices, Calculations, OR Slider Labels", "Field Note"),
    *("Text Validation Type OR Show Slider Number", "Text Validation Min", "Text Validation Max"),
    *("Identifier?", "Branching Logic (Show field only if...)", "Required Field?"),
    *("Custom Alignment", "Question Number (surveys only)", "Matrix Group Name"),
    *("Matrix Ranking?", "Field Annotation"),
)


@dataclass(frozen=True, slots=True)
class QuestionField:
    """The field of a question, and the code of each of its choices."""

    name: str
    question: Question
    codes: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the field in a file of data."""
        if not self.question.is_multiple:
            return (self.name,)
        return tuple(f"{self.name}___{code}" for code in self.codes)


@dataclass(frozen=True, slots=True)
class VariableFields:
    """The fields that a variable has beside that of its question.

    ``words`` maps a code of the field ``decision`` to what a person says by it.
    """

    variable: Variable
    status: str
    origin: str
    decision: str
    words: dict[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """All fields of a codebook."""

    questions: tuple[QuestionField, ...]
    variables: tuple[VariableFields, ...]


def layout(codebook: Codebook) -> Layout:
    """Return the fields of a codebook; the same codebook always has the same ones."""
    taken = {RECORD_ID, REVIEWER, TEXT, f"{FORM}_complete"}
    asked = tuple(
        QuestionField(_name(one.name, taken), one, _codes(one.choices))
        for one in questions(codebook)
    )
    fields = []
    for variable in codebook.variables:
        says = (*variable.answers, *ANSWER_WORDS)
        name = variable.name
        fields.append(
            VariableFields(
                variable,
                status=_name(f"{name}_status", taken),
                origin=_name(f"{name}_origin", taken),
                decision=_name(f"{name}_decision", taken),
                words=dict(zip(_codes(says), says, strict=True)),
            )
        )
    return Layout(asked, tuple(fields))


def write(study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
    """Write the data, and beside it ``NAME.dictionary.csv``."""
    fields = layout(study.codebook)
    own = (RECORD_ID, *((TEXT,) if study.with_texts else ()))
    added = [
        *(column for one in fields.questions for column in one.columns),
        *(name for one in fields.variables for name in (one.status, one.origin, one.decision)),
        *(REVIEWER, f"{FORM}_complete"),
    ]
    write_table(
        path,
        kept=own,
        added=added,
        rows=(
            (
                (item.id, *(() if item.text is None else (item.text,))),
                tuple(_cells(item, fields)),
            )
            for item in study.items()
        ),
    )
    dictionary = path.with_suffix(".dictionary.csv")
    with replaced_text_file(dictionary) as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(DICTIONARY_COLUMNS)
        for name, kind, label, choices in _dictionary(fields, with_texts=study.with_texts):
            cells = {0: name, 1: FORM, 3: kind, 4: neutralize_formula(label), 5: choices}
            writer.writerow([cells.get(place, "") for place in range(len(DICTIONARY_COLUMNS))])
    return (path, dictionary)


def _cells(item: ExportedItem, fields: Layout) -> Iterator[str]:
    for field in fields.questions:
        labels = [item.variables[place].label for place in field.question.places]
        if field.question.is_multiple:
            yield from ("" if one is None else str(int(one == YES)) for one in labels)
        else:
            choices = field.question.choices
            yield "" if labels[0] is None else field.codes[choices.index(labels[0])]
    for row in item.variables:
        yield from (row.status, row.origin or "", "")
    yield ""
    is_complete = all(row.label is not None for row in item.variables)
    yield _COMPLETE if is_complete else _INCOMPLETE


def _dictionary(fields: Layout, *, with_texts: bool) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, type, label and choices of each field."""
    yield RECORD_ID, "text", "Item id", ""
    if with_texts:
        yield TEXT, "notes", "Item text", ""
    for field in fields.questions:
        kind = "checkbox" if field.question.is_multiple else "radio"
        pairs = zip(field.codes, field.question.choices, strict=True)
        yield field.name, kind, field.question.text, _choices(pairs)
    for one in fields.variables:
        name = one.variable.name
        yield one.status, "radio", f"{name}: status", _choices((s, s) for s in FINAL_STATUSES)
        yield one.origin, "radio", f"{name}: whose label it is", _choices((o, o) for o in _ORIGINS)
        yield one.decision, "radio", f"{name}: decision of a person", _choices(one.words.items())
    yield REVIEWER, "text", "Who decided", ""


def _choices(pairs: Iterable[tuple[str, str]]) -> str:
    """Write codes and their labels; a bar would begin another choice."""
    written = [f"{code}, {text.replace('|', '/')}" for code, text in pairs]
    return " | ".join(written)


def _codes(texts: Sequence[str]) -> tuple[str, ...]:
    taken: set[str] = set()
    return tuple(_unique(_plain(text) or "code", taken) for text in texts)


def _name(text: str, taken: set[str]) -> str:
    plain = _plain(text)[:_LONGEST_NAME].strip("_")
    return _unique(plain if plain[:1].isalpha() else f"v_{plain}".rstrip("_"), taken)


def _plain(text: str) -> str:
    """Return lower-case letters without accents, digits, and single underscores."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", folded).strip("_")


def _unique(wanted: str, taken: set[str]) -> str:
    found, number = wanted, 1
    while found in taken:
        number += 1
        found = f"{wanted}_{number}"
    taken.add(found)
    return found
