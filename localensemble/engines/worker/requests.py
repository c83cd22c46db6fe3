"""What is asked of an engine in another process, as a message and back.

A request names one of a closed set of methods. The same texts and categories stand in many
prompts, so a message holds each of them once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from localensemble.core.prompts import (
    CategoryText,
    Message,
    MessageRole,
    Prompt,
    Segment,
    SegmentOrigin,
    Spellings,
)
from localensemble.engines.protocol import ScoringMode
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker import message_stream
from localensemble.engines.worker.fields import Fields
from localensemble.engines.worker.message_stream import MalformedMessageError

Method = Literal[
    "open",
    "describe",
    "count_tokens",
    "score",
    "score_wanted",
    "write",
    "quote",
    "embed",
    "embed_nothing",
    "embed_parts",
]

_T = TypeVar("_T")

_ROLES: tuple[MessageRole, ...] = get_args(MessageRole)
_ORIGINS: tuple[SegmentOrigin, ...] = get_args(SegmentOrigin)
_SPELLINGS: tuple[Spellings, ...] = get_args(Spellings)


@dataclass(frozen=True, slots=True)
class Request:
    """A method of an engine and its arguments; those that it does not take stay empty.

    Attributes:
        opened: what ``open`` opens with the settings, as ``module:name``.
    """

    method: Method
    opened: str = ""
    settings: EngineSettings = field(default_factory=EngineSettings)
    texts: tuple[str, ...] = field(default=(), repr=False)
    prompts: tuple[Prompt, ...] = ()
    answers: tuple[tuple[str, ...], ...] = ()
    wanted: frozenset[int] = frozenset()
    at_most: int = 0


def request_message(request: Request) -> message_stream.Message:
    """Write a request as a message."""
    table = _Table()
    fields: dict[str, Any] = {"method": request.method}
    if request.method == "open":
        fields |= {"opened": request.opened, "settings": _settings_fields(request.settings)}
    if request.texts:
        fields["asked_texts"] = [table.text(text) for text in request.texts]
    if request.prompts:
        fields["prompts"] = [table.prompt(prompt) for prompt in request.prompts]
        fields["categories"] = table.category_lists
    if request.answers:
        sets: dict[tuple[str, ...], int] = {}
        fields["answers"] = [sets.setdefault(one, len(sets)) for one in request.answers]
        fields["answer_sets"] = [[table.text(name) for name in one] for one in sets]
    fields |= {"wanted": sorted(request.wanted), "at_most": request.at_most}
    return message_stream.Message(fields, table.texts)


def read_request(message: message_stream.Message) -> Request:
    """Return the request in a message.

    Raises:
        MalformedMessageError: the message is not a request.
    """
    fields = Fields(message.fields)
    method = fields.one_of("method", get_args(Method))
    request = Request(
        cast(Method, method),
        wanted=frozenset(fields.numbers("wanted")),
        at_most=fields.number("at_most"),
    )
    if method == "open":
        opened = fields.text("opened")
        return replace(request, opened=opened, settings=_read_settings(fields.inner("settings")))
    lookup = _Lookup(message.texts)
    if "asked_texts" in message.fields:
        request = replace(request, texts=lookup.texts(fields.numbers("asked_texts")))
    if "prompts" in message.fields:
        lookup.categories = tuple(map(lookup.category_list, fields.items("categories")))
        request = replace(request, prompts=tuple(map(lookup.prompt, fields.items("prompts"))))
    if "answers" in message.fields:
        sets = [lookup.texts(one) for one in fields.items("answer_sets")]
        answers = tuple(_at(sets, number) for number in fields.numbers("answers"))
        request = replace(request, answers=answers)
    return request


class _Table:
    """Texts and lists of categories, each once, in the order in which they were first met."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}
        self._categories: dict[tuple[CategoryText, ...], int] = {}
        # By identity: prompts of one call share the tuple, and comparing it would take long.
        self._known: dict[int, int] = {}
        self.category_lists: list[list[list[Any]]] = []

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(self._texts)

    def text(self, text: str) -> int:
        return self._texts.setdefault(text, len(self._texts))

    def prompt(self, prompt: Prompt) -> list[Any]:
        messages = [
            [
                _ROLES.index(message.role),
                [[self.text(one.text), _ORIGINS.index(one.origin)] for one in message.segments],
            ]
            for message in prompt.messages
        ]
        return [
            _SPELLINGS.index(prompt.spellings),
            self.text(prompt.variable),
            self._category_list(prompt.categories),
            messages,
        ]

    def _category_list(self, categories: tuple[CategoryText, ...]) -> int:
        known = self._known.get(id(categories))
        if known is not None:
            return known
        number = self._categories.setdefault(categories, len(self._categories))
        if number == len(self.category_lists):
            self.category_lists.append(
                [
                    [
                        self.text(one.name),
                        self.text(one.definition),
                        [*map(self.text, one.examples)],
                    ]
                    for one in categories
                ]
            )
        self._known[id(categories)] = number
        return number


class _Lookup:
    """The texts and categories of a message, by their numbers."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self.categories: tuple[tuple[CategoryText, ...], ...] = ()

    def texts(self, numbers: object) -> tuple[str, ...]:
        return tuple(_at(self._texts, number) for number in _list(numbers))

    def category_list(self, described: object) -> tuple[CategoryText, ...]:
        found = []
        for one in _list(described):
            name, definition, examples = _list(one, 3)
            found.append(
                CategoryText(
                    _at(self._texts, name), _at(self._texts, definition), self.texts(examples)
                )
            )
        return tuple(found)

    def prompt(self, described: object) -> Prompt:
        spellings, variable, categories, messages = _list(described, 4)
        return Prompt(
            tuple(map(self._message, _list(messages))),
            spellings=_at(_SPELLINGS, spellings),
            variable=_at(self._texts, variable),
            categories=_at(self.categories, categories),
        )

    def _message(self, described: object) -> Message:
        role, segments = _list(described, 2)
        found = []
        for segment in _list(segments):
            text, origin = _list(segment, 2)
            found.append(Segment(_at(self._texts, text), _at(_ORIGINS, origin)))
        return Message(_at(_ROLES, role), tuple(found))


def _list(value: object, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or length not in (None, len(value)):
        raise MalformedMessageError("a list of a request has another form")
    return value


def _at(values: Sequence[_T], number: object) -> _T:
    """Return the value with a number; a negative one would count from the end."""
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(values):
        raise MalformedMessageError("a request refers to something that it does not hold")
    return values[number]


def _settings_fields(settings: EngineSettings) -> dict[str, Any]:
    return {
        "engine": settings.engine,
        "model_path": _path_field(settings.model_path),
        "model_name": settings.model_name,
        "context_tokens": settings.context_tokens,
        "threads": settings.threads,
        "gpu_layers": settings.gpu_layers,
        "mode": settings.mode,
        "encoder_path": _path_field(settings.encoder_path),
        "launcher": list(settings.launcher),
    }


def _read_settings(fields: Fields) -> EngineSettings:
    return EngineSettings(
        engine=fields.text("engine"),
        model_path=_read_path(fields, "model_path"),
        model_name=fields.text("model_name"),
        context_tokens=fields.number_or_none("context_tokens"),
        threads=fields.number_or_none("threads"),
        gpu_layers=fields.number_or_none("gpu_layers"),
        mode=cast(ScoringMode, fields.one_of("mode", get_args(ScoringMode))),
        encoder_path=_read_path(fields, "encoder_path"),
        launcher=tuple(fields.text_list("launcher")),
    )


def _path_field(path: Path | None) -> str | None:
    return None if path is None else os.fspath(path)


def _read_path(fields: Fields, name: str) -> Path | None:
    path = fields.text_or_none(name)
    return None if path is None else Path(path)
