"""Turn a variable and an item's text into the prompt that every rater sees.

The instruction around an item is rendered once per variable and layout and then reused,
so its text and its tokens are the same for every item. Decides where the item is placed.
Jinja never interprets the item, or any text of a codebook, as a template.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from localensemble.codebook.model import Variable
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_json
from localensemble.core.prompts import Layout, Message, Prompt, Segment
from localensemble.core.resources import prompt_template_path

_LAYOUTS: tuple[Layout, ...] = get_args(Layout)
_KEYS = ("system", *_LAYOUTS)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Everything in a prompt except the item."""

    system: Message
    before: tuple[Segment, ...]
    after: tuple[Segment, ...]


class PromptTemplate:
    """One version of a prompt template, shared by all raters.

    Attributes:
        name: the folder under ``prompts/``.
        version: the number in its file name.
        sha256: hash of the template's texts; comments and quoting do not change it.
    """

    def __init__(self, name: str, *, version: int, texts: dict[str, str]) -> None:
        self.name = name
        self.version = version
        self.sha256 = sha256_json({key: texts[key] for key in _KEYS})
        self._system = texts["system"].strip()
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
        )
        for layout in _LAYOUTS:
            _check_item_stands_once(environment, texts[layout], f"{self._title}, {layout}")
        self._layouts = {layout: environment.from_string(texts[layout]) for layout in _LAYOUTS}
        self._frames: dict[tuple[str, Layout], _Frame] = {}

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
        user = Message("user", (*frame.before, Segment(text, "item"), *frame.after))
        return Prompt((frame.system, user))

    @property
    def _title(self) -> str:
        return f'Prompt template "{self.name}" version {self.version}'

    def _render_frame(self, variable: Variable, layout: Layout) -> _Frame:
        # A text cannot contain its own hash, so the placeholder occurs nowhere in the variable.
        placeholder = f"<item {variable.sha256}>"
        try:
            rendered = self._layouts[layout].render(variable=variable, item=placeholder)
        except TemplateError as error:
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
        return _Frame(system, _instruction(before), _instruction(after))


def load_template(name: str = "label", version: int = 1) -> PromptTemplate:
    """Load one version of a prompt template that ships with the program.

    Raises:
        InputError: the template does not exist, or its file is incomplete or invalid.
    """
    return _read_template(prompt_template_path(name, version), name=name, version=version)


def _read_template(path: Path, *, name: str, version: int) -> PromptTemplate:
    hint = f"A template is a YAML file with the texts {', '.join(_KEYS)}."
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError, ValueError) as error:
        raise InputError(
            f'Cannot read prompt template "{name}" version {version}: it is not valid YAML.',
            hint=hint,
        ) from error
    if (
        not isinstance(content, dict)
        or sorted(content, key=str) != sorted(_KEYS)
        or not all(isinstance(text, str) and text.strip() for text in content.values())
    ):
        raise InputError(
            f'Cannot use prompt template "{name}" version {version}: expected a non-empty text '
            f"for each of the keys {', '.join(_KEYS)}, and no other key.",
            hint=hint,
        )
    return PromptTemplate(name, version=version, texts=content)


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


def _instruction(text: str) -> tuple[Segment, ...]:
    return (Segment(text, "instruction"),) if text else ()
