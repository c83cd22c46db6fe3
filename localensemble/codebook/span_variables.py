"""Variables that ask for passages of a text: what a codebook says about them, and how it is read.

A variable with `type: spans` asks for every passage, one with `type: terms` for what an item
mentions, wherever it stands. Labeling leaves both out, and `spans extract` leaves out the rest.
Refuses unknown keys and examples whose passages are not in their text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from localensemble.codebook.document import Document, Place, read_document
from localensemble.codebook.model import Category, Codebook, Example, Variable
from localensemble.codebook.names import clean_name, column_name_problem, fold, name_problem
from localensemble.codebook.non_answers import USUAL_NON_ANSWERS
from localensemble.codebook.shape import Shape
from localensemble.core.errors import CodebookError

SpanType = Literal["spans", "terms"]

_Value = TypeVar("_Value")
_TYPES: tuple[SpanType, ...] = ("spans", "terms")


class _CategoryShape(Shape):
    name: str
    definition: str
    required: bool = False


class _PassageShape(Shape):
    category: str
    passage: str


class _ExampleShape(Shape):
    text: str
    spans: list[_PassageShape]


class _VariableShape(Shape):
    name: str
    type: SpanType
    question: str
    categories: list[_CategoryShape]
    rules: list[str] = Field(default_factory=list)
    examples: list[_ExampleShape] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SpanVariable:
    """A variable that asks for passages.

    Attributes:
        type: whether every passage counts, or every term once for each item.
        asked: what raters are shown; the category of an example is the response it should get.
        required: the categories of which every item must have a passage.
    """

    type: SpanType
    asked: Variable
    required: frozenset[str] = field(default=frozenset())

    @property
    def name(self) -> str:
        """The name of the variable."""
        return self.asked.name


@dataclass(frozen=True, slots=True)
class SpanCodebook:
    """The variables of a codebook that ask for passages.

    Attributes:
        name: the name of the codebook.
        version: its version.
        variables: the variables, in its order.
        no_answer: texts that count as no answer, and have no passage.
        asks_to_deidentify: whether the codebook wants identifiers in texts replaced.
    """

    name: str
    version: str
    variables: tuple[SpanVariable, ...]
    no_answer: tuple[str, ...] = USUAL_NON_ANSWERS
    asks_to_deidentify: bool = False

    @property
    def asked(self) -> Codebook:
        """What raters are shown, as a codebook."""
        variables = tuple(one.asked for one in self.variables)
        return Codebook(self.name, self.version, "", variables, self.no_answer)


def load_span_codebook(path: Path) -> SpanCodebook:
    """Read the variables of type ``spans`` and ``terms`` from a codebook.

    Raises:
        CodebookError: the file cannot be read, has no such variable, or one is invalid.
    """
    document = read_document(path)
    content = document.value if isinstance(document.value, dict) else {}
    entries = content.get("variables")
    found = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        if _asks_for_passages(entry):
            found.append(_variable(document, entry, ("variables", number)))
    if not found:
        raise CodebookError(
            f"{path.name}: no variable asks for passages.",
            hint="Give a variable `type: spans` or `type: terms` in place of `level:`.",
        )
    names = [fold(one.name) for one in found]
    if len(set(names)) < len(names):
        raise CodebookError(
            f"{path.name}: two variables have the same name.",
            hint="Give every variable a name of its own.",
        )
    name, version = (str(content.get(key) or "").strip() for key in ("name", "version"))
    listed = content.get("no_answer", list(USUAL_NON_ANSWERS))
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise document.error(
            ("no_answer",), "expected a list of texts.", hint='Put each in quotes: "n/a".'
        )
    no_answer = tuple(str(text).strip() for text in listed)
    return SpanCodebook(
        name or path.stem,
        version or "1",
        tuple(found),
        no_answer,
        asks_to_deidentify="deidentify" in content,
    )


def without_span_variables(document: Document) -> Document:
    """Return a codebook without its variables that ask for passages.

    Raises:
        CodebookError: it has no others.
    """
    content = document.value
    entries = content.get("variables") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(entries, list):
        return document
    kept = [number for number, entry in enumerate(entries) if not _asks_for_passages(entry)]
    if len(kept) == len(entries):
        return document
    if not kept:
        raise CodebookError(
            f"{document.path.name}: every variable asks for passages, and none for a category.",
            hint="Find passages with `localensemble spans extract`.",
        )
    places = {number: new for new, number in enumerate(kept)}
    return Document(
        document.path,
        {**content, "variables": [entries[number] for number in kept]},
        dict(_moved(document.lines, places)),
        dict(_moved(document.written, places)),
        tuple(kept),
    )


def _moved(
    by_place: Mapping[Place, _Value], places: Mapping[int, int]
) -> Iterator[tuple[Place, _Value]]:
    for place, value in by_place.items():
        if place[:1] != ("variables",) or len(place) == 1:
            yield place, value
        elif isinstance(place[1], int) and place[1] in places:
            yield (place[0], places[place[1]], *place[2:]), value


def _asks_for_passages(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("type") in _TYPES


def _variable(document: Document, entry: object, place: Place) -> SpanVariable:
    try:
        shape = _VariableShape.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # Not chained: the exception contains the texts of the examples.
        raise document.error(
            (*place, *first["loc"]),
            f"{first['msg'][:1].lower()}{first['msg'][1:]}.",
            hint="A variable for passages has the keys name, type, question, categories, rules and "
            "examples.",
        ) from None
    for found, where, hint in _problems(shape):
        raise document.error((*place, *where), found, hint=hint)
    asked = Variable(
        name=clean_name(shape.name),
        level="nominal",
        question=shape.question.strip(),
        categories=tuple(
            Category(clean_name(one.name), one.definition.strip()) for one in shape.categories
        ),
        rules=tuple(rule.strip() for rule in shape.rules),
        examples=tuple(Example(one.text.strip(), _response(one)) for one in shape.examples),
    )
    required = frozenset(clean_name(one.name) for one in shape.categories if one.required)
    return SpanVariable(shape.type, asked, required)


def _response(example: _ExampleShape) -> str:
    lines = [f"{clean_name(one.category)}: {one.passage}" for one in example.spans]
    return "\n".join(lines) or "none"


def _problems(shape: _VariableShape) -> Iterator[tuple[str, Place, str]]:
    """Yield what the types allow but the meaning does not, with its place and what to do."""
    if found := column_name_problem(clean_name(shape.name)):
        yield found, ("name",), "Use letters, digits and underscores."
    if not shape.question.strip():
        yield "the text is empty.", ("question",), "Ask it as you would ask a person."
    if not shape.categories:
        yield "the list is empty.", ("categories",), "Name what a passage can mention."
    names: set[str] = set()
    for number, one in enumerate(shape.categories):
        name = clean_name(one.name)
        if found := name_problem(name):
            yield found, ("categories", number, "name"), "Write the name on one line."
        if fold(name) in names:
            yield "another category has this name.", ("categories", number, "name"), "Rename one."
        names.add(fold(name))
        if not one.definition.strip():
            yield (
                "the text is empty.",
                ("categories", number, "definition"),
                "Write one sentence that says what belongs here.",
            )
    for number, example in enumerate(shape.examples):
        for place, span in enumerate(example.spans):
            where: Place = ("examples", number, "spans", place)
            if fold(clean_name(span.category)) not in names:
                yield "unknown category.", (*where, "category"), "Use a category of the variable."
            if not span.passage.strip() or span.passage not in example.text:
                yield (
                    "the passage is not in the text of the example.",
                    (*where, "passage"),
                    "Write it exactly as it stands there.",
                )
