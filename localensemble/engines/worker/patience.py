"""Decide how long a process that answers nothing is waited for.

A slow model is told apart from a wedged one by two signs, which the process itself sends every
second while it works:

- *It is silent*: no sign of life comes. Then it is stopped, or native code in it lets no other
  thread run.
- *It is idle*: signs of life come, but the count of its steps stays the same. A step is one
  operation of the model's graph on the processor, and takes seconds at most; a prompt that
  takes an hour has thousands of them.

Time is counted in short waits of this process, each for no more than it was meant to last. So
neither a sleeping laptop, nor a stopped terminal, nor a clock that jumps counts as waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a process is waited for, and how often another one is started.

    Attributes:
        notice: seconds without a sign of life or a step until the user is told.
        silent: seconds without a sign of life until the process is ended.
        idle: seconds without a step until it is ended.
        starting: seconds until the first sign of life, which Python's start delays.
        restarts: how often a process is ended for one of these reasons before the engine fails.
    """

    notice: float = 10.0
    silent: float = 60.0
    idle: float = 300.0
    starting: float = 300.0
    restarts: int = 5


# Seconds between two looks at a process that is waited for.
WAIT = 1.0


class Watch:
    """How long a process has been waited for during one call."""

    def __init__(
        self, patience: Patience, *, is_new: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._is_new = is_new
        self._before = clock()
        self._silent = 0.0
        self._idle = 0.0
        self._steps = -1
        self._told = False

    def wait_ended(self) -> None:
        """Count a wait that began when the last one ended."""
        now = self._clock()
        waited = min(max(now - self._before, 0.0), WAIT)
        self._before = now
        self._silent += waited
        self._idle += waited

    def beat(self, steps: int) -> None:
        """Note a sign of life, and whether work was done since the last one."""
        self._is_new = False
        self._silent = 0.0
        if steps != self._steps:
            self._steps = steps
            self._idle = 0.0
            self._told = False

    def notice(self) -> str:
        """Return what the user must be told now, once for each standstill; otherwise nothing."""
        if self._told or self._idle < self._patience.notice:
            return ""
        self._told = True
        limit = self._silence_limit() if self._is_silent() else self._patience.idle
        return f"{self._what()}. After {limit:.0f} s, it is ended and started again"

    def verdict(self) -> str:
        """Return why the process must be ended; empty while it is waited for."""
        over = self._silent >= self._silence_limit() or self._idle >= self._patience.idle
        return self._what() if over else ""

    def _what(self) -> str:
        if self._is_silent():
            return f"has given no sign of life for {self._silent:.0f} s"
        return f"has completed no step of work for {self._idle:.0f} s"

    def _is_silent(self) -> bool:
        return self._silent >= min(self._patience.notice, self._silence_limit())

    def _silence_limit(self) -> float:
        return self._patience.starting if self._is_new else self._patience.silent
