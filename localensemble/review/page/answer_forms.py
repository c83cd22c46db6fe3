"""Read the forms of the page.

The fields of answers have new names on every page, so that a browser cannot fill in what was
chosen before.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs

from localensemble.codebook.model import Variable
from localensemble.ledger.records import PersonDecision
from localensemble.review.page.review_session import Answer, GivenAnswers

CANNOT_DECIDE = "x"
CODEBOOK_UNCLEAR = "c"
ERROR_TYPES = (
    "negation missed",
    "wrong time or person",
    "context missed",
    "too much read into it",
    "wrong category",
    "text is ambiguous",
    "codebook is unclear",
    "other",
)
"""What reviewers can choose as the raters' mistake."""

LONGEST_NOTE = 4000

_FIELD = re.compile(r"answer-(\d{1,4})-[0-9a-f]{8}")
_MOST_FIELDS = 1000

Fields = Mapping[str, str]


def new_suffix() -> str:
    """Return the end of the field names of one page."""
    return secrets.token_hex(4)


def field_name(variable: int, suffix: str) -> str:
    """Return the name of the field with the answer to a variable."""
    return f"answer-{variable}-{suffix}"


def fields_of(body: bytes) -> Fields:
    """Return the fields of a form, each once: the last value.

    Raises:
        ValueError: this is not a form, or it has too many fields.
    """
    parsed = parse_qs(
        body.decode("ascii"),
        keep_blank_values=True,
        max_num_fields=_MOST_FIELDS,
        errors="replace",
    )
    return {name: values[-1] for name, values in parsed.items()}


def given_answers(fields: Fields, variables: tuple[Variable, ...]) -> GivenAnswers:
    """Return what a reviewer answered; a field that makes no sense is left out."""
    answers: dict[int, Answer] = {}
    for name, value in fields.items():
        matched = _FIELD.fullmatch(name)
        if matched is None or int(matched[1]) >= len(variables):
            continue
        variable = int(matched[1])
        answer = _answer(value, category_count=len(variables[variable].categories))
        if answer is not None:
            answers[variable] = answer
    confidence = fields.get("confidence", "")
    error_type = fields.get("error_type", "")
    note = fields.get("note")
    return GivenAnswers(
        answers,
        confidence=int(confidence) if confidence in ("1", "2", "3") else None,
        error_type=error_type if error_type in ERROR_TYPES else None,
        note=None if note is None else note.replace("\r\n", "\n").strip()[:LONGEST_NOTE],
    )


def given_value(decision: PersonDecision) -> str:
    """Return the value with which the form gives this answer."""
    if decision.category is not None:
        return str(decision.category)
    return CANNOT_DECIDE if decision.kind == "cannot_decide" else CODEBOOK_UNCLEAR


def _answer(value: str, *, category_count: int) -> Answer | None:
    if value == CANNOT_DECIDE:
        return Answer("cannot_decide")
    if value == CODEBOOK_UNCLEAR:
        return Answer("codebook_unclear")
    if value.isascii() and value.isdecimal() and len(value) < 6 and int(value) < category_count:
        return Answer("category", int(value))
    return None
