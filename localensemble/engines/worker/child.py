"""The process of an engine as its parent sees it: start it, write, read, notice its end, end it.

Reading and writing are done by threads, so that a process that neither takes a request nor
answers one cannot keep the parent from noticing. Of what the process prints, only lines known
to hold no item text are kept.
"""

from __future__ import annotations

import contextlib
import queue
import re
import subprocess
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import IO

from localensemble.core.module_process import child_command, child_environment
from localensemble.engines.worker.message_stream import (
    Frame,
    MalformedMessageError,
    packed,
    read_frame,
    unpacked,
)
from localensemble.engines.worker.patience import WAIT, Watch
from localensemble.engines.worker.requests import Method, Request, request_message
from localensemble.engines.worker.responses import (
    Answer,
    Beat,
    Report,
    printable,
    read_response,
)

_SECONDS_TO_END = 5.0
# Messages that arrived and are not looked at yet; more wait in the other process.
_MOST_WAITING = 64
_SECONDS_WITHOUT_ROOM = 0.005
# What llama.cpp and the C runtime print before they end a process; never item text.
SAFE_LINE = re.compile(
    r"^(GGML_ASSERT|ggml_|llama_|/.*GGML_ASSERT|terminate called|  what\(\):|CUDA error|"
    r"Fatal Python error|Segmentation fault|MemoryError)"
)

# A frame, what was wrong with one, or None at the end.
_Received = Frame | MalformedMessageError | None


class ChildDiedError(Exception):
    """The child ended instead of answering."""

    def __init__(self, exit_code: int, last_words: str) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code
        self.last_words = last_words


class ChildStuckError(Exception):
    """The child was waited for long enough; the text tells in what way it did nothing."""


class Child:
    """The process, the pipes to it, and its last words."""

    def __init__(self, launcher: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            child_command(launcher, "localensemble.engines.worker.engine_process"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            # Windows: Ctrl-C goes to a whole group.
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self.is_new = True
        self._lines: deque[str] = deque(maxlen=2)
        # Written in C: Ctrl-C within the waiting of queue.Queue leaves its lock in a wrong state.
        self._received: queue.SimpleQueue[_Received] = queue.SimpleQueue()
        self._to_send: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        process = self._process
        # Not methods: a thread that held this object would keep the child forever.
        self._listener = _thread(_listen, process.stderr, self._lines)
        threads = (
            _thread(_read, process.stdout, self._received),
            _thread(_write, process.stdin, self._to_send),
            self._listener,
        )
        # An engine that nobody closes ends its child when it is collected.
        self._finalizer = weakref.finalize(
            self, _end_process, process, threads, self._to_send, self._received
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, request: Request) -> None:
        """Send a request; that the child has ended shows when the answer is waited for."""
        self._to_send.put(packed(request_message(request)))

    def receive(self, method: Method, watch: Watch, tell: Callable[[str], None]) -> Report | Answer:
        """Wait for the next report on a request, or for the answer, which is the last.

        Args:
            method: the method that was asked for.
            watch: how long this call has been waited for.
            tell: gets what the user must know meanwhile.

        Raises:
            ChildDiedError: the child ended without answering.
            ChildStuckError: it was waited for long enough.
            MalformedMessageError: it sent something else than an answer.
        """
        while True:
            try:
                received = self._received.get(timeout=WAIT)
            except queue.Empty:
                watch.wait_ended()
            else:
                watch.wait_ended()
                response = self._understood(received, method)
                if not isinstance(response, Beat):
                    self.is_new = False
                    return response
                self.is_new = False
                watch.beat(response.steps)
            if notice := watch.notice():
                tell(notice)
            if verdict := watch.verdict():
                self._process.kill()
                raise ChildStuckError(verdict)

    def _understood(self, received: _Received, method: Method) -> Beat | Report | Answer:
        if received is None:
            raise self._died()
        if isinstance(received, MalformedMessageError):
            raise received
        return read_response(unpacked(received), method)

    def _died(self) -> ChildDiedError:
        exit_code = self._process.wait()
        self._listener.join(_SECONDS_TO_END)
        printed = printable("; ".join(self._lines), longest=300)
        return ChildDiedError(exit_code, f' It printed: "{printed}".' if printed else "")

    def end(self) -> None:
        """End the process, if it has not ended."""
        self._finalizer()


def _thread(work: Callable[..., None], stream: IO[bytes] | None, other: object) -> threading.Thread:
    if stream is None:
        raise RuntimeError("The process has no pipe.")
    thread = threading.Thread(target=work, args=(stream, other), daemon=True)
    thread.start()
    return thread


def _read(stream: IO[bytes], received: queue.SimpleQueue[_Received]) -> None:
    """Pass on messages until the process ends or sends something else."""
    try:
        while True:
            received.put(read_frame(stream))
            while received.qsize() >= _MOST_WAITING:
                time.sleep(_SECONDS_WITHOUT_ROOM)
    except MalformedMessageError as error:
        received.put(error)
    except (EOFError, OSError, ValueError):
        received.put(None)
    finally:
        # Here, because another thread that closes it would wait for a read that goes on.
        with contextlib.suppress(OSError):
            stream.close()


def _write(stream: IO[bytes], to_send: queue.SimpleQueue[bytes | None]) -> None:
    """Send what is to be sent until None comes, or the process is gone."""
    with contextlib.suppress(OSError):
        while (data := to_send.get()) is not None:
            stream.write(data)
            stream.flush()
    with contextlib.suppress(OSError):
        stream.close()


def _listen(stream: IO[bytes], lines: deque[str]) -> None:
    """Keep the last lines that are known to hold no item text."""
    with stream:
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip()
            if SAFE_LINE.search(text):
                lines.append(text)


def _end_process(
    process: subprocess.Popen[bytes],
    threads: tuple[threading.Thread, threading.Thread, threading.Thread],
    to_send: queue.SimpleQueue[bytes | None],
    received: queue.SimpleQueue[_Received],
) -> None:
    """End a child: closing its input is enough unless it hangs."""
    to_send.put(None)
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # A reader that waits for room ends once there is some; one that reads a pipe which a process
    # of the child's still holds open does not.
    reader, *others = threads
    deadline = time.monotonic() + _SECONDS_TO_END
    while reader.is_alive() and time.monotonic() < deadline:
        with contextlib.suppress(queue.Empty):
            received.get_nowait()
        reader.join(0.01)
    for thread in others:
        thread.join(_SECONDS_TO_END)


def _environment() -> dict[str, str]:
    """Tell llama.cpp in the child how to behave."""
    # On a fault llama.cpp would call a debugger, which takes seconds and prints arguments.
    environment = dict(child_environment(), GGML_NO_BACKTRACE="1")
    # Threads that wait for each other must not spin for long: with another program on the
    # same cores, that made small models 20 times slower, and on idle cores it gained nothing.
    environment.setdefault("OMP_WAIT_POLICY", "passive")
    environment.setdefault("GOMP_SPINCOUNT", "1000")
    return environment
