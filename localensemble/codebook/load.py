"""Load a codebook: turn a YAML file into the frozen values of `model`.

Also accepts the same content as a dictionary, and a codebook built in Python. Refuses whatever
`document` and `shape` refuse, with the file, the line, the path and what to do; content built in
Python has no lines. Decides the form in which texts are stored (without outer white space, names
in composed Unicode) and what a multi-label variable means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from localensemble.codebook.deidentification import Deidentification, Identifiers, TextPattern
from localensemble.codebook.document import Document, Place, read_document
from localensemble.codebook.model import (
    AlwaysReview,
    BelowRequired,
    Category,
    Codebook,
    Example,
    RequiredAgreement,
    Variable,
)
from localensemble.codebook.names import clean_name, slug
from localensemble.codebook.shape import (
    CATEGORY_MARK,
    SHAPES,
    CategoryShape,
    CodebookShape,
    ExampleShape,
    Problem,
    VariableShape,
    closest,
    problems,
)
from localensemble.codebook.span_variables import without_span_variables
from localensemble.core.coefficient_names import CODEBOOK_COEFFICIENTS
from localensemble.core.errors import CodebookError

YES, NO = "yes", "no"
_NO_DEFINITION = "That does not apply to the text."
_SHOWN_PROBLEMS = 5
_PERMITTED = {
    "level": ("binary", "nominal", "ordinal", "multi_label"),
    "coefficient": CODEBOOK_COEFFICIENTS,
    "below": get_args(BelowRequired),
    "identifiers": get_args(Identifiers),
}
_NAME_OF = {"level": "level", "coefficient": "coefficient"}
_KIND_OF = {
    str: "text",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "keys with values",
    type(None): "nothing",
}


CodebookSource = Path | Mapping[str, Any] | Codebook
"""A YAML file, the same content as a dictionary, or a codebook built in Python."""

_BUILT = Path("codebook")


def load_codebook(source: CodebookSource) -> Codebook:
    """Load a codebook from a YAML 1.2 file, or from the same content in Python.

    A variable of level ``multi_label`` becomes one binary variable per category, named
    ``<variable>.<category>``, with the categories ``yes`` and ``no``.

    Raises:
        CodebookError: the file cannot be read, or is incomplete or invalid; the message names
            the first problems, in file order.
    """
    if isinstance(source, Codebook):
        return _checked_again(source)
    document = read_document(source) if isinstance(source, Path) else _built(source)
    if not isinstance(document.value, dict):
        raise document.error(
            (),
            "expected keys with values, found something else.",
            hint="Start with the keys `name:`, `version:` and `variables:`.",
        )
    return _codebook(_shape(without_span_variables(document)))


def _built(content: Mapping[str, Any]) -> Document:
    return Document(_BUILT, dict(content), {})


def _checked_again(codebook: Codebook) -> Codebook:
    """Refuse a codebook built in Python if its YAML file would be refused."""
    content = codebook.as_json()
    variables = content["variables"]
    if not isinstance(variables, list):
        raise TypeError("Expected the variables of a codebook as a list.")
    for variable in variables:
        name, dot, category = variable["name"].partition(".")
        if dot and slug(category) == category and variable["level"] == "binary":
            # Expanded from a multi-label variable; a file could not use this name.
            variable["name"] = f"{name}_{category}"
    loaded = _codebook(_shape(_built(content)))
    return replace(
        loaded,
        variables=tuple(
            replace(checked, name=clean_name(built.name))
            for checked, built in zip(loaded.variables, codebook.variables, strict=True)
        ),
        deidentify=codebook.deidentify,
    )


def _shape(document: Document) -> CodebookShape:
    try:
        shape = _validated(document)
    except ValidationError as error:
        found = _shape_problems(error.errors(include_url=False))
        # Not chained: the exception contains the texts of the examples.
        raise _refusal(document, found) from None
    misfits = list(problems(shape))
    if misfits:
        raise _refusal(document, misfits)
    return shape


def _validated(document: Document) -> CodebookShape:
    """Read the shape; where text is expected, ``1`` and ``true`` are text, as ``yes`` is.

    Raises:
        ValidationError: a key or a type is wrong.
    """
    try:
        return CodebookShape.model_validate(document.value)
    except ValidationError as error:
        places: list[Place] = [
            details["loc"]
            for details in error.errors(include_url=False)
            if details["type"] == "string_type" and document.written.get(details["loc"])
        ]
        if not places:
            raise
    for *inner, last in places:
        holder: Any = document.value
        for step in inner:
            holder = holder[step]
        holder[last] = document.written[*inner, last]
    return CodebookShape.model_validate(document.value)


def _refusal(document: Document, found: list[Problem]) -> CodebookError:
    first, *others = sorted(found, key=lambda problem: document.line(problem.place))
    message = f"{document.path.name}, {document.describe(first.place)}: {first.found}"
    for problem in others[: _SHOWN_PROBLEMS - 1]:
        message += f"\nAlso {document.describe(problem.place)}: {problem.found}"
    if len(others) >= _SHOWN_PROBLEMS:
        message += f"\nAnd {len(others) - _SHOWN_PROBLEMS + 1} more."
    return CodebookError(message, hint=first.hint)


def _shape_problems(errors: list[ErrorDetails]) -> list[Problem]:
    found = [_shape_problem(details) for details in errors]
    meant = {
        (*details["loc"][:-1], near)
        for details in errors
        if details["type"] == "extra_forbidden"
        for near in get_close_matches(str(details["loc"][-1]), _keys_at(details["loc"]), n=1)
    }
    # A misspelled key is one mistake; do not also report the correct key as missing.
    return [
        problem
        for problem, details in zip(found, errors, strict=True)
        if details["type"] != "missing" or details["loc"] not in meant
    ]


def _shape_problem(details: ErrorDetails) -> Problem:
    place: Place = details["loc"]
    kind, given = details["type"], details["input"]
    key = str(place[-1])
    found_kind = _KIND_OF.get(type(given), "something else")
    if kind == "missing":
        return Problem(place, "the key is missing.", _missing_hint(key))
    if kind == "extra_forbidden":
        return Problem(place, f'unknown key "{key}".', closest(key, _keys_at(place)))
    if kind == "string_type":
        hint = (
            "Put it in quotes, so that it is read as text."
            if isinstance(given, float | bool)
            else "Write a text after the colon."
        )
        return Problem(place, f"expected text, found {found_kind}.", hint)
    if kind == "literal_error":
        known = [str(word) for word in _PERMITTED[key]]
        return Problem(
            place,
            f"unknown {_NAME_OF.get(key, 'word')}; expected one of {', '.join(known)}.",
            closest(str(given), known),
        )
    if kind == "list_type":
        return Problem(
            place, f"expected a list, found {found_kind}.", 'Start each entry with "- ".'
        )
    if key == "at_least":
        return Problem(
            place, "expected a number from -1 to 1.", "Write, for example, `at_least: 0.6`."
        )
    if kind in {"greater_than", "less_than", "float_type", "finite_number"}:
        return Problem(
            place,
            "expected a probability greater than 0 and less than 1.",
            "Write, for example, `always_review_above: 0.2`.",
        )
    if kind == "bool_type":
        return Problem(
            place, f"expected true or false, found {found_kind}.", "Write `true` or `false`."
        )
    return Problem(
        place,
        f"expected keys with values, found {found_kind}.",
        f"Give it the keys {', '.join(_keys_at((*place, '')))}.",
    )


def _keys_at(place: Place) -> list[str]:
    """List the keys that are allowed at ``place``."""
    lists = [step for step in place[:-1] if isinstance(step, str)]
    shape = SHAPES[lists[-1]] if lists else CodebookShape
    return list(shape.model_fields)


def _missing_hint(key: str) -> str:
    return {
        "version": 'Write, for example, `version: "1"`.',
        "level": "Write `level:` with binary, nominal, ordinal or multi_label.",
        "definition": "Every category needs a definition; write one sentence that says what "
        "belongs here.",
        "question": "Every variable needs a question for the raters.",
        "coefficient": "Write, for example, `coefficient: AC1`.",
        "at_least": "Write, for example, `at_least: 0.6`.",
        "below": "Write `below: review` to send every item to a person, or `below: warn`.",
    }.get(key, f"Add the line `{key}: ...`.")


def _codebook(shape: CodebookShape) -> Codebook:
    variables: list[Variable] = []
    for written in shape.variables:
        if written.level == "multi_label":
            variables.extend(_binary_variables(written))
        else:
            variables.append(
                Variable(
                    name=clean_name(written.name),
                    level=written.level,
                    question=written.question.strip(),
                    categories=tuple(map(_category, written.categories)),
                    rules=_rules(written),
                    examples=tuple(
                        _example(example, clean_name(example.category or ""))
                        for example in written.examples
                    ),
                    required_agreement=_required(written),
                )
            )
    return Codebook(
        name=clean_name(shape.name),
        version=clean_name(shape.version),
        description=shape.description.strip(),
        variables=tuple(variables),
        no_answer=tuple(text.strip() for text in shape.no_answer),
        deidentify=_deidentification(shape),
    )


def _deidentification(shape: CodebookShape) -> Deidentification | None:
    written = shape.deidentify
    if written is None:
        return None
    patterns = tuple(TextPattern(one.name, one.pattern) for one in written.patterns)
    return Deidentification(written.identifiers, patterns)


def _binary_variables(written: VariableShape) -> list[Variable]:
    """Expand a multi-label variable into one yes/no variable per category."""
    return [
        Variable(
            name=f"{clean_name(written.name)}.{slug(category.name)}",
            level="binary",
            question=written.question.strip().replace(CATEGORY_MARK, clean_name(category.name)),
            categories=(
                Category(YES, category.definition.strip(), _always_review(category)),
                Category(NO, _NO_DEFINITION),
            ),
            rules=_rules(written),
            examples=tuple(
                _example(example, YES if _applies(example, category) else NO)
                for example in written.examples
            ),
            required_agreement=_required(written),
        )
        for category in written.categories
    ]


def _applies(example: ExampleShape, category: CategoryShape) -> bool:
    return clean_name(category.name) in map(clean_name, example.categories or ())


def _rules(written: VariableShape) -> tuple[str, ...]:
    return tuple(rule.strip() for rule in written.rules)


def _required(written: VariableShape) -> RequiredAgreement | None:
    found = written.required_agreement
    return RequiredAgreement(found.coefficient, found.at_least, found.below) if found else None


def _category(written: CategoryShape) -> Category:
    return Category(clean_name(written.name), written.definition.strip(), _always_review(written))


def _always_review(written: CategoryShape) -> AlwaysReview | None:
    if written.always_review or written.always_review_above is not None:
        return AlwaysReview(written.always_review_above)
    return None


def _example(written: ExampleShape, category: str) -> Example:
    return Example(written.text.strip(), category, written.reason.strip())
