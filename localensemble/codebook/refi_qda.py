"""Write and read codebooks in the REFI-QDA exchange format, a ``.qdc`` file.

A variable is a code that cannot be applied, and its categories are codes below it. What the
format has no place for, the level and the rules, stands in lines of the description. Source: the
REFI-QDA standard 1.0, Codebook.xsd with the namespace ``urn:QDA-XML:codebook:1.0``
(https://www.qdasoftware.org): a ``CodeBook`` has ``Codes``, then ``Sets``; a ``Code`` has the
attributes ``guid``, ``name``, ``isCodable`` and perhaps ``color``, and a ``Description``, then
codes.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from localensemble.core.errors import CodebookError
from localensemble.core.input_files import read_input
from localensemble.core.limits import MOST_CODEBOOK_XML_BYTES

NAMESPACE = "urn:QDA-XML:codebook:1.0"
ORIGIN = "localensemble"
_MOST_NESTED = 100
LEVELS = ("binary", "nominal", "ordinal", "multi_label")
_LEVEL, _RULE = "Level: ", "Rule: "
_OWN_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:localensemble:codebook")


@dataclass(frozen=True, slots=True)
class CodeCategory:
    """A category as a code."""

    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class CodeVariable:
    """A variable as a code with codes below it; ``level`` is empty if the file has none."""

    name: str
    question: str
    level: str
    categories: tuple[CodeCategory, ...]
    rules: tuple[str, ...] = ()


def codebook_qdc(name: str, variables: tuple[CodeVariable, ...]) -> bytes:
    """Return the content of a ``.qdc`` file; the same codebook gives the same ids."""
    book = ElementTree.Element("CodeBook", xmlns=NAMESPACE, origin=ORIGIN)
    codes = ElementTree.SubElement(book, "Codes")
    for variable in variables:
        above = _code(codes, (name, variable.name), codable=False)
        lines = (
            variable.question,
            *((_LEVEL + variable.level,) if variable.level else ()),
            *(_RULE + " ".join(rule.split()) for rule in variable.rules),
        )
        ElementTree.SubElement(above, "Description").text = "\n".join(lines)
        for category in variable.categories:
            code = _code(above, (name, variable.name, category.name), codable=True)
            ElementTree.SubElement(code, "Description").text = category.definition
    ElementTree.indent(book)
    written: bytes = ElementTree.tostring(book, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def read_qdc(path: Path) -> tuple[CodeVariable, ...]:
    """Read the codes of a file as variables.

    A code with codes below it is a variable, and the codes that can be applied below it, at any
    depth, are its categories. All codes of the top level that have none below them are one
    multi-label variable, called after the file, because several codes may apply to one text.

    Raises:
        CodebookError: the file cannot be read, or is not a REFI-QDA codebook.
    """
    book = _parsed(path)
    if _tag(book) != "CodeBook":
        raise _refused(path, f'its root is "{_tag(book)}"; expected "CodeBook"')
    codes = [one for part in book if _tag(part) == "Codes" for one in part if _tag(one) == "Code"]
    if not codes:
        raise _refused(path, "it has no code")
    variables = [_variable(code, path) for code in codes if any(_below(code))]
    alone = [_category(code, path) for code in codes if not any(_below(code))]
    if alone:
        variables.append(CodeVariable(path.stem, "", "multi_label", tuple(alone)))
    return tuple(variables)


def _code(
    above: ElementTree.Element, names: tuple[str, ...], *, codable: bool
) -> ElementTree.Element:
    return ElementTree.SubElement(
        above,
        "Code",
        guid=str(uuid.uuid5(_OWN_IDS, "\x1f".join(names))).upper(),
        name=names[-1],
        isCodable="true" if codable else "false",
    )


def _parsed(path: Path) -> ElementTree.Element:
    try:
        content = read_input(path, most_bytes=MOST_CODEBOOK_XML_BYTES)
    except OSError as error:
        raise CodebookError(
            f'Cannot read "{path.name}": {error.strerror or "it cannot be opened"}.',
            hint="Check the name of the file, and that you can read it.",
        ) from error
    checked = expat.ParserCreate()
    declared: list[str] = []
    open_elements = deepest = 0

    def enter(*_: object) -> None:
        nonlocal open_elements, deepest
        open_elements += 1
        deepest = max(deepest, open_elements)

    def leave(_: str) -> None:
        nonlocal open_elements
        open_elements -= 1

    checked.StartElementHandler, checked.EndElementHandler = enter, leave
    checked.StartDoctypeDeclHandler = lambda name, *_: declared.append(name)
    try:
        # Entities are expanded only if they are declared, so nothing grows before this check.
        checked.EntityDeclHandler = lambda *_: declared.append("entity")
        checked.Parse(content, True)
        book = None if declared or deepest > _MOST_NESTED else ElementTree.fromstring(content)
    except (expat.ExpatError, ElementTree.ParseError) as error:
        raise _refused(path, "it is not well-formed XML") from error
    if deepest > _MOST_NESTED:
        raise _refused(path, f"codes are nested {deepest:,} deep; at most {_MOST_NESTED} are read")
    if book is None:
        raise _refused(path, "it declares a document type, which the format does not have")
    return book


def _refused(path: Path, found: str) -> CodebookError:
    return CodebookError(
        f"{path.name}: the file is not a REFI-QDA codebook: {found}.",
        hint="Export the codebook again, as a REFI-QDA codebook (.qdc).",
    )


def _tag(element: ElementTree.Element) -> str:
    """Return the name of an element; some programs write older namespaces."""
    return element.tag.rpartition("}")[2]


def _below(code: ElementTree.Element) -> Iterator[ElementTree.Element]:
    return (one for one in code if _tag(one) == "Code")


def _variable(code: ElementTree.Element, path: Path) -> CodeVariable:
    question: list[str] = []
    rules: list[str] = []
    level = ""
    for line in _description(code).splitlines():
        if line.startswith(_LEVEL) and line.removeprefix(_LEVEL) in LEVELS:
            level = line.removeprefix(_LEVEL)
        elif line.startswith(_RULE):
            rules.append(line.removeprefix(_RULE))
        else:
            question.append(line)
    return CodeVariable(
        _name(code, path),
        "\n".join(question).strip(),
        level,
        tuple(_category(one, path) for one in _applicable(code)),
        tuple(rules),
    )


def _applicable(code: ElementTree.Element) -> Iterator[ElementTree.Element]:
    for one in _below(code):
        if one.get("isCodable") != "false" or not any(_below(one)):
            yield one
        yield from _applicable(one)


def _category(code: ElementTree.Element, path: Path) -> CodeCategory:
    return CodeCategory(_name(code, path), _description(code))


def _name(code: ElementTree.Element, path: Path) -> str:
    name = " ".join((code.get("name") or "").split())
    if not name:
        raise _refused(path, "a code has no name")
    return name


def _description(code: ElementTree.Element) -> str:
    texts = [one.text or "" for one in code if _tag(one) == "Description"]
    return texts[0].strip() if texts else ""
