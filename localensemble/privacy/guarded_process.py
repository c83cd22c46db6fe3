"""Run a module of the program in a process that is guarded before anything else happens in it.

    python -m localensemble.privacy.guarded_process ATTEMPTS_FILE MODULE

The engines' worker is started this way, by name: the engines do not know about the guard, and
no code of the worker is imported before the guard is in place.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from localensemble.privacy.egress import install_guard


def main(arguments: list[str]) -> None:
    """Guard this process, then call the module's ``main``."""
    attempts_file, module = arguments
    install_guard(Path(attempts_file))
    importlib.import_module(module).main()


if __name__ == "__main__":
    main(sys.argv[1:])
