"""What the installed llama.cpp was built with, asked in its own process.

A library built for another processor ends the process that loads it; in a process of its own,
that is an answer too.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec

from localensemble.core.errors import EngineUnavailableError
from localensemble.engines.child_process import BUILD_HERE, ended_with
from localensemble.engines.llama_cpp.loaded_library import import_library, not_installed

_SECONDS_TO_ANSWER = 60.0
_FLAG = re.compile(r"([A-Z0-9_]+) = (\d+)")
# Flag of the build -> feature of the processor as Linux names it.
_FEATURES = {
    "AVX": "avx",
    "AVX2": "avx2",
    "FMA": "fma",
    "F16C": "f16c",
    "AVX512": "avx512f",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
    "AVX_VNNI": "avx_vnni",
    "AMX_INT8": "amx_int8",
}


@dataclass(frozen=True, slots=True)
class LlamaBuild:
    """A build of llama.cpp.

    Attributes:
        version: version of llama-cpp-python.
        flags: the features it was built with, as llama.cpp names them.
        gpu_offload: whether it can compute on a graphics device.
        origin: the library's release and hashes if it was built elsewhere; else empty.
    """

    version: str
    flags: frozenset[str]
    gpu_offload: bool
    origin: str = ""

    def unused(self, features: frozenset[str]) -> tuple[str, ...]:
        """List the processor features that the build does not use."""
        return tuple(
            flag
            for flag, feature in _FEATURES.items()
            if feature in features and flag not in self.flags
        )


def library_origin() -> str:
    """Name the library that came with llama-cpp-python if somebody else built it; else empty.

    Such a library can give other digits than one compiled here, so it is part of a rater's
    identity: its release, and hashes of its wheel and of the Python code that it was joined with.
    """
    try:
        text = distribution("llama-cpp-python").read_text("prebuilt.json")
    except PackageNotFoundError:
        return ""
    if not text:
        return ""
    origin = json.loads(text)
    hashes = f"{origin['library_wheel_sha256'][:16]}+{origin['python_sha256'][:16]}"
    return f"library {origin['library']} ({hashes})"


def llama_build() -> LlamaBuild:
    """Ask the installed library how it was built.

    Raises:
        EngineUnavailableError: the library is not installed, or cannot be loaded here.
    """
    if find_spec("llama_cpp") is None:
        raise not_installed()
    ended = subprocess.run(
        [sys.executable, "-P", "-m", __name__],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_SECONDS_TO_ANSWER,
        check=False,
    )
    try:
        answer = json.loads(ended.stdout)
    except ValueError:
        raise EngineUnavailableError(
            f"llama-cpp-python cannot be loaded: the process that tried ended with "
            f"{ended_with(ended.returncode)}.",
            hint=f"It was probably built for another processor or system. {BUILD_HERE}",
        ) from None
    if "refused" in answer:
        raise EngineUnavailableError(answer["refused"], hint=answer["hint"])
    return LlamaBuild(
        answer["version"], frozenset(answer["flags"]), answer["gpu_offload"], library_origin()
    )


def main() -> None:
    """Answer on standard output."""
    try:
        llama_cpp = import_library("llama_cpp")
    except EngineUnavailableError as error:
        sys.stdout.write(json.dumps({"refused": error.message, "hint": error.hint}))
        return
    printed = llama_cpp.llama_print_system_info().decode("ascii", "replace")
    answer = {
        "version": llama_cpp.__version__,
        "flags": [name for name, value in _FLAG.findall(printed) if value != "0"],
        "gpu_offload": bool(llama_cpp.llama_supports_gpu_offload()),
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
