"""Turn messages into the pieces of text a model was trained on, including turn marks.

A model file brings its own chat template. It is rendered once for each sequence of roles,
with placeholders for the contents of the messages, and the output is cut at the
placeholders into *markup* (turn marks, dates, a default system text) and *contents*. Only
markup can become special tokens; contents are put between them as plain text and never
pass through the template, so no item can open or close a turn or change the markup.

The template is rendered with thinking off, a fixed date and no tools. For a model family
without system messages, the system text opens the first user turn. If the last message is the
assistant's, its text follows the opening of the assistant's turn, which stays open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from localensemble.core.errors import ChatTemplateError
from localensemble.core.identity import sha256_text
from localensemble.core.prompts import MessageRole
from localensemble.engines.llama_cpp.template_process import DATE_STRING
from localensemble.engines.llama_cpp.template_sandbox import TemplateRaisedError, render_template

_SEPARATOR = "\n\n"

# If the template has no switch for thinking, a thought that starts the response is closed or
# skipped: what the rendering ends with, and what is written after it.
_THOUGHT_OPENED = re.compile(r"<think>\s*\Z")
_THOUGHT_CLOSED = "\n</think>\n\n"
_CHANNEL_OPEN = "<|start|>assistant"
_CHANNEL_MARK = "<|channel|>"
_FINAL_CHANNEL = "<|channel|>final<|message|>"

_VARIABLES = {
    "add_generation_prompt": True,
    "date_string": DATE_STRING,
    "documents": None,
    "enable_thinking": False,
    "reasoning_effort": "low",
    "thinking": False,
    "tools": None,
}


@dataclass(frozen=True, slots=True)
class Markup:
    """Text of the template: turn marks, tokenized as special tokens."""

    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """The place of one message's text."""

    message: int


@dataclass(frozen=True, slots=True)
class Plain:
    """Our text between two contents, tokenized like a content."""

    text: str


Piece = Markup | Content | Plain


class ChatTemplate:
    """How one model's turns are written.

    Args:
        source: the Jinja text; None for a model without a template, whose messages are then
            plain text, each followed by an empty line.
        bos: text of the model's begin-of-text token; empty if it has none.
        eos: text of its end-of-text token.
        launcher: starts the process that renders; see `EngineSettings`.
    """

    def __init__(
        self,
        source: str | None,
        *,
        bos: str = "",
        eos: str = "",
        launcher: tuple[str, ...] = (),
    ) -> None:
        self.source = source
        self.sha256 = sha256_text(source or "")
        self._bos = bos
        self._eos = eos
        self._launcher = launcher
        self._pieces: dict[tuple[MessageRole, ...], tuple[Piece, ...]] = {}

    def pieces(self, roles: tuple[MessageRole, ...]) -> tuple[Piece, ...]:
        """Lay out messages with these roles: every content once, with markup between them.

        Raises:
            ChatTemplateError: the template cannot be rendered within its bounds, or loses
                or repeats a message.
        """
        if roles not in self._pieces:
            self._pieces[roles] = self._lay_out(roles)
        return self._pieces[roles]

    def _lay_out(self, roles: tuple[MessageRole, ...]) -> tuple[Piece, ...]:
        if roles[-1:] == ("assistant",):
            # The response has begun. A template would close the turn after it.
            return (*self.pieces(roles[:-1]), Content(len(roles) - 1))
        if self.source is None:
            return (*_contents(range(len(roles))), Plain(_SEPARATOR))
        turns = [(role, (index,)) for index, role in enumerate(roles)]
        try:
            return self._render(turns)
        except _MessageLostError:
            folded = _fold_system(turns)
            if folded == turns:
                raise
        except TemplateRaisedError:
            folded = _fold_system(turns)
            if folded == turns:
                raise
        return self._render(folded)

    def _render(self, turns: Sequence[_Turn]) -> tuple[Piece, ...]:
        source = self.source or ""
        placeholders = [_placeholder(source, number) for number in range(len(turns))]
        rendered = render_template(
            source,
            {
                **_VARIABLES,
                "bos_token": self._bos,
                "eos_token": self._eos,
                "messages": [
                    {"role": role, "content": placeholder}
                    for (role, _), placeholder in zip(turns, placeholders, strict=True)
                ],
            },
            launcher=self._launcher,
        )
        for (role, _), placeholder in zip(turns, placeholders, strict=True):
            count = rendered.count(placeholder)
            if count != 1:
                raise _MessageLostError(
                    f"Cannot use the model's chat template: it writes the {role} message "
                    f"{count} times instead of once.",
                    hint="Use another conversion of the model.",
                )
        rendered += _end_of_thought(rendered, source)
        pieces: list[Piece] = []
        for part in re.split(f"({'|'.join(placeholders)})", rendered):
            if part in placeholders:
                _, messages = turns[placeholders.index(part)]
                pieces.extend(_contents(messages))
            elif part:
                pieces.append(Markup(part))
        return tuple(pieces)


_Turn = tuple[MessageRole, tuple[int, ...]]


class _MessageLostError(ChatTemplateError):
    """Report that a message is not in the rendering exactly once."""


def _fold_system(turns: Sequence[_Turn]) -> list[_Turn]:
    """Put the contents of system messages in front of the first user message."""
    system = tuple(index for role, indices in turns if role == "system" for index in indices)
    rest = [(role, indices) for role, indices in turns if role != "system"]
    if not system or not rest:
        return list(turns)
    (role, indices), *others = rest
    return [(role, system + indices), *others]


def _contents(messages: Iterable[int]) -> tuple[Piece, ...]:
    """Return the contents of messages in order, separated by an empty line."""
    pieces: list[Piece] = []
    for message in messages:
        if pieces:
            pieces.append(Plain(_SEPARATOR))
        pieces.append(Content(message))
    return tuple(pieces)


def _placeholder(source: str, number: int) -> str:
    """Choose letters that do not occur in the template and survive trimming and casing."""
    salt = 0
    while f"content{salt}x" in source.lower():
        salt += 1
    return f"content{salt}x{number}x"


def _end_of_thought(rendered: str, source: str) -> str:
    if _THOUGHT_OPENED.search(rendered):
        return _THOUGHT_CLOSED
    if rendered.endswith(_CHANNEL_OPEN) and _CHANNEL_MARK in source:
        return _FINAL_CHANNEL
    return ""
