"""Serve an engine to the parent process: take requests, and answer them.

Requests come on standard input. While the engine works, a thread tells the parent every second
how many steps of work are done. The process ends when the parent does. `engine_process` starts it.
"""

from __future__ import annotations

import os
import pkgutil
import queue
import sys
import threading
from collections.abc import Mapping
from functools import partial
from typing import IO, Any

from localensemble.core.errors import EngineError, LocalEnsembleError, kind_and_place
from localensemble.core.native_code import import_trouble
from localensemble.engines.protocol import Usage
from localensemble.engines.steps import STEPS
from localensemble.engines.worker.message_stream import Message, packed, read_frame, unpacked
from localensemble.engines.worker.requests import Request, read_request
from localensemble.engines.worker.responses import (
    Result,
    answer_message,
    beat_message,
    report_message,
)

_SECONDS_BETWEEN_BEATS = 1.0
_NO_USAGE = Usage(prompt_tokens=0, evaluated_tokens=0, seconds=0.0, peak_memory_bytes=0)


class _Output:
    """The way to the parent, shared by the thread that works and the one that beats."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._works = threading.Event()

    def begin(self) -> None:
        """Send signs of life from now on."""
        self._works.set()

    def send(self, message: Message, *, last: bool = False) -> None:
        """Send a message; after the last one of a call, no sign of life follows."""
        data = packed(message)
        with self._lock:
            self._stream.write(data)
            self._stream.flush()
            if last:
                self._works.clear()

    def beat(self) -> None:
        """Tell for ever, but only while a request is worked on, how much is done."""
        pause = threading.Event()
        while True:
            self._works.wait()
            with self._lock:
                if self._works.is_set():
                    self._stream.write(packed(beat_message(STEPS.count)))
                    self._stream.flush()
            pause.wait(_SECONDS_BETWEEN_BEATS)


def _receive(stream: IO[bytes], requests: queue.SimpleQueue[Request]) -> None:
    """Pass on requests; end at once when the parent is gone, whatever is being computed."""
    try:
        while True:
            requests.put(read_request(unpacked(read_frame(stream))))
    except BaseException:
        os._exit(0)


def _serve(requests: queue.SimpleQueue[Request], output: _Output) -> None:
    engine: Any = None
    while True:
        request = requests.get()
        output.begin()
        value: Any = None
        failure: LocalEnsembleError | None = None
        try:
            if request.method == "open":
                engine = pkgutil.resolve_name(request.opened)(request.settings)
            else:
                value = _called(engine, request, output)
        except LocalEnsembleError as error:
            failure = error.with_traceback(None)
        # Every fault is reported to the parent; this process has nobody else to tell.
        except Exception as error:
            failure = _fault(error)
        usage = engine.usage() if engine is not None else _NO_USAGE
        output.send(answer_message(request.method, value, failure, usage), last=True)


def _called(engine: Any, request: Request, output: _Output) -> Any:
    """Call the method that is asked for; the names of others never get this far."""
    if request.method == "describe":
        return engine.describe()
    if request.method == "score":
        return engine.score(request.prompts, request.answers)
    if request.method == "score_wanted":
        report = partial(_report, engine, output)
        return engine.score_wanted(
            request.prompts, request.answers, request.wanted, on_scored=report
        )
    if request.method == "write":
        return engine.write(request.prompts[0], at_most=request.at_most)
    if request.method == "quote":
        return engine.quote(
            request.prompts[0],
            text=request.texts[0],
            categories=request.answers[0],
            at_most=request.at_most,
        )
    if request.method == "embed_nothing":
        return engine.embed_nothing()
    return getattr(engine, request.method)(request.texts)


def _report(engine: Any, output: _Output, results: Mapping[int, Result]) -> None:
    STEPS.take()
    output.send(report_message(results, engine.usage()))


def _fault(error: BaseException) -> LocalEnsembleError:
    if trouble := import_trouble(error):
        return trouble.as_error()
    return EngineError(
        f"The process running the model failed: {kind_and_place(error)}.",
        hint="This is a bug in the program; please report it.",
    )


def serve(answers: IO[bytes]) -> None:
    """Serve one engine until the parent is gone.

    Args:
        answers: the way to the parent.
    """
    output = _Output(answers)
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, requests), daemon=True).start()
    threading.Thread(target=output.beat, daemon=True).start()
    _serve(requests, output)
