"""Start the process that runs an engine: llama.cpp's library first, then everything else.

A library that brings its own C++ runtime can crash while it is loaded if numpy has loaded
another one before; in the other order, both work. So nothing here may import numpy before the
library is loaded. Answers go to what was standard output; anything else that is written there
goes to standard error instead. Ctrl-C is left to the parent.
"""

from __future__ import annotations

import os
import signal

from localensemble.core.memory_dumps import refuse_memory_dumps
from localensemble.engines.llama_cpp.loaded_library import load_first


def main() -> None:
    """Load the library, and serve one engine until the parent is gone."""
    refuse_memory_dumps()
    # The parent decides what Ctrl-C means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    # Output of C code must not get between the answers.
    os.dup2(2, 1)
    # Without the library, the engine says why when it is opened; some engines need none.
    load_first()
    # Here, because it imports numpy.
    from localensemble.engines.worker.served_engine import serve

    serve(answers)


if __name__ == "__main__":
    main()
