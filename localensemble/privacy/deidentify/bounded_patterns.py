"""Search texts with the patterns of a codebook, in bounded time.

A pattern that takes too long on a text is refused: the text would be shown with its identifiers.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
import time
import weakref
from collections.abc import Sequence
from typing import IO, cast

from localensemble.core.errors import InputError
from localensemble.core.module_process import child_command, child_environment
from localensemble.privacy.egress import guarded_launcher

_CHILD = "localensemble.privacy.deidentify.pattern_process"
# Of waiting while this machine is awake, for a process that gets no processor. The process bounds
# its own processor time, except on Windows.
_MOST_SECONDS = 60.0
_WAIT = 0.25

Span = tuple[int, int]


class BoundedPatterns:
    """Patterns with their names, and the process that searches with them.

    The process starts with the first text, and ends with this object.
    """

    def __init__(self, names: Sequence[str], patterns: Sequence[str]) -> None:
        self._names = tuple(names)
        self._patterns = tuple(patterns)
        # Pages of the review are made in several threads.
        self._lock = threading.Lock()
        self._running: _PatternProcess | None = None

    def spans(self, text: str, *, where: str) -> tuple[tuple[Span, ...], ...]:
        """Return where each pattern is found.

        Args:
            text: the text.
            where: what errors call the text, such as ``row 7``.

        Raises:
            InputError: a pattern takes too long on the text.
        """
        if not self._patterns:
            return ()
        with self._lock:
            if self._running is None:
                self._running = _PatternProcess(self._patterns)
            self._running.send(text)
            found = []
            for name in self._names:
                spans = self._running.answer()
                if spans is None:
                    self._running = None
                    raise InputError(
                        f'Cannot de-identify {where}: the pattern "{name}" of the codebook takes '
                        "too much processor time on it.",
                        hint="Simplify the pattern: avoid repeats inside repeats, such as "
                        "(a+)+, and alternatives that match the same text.",
                    )
                found.append(spans)
            return tuple(found)


class _PatternProcess:
    def __init__(self, patterns: Sequence[str]) -> None:
        process = subprocess.Popen(
            child_command(guarded_launcher(), _CHILD),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
            # Ctrl-C is for the program; the process ends when its input does.
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            start_new_session=True,
        )
        self._to_child = cast(IO[bytes], process.stdin)
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(
            target=_read, args=(cast(IO[bytes], process.stdout), self._answers), daemon=True
        ).start()
        self._end = weakref.finalize(self, _end, process)
        self._write(list(patterns))

    def send(self, text: str) -> None:
        self._write(text)

    def _write(self, value: object) -> None:
        # A process that has ended shows in the answer that it does not give.
        with contextlib.suppress(OSError):
            self._to_child.write(json.dumps(value).encode("ascii") + b"\n")
            self._to_child.flush()

    def answer(self) -> tuple[Span, ...] | None:
        """Return where the next pattern is found; None if the process ended or hangs."""
        line = _waited_for(self._answers)
        if not line:
            self._end()
            return None
        return tuple((start, stop) for start, stop in json.loads(line))


def _read(stream: IO[bytes], answers: queue.SimpleQueue[bytes]) -> None:
    with stream, contextlib.suppress(OSError, ValueError):
        for line in stream:
            answers.put(line)
    answers.put(b"")


def _waited_for(answers: queue.SimpleQueue[bytes]) -> bytes:
    """Return the next line; empty if there is none in time. Sleep of the machine does not count."""
    waited, before = 0.0, time.monotonic()
    while waited < _MOST_SECONDS:
        with contextlib.suppress(queue.Empty):
            return answers.get(timeout=_WAIT)
        now = time.monotonic()
        waited += min(max(now - before, 0.0), 2 * _WAIT)
        before = now
    return b""


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        cast(IO[bytes], process.stdin).close()
    process.kill()
    process.wait()
