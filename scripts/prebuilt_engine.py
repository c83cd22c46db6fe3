"""Make a wheel of llama-cpp-python without a compiler: its Python code and a prebuilt library.

llama-cpp-python is published as source only. Its Python code needs no compiler, and the package
llama-cpp-py-sync publishes the library for common platforms, built from sources with the same
`llama.h`. This module joins the two, both taken by hash, in one wheel. `check_llama_header`
compares the headers; `check_engine.py` tests what was installed.

Uses only the standard library, because it runs before anything is installed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE = "llama-cpp-python"
LIBRARY = "llama-cpp-py-sync"
RECORD_OF_ORIGIN = "prebuilt.json"
"""A file beside the wheel's metadata: the releases and hashes that it was made from."""

_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform for which a library is published.

    Attributes:
        tag: pip's name of the platform, by which the library is fetched.
        runs_on: pip's name of the platforms that it really runs on.
        minimum: the oldest C library or system version that it runs on, (0, 0) if any.
    """

    tag: str
    runs_on: str
    minimum: tuple[int, int] = (0, 0)


PLATFORMS = {
    # Named manylinux2014 by its maker, but its symbols are those of glibc 2.38.
    "linux-x86_64": Platform("manylinux2014_x86_64", "manylinux_2_38_x86_64", (2, 38)),
    "darwin-arm64": Platform("macosx_14_0_arm64", "macosx_14_0_arm64", (14, 0)),
    "darwin-x86_64": Platform("macosx_14_0_x86_64", "macosx_14_0_x86_64", (14, 0)),
    "windows-amd64": Platform("win_amd64", "win_amd64"),
}


def this_platform() -> Platform | None:
    """Return the platform of the library that fits this machine; None if none fits."""
    found = PLATFORMS.get(f"{platform.system()}-{platform.machine()}".lower())
    if found is None or (found.minimum != (0, 0) and _system_version() < found.minimum):
        return None
    return found


def join(
    source: Path, library: Path, *, platform: Platform, openmp: bytes | None, folder: Path
) -> Path:
    """Write the wheel with the Python code of one wheel and the library of another.

    The same parts give the same bytes.

    Args:
        source: the wheel of llama-cpp-python without a library.
        library: the wheel of llama-cpp-py-sync for the platform.
        openmp: the content of a `libgomp.so.1` to go with a library for Linux, which needs one:
            a small installation of Linux has none.
        folder: where the wheel is written.
    """
    with zipfile.ZipFile(source) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(library) as archive:
        for name in archive.namelist():
            base = name.rpartition("/")[2]
            if _is_library(base):
                files[f"llama_cpp/lib/{base}"] = archive.read(name)
            elif base in ("LICENSE", "THIRD_PARTY_NOTICES.txt"):
                files[f"{_metadata(files)}/licenses/{LIBRARY}/{base}"] = archive.read(name)
    if openmp is not None:
        files["llama_cpp/lib/libgomp.so.1"] = openmp
    metadata = _metadata(files)
    files[f"{metadata}/{RECORD_OF_ORIGIN}"] = _origin(files, library).encode()
    files[f"{metadata}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: localensemble\nRoot-Is-Purelib: false\n"
        f"Tag: py3-none-{platform.runs_on}\n"
    ).encode()
    files[f"{metadata}/RECORD"] = _record(files, metadata).encode()
    joined = folder / f"{metadata.removesuffix('.dist-info')}-py3-none-{platform.runs_on}.whl"
    with zipfile.ZipFile(joined, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            # A fixed time, so that the same parts give the same bytes.
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), files[name], zipfile.ZIP_DEFLATED)
    return joined


def bundled_openmp(folder: Path) -> bytes | None:
    """Return the OpenMP library that comes with scikit-learn; None if there is none.

    The folder has scikit-learn as an installed package or as a wheel.
    """
    for library in sorted(folder.glob("scikit_learn.libs/libgomp*.so*")):
        return library.read_bytes()
    for wheel in sorted(folder.glob("scikit_learn-*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith("scikit_learn.libs/libgomp"):
                    return archive.read(name)
    return None


def _is_library(name: str) -> bool:
    # The library that reads pictures is left out, as in the build from source.
    return "mtmd" not in name and (name.endswith((".dll", ".dylib")) or ".so" in name)


def _metadata(files: Mapping[str, bytes]) -> str:
    (wheel,) = (name for name in files if name.endswith(".dist-info/METADATA"))
    return wheel.rpartition("/")[0]


def _origin(files: Mapping[str, bytes], library: Path) -> str:
    """Describe what was joined: the library's release, and hashes of both and of each file."""
    code, libraries = hashlib.sha256(), {}
    for name in sorted(files):
        digest = hashlib.sha256(files[name]).hexdigest()
        if name.startswith("llama_cpp/lib/"):
            libraries[name.rpartition("/")[2]] = digest
        elif name.startswith("llama_cpp/"):
            code.update(f"{digest}  {name}\n".encode())
    return json.dumps(
        {
            "library": f"{LIBRARY} {library.name.split('-')[1]}",
            "library_wheel_sha256": hashlib.sha256(library.read_bytes()).hexdigest(),
            "python_sha256": code.hexdigest(),
            "files": libraries,
        },
        indent=1,
    )


def _record(files: Mapping[str, bytes], metadata: str) -> str:
    lines = []
    for name in sorted(files):
        if name != f"{metadata}/RECORD":
            digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).decode()
            lines.append(f"{name},sha256={digest.rstrip('=')},{len(files[name])}\n")
    return "".join([*lines, f"{metadata}/RECORD,,\n"])


def _system_version() -> tuple[int, int]:
    """Return the version of glibc or macOS; (0, 0) if it is neither, as with musl."""
    if sys.platform == "darwin":
        version = platform.mac_ver()[0]
    else:
        library, version = platform.libc_ver()
        if library != "glibc":
            return (0, 0)
    parts = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    return (parts[0], parts[1]) if len(parts) == 2 else (0, 0)
