"""Turn a variable and an item's text into the prompt that a rater sees.

The instruction around an item is rendered once per variable and layout and then reused,
so its text and its tokens are the same for every item. Decides where the item is placed, and
which answers are read: the names of the categories, options in front of them, or names that
follow the beginning of the response. Jinja never interprets the item, or any text of a codebook,
as a template.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, takewhile
from pathlib import Path
from typing import Any, Protocol, get_args

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from ruamel.yaml.error import YAMLError

from localensemble.codebook.model import Example, Variable
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_json
from localensemble.core.prompts import (
    CategoryText,
    Layout,
    Message,
    Prompt,
    Readout,
    Segment,
    Spellings,
)
from localensemble.core.resources import prompt_template_path
from localensemble.core.yaml_files import read_yaml
from localensemble.prompting.answer_options import options_of

_LAYOUTS: tuple[Layout, ...] = get_args(Layout)
_KEYS = ("system", *_LAYOUTS)
_READOUTS = "readouts"
_ANSWER_BEGINS = "answer_begins"
# What a readout may replace, and what it must say.
_READOUT_KEYS: Mapping[Readout, frozenset[str]] = {
    "option": frozenset(_KEYS),
    "prefilled": frozenset({*_KEYS, _ANSWER_BEGINS}),
}
_REQUIRED: Mapping[Readout, frozenset[str]] = {
    "option": frozenset(_LAYOUTS),
    "prefilled": frozenset({_ANSWER_BEGINS}),
}

ReadoutTexts = Mapping[Readout, Mapping[str, str]]
"""For each readout but ``name``, the texts that it replaces or adds."""

# A template can calculate, look things up and call: what goes wrong there is the template's fault.
_WHAT_TEMPLATES_RAISE = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


class ShotsOfTexts(Protocol):
    """Examples that differ between texts."""

    @property
    def identity(self) -> tuple[tuple[str, str], ...]:
        """What a rater's identity says about them."""
        ...

    def prepare(self, texts: Iterable[str]) -> None:
        """Choose the examples of many texts, which is faster than one at a time."""
        ...

    def examples(self, variable: str, text: str) -> tuple[Example, ...]:
        """Return the examples that a text gets for a variable; none for an empty text."""
        ...


@dataclass(frozen=True, slots=True)
class _Frame:
    """Everything in a prompt except the item."""

    system: Message
    before: tuple[Segment, ...]
    after: tuple[Segment, ...]
    categories: tuple[CategoryText, ...]


class PromptTemplate:
    """One version of a prompt template, for all raters or for those with one readout.

    Args:
        texts: the texts of the readout ``name``.
        readouts: what the other readouts replace or add.
        readout: the readout that the rater states; None if it states none, and then the prompts
            are those of ``name`` and answers are read in their exact spelling only.
        shots: examples that each text gets besides those of its variable; None without any.

    Attributes:
        name: the folder under ``prompts/``; the path of a template that the user wrote.
        version: the number in its file name; None for a template that the user wrote.
        sha256: hash of the texts of the readout ``name``; comments and quoting do not change it.
        readouts: the readouts that it has texts for.
        readout_sha256: hash of the texts that a stated readout uses; empty if none is stated.

    Raises:
        InputError: a text is not a usable template.
    """

    def __init__(
        self,
        name: str,
        *,
        version: int | None,
        texts: Mapping[str, str],
        readouts: ReadoutTexts | None = None,
        readout: Readout | None = None,
        shots: ShotsOfTexts | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.sha256 = sha256_json({key: texts[key] for key in _KEYS})
        self.readout = readout
        self.shots = shots
        self._given, self._others = texts, readouts or {}
        self.readouts: tuple[Readout, ...] = ("name", *self._others)
        used = {**texts, **self._others.get(readout or "name", {})}
        self.readout_sha256 = sha256_json(used) if readout else ""
        self._system = used["system"].strip()
        begun = used.get(_ANSWER_BEGINS, "")
        self._begun = begun.rstrip(" ")
        self._before_answers = begun[len(self._begun) :]
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
        )
        for layout in _LAYOUTS:
            _check_item_stands_once(environment, used[layout], f"{self._title}, {layout}")
        self._layouts = {layout: environment.from_string(used[layout]) for layout in _LAYOUTS}
        self._frames: dict[tuple[str, Layout], _Frame] = {}

    def reading(self, readout: Readout) -> PromptTemplate:
        """Return this template for a rater that states a readout.

        Raises:
            InputError: it has no texts for that readout, or they cannot be used.
        """
        if readout not in self.readouts:
            raise InputError(
                f'{self._title} has no texts for the readout "{readout}".',
                hint=f"Add them to its file under `{_READOUTS}`, or choose another readout: "
                f"{', '.join(self.readouts)}.",
            )
        return PromptTemplate(
            self.name,
            version=self.version,
            texts=self._given,
            readouts=self._others,
            readout=readout,
            shots=self.shots,
        )

    def with_shots(self, shots: ShotsOfTexts | None) -> PromptTemplate:
        """Return this template with other examples for each text, or without any."""
        return PromptTemplate(
            self.name,
            version=self.version,
            texts=self._given,
            readouts=self._others,
            readout=self.readout,
            shots=shots,
        )

    def check(self, variables: Sequence[Variable]) -> None:
        """Refuse the template if it cannot show one of the variables, in whichever layout.

        Raises:
            InputError: the template uses something that a variable does not have.
        """
        for variable in variables:
            for layout in _LAYOUTS:
                self.render(variable, "", layout=layout)

    def answers(self, variable: Variable) -> tuple[str, ...]:
        """Return what a model writes for each category, in codebook order."""
        if self.readout == "option":
            return options_of(variable.answers)
        return tuple(self._before_answers + name for name in variable.answers)

    def has_answers_that_begin_others(self, variable: Variable) -> bool:
        """Tell whether an answer begins another, in any of the spellings that are read."""
        if self.readout is None:
            return variable.has_names_that_begin_others
        folded = [answer.strip().casefold() for answer in self.answers(variable)]
        return any(one.startswith(other) for one, other in permutations(folded, 2))

    def prepare(self, texts: Iterable[str]) -> None:
        """Prepare to render texts, which is faster than one at a time if each has own shots."""
        if self.shots is not None:
            self.shots.prepare(texts)

    def render(self, variable: Variable, text: str, *, layout: Layout) -> Prompt:
        """Render the prompt for one item and one variable.

        The user message has the segments instruction, item, instruction. An empty instruction
        is left out; the item never is.

        Args:
            text: the item's text, used unchanged, of any length.

        Raises:
            InputError: the template uses something that a variable does not have.
        """
        # Variable.sha256 covers everything that a template can show, and is computed once.
        key = (variable.sha256, layout)
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = self._render_frame(variable, layout)
        own = () if self.shots is None else self.shots.examples(variable.name, text)
        if own:
            # Not kept: nearly every text has another frame.
            shown = replace(variable, examples=(*variable.examples, *own))
            frame = _apart(self._render_frame(shown, layout), frame)
        user = Message("user", (*frame.before, Segment(text, "item"), *frame.after))
        messages: tuple[Message, ...] = (frame.system, user)
        if self._begun:
            messages += (Message("assistant", _instruction(self._begun)),)
        spellings: Spellings = "summed" if self.readout else "exact"
        return Prompt(
            messages, spellings=spellings, variable=variable.name, categories=frame.categories
        )

    @property
    def full_name(self) -> str:
        """What it is called in a rater's identity: ``label/v1``, or ``own`` for any of the user.

        Its hash, not its path, tells one of these from another.
        """
        return "own" if self.version is None else f"{self.name}/v{self.version}"

    @property
    def content(self) -> dict[str, object]:
        """All its texts, as its file has them."""
        texts: dict[str, object] = {key: self._given[key] for key in _KEYS}
        others = {readout: dict(given) for readout, given in self._others.items()}
        return {**texts, _READOUTS: others} if others else texts

    @property
    def content_sha256(self) -> str:
        """The hash of all its texts, those of every readout included."""
        return sha256_json(self.content)

    @property
    def _title(self) -> str:
        title = _title(self.name, self.version)
        return f"{title}, readout {self.readout}" if self.readout else title

    def _render_frame(self, variable: Variable, layout: Layout) -> _Frame:
        # A text cannot contain its own hash, so the placeholder occurs nowhere in the variable.
        placeholder = f"<item {variable.sha256}>"
        shown: dict[str, object] = {"variable": variable, "item": placeholder}
        if self.readout == "option":
            shown["options"] = dict(zip(variable.answers, self.answers(variable), strict=True))
        try:
            rendered = self._layouts[layout].render(shown)
        except _WHAT_TEMPLATES_RAISE as error:
            raise InputError(
                f'{self._title}, {layout}: it cannot be rendered for variable "{variable.name}" '
                f"({error}).",
                hint="Use only what a variable has: name, level, question, categories, rules and "
                "examples.",
            ) from error
        before, found, after = rendered.partition(placeholder)
        if not found:
            raise InputError(
                f'{self._title}, {layout}: the item is missing for variable "{variable.name}".',
                hint="Put {{ item }} outside all conditions and loops.",
            )
        system = Message("system", (Segment(self._system, "instruction"),))
        return _Frame(system, _instruction(before), _instruction(after), _categories(variable))


def load_template(name: str = "label", version: int = 1) -> PromptTemplate:
    """Load one version of a prompt template that ships with the program.

    Raises:
        InputError: the template does not exist, or its file is incomplete or invalid.
    """
    return _read_template(prompt_template_path(name, version), name=name, version=version)


def load_own_template(path: Path) -> PromptTemplate:
    """Load a prompt template that the user wrote.

    Raises:
        InputError: the file cannot be read, or it is incomplete or invalid.
    """
    return _read_template(path, name=str(path), version=None)


def template_of_content(full_name: str, content: Mapping[str, Any]) -> PromptTemplate:
    """Make a template from its recorded content."""
    name, _, version = full_name.partition("/v")
    texts = {key: content[key] for key in _KEYS}
    return PromptTemplate(
        name,
        version=int(version) if version else None,
        texts=texts,
        readouts=content.get(_READOUTS),
    )


def _title(name: str, version: int | None) -> str:
    if version is None:
        return f"Prompt template {name}"
    return f'Prompt template "{name}" version {version}'


def _read_template(path: Path, *, name: str, version: int | None) -> PromptTemplate:
    title = _title(name, version)
    hint = (
        f"A template is a YAML file with the texts {', '.join(_KEYS)}. "
        "`localensemble prompt template` prints one to start from."
    )
    content = _content(path, title, hint)
    readouts = content.pop(_READOUTS, {})
    _check_keys(content, title, hint)
    if not isinstance(readouts, dict) or not readouts.keys() <= _READOUT_KEYS.keys():
        raise InputError(
            f"{title}: under `{_READOUTS}`, expected no other keys than "
            f"{', '.join(_READOUT_KEYS)}.",
            hint="The texts of the readout `name` are those of the template itself.",
        )
    for readout, texts in readouts.items():
        allowed, required = _READOUT_KEYS[readout], _REQUIRED[readout]
        if not _has_texts(texts, allowed=allowed, required=required):
            raise InputError(
                f"{title}: for the readout `{readout}`, expected a non-empty text for "
                f"{', '.join(sorted(required))}, and no other keys than "
                f"{', '.join(sorted(allowed))}.",
                hint="Compare with the prompt template that ships with the program.",
            )
    return PromptTemplate(name, version=version, texts=content, readouts=readouts)


def _content(path: Path, title: str, hint: str) -> dict[str, Any]:
    try:
        content = read_yaml(path)
    except OSError as error:
        raise InputError(
            f"{title}: it cannot be read ({error.strerror}).",
            hint="Check the path. In an ensemble file, it starts at the folder of that file.",
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{title}: byte {error.start} is not UTF-8.", hint="Save the file as UTF-8."
        ) from error
    except (YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{title}{place}: this is not valid YAML.", hint=hint) from error
    if not isinstance(content, dict):
        raise InputError(f"{title}: found no keys; expected {', '.join(_KEYS)}.", hint=hint)
    return content


def _check_keys(content: Mapping[str, Any], title: str, hint: str) -> None:
    known = (*_KEYS, _READOUTS)
    for key in content:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            raise InputError(
                f'{title}: unknown key "{key}"; expected {", ".join(known)}.',
                hint=f"Did you mean `{close[0]}`?" if close else "Remove it.",
            )
    for key in _KEYS:
        if not _has_texts({key: content.get(key)}, allowed=frozenset(_KEYS), required=frozenset()):
            found = "it is not a text, or it is empty" if key in content else "it is missing"
            raise InputError(f"{title}, {key}: expected a text, but {found}.", hint=hint)


def _has_texts(content: object, *, allowed: frozenset[str], required: frozenset[str]) -> bool:
    return (
        isinstance(content, dict)
        and required <= content.keys() <= allowed
        and all(isinstance(text, str) and text.strip() for text in content.values())
    )


def _check_item_stands_once(
    environment: ImmutableSandboxedEnvironment, source: str, where: str
) -> None:
    """Refuse a template whose instruction could depend on the item."""
    try:
        tree = environment.parse(source)
    except TemplateError as error:
        raise InputError(
            f"{where}: this is not a valid Jinja template ({error}).",
            hint="Correct the braces that the message names.",
        ) from error
    uses = [found for found in tree.find_all(nodes.Name) if found.name == "item"]
    placed = [
        part
        for output in tree.body
        if isinstance(output, nodes.Output)
        for part in output.nodes
        if isinstance(part, nodes.Name) and part.name == "item"
    ]
    if len(uses) != 1 or len(placed) != 1:
        raise InputError(
            f"{where}: the item must be used exactly once, without a filter; uses found: "
            f"{len(uses)}.",
            hint="Write {{ item }} once, without a filter and outside conditions and loops.",
        )


def _categories(variable: Variable) -> tuple[CategoryText, ...]:
    return tuple(
        CategoryText(
            category.name,
            category.definition,
            tuple(one.text for one in variable.examples if one.category == category.name),
        )
        for category in variable.categories
    )


def _apart(frame: _Frame, plain: _Frame) -> _Frame:
    """Set the examples of one text apart from what stands before them in every prompt.

    Args:
        frame: the frame with the examples of one text.
        plain: the same without them.
    """
    with_them, without = ("".join(part.text for part in one.before) for one in (frame, plain))
    # By whole lines, so that a word is never split in two.
    lines = (text.splitlines(keepends=True) for text in (with_them, without))
    same = takewhile(lambda pair: pair[0] == pair[1], zip(*lines, strict=False))
    shared = "".join(line for line, _ in same)
    rest = with_them[len(shared) :]
    before = (*_instruction(shared), *((Segment(rest, "shots"),) if rest else ()))
    return replace(frame, before=before)


def _instruction(text: str) -> tuple[Segment, ...]:
    return (Segment(text, "instruction"),) if text else ()
