"""Run a model in its own process, so that a crash fails one call and not the run.

A fault in C code cannot be caught in Python, and a system short of memory kills the process
with the model. `WorkerEngine` is an engine whose model lives in a child process: when the child
dies, the current call raises `EngineCrashedError` and the next one starts another child.
Results that it reported before stay with whoever they were reported to.
The child ends when its parent does, and leaves Ctrl-C to it.

Requests and responses are pickles preceded by their length, on the child's standard input
and output. Anything else written there goes to standard error instead, and of that only
lines known to hold no item text are kept.
"""

from __future__ import annotations

import contextlib
import os
import pkgutil
import queue
import re
import signal
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from localensemble.core.errors import (
    EngineCrashedError,
    EngineError,
    LocalEnsembleError,
    ModelFileError,
    kind_and_place,
)
from localensemble.core.prompts import Prompt
from localensemble.engines.child_process import child_command, child_environment
from localensemble.engines.llama_cpp.embedding import EmbeddingFailure
from localensemble.engines.pickle_stream import read_pickle, write_pickle
from localensemble.engines.protocol import (
    EngineDescription,
    OnScored,
    OwnWords,
    ScoreFailure,
    Scores,
    Usage,
    refuse_unequal,
)
from localensemble.engines.settings import EngineSettings

_NO_USAGE = Usage(prompt_tokens=0, evaluated_tokens=0, seconds=0.0, peak_memory_bytes=0)
_SECONDS_TO_END = 5.0
_SIGKILL = 9
# What llama.cpp and the C runtime print before they end a process; never item text.
_SAFE_LINE = re.compile(
    r"^(GGML_ASSERT|ggml_|llama_|/.*GGML_ASSERT|terminate called|  what\(\):|CUDA error|"
    r"Fatal Python error|Segmentation fault|MemoryError)"
)


@dataclass(frozen=True, slots=True)
class _MethodCall:
    """A method of the engine and its arguments.

    ``reports`` tells whether the method also takes ``on_scored``, whose calls are sent back.
    """

    method: str
    arguments: tuple[Any, ...] = ()
    reports: bool = False


@dataclass(frozen=True, slots=True)
class _Report:
    """Results that a method reported while it worked, and the work done so far."""

    results: Mapping[int, Scores | ScoreFailure]
    usage: Usage


@dataclass(frozen=True, slots=True)
class _MethodResult:
    """What a method returned, or the error it raised, and the work done so far."""

    value: Any
    error: LocalEnsembleError | None
    usage: Usage


class _Worker:
    """A model in a child process, for whatever calls.

    Raises:
        ModelFileError: the model file cannot be used, or reading it kills the child.
        EngineUnavailableError: llama-cpp-python is not installed.
        EngineCrashedError: the child died; the next call starts another.
    """

    # What the child opens with the settings, as ``module:name``.
    _opened: ClassVar[str]

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._child: _Child | None = None
        self._closed = False
        self._description: EngineDescription | None = None
        self._usage = _NO_USAGE
        self._usage_before = _NO_USAGE
        self._opened_file = _file_identity(settings.model_path)
        self._start()

    @property
    def pid(self) -> int | None:
        """The child's process id; None while no child runs."""
        return self._child.pid if self._child is not None else None

    def describe(self) -> EngineDescription:
        """Describe what runs here."""
        if self._description is None:
            description = self._call("describe")
            if not isinstance(description, EngineDescription):
                raise TypeError("The worker did not return a description.")
            self._description = description
        return self._description

    def usage(self) -> Usage:
        """Report the work done so far, including that of children that died."""
        return _add(self._usage_before, self._usage)

    def close(self) -> None:
        """End the child."""
        self._closed = True
        self._end()

    def _call(self, method: str, *arguments: Any, on_scored: OnScored | None = None) -> Any:
        if self._closed:
            raise EngineError(
                f"Cannot use {self._title}: its engine is closed.", hint="Open the engine again."
            )
        try:
            if self._child is None:
                self._start()
            request = _MethodCall(method, arguments, reports=on_scored is not None)
            return self._exchange(request, on_scored)
        except _ChildDiedError as died:
            raise self._crashed(died) from died

    def _start(self) -> None:
        if _file_identity(self._settings.model_path) != self._opened_file:
            raise ModelFileError(
                f"Cannot continue with {self._title}: its file has changed since it was opened.",
                hint="Restore the file, or start a new run.",
            )
        self._child = _Child(self._settings.launcher)
        try:
            self._exchange(_MethodCall("open", (self._opened, self._settings)))
        except _ChildDiedError as died:
            if died.exit_code == -_SIGKILL:
                raise self._crashed(died) from died
            raise ModelFileError(
                f"Cannot load {self._title}: the process reading it died "
                f"({died.exit_code}).{died.last_words}",
                hint="The file is probably damaged: check its sha256 or pull it again.",
            ) from died
        except BaseException:
            self._end()
            raise

    def _exchange(self, request: _MethodCall, on_scored: OnScored | None = None) -> Any:
        child = self._child
        if child is None:
            raise RuntimeError("No child is running.")
        try:
            child.send(request)
            while isinstance(response := child.receive(), _Report):
                self._usage = response.usage
                if on_scored is not None:
                    on_scored(response.results)
        except BaseException:
            # Ctrl-C included: a late response would be mistaken for that to the next request.
            self._end()
            raise
        self._usage = response.usage
        if response.error is not None:
            raise response.error
        return response.value

    def _crashed(self, died: _ChildDiedError) -> EngineCrashedError:
        killed = died.exit_code == -_SIGKILL
        return EngineCrashedError(
            f"The process running {self._title} died during a call "
            f"({died.exit_code}).{died.last_words}",
            hint="The system may be short of memory: choose a smaller model or context."
            if killed
            else "Run again: an item that causes this is found and recorded as failed for good.",
        )

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None
        self._usage_before = _add(self._usage_before, self._usage)
        self._usage = _NO_USAGE

    @property
    def _title(self) -> str:
        path = self._settings.model_path
        return f'model "{path.name}"' if path is not None else "a model without a file"


class WorkerEngine(_Worker):
    """An engine in a child process: llama.cpp's, if a subclass names no other."""

    _opened = "localensemble.engines.llama_cpp.engine:LlamaCppEngine"

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Count the tokens of each text."""
        counts: tuple[int, ...] = self._call("count_tokens", tuple(texts))
        return counts

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[tuple[str, ...]]
    ) -> tuple[Scores | ScoreFailure, ...]:
        """Score each prompt's answers."""
        refuse_unequal(prompts, answers)
        scores: tuple[Scores | ScoreFailure, ...] = self._call(
            "score", tuple(prompts), tuple(answers)
        )
        return scores

    def score_wanted(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[tuple[str, ...]],
        wanted: Collection[int],
        *,
        on_scored: OnScored,
    ) -> None:
        """Score some prompts' answers, and report them while the child works."""
        refuse_unequal(prompts, answers)
        arguments = (tuple(prompts), tuple(answers), frozenset(wanted))
        self._call("score_wanted", *arguments, on_scored=on_scored)


class WorkerWritingEngine(WorkerEngine):
    """An engine in a child process whose model can also write a response."""

    def write(self, prompt: Prompt, *, at_most: int) -> OwnWords | ScoreFailure:
        """Write the response to a prompt."""
        written: OwnWords | ScoreFailure = self._call("write", prompt, at_most)
        return written


class WorkerEmbeddingEngine(WorkerEngine):
    """An encoder that scores categories, in a child process."""

    _opened = "localensemble.engines.embedding.engine:EmbeddingEngine"


class WorkerProbeEngine(WorkerEngine):
    """A trained probe with its encoder, in a child process."""

    _opened = "localensemble.engines.probe.engine:ProbeEngine"


class WorkerEmbedder(_Worker):
    """An encoder in a child process."""

    _opened = "localensemble.engines.llama_cpp.embedding:LlamaEmbedder"

    def embed(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], tuple[EmbeddingFailure | None, ...]]:
        """Return a vector for each text."""
        embedded: tuple[NDArray[np.float32], tuple[EmbeddingFailure | None, ...]] = self._call(
            "embed", tuple(texts)
        )
        return embedded

    def embed_parts(self, texts: Sequence[str]) -> tuple[NDArray[np.float64] | None, ...]:
        """Return the vectors of each text's parts."""
        parts: tuple[NDArray[np.float64] | None, ...] = self._call("embed_parts", tuple(texts))
        return parts


class _ChildDiedError(Exception):
    """The child ended instead of answering."""

    def __init__(self, exit_code: int, last_words: str) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code
        self.last_words = last_words


class _Child:
    """The process, the pipes to it, and its last words."""

    def __init__(self, launcher: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            child_command(launcher, "localensemble.engines.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            # Windows: Ctrl-C goes to a whole group.
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._lines: deque[str] = deque(maxlen=2)
        # Not a method: a thread that held this object would keep the child forever.
        self._listener = threading.Thread(
            target=_listen, args=(self._process.stderr, self._lines), daemon=True
        )
        self._listener.start()
        # An engine that nobody closes ends its child when it is collected.
        self._finalizer = weakref.finalize(self, _end_process, self._process)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, request: _MethodCall) -> None:
        """Send a request.

        Raises:
            _ChildDiedError: the child has ended.
        """
        try:
            write_pickle(self._process.stdin, request)
        except (EOFError, OSError):
            raise self._died() from None

    def receive(self) -> _Report | _MethodResult:
        """Wait for the next report on a request, or for the result, which is the last.

        Raises:
            _ChildDiedError: the child ended without responding.
        """
        try:
            response = read_pickle(self._process.stdout)
        except (EOFError, OSError):
            raise self._died() from None
        if not isinstance(response, _Report | _MethodResult):
            raise TypeError("The worker did not send a response.")
        return response

    def _died(self) -> _ChildDiedError:
        exit_code = self._process.wait()
        self._listener.join(_SECONDS_TO_END)
        printed = "; ".join(self._lines)
        last_words = f' It printed: "{printed[:300]}".' if printed else ""
        return _ChildDiedError(exit_code, last_words)

    def end(self) -> None:
        self._finalizer()


def _listen(stream: IO[bytes], lines: deque[str]) -> None:
    """Keep the last lines that are known to hold no item text."""
    # The stream is closed while this thread reads it when the child is ended.
    with contextlib.suppress(ValueError, OSError):
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip()
            if _SAFE_LINE.search(text):
                lines.append(text)


def _end_process(process: subprocess.Popen[bytes]) -> None:
    """End a child: closing its input is enough unless it hangs."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stderr is not None:
        process.stderr.close()


def _environment() -> dict[str, str]:
    """Tell llama.cpp in the child how to behave."""
    # On a fault llama.cpp would call a debugger, which takes seconds and prints arguments.
    environment = dict(child_environment(), GGML_NO_BACKTRACE="1")
    # Threads that wait for each other must not spin for long: with another program on the
    # same cores, that made small models 20 times slower, and on idle cores it gained nothing.
    environment.setdefault("OMP_WAIT_POLICY", "passive")
    environment.setdefault("GOMP_SPINCOUNT", "1000")
    return environment


def _file_identity(path: Path | None) -> tuple[int, int] | None:
    try:
        status = path.stat() if path is not None else None
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if status is not None else None


def _add(one: Usage, other: Usage) -> Usage:
    return Usage(
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        evaluated_tokens=one.evaluated_tokens + other.evaluated_tokens,
        seconds=one.seconds + other.seconds,
        peak_memory_bytes=max(one.peak_memory_bytes, other.peak_memory_bytes),
    )


# The child.


def _fault(error: BaseException) -> EngineError:
    return EngineError(
        f"The process running the model failed: {kind_and_place(error)}.",
        hint="This is a bug in the program; please report it.",
    )


def _receive(stream: IO[bytes], requests: queue.SimpleQueue[object]) -> None:
    """Pass on requests; end at once when the parent is gone, whatever is being computed."""
    try:
        while True:
            requests.put(read_pickle(stream))
    except BaseException:
        os._exit(0)


def _serve(requests: queue.SimpleQueue[object], output: IO[bytes]) -> None:
    engine: Any = None
    while True:
        request = requests.get()
        value: Any = None
        failure: LocalEnsembleError | None = None
        try:
            if not isinstance(request, _MethodCall):
                raise TypeError("The parent did not send a request.")
            if request.method == "open":
                name, settings = request.arguments
                engine = pkgutil.resolve_name(name)(settings)
            elif request.reports:
                report = partial(_report, engine, output)
                getattr(engine, request.method)(*request.arguments, on_scored=report)
            else:
                value = getattr(engine, request.method)(*request.arguments)
        except LocalEnsembleError as error:
            failure = error.with_traceback(None)
        # Every fault is reported to the parent; this process has nobody else to tell.
        except Exception as error:
            failure = _fault(error)
        usage = engine.usage() if engine is not None else _NO_USAGE
        write_pickle(output, _MethodResult(value, failure, usage))


def _report(engine: Any, output: IO[bytes], results: Mapping[int, Scores | ScoreFailure]) -> None:
    write_pickle(output, _Report(results, engine.usage()))


def main() -> None:
    """Serve one engine until the parent is gone."""
    # The parent decides what Ctrl-C means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = os.fdopen(os.dup(1), "wb")
    # Output of C code must not get between the responses.
    os.dup2(2, 1)
    requests: queue.SimpleQueue[object] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, requests), daemon=True).start()
    _serve(requests, output)


if __name__ == "__main__":
    # Pickles name a class by its module, which must not be "__main__".
    from localensemble.engines import worker

    worker.main()
