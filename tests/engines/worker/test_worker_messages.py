from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localensemble.core.errors import (
    EgressError,
    EngineError,
    LocalEnsembleError,
    ModelFileError,
)
from localensemble.core.prompts import CategoryText, Message, Prompt, Segment
from localensemble.engines.llama_cpp.embedding import EmbeddingFailure
from localensemble.engines.llama_cpp.template_sandbox import TemplateRaisedError
from localensemble.engines.protocol import (
    EngineDescription,
    OwnWords,
    Quote,
    Quotes,
    ScoreFailure,
    Scores,
    Usage,
)
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker import message_stream
from localensemble.engines.worker.message_stream import MalformedMessageError, packed, unpacked
from localensemble.engines.worker.requests import Method, Request, read_request, request_message
from localensemble.engines.worker.responses import (
    Answer,
    Beat,
    Report,
    answer_message,
    beat_message,
    read_response,
    report_message,
)
from tests.engines.prompts import THEMES, prompt

USAGE = Usage(prompt_tokens=7, evaluated_tokens=5, seconds=0.125, peak_memory_bytes=1 << 40)
CATEGORIES = (CategoryText("Staff", "who", ("kind", "rude")), CategoryText("Wait"))
PROMPTS = (
    prompt("half \ud83d of a pair"),
    prompt("", layout="item_first"),
    Prompt((), spellings="summed", variable="theme", categories=CATEGORIES),
    Prompt(
        (Message("assistant", (Segment("I say", "instruction"),)),),
        categories=(*CATEGORIES[:1], CategoryText("Other")),
    ),
)
SETTINGS = EngineSettings(
    engine="probe",
    model_path=Path("/a/model \udcff.gguf"),
    model_name="m",
    context_tokens=512,
    threads=3,
    gpu_layers=0,
    mode="strict",
    encoder_path=Path("encoder.gguf"),
    launcher=("module", "argument"),
)
RESULTS: dict[int, Scores | ScoreFailure] = {
    3: Scores((-0.1, float("-inf")), 0.25, 12, censored=(False, True), other_spellings=0.125),
    1: ScoreFailure("too_long: 9 of 8 tokens"),
    0: Scores((-1e-300, -0.1 - 0.2, -3.0), 0.0, 1),
    2: ScoreFailure("no answer", unparsable=True),
}
DESCRIPTION = EngineDescription(
    engine="llama-cpp",
    engine_version="1",
    model_name="Ünnamed",
    model_sha256="a" * 64,
    architecture="llama",
    chat_template_sha256="b" * 64,
    context_tokens=4096,
    settings=(("mode", "strict"), ("memory", "state")),
    prefix_rule="longest name",
    sums_spellings=True,
)


def _sent(message: message_stream.Message) -> message_stream.Message:
    data = packed(message)
    size = int.from_bytes(data[4:12], "big")
    return unpacked(message_stream.Frame(data[20 : 20 + size], data[20 + size :]))


@pytest.mark.parametrize(
    "request_",
    [
        Request("open", opened="a.b:C", settings=SETTINGS),
        Request("open", opened="a.b:C"),
        Request("describe"),
        Request("count_tokens", texts=("a", "b", "a", "")),
        Request("score", prompts=PROMPTS, answers=(THEMES, ("a", "b"), THEMES, ())),
        Request("score_wanted", prompts=PROMPTS[:2], answers=(THEMES,) * 2, wanted=frozenset({1})),
        Request("write", prompts=PROMPTS[:1], at_most=8),
        Request("quote", prompts=PROMPTS[:1], texts=("é",), answers=(("a", "b"),), at_most=8),
        Request("embed_parts", texts=("x",)),
        Request("embed"),
        Request("embed_nothing"),
    ],
)
def test_a_request_arrives_as_it_was_sent(request_: Request) -> None:
    assert read_request(_sent(request_message(request_))) == request_


def test_a_text_in_many_prompts_is_sent_once() -> None:
    prompts = tuple(prompt(f"item {number}") for number in range(100))
    message = request_message(Request("score", prompts=prompts, answers=(THEMES,) * 100))
    assert len(message.texts) < 100 + 20


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("open", None),
        ("describe", DESCRIPTION),
        ("count_tokens", (0, 5, 1 << 40)),
        ("count_tokens", ()),
        ("score", (RESULTS[0], RESULTS[1], RESULTS[2])),
        ("write", OwnWords("half \ud83d", is_whole=True)),
        ("write", ScoreFailure("too_long")),
        ("quote", Quotes((Quote(1, 2, 5, 0.25), Quote(0, 7, 9, 1.0)), True, 12)),
        ("quote", Quotes((), False, 3)),
        ("quote", ScoreFailure("too_long")),
    ],
)
def test_an_answer_arrives_as_it_was_sent(method: Method, value: object) -> None:
    answer = read_response(_sent(answer_message(method, value, None, USAGE)), method)
    assert answer == Answer(value, None, USAGE)  # type: ignore[arg-type]


def test_vectors_arrive_as_they_were_sent() -> None:
    vectors = np.array([[0.1, np.nan], [1, 2]], dtype=np.float32)
    value: Any = (vectors, (EmbeddingFailure("too_long"), None))
    answer = read_response(_sent(answer_message("embed", value, None, USAGE)), "embed")
    assert isinstance(answer, Answer)
    assert isinstance(answer.value, tuple)
    arrived, failures = answer.value
    assert isinstance(arrived, np.ndarray)
    assert arrived.tobytes() == vectors.tobytes()
    assert failures == value[1]
    parts: Any = (np.zeros((0, 2)), None, np.ones((3, 2)))
    answer = read_response(_sent(answer_message("embed_parts", parts, None, USAGE)), "embed_parts")
    assert isinstance(answer, Answer)
    assert isinstance(answer.value, tuple)
    shapes = [None if one is None else np.shape(one) for one in answer.value]  # type: ignore[arg-type]
    assert shapes == [(0, 2), None, (3, 2)]


def test_a_report_arrives_in_the_order_of_its_results() -> None:
    report = read_response(_sent(report_message(RESULTS, USAGE)), "score_wanted")
    assert report == Report(RESULTS, USAGE)
    assert isinstance(report, Report)
    assert list(report.results) == [3, 1, 0, 2]
    assert read_response(_sent(beat_message(12)), "score") == Beat(12)


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (ModelFileError("a", hint="b"), ModelFileError),
        (EgressError("a", hint="b"), EgressError),
        (TemplateRaisedError("a", hint="b"), TemplateRaisedError.__mro__[1]),
    ],
)
def test_an_error_arrives_as_an_error_of_ours(
    sent: LocalEnsembleError, kind: type[LocalEnsembleError]
) -> None:
    answer = read_response(_sent(answer_message("open", None, sent, USAGE)), "open")
    assert isinstance(answer, Answer)
    assert type(answer.error) is kind
    assert (answer.error.message, answer.error.hint) == ("a", "b")


def test_a_description_can_be_hashed_and_stored() -> None:
    described = replace(DESCRIPTION, model_name="\ud800 name", settings=(("\udfff", "\ud800"),))
    answer = read_response(_sent(answer_message("describe", described, None, USAGE)), "describe")
    assert isinstance(answer, Answer)
    assert answer.value == replace(described, model_name="? name", settings=(("?", "?"),))


def test_what_a_terminal_would_act_on_is_taken_out_of_an_error() -> None:
    sent = EngineError("a\x1b]0;title\x07b\x9b31m", hint="x\r" + "y" * 10_000)
    answer = read_response(_sent(answer_message("open", None, sent, USAGE)), "open")
    assert isinstance(answer, Answer)
    assert answer.error is not None
    assert answer.error.message == "a?]0;title?b?31m"
    assert answer.error.hint.startswith("x?y")
    assert len(answer.error.hint) == 4_000


def _without(name: str) -> message_stream.Message:
    message = answer_message("describe", DESCRIPTION, None, USAGE)
    return replace(message, fields={k: v for k, v in message.fields.items() if k != name})


def _quoted(category: int, start: int, stop: int, probability: float) -> message_stream.Message:
    quotes = Quotes((Quote(category, start, stop, probability),), True, 3)
    return answer_message("quote", quotes, None, USAGE)


def _with(message: message_stream.Message, **fields: object) -> message_stream.Message:
    return replace(message, fields={**message.fields, **fields})


def _failed(kind: str) -> message_stream.Message:
    return _with(_without(""), error={"kind": kind, "message": "", "hint": ""})


SCORES = report_message({0: Scores((-1.0, -2.0), 0.5, 3)}, USAGE)
USAGE_FIELDS = SCORES.fields["usage"]


def _numbers(place: int, values: Any) -> message_stream.Message:
    arrays = list(SCORES.arrays)
    arrays[place] = np.array(values, dtype=arrays[place].dtype)
    return replace(SCORES, arrays=arrays)


def _overflowing() -> message_stream.Message:
    most = (1 << 63) - 1
    whole = np.array([[0, 2, 0, 3], [1, most, 0, 3], [2, most, 0, 3], [3, 2, 0, 3]])
    arrays = [whole, np.zeros((4, 2)), *SCORES.arrays[2:]]
    return replace(_with(SCORES, order=[0, 1, 2, 3]), arrays=arrays)


@pytest.mark.parametrize(
    ("message", "method"),
    [
        (message_stream.Message({}), "open"),
        (message_stream.Message({"kind": "request"}), "open"),
        (message_stream.Message({"kind": ["beat"]}), "open"),
        (_with(beat_message(1), steps="1"), "open"),
        (_with(beat_message(1), steps=True), "open"),
        (_without("model_sha256"), "describe"),
        (_without("usage"), "describe"),
        (_without("error"), "describe"),
        (_with(_without(""), settings=[["a"]]), "describe"),
        (_with(_without(""), settings=[["a", 1]]), "describe"),
        (_failed("SystemExit"), "open"),
        # That a process died is for its parent to see.
        (_failed("EngineCrashedError"), "open"),
        (
            _with(_without(""), error={"kind": "EngineCrashedError", "message": "", "hint": ""}),
            "open",
        ),
        (_with(_without(""), error="x"), "describe"),
        (_with(SCORES, usage={**USAGE_FIELDS, "seconds": float("nan")}), "score_wanted"),
        (_with(SCORES, usage={**USAGE_FIELDS, "seconds": -1}), "score_wanted"),
        (SCORES, "describe"),
        (replace(SCORES, arrays=()), "score_wanted"),
        (_numbers(0, [[0, 3, 0, 3]]), "score_wanted"),
        (_numbers(0, [[0, 2, 1, 3]]), "score_wanted"),
        (_numbers(0, [[-1, 2, 0, 3]]), "score_wanted"),
        (_numbers(1, [[1.5, 0.0]]), "score_wanted"),
        (_numbers(1, [[float("nan"), 0.0]]), "score_wanted"),
        (_numbers(2, [-1.0, float("nan")]), "score_wanted"),
        (_numbers(2, [-1.0, 0.5]), "score_wanted"),
        (_numbers(2, [[-1.0, -0.5]]), "score_wanted"),
        (_numbers(0, [[0, 2, 0, 1 << 62]]), "score_wanted"),
        # Counts whose sum overflows to the number of log-probabilities.
        (_overflowing(), "score_wanted"),
        (_with(beat_message(1), steps=-1), "open"),
        (_with(beat_message(1), steps=10**400), "open"),
        (_with(SCORES, usage={**USAGE_FIELDS, "seconds": 10**400}), "score_wanted"),
        (_with(SCORES, usage={**USAGE_FIELDS, "prompt_tokens": 1 << 63}), "score_wanted"),
        (_with(SCORES, usage={**USAGE_FIELDS, "peak_memory_bytes": -1}), "score_wanted"),
        (_with(_without(""), context_tokens=1 << 70), "describe"),
        (_with(_without(""), model_name="x" * 200_000), "describe"),
        (answer_message("count_tokens", (3, -1), None, USAGE), "count_tokens"),
        (answer_message("count_tokens", (3, 1 << 60), None, USAGE), "count_tokens"),
        (_with(SCORES, order=[0, 0]), "score_wanted"),
        (_with(SCORES, order=[1]), "score_wanted"),
        (_with(SCORES, failed=[[0, "twice", False]], order=[0, 0]), "score_wanted"),
        (_with(SCORES, failed=[[0]]), "score_wanted"),
        (_with(SCORES, failed=[[1, 2, False]], order=[0, 1]), "score_wanted"),
        *(
            (_quoted(*quote), "quote")
            for quote in ((0, 3, 3, 0.5), (0, -1, 3, 0.5), (-1, 0, 3, 0.5))
        ),
        *((_quoted(0, 0, 3, probability), "quote") for probability in (1.5, -0.1, float("nan"))),
        (answer_message("write", OwnWords("text", is_whole=True), None, USAGE), "quote"),
    ],
)
def test_a_message_with_anything_else_in_it_is_refused(
    message: message_stream.Message, method: Method
) -> None:
    with pytest.raises(MalformedMessageError):
        read_response(message, method)


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "__reduce__", "wanted": [], "at_most": 0},
        {"method": "close", "wanted": [], "at_most": 0},
        {"method": "embed", "wanted": [], "at_most": 0, "asked_texts": [0]},
        {"method": "embed", "wanted": [], "at_most": 0, "asked_texts": [-1]},
        {"method": "embed", "wanted": ["0"], "at_most": 0},
        {"method": "score", "wanted": [], "at_most": 0, "prompts": [[0, 0]], "categories": []},
        {"method": "open", "wanted": [], "at_most": 0, "opened": "a:b", "settings": {}},
    ],
)
def test_a_request_with_anything_else_in_it_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessageError):
        read_request(message_stream.Message(fields))
