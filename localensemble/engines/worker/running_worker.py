"""Run a model in its own process, so that a crash fails one call and not the run.

A fault in C code cannot be caught in Python, and a system short of memory kills the process
with the model. When the process dies, or does nothing for longer than its `Patience`, the
current call raises `EngineCrashedError` and the next one starts another process. Results that
it reported before stay with whoever they were reported to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from localensemble.core.errors import (
    EngineCrashedError,
    EngineError,
    EngineUnavailableError,
    ModelFileError,
)
from localensemble.engines.child_process import BUILD_HERE, ended_with
from localensemble.engines.protocol import EngineDescription, Usage
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker.child import Child, ChildDiedError, ChildStuckError
from localensemble.engines.worker.message_stream import MalformedMessageError
from localensemble.engines.worker.patience import Patience, Watch
from localensemble.engines.worker.requests import Request
from localensemble.engines.worker.responses import Report, Value
from localensemble.engines.worker.suspected_build import embedded_model_loads

_NO_USAGE = Usage(prompt_tokens=0, evaluated_tokens=0, seconds=0.0, peak_memory_bytes=0)
_SIGKILL = 9

# Python writes warnings of a logger that nobody set up to standard error.
_log = logging.getLogger(__name__)


class Worker:
    """A model in a child process, for whatever calls.

    Raises:
        ModelFileError: the model file cannot be used, or reading it kills the child.
        EngineUnavailableError: llama-cpp-python is not installed, or cannot load any model.
        EngineCrashedError: the child died or did nothing; the next call starts another.
        EngineError: it did nothing too often, or sent something other than an answer.
    """

    # What the child opens with the settings, as ``module:name``.
    _opened: ClassVar[str]

    def __init__(self, settings: EngineSettings, *, patience: Patience | None = None) -> None:
        self._settings = settings
        self._patience = patience or Patience()
        self._times_stuck = 0
        self._child: Child | None = None
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
            description = self._call(Request("describe"))
            if not isinstance(description, EngineDescription):
                raise self._malformed("it describes nothing")
            self._description = description
        return self._description

    def usage(self) -> Usage:
        """Report the work done so far, including that of children that died."""
        return _add(self._usage_before, self._usage)

    def close(self) -> None:
        """End the child."""
        self._closed = True
        self._end()

    def _call(
        self, request: Request, on_report: Callable[[Report], None] = lambda report: None
    ) -> Value:
        if self._closed:
            raise EngineError(
                f"Cannot use {self._title}: its engine is closed.", hint="Open the engine again."
            )
        try:
            if self._child is None:
                self._start()
            return self._exchange(request, on_report)
        except ChildDiedError as died:
            raise self._crashed(died) from died

    def _start(self) -> None:
        if _file_identity(self._settings.model_path) != self._opened_file:
            raise ModelFileError(
                f"Cannot continue with {self._title}: its file has changed since it was opened.",
                hint="Restore the file, or start a new run.",
            )
        self._child = Child(self._settings.launcher)
        try:
            self._exchange(Request("open", opened=self._opened, settings=self._settings))
        except ChildDiedError as died:
            if died.exit_code == -_SIGKILL:
                raise self._crashed(died) from died
            raise self._died_loading(died) from died
        except BaseException:
            self._end()
            raise

    def _died_loading(self, died: ChildDiedError) -> EngineError | ModelFileError:
        """Tell a damaged file from a library that no model can be loaded with."""
        what = f"the process reading it died ({ended_with(died.exit_code)}).{died.last_words}"
        if embedded_model_loads(self._settings.launcher, self._patience) is False:
            return EngineUnavailableError(
                f"Cannot load {self._title}: {what} So did the process that tried an embedded "
                "model: the file is not the cause, but llama.cpp as it was built.",
                hint=f"It was probably built for another processor or system. {BUILD_HERE}",
            )
        return ModelFileError(
            f"Cannot load {self._title}: {what}",
            hint="The file is probably damaged: check its sha256 or pull it again. If it is whole, "
            "this build of llama.cpp cannot read it, though it reads other models: update "
            "llama-cpp-python, or use another model.",
        )

    def _exchange(
        self, request: Request, on_report: Callable[[Report], None] = lambda report: None
    ) -> Value:
        child = self._child
        if child is None:
            raise RuntimeError("No child is running.")
        watch = Watch(self._patience, is_new=child.is_new)
        try:
            child.send(request)
            while isinstance(response := child.receive(request.method, watch, self._tell), Report):
                self._usage = response.usage
                on_report(response)
        except ChildStuckError as stuck:
            self._end()
            raise self._stuck(stuck) from None
        except MalformedMessageError as error:
            raise self._malformed(str(error)) from None
        except BaseException:
            # Ctrl-C included: a late response would be mistaken for that to the next request.
            self._end()
            raise
        self._usage = response.usage
        if response.error is not None:
            raise response.error
        return response.value

    def _tell(self, notice: str) -> None:
        _log.warning("The process running %s %s.", self._title, notice)

    def _crashed(self, died: ChildDiedError) -> EngineCrashedError:
        killed = died.exit_code == -_SIGKILL
        return EngineCrashedError(
            f"The process running {self._title} died during a call "
            f"({died.exit_code}).{died.last_words}",
            hint="The system may be short of memory: choose a smaller model or context."
            if killed
            else "Run again: an item that causes this is found and recorded as failed for good.",
        )

    def _stuck(self, stuck: ChildStuckError) -> EngineError:
        self._times_stuck += 1
        message = f"The process running {self._title} {stuck} and was ended."
        if self._times_stuck > self._patience.restarts:
            return EngineError(
                f"{message} This happened {self._times_stuck} times, so it is not started again.",
                hint="Labels so far are kept. Check whether the machine is short of memory or "
                "something stops its processes, then run the same command again.",
            )
        _log.warning("%s Starting it again.", message)
        return EngineCrashedError(message, hint="Run the same command again.")

    def _malformed(self, what: str) -> EngineError:
        """End a child that broke the rules of the exchange: nothing it sends can be believed."""
        self._end()
        return EngineError(
            f"The process running {self._title} sent something other than an answer: {what}. "
            "It was ended.",
            hint="Do not use this model file unless you know where it comes from. If you do, "
            "please report this as a fault in the program.",
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
