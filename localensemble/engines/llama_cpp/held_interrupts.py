"""Hold Ctrl-C back while llama.cpp calls back into Python.

Python raises `KeyboardInterrupt` wherever its code runs next. In a callback, nobody can catch it:
it would be lost, and llama.cpp would take the callback's missing answer as "stop".
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Raise an interrupt that arrives within the block when the block has ended.

    Does nothing in other threads than the main one, which get no interrupts, and where somebody
    else handles them.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    arrived: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: arrived.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # Also where the block raises an error, which whoever calls may take for that of one item.
        if arrived:
            raise KeyboardInterrupt
