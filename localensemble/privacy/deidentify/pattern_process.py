"""Search texts with the patterns of a codebook: the process that `bounded_patterns` starts.

Python's regular expressions can take longer than the age of the universe on a text of 40
characters. So they run here, where the system ends the process when its processor time is spent.

The first line of standard input holds the patterns as JSON, each further line one text. For every
text and pattern, in order, one line of JSON lists where the pattern was found.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable

from localensemble.core.memory_dumps import refuse_memory_dumps

# The most that one pattern may compute on one text.
PROCESSOR_SECONDS = 2.0


def main() -> None:
    """Answer until the input ends."""
    refuse_memory_dumps()
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    bound_time = _time_bound()
    bound_time(PROCESSOR_SECONDS)
    patterns = [re.compile(one) for one in json.loads(given.readline())]
    bound_time(0)
    for line in given:
        text = json.loads(line)
        for pattern in patterns:
            bound_time(PROCESSOR_SECONDS)
            spans = [one.span() for one in pattern.finditer(text) if one.end() > one.start()]
            bound_time(0)
            answers.write(json.dumps(spans).encode("ascii") + b"\n")
            answers.flush()


def _time_bound() -> Callable[[float], object]:
    """Return what sets the processor time that is left, 0 for no bound.

    Windows has no such timer; there only the parent's clock bounds the time.
    """
    if sys.platform == "win32":
        return lambda seconds: None
    # What the system does by default: it ends the process. No Python code needs to run for that.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    return lambda seconds: signal.setitimer(signal.ITIMER_PROF, seconds)


if __name__ == "__main__":
    main()
