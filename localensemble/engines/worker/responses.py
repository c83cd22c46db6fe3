"""What an engine in another process answers, as a message and back.

Three kinds of message go to the parent: a *beat* shows that the process is alive and how much
it has done, a *report* brings results while the engine works, and an *answer* ends a call. The
parent reads them as it would read a file from a stranger: types, ranges and lengths are checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localensemble.core import errors
from localensemble.core.errors import EngineCrashedError, LocalEnsembleError
from localensemble.engines.llama_cpp.embedding import EmbeddingFailure
from localensemble.engines.protocol import (
    EngineDescription,
    OwnWords,
    Quote,
    Quotes,
    ScoreFailure,
    Scores,
    Usage,
)
from localensemble.engines.worker.fields import MOST_WHOLE, Fields
from localensemble.engines.worker.message_stream import MalformedMessageError, Message
from localensemble.engines.worker.requests import Method

Result = Scores | ScoreFailure
Embedded = tuple[NDArray[np.float32], tuple[EmbeddingFailure | None, ...]]
Parts = tuple[NDArray[np.float64] | None, ...]
Value = (
    None
    | EngineDescription
    | tuple[int, ...]
    | tuple[Result, ...]
    | OwnWords
    | Quotes
    | ScoreFailure
    | Embedded
    | Parts
)

# Only these can be raised here; that a process died is for the parent to see, not to be told.
_ERRORS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type)
    and issubclass(kind, LocalEnsembleError)
    and kind is not EngineCrashedError
}
_LONGEST_ERROR = 4_000
_LONGEST_REASON = 1_000
_LONGEST_DESCRIPTION = 100_000
_MOST_TOKENS = 1 << 32


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life: the number of steps of work so far (`steps`)."""

    steps: int


@dataclass(frozen=True, slots=True)
class Report:
    """Results that a method reported while it worked, and the work done so far."""

    results: Mapping[int, Result]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method returned, or the error it raised, and the work done so far."""

    value: Value
    error: LocalEnsembleError | None
    usage: Usage


def beat_message(steps: int) -> Message:
    """Write a sign of life as a message."""
    return Message({"kind": "beat", "steps": steps})


def report_message(results: Mapping[int, Result], usage: Usage) -> Message:
    """Write a report as a message."""
    fields, arrays = _results_parts(results)
    return Message({"kind": "report", "usage": _usage_fields(usage), **fields}, (), arrays)


def answer_message(
    method: Method, value: Any, error: LocalEnsembleError | None, usage: Usage
) -> Message:
    """Write the answer to a request as a message."""
    fields: dict[str, Any] = {"kind": "answer", "usage": _usage_fields(usage)}
    if error is not None:
        fields["error"] = {
            "kind": next(one.__name__ for one in type(error).__mro__ if one.__name__ in _ERRORS),
            "message": error.message,
            "hint": error.hint,
        }
        return Message(fields)
    fields["error"] = None
    if method == "describe":
        return Message({**fields, **_description_fields(value)})
    if method == "count_tokens":
        return Message(fields, (), (np.array(value, dtype=np.int64),))
    if method == "score":
        parts, arrays = _results_parts(dict(enumerate(value)))
        return Message({**fields, **parts}, (), arrays)
    if method == "write":
        return _written_message(fields, value)
    if method == "quote":
        return _quotes_message(fields, value)
    if method in ("embed", "embed_nothing"):
        vectors, failures = value
        reasons = [failure and failure.reason for failure in failures]
        return Message({**fields, "failures": reasons}, (), (vectors,))
    if method == "embed_parts":
        known = [part is not None for part in value]
        return Message({**fields, "known": known}, (), [one for one in value if one is not None])
    return Message(fields)


def read_response(message: Message, method: Method) -> Beat | Report | Answer:
    """Return what a message from the other process tells about a request.

    Raises:
        MalformedMessageError: it is none of the messages that may come.
    """
    fields = Fields(message.fields)
    kind = fields.one_of("kind", ("beat", "report", "answer"))
    if kind == "beat":
        return Beat(fields.number("steps"))
    usage = _read_usage(fields.inner("usage"))
    if kind == "report":
        if method != "score_wanted":
            raise MalformedMessageError("it reports results that nobody asked for")
        return Report(_read_results(message), usage)
    if message.fields.get("error", ...) is not None:
        return Answer(None, _read_error(fields.inner("error")), usage)
    return Answer(_read_value(message, fields, method), None, usage)


def _read_value(message: Message, fields: Fields, method: Method) -> Value:
    if method == "describe":
        return _read_description(fields)
    if method == "count_tokens":
        counts = _array(message, 0, np.int64, 1)
        if ((counts < 0) | (counts > MOST_WHOLE)).any():
            raise MalformedMessageError("its numbers are not counts")
        return tuple(counts.tolist())
    if method == "score":
        results = _read_results(message)
        if list(results) != list(range(len(results))):
            raise MalformedMessageError("its results are not in order")
        return tuple(results.values())
    if method == "write":
        return _read_written(message, fields)
    if method == "quote":
        return _read_quotes(message, fields)
    if method in ("embed", "embed_nothing"):
        vectors = _array(message, 0, np.float32, 2)
        failures = tuple(
            None if one is None else EmbeddingFailure(_reason(one))
            for one in fields.items("failures")
        )
        if len(vectors) != len(failures):
            raise MalformedMessageError("it has more or fewer vectors than texts")
        return vectors, failures
    if method == "embed_parts":
        return _read_parts(message, fields)
    return None


def printable(text: str, *, longest: int) -> str:
    """Return a text for people without what a terminal would act on, and not too long."""
    shown = "".join(one if one.isprintable() or one == "\n" else "?" for one in text[:longest])
    return shown


# Results


def _results_parts(results: Mapping[int, Result]) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    scored = {index: one for index, one in results.items() if isinstance(one, Scores)}
    failed = [
        [index, one.reason, one.unparsable]
        for index, one in results.items()
        if isinstance(one, ScoreFailure)
    ]
    whole = [
        (index, len(one.log_probabilities), len(one.censored), one.prompt_tokens)
        for index, one in scored.items()
    ]
    rest = [(one.off_codebook_mass, one.other_spellings) for one in scored.values()]
    logs = [number for one in scored.values() for number in one.log_probabilities]
    censored = [flag for one in scored.values() for flag in one.censored]
    arrays: list[NDArray[Any]] = [
        np.array(whole, dtype=np.int64).reshape(-1, 4),
        np.array(rest, dtype=np.float64).reshape(-1, 2),
        np.array(logs, dtype=np.float64),
        np.array(censored, dtype=np.uint8),
    ]
    return {"failed": failed, "order": list(results)}, arrays


def _read_results(message: Message) -> dict[int, Result]:
    fields = Fields(message.fields)
    whole = _array(message, 0, np.int64, 2, columns=4)
    rest = _array(message, 1, np.float64, 2, columns=2)
    logs = _array(message, 2, np.float64, 1)
    censored = _array(message, 3, np.uint8, 1)
    if (
        len(rest) != len(whole)
        or (whole < 0).any()
        # Numbers beyond these could have sums that overflow to the expected ones.
        or (whole[:, 1:3] > len(logs)).any()
        or (whole[:, 3] > _MOST_TOKENS).any()
        or whole[:, 1].sum() != len(logs)
        or whole[:, 2].sum() != len(censored)
        or ((whole[:, 2] != 0) & (whole[:, 2] != whole[:, 1])).any()
        or not (logs <= 0).all()
        or not ((rest >= 0) & (rest <= 1)).all()
    ):
        raise MalformedMessageError("its numbers are not scores")
    numbers, flags = logs.tolist(), [bool(one) for one in censored.tolist()]
    found: dict[int, Result] = {}
    start = start_flags = 0
    for (index, count, flag_count, tokens), (off, spellings) in zip(
        whole.tolist(), rest.tolist(), strict=True
    ):
        stop, stop_flags = start + count, start_flags + flag_count
        found[index] = Scores(
            log_probabilities=tuple(numbers[start:stop]),
            off_codebook_mass=off,
            prompt_tokens=tokens,
            censored=tuple(flags[start_flags:stop_flags]),
            other_spellings=spellings,
        )
        start, start_flags = stop, stop_flags
    for one in fields.items("failed"):
        if not (isinstance(one, list) and len(one) == 3):
            raise MalformedMessageError("a failure has another form")
        failure = Fields(dict(zip(("index", "reason", "unparsable"), one, strict=True)))
        found[failure.number("index")] = ScoreFailure(
            _reason(failure.text("reason")), failure.flag("unparsable")
        )
    order = fields.numbers("order")
    sent = len(whole) + len(fields.items("failed"))
    if not len(order) == len(found) == sent or set(order) != set(found):
        raise MalformedMessageError("it has a result twice or not at all")
    return {index: found[index] for index in order}


def _reason(value: object) -> str:
    if not isinstance(value, str):
        raise MalformedMessageError("a reason is not a text")
    return printable(value, longest=_LONGEST_REASON)


def _array(
    message: Message, number: int, dtype: type[np.generic], dimensions: int, columns: int = 0
) -> NDArray[Any]:
    array = message.arrays[number] if number < len(message.arrays) else None
    if (
        array is None
        or array.dtype != dtype
        or array.ndim != dimensions
        or (columns and array.shape[1] != columns)
    ):
        raise MalformedMessageError(f"its array {number} is missing or of another form")
    return array


# The other values


_DESCRIPTION_TEXTS = (
    "engine",
    "engine_version",
    "model_name",
    "model_sha256",
    "architecture",
    "chat_template_sha256",
    "prefix_rule",
)


def _description_fields(description: EngineDescription) -> dict[str, Any]:
    return {
        **{name: getattr(description, name) for name in _DESCRIPTION_TEXTS},
        "context_tokens": description.context_tokens,
        "settings": [list(pair) for pair in description.settings],
        "sums_spellings": description.sums_spellings,
    }


def _read_description(fields: Fields) -> EngineDescription:
    settings = []
    for pair in fields.items("settings"):
        if not (isinstance(pair, list) and len(pair) == 2):
            raise MalformedMessageError("a setting is not a name and a value")
        both = Fields({"name": pair[0], "value": pair[1]})
        settings.append((_described(both, "name"), _described(both, "value")))
    return EngineDescription(
        **{name: _described(fields, name) for name in _DESCRIPTION_TEXTS},
        context_tokens=fields.number("context_tokens"),
        settings=tuple(settings),
        sums_spellings=fields.flag("sums_spellings"),
    )


def _described(fields: Fields, name: str) -> str:
    """Return a text that can be hashed and stored: half of a surrogate pair cannot."""
    text = fields.text(name)
    if len(text) > _LONGEST_DESCRIPTION:
        raise MalformedMessageError(f'its field "{name}" is too long')
    return text.encode("utf-8", "replace").decode("utf-8")


def _written_message(fields: dict[str, Any], value: OwnWords | ScoreFailure) -> Message:
    if isinstance(value, ScoreFailure):
        return Message({**fields, "failed": [value.reason, value.unparsable]})
    return Message({**fields, "failed": None, "is_whole": value.is_whole}, (value.text,))


def _read_written(message: Message, fields: Fields) -> OwnWords | ScoreFailure:
    if message.fields.get("failed", ...) is None:
        if len(message.texts) != 1:
            raise MalformedMessageError("it has no response or several")
        return OwnWords(message.texts[0], fields.flag("is_whole"))
    return _read_failure(fields)


def _quotes_message(fields: dict[str, Any], value: Quotes | ScoreFailure) -> Message:
    if isinstance(value, ScoreFailure):
        return Message({**fields, "failed": [value.reason, value.unparsable]})
    places = [(one.category, one.start, one.stop) for one in value.quotes]
    arrays = (
        np.array(places, dtype=np.int64).reshape(len(places), 3),
        np.array([one.probability for one in value.quotes], dtype=np.float64),
    )
    told = {"failed": None, "is_whole": value.is_whole, "prompt_tokens": value.prompt_tokens}
    return Message({**fields, **told}, (), arrays)


def _read_quotes(message: Message, fields: Fields) -> Quotes | ScoreFailure:
    if message.fields.get("failed", ...) is not None:
        return _read_failure(fields)
    places = _array(message, 0, np.int64, 2)
    probabilities = _array(message, 1, np.float64, 1)
    if places.shape != (len(probabilities), 3):
        raise MalformedMessageError("its quotes lack numbers")
    if (places < 0).any() or (places[:, 1] >= places[:, 2]).any():
        raise MalformedMessageError("its places are not those of passages")
    if not ((probabilities >= 0.0) & (probabilities <= 1.0)).all():
        raise MalformedMessageError("its numbers are not probabilities")
    return Quotes(
        tuple(
            Quote(int(category), int(start), int(stop), float(probability))
            for (category, start, stop), probability in zip(places, probabilities, strict=True)
        ),
        fields.flag("is_whole"),
        fields.number("prompt_tokens"),
    )


def _read_failure(fields: Fields) -> ScoreFailure:
    failed = fields.items("failed")
    if len(failed) != 2:
        raise MalformedMessageError("a failure has another form")
    both = Fields({"reason": failed[0], "unparsable": failed[1]})
    return ScoreFailure(_reason(both.text("reason")), both.flag("unparsable"))


def _read_parts(message: Message, fields: Fields) -> Parts:
    known = fields.items("known")
    if sum(one is True for one in known) != len(message.arrays):
        raise MalformedMessageError("it has more or fewer vectors than texts")
    arrays = [_array(message, number, np.float64, 2) for number in range(len(message.arrays))]
    following = iter(arrays)
    return tuple(next(following) if one is True else None for one in known)


def _usage_fields(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "evaluated_tokens": usage.evaluated_tokens,
        "seconds": usage.seconds,
        "peak_memory_bytes": usage.peak_memory_bytes,
    }


def _read_usage(fields: Fields) -> Usage:
    return Usage(
        prompt_tokens=fields.number("prompt_tokens"),
        evaluated_tokens=fields.number("evaluated_tokens"),
        seconds=fields.seconds("seconds"),
        peak_memory_bytes=fields.number("peak_memory_bytes"),
    )


def _read_error(fields: Fields) -> LocalEnsembleError:
    kind = _ERRORS[fields.one_of("kind", tuple(_ERRORS))]
    message = printable(fields.text("message"), longest=_LONGEST_ERROR)
    return kind(message, hint=printable(fields.text("hint"), longest=_LONGEST_ERROR))
