"""Read a YAML 1.2 file into plain values, and record the line of each.

Refuses what a codebook never needs and only an accident or an attack produces: repeated keys,
anchors and aliases, tags, several documents, deep nesting, huge files, and text that is not
UTF-8. Words stay words: ``yes``, ``on`` and dates are text.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from localensemble.core.errors import CodebookError
from localensemble.core.input_files import read_input
from localensemble.core.limits import MOST_SETTINGS_BYTES, MOST_SETTINGS_DEPTH

Place = tuple[str | int, ...]
PlainValue = str | int | float | bool | None | list["PlainValue"] | dict[str, "PlainValue"]

_LONGEST_KEY = 40
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a YAML file and the line of each part.

    Attributes:
        value: dictionaries, lists, text, numbers, Boolean values and None.
        lines: the line number, from 1, of each place; the empty place is the whole document.
            Empty if the content was built in Python.
        written: how each number, Boolean value and None is written, by place.
        variables: if some variables were left out, where each of the others stands in the file.
    """

    path: Path
    value: PlainValue
    lines: dict[Place, int]
    written: dict[Place, str] = field(default_factory=dict)
    variables: tuple[int, ...] = ()

    def error(self, place: Place, found: str, *, hint: str) -> CodebookError:
        """Return the error for one place; its message begins with the file, line and path."""
        where = ", ".join(part for part in (self.path.name, self.describe(place)) if part)
        return CodebookError(f"{where}: {found}", hint=hint)

    def describe(self, place: Place) -> str:
        """Name a place: ``line 12, variables[1].categories[3].definition``."""
        line = f"line {self.line(place)}" if self.lines else ""
        if self.variables and place[:1] == ("variables",):
            place = ("variables", *map(self._in_file, place[1:2]), *place[2:])
        return ", ".join(part for part in (line, dotted(place)) if part)

    def _in_file(self, number: str | int) -> str | int:
        return self.variables[number] if isinstance(number, int) else number

    def line(self, place: Place) -> int:
        """Return the line of a place or, if a key is missing, of the nearest enclosing place."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def dotted(place: Place) -> str:
    """Write a place as a path: ``variables[1].categories[3].definition``."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_document(path: Path) -> Document:
    """Read a YAML file.

    Raises:
        CodebookError: the file cannot be read, is not UTF-8, or is not YAML as described
            in the module.
    """
    root = _compose(path, _read_text(path))
    document = Document(path, None, {})
    if root is None:
        raise CodebookError(
            f"{path.name}: the file is empty.",
            hint="Write a codebook, or let `localensemble init` create one to start from.",
        )
    value = _plain(root, (), document)
    return Document(path, value, document.lines, document.written)


def _read_text(path: Path) -> str:
    try:
        data = read_input(path, most_bytes=MOST_SETTINGS_BYTES)
    except OSError as error:
        raise CodebookError(
            f'Cannot read codebook "{path.name}": {error.strerror or "it cannot be opened"}.',
            hint="Check that this is the codebook, a YAML file that you can read, and not the "
            "items file.",
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        # The exception contains bytes of the file, so it is not chained.
        raise CodebookError(
            f"{path.name}, line {line}: the text is not UTF-8.",
            hint='Save the file as "UTF-8" in the editor.',
        ) from None
    return text


def _compose(path: Path, text: str) -> Node | None:
    reader = YAML(typ="safe", pure=True)
    reader.max_depth = MOST_SETTINGS_DEPTH
    hint = "Check the indentation, the colons and the quotes there."
    try:
        with warnings.catch_warnings():
            # Anchors are refused below, with their line, so nobody needs the YAML warning.
            warnings.simplefilter("ignore")
            root: Node | None = reader.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        problem = (error.problem or "the structure is not clear").splitlines()[0]
        # Not chained: the marks quote the file, and its examples may be confidential.
        raise CodebookError(
            f"{path.name}, line {line}: this is not valid YAML ({problem}).", hint=hint
        ) from None
    except Exception:  # on hostile input the YAML reader also raises outside its own errors
        raise CodebookError(f"{path.name}: this is not valid YAML.", hint=hint) from None
    return root


def _plain(node: Node, place: Place, document: Document) -> PlainValue:
    document.lines[place] = node.start_mark.line + 1
    if node.anchor is not None:
        # An alias can only point to an anchor, so this refuses both, and with them alias bombs.
        raise document.error(
            place,
            "anchors (&) and aliases (*) are not allowed in codebooks.",
            hint='Write the text out in full; put text that starts with "&" or "*" in quotes.',
        )
    if isinstance(node, MappingNode) and str(node.tag) == f"{_TAG}map":
        return _plain_mapping(node, place, document)
    if isinstance(node, SequenceNode) and str(node.tag) == f"{_TAG}seq":
        return [_plain(part, (*place, i), document) for i, part in enumerate(node.value)]
    if isinstance(node, ScalarNode):
        return _plain_scalar(node, place, document)
    raise _tag_error(node, place, document)


def _plain_mapping(node: MappingNode, place: Place, document: Document) -> PlainValue:
    mapping: dict[str, PlainValue] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = str(key_node.value) if isinstance(key_node, ScalarNode) else ""
        if not key.isprintable() or not 0 < len(key) <= _LONGEST_KEY:
            # The key is not shown: if the file is a table, texts are in the place of keys.
            document.lines[place] = line
            raise document.error(
                place,
                "a key must be a short word.",
                hint="Check that this is the codebook, and put texts with a colon in quotes.",
            )
        if key in mapping:
            first = document.lines[(*place, key)]
            document.lines[(*place, key)] = line
            raise document.error(
                (*place, key),
                f"the key is used twice, first in line {first}.",
                hint="Keep one of the two.",
            )
        mapping[key] = _plain(value_node, (*place, key), document)
        # An error about a key should point to the key, not to its value on a later line.
        document.lines[(*place, key)] = line
    return mapping


def _plain_scalar(node: ScalarNode, place: Place, document: Document) -> PlainValue:
    text = str(node.value)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise document.error(
            place,
            "the text contains half a character (a surrogate).",
            hint="Type the character itself instead of its \\u escape.",
        )
    kind = str(node.tag).removeprefix(_TAG)
    # YAML 1.2 has no dates and no merge keys; both are words here.
    if kind in {"str", "timestamp", "merge", "value"}:
        return text
    document.written[place] = text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in {"true", "yes", "on", "y"}
    if kind in {"int", "float"}:
        return _number(text)
    raise _tag_error(node, place, document)


def _number(text: str) -> float | str:
    try:
        return float(text.replace("_", ""))
    except ValueError:
        # Hexadecimal, octal and sexagesimal numbers: no key of a codebook accepts them.
        return text


def _tag_error(node: Node, place: Place, document: Document) -> CodebookError:
    return document.error(
        place,
        'tags ("!") are not allowed in codebooks.',
        hint='Put text that starts with "!" in quotes.',
    )
