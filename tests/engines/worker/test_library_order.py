"""llama.cpp's library is loaded before numpy, whose C++ runtime another one could collide with."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

pytestmark = pytest.mark.slow  # starts processes

# Prints whether numpy was imported when llama.cpp's library is loaded.
_WATCHED = """
import os, runpy, sys
{first}
def watch(event, arguments):
    if event == "ctypes.dlopen" and "llama" in os.path.basename(str(arguments[0])):
        print("library,", "numpy" in sys.modules, file=sys.stderr, flush=True)
sys.addaudithook(watch)
runpy.run_module("{module}", run_name="__main__", alter_sys=True)
"""


def _numpy_came_first(module: str, *, first: str = "") -> set[str]:
    """Run a module; return what was noted each time that the library was loaded."""
    code = _WATCHED.format(module=module, first=first)
    ended = subprocess.run(
        [sys.executable, "-c", code], input=b"", capture_output=True, timeout=120
    )
    lines = ended.stderr.decode("utf-8", "replace").splitlines()
    return {line.split()[1] for line in lines if line.startswith("library,")}


def test_the_process_of_an_engine_loads_the_library_before_numpy() -> None:
    assert _numpy_came_first("localensemble.engines.worker.engine_process") == {"False"}


def test_the_process_that_asks_how_the_library_was_built_loads_it_before_numpy() -> None:
    assert _numpy_came_first("localensemble.engines.llama_cpp.build") == {"False"}


def test_numpy_that_comes_first_is_noticed() -> None:
    assert _numpy_came_first("llama_cpp.llama_cpp", first="import numpy") == {"True"}
