"""Define what a codebook file may contain: its keys, their types, and what must be consistent.

Shapes refuse unknown keys and wrong types; `problems` finds what types cannot express. Whether
a codebook makes sense is not decided here; see `check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from localensemble.codebook.deidentification import Identifiers, TextPattern
from localensemble.codebook.deidentification import problems as pattern_problems
from localensemble.codebook.document import Place
from localensemble.codebook.model import BelowRequired
from localensemble.codebook.names import clean_name, column_name_problem, fold, name_problem, slug
from localensemble.codebook.non_answers import USUAL_NON_ANSWERS
from localensemble.core.coefficient_names import COEFFICIENTS_OF_ORDER, AgreementCoefficient

MULTI_LABEL = "multi_label"
CATEGORY_MARK = "{category}"


class Shape(BaseModel):
    """Refuse unknown keys, and do not convert types."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class CategoryShape(Shape):
    """One entry of ``categories``."""

    name: str
    definition: str
    always_review: bool | None = None
    always_review_above: float | None = Field(default=None, gt=0, lt=1, allow_inf_nan=False)


class ExampleShape(Shape):
    """One entry of ``examples``; ``categories`` is for multi-label variables."""

    text: str
    category: str | None = None
    categories: list[str] | None = None
    reason: str = ""


class RequiredAgreementShape(Shape):
    """The content of ``required_agreement``."""

    coefficient: AgreementCoefficient
    at_least: float = Field(ge=-1, le=1, allow_inf_nan=False)
    below: BelowRequired


class VariableShape(Shape):
    """One entry of ``variables``."""

    name: str
    level: Literal["binary", "nominal", "ordinal", "multi_label"]
    question: str
    categories: list[CategoryShape]
    rules: list[str] = []
    examples: list[ExampleShape] = []
    required_agreement: RequiredAgreementShape | None = None


class PatternShape(Shape):
    """One entry of ``patterns``."""

    name: str
    pattern: str


class DeidentifyShape(Shape):
    """The content of ``deidentify``."""

    identifiers: Identifiers = "built_in"
    patterns: list[PatternShape] = []


class CodebookShape(Shape):
    """The whole file."""

    name: str
    version: str
    description: str = ""
    variables: list[VariableShape]
    no_answer: list[str] = list(USUAL_NON_ANSWERS)
    deidentify: DeidentifyShape | None = None


SHAPES: dict[str, type[Shape]] = {
    "variables": VariableShape,
    "categories": CategoryShape,
    "examples": ExampleShape,
    "required_agreement": RequiredAgreementShape,
    "deidentify": DeidentifyShape,
    "patterns": PatternShape,
}


class Problem(NamedTuple):
    """A problem: where it is, what was found against what was expected, and what to do."""

    place: Place
    found: str
    hint: str


def problems(codebook: CodebookShape) -> Iterator[Problem]:
    """Find what the types allow but the meaning does not, in file order."""
    yield from _empty_text(("name",), codebook.name, "A codebook needs a name.")
    yield from _empty_text(("version",), codebook.version, 'Write, for example, `version: "1"`.')
    for number, text in enumerate(codebook.no_answer):
        yield from _empty_text(
            ("no_answer", number), text, "Remove the entry: a blank text is never an answer."
        )
    if codebook.deidentify is not None:
        yield from _deidentify_problems(codebook.deidentify)
    if not codebook.variables:
        yield Problem(("variables",), "the list is empty.", "Add at least one variable.")
    seen: dict[str, int] = {}
    for index, variable in enumerate(codebook.variables):
        place: Place = ("variables", index)
        found = column_name_problem(clean_name(variable.name))
        if found:
            yield Problem(
                (*place, "name"), found, f'Use, for example, "{_suggested_name(variable.name)}".'
            )
        first = seen.setdefault(fold(variable.name), index)
        if first != index:
            yield Problem(
                (*place, "name"),
                f"variables[{first}] has the same name.",
                "Give every variable a name of its own; upper and lower case count as equal.",
            )
        yield from _empty_text(
            (*place, "question"), variable.question, "Ask it as you would ask a person."
        )
        yield from _category_problems(variable, place)
        required = variable.required_agreement
        if (
            required
            and required.coefficient in COEFFICIENTS_OF_ORDER
            and variable.level != "ordinal"
        ):
            yield Problem(
                (*place, "required_agreement", "coefficient"),
                f"{required.coefficient} weights categories by their order, but categories of "
                f"level {variable.level} have no order.",
                "Write `coefficient: AC1`.",
            )
        for number, rule in enumerate(variable.rules):
            yield from _empty_text(
                (*place, "rules", number), rule, "Write the rule, or remove the line."
            )
        for number, example in enumerate(variable.examples):
            yield from _example_problems(variable, example, (*place, "examples", number))


def _deidentify_problems(shape: DeidentifyShape) -> Iterator[Problem]:
    patterns = [TextPattern(one.name, one.pattern) for one in shape.patterns]
    for one in pattern_problems(shape.identifiers, patterns):
        place: Place = ("deidentify",)
        if one.place is not None:
            place = (*place, "patterns", one.place, one.key)
        yield Problem(place, one.found, one.hint)


def _category_problems(variable: VariableShape, place: Place) -> Iterator[Problem]:
    count = len(variable.categories)
    least, most = {"binary": (2, 2), "nominal": (2, None), "ordinal": (3, None)}.get(
        variable.level, (1, None)
    )
    if count < least or (most is not None and count > most):
        yield Problem(
            (*place, "categories"),
            f"there are {count} categories; level {variable.level} takes "
            f"{'exactly' if least == most else 'at least'} {least}.",
            "Add or remove categories, or change `level` (binary: 2, nominal: 2 or more, "
            "ordinal: 3 or more in order, multi_label: any that apply).",
        )
    seen: dict[str, int] = {}
    seen_slugs: dict[str, int] = {}
    for index, category in enumerate(variable.categories):
        where: Place = (*place, "categories", index)
        name = clean_name(category.name)
        found = name_problem(name)
        if found:
            yield Problem(
                (*where, "name"), found, "Write the name as raters should answer, on one line."
            )
        elif (first := seen.setdefault(fold(name), index)) != index:
            yield Problem(
                (*where, "name"),
                f"categories[{first}] has the same name.",
                "Give every category a name of its own; upper and lower case count as equal.",
            )
        elif variable.level == MULTI_LABEL:
            yield from _slug_problems(name, (*where, "name"), seen_slugs, index)
        yield from _empty_text(
            (*where, "definition"),
            category.definition,
            "Every category needs a definition; write one sentence that says what belongs here.",
        )
        if category.always_review is False and category.always_review_above is not None:
            yield Problem(
                (*where, "always_review_above"),
                "a probability is given, but always_review is false.",
                "Remove one of the two keys.",
            )
    if variable.level == MULTI_LABEL and CATEGORY_MARK not in variable.question:
        yield Problem(
            (*place, "question"),
            f"a multi_label question must contain {CATEGORY_MARK}; it is asked once per category.",
            'Write, for example, "Does the text mention {category}?".',
        )


def _slug_problems(name: str, where: Place, seen: dict[str, int], index: int) -> Iterator[Problem]:
    part = slug(name)
    first = seen.setdefault(part, index)
    if not part or first != index:
        yield Problem(
            where,
            f'the column name made from it is "{part}"'
            + (f", the same as for categories[{first}]." if part else ", which is empty."),
            "Choose a name whose letters and digits distinguish it from the others.",
        )


def _example_problems(
    variable: VariableShape, example: ExampleShape, place: Place
) -> Iterator[Problem]:
    yield from _empty_text((*place, "text"), example.text, "Write the text, or remove the example.")
    multi = variable.level == MULTI_LABEL
    wanted, other = ("categories", "category") if multi else ("category", "categories")
    given = {"category": example.category, "categories": example.categories}
    if given[other] is not None or given[wanted] is None:
        yield Problem(
            (*place, other) if given[other] is not None else place,
            f"an example of a variable of level {variable.level} takes the key `{wanted}`"
            + (f", not `{other}`." if given[other] is not None else "."),
            "Write `categories: [first, second]`, or `categories: []` when none applies."
            if multi
            else "Write `category:` with one category name.",
        )
        return
    known = {clean_name(category.name) for category in variable.categories}
    names = [example.category] if example.category is not None else example.categories or []
    for number, name in enumerate(names):
        if clean_name(name) not in known:
            yield Problem(
                (*place, wanted, number) if multi else (*place, wanted),
                f'variable "{clean_name(variable.name)}" has no category "{clean_name(name)}".',
                closest(clean_name(name), sorted(known)),
            )


def closest(name: str, known: list[str]) -> str:
    """Suggest the nearest known name, or list them all."""
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f'Did you mean "{near[0]}"?'
    return f"Use one of: {', '.join(known)}."


def _empty_text(place: Place, text: str, hint: str) -> Iterator[Problem]:
    if not text.strip():
        yield Problem(place, "the text is empty.", hint)


def _suggested_name(name: str) -> str:
    part = slug(name)[:40].strip("_")
    return part if part and not column_name_problem(part) else f"variable_{part}".rstrip("_")
