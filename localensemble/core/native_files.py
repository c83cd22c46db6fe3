"""List the files with machine code that the program can load, for rules of allowed programs.

These are Python itself, with the compiled modules of its standard library, and those of every
installed package that ours requires. Loads none of them.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.authenticode import signed_by
from localensemble.core.identity import sha256_file

UNKNOWN_PUBLISHER = "not signed or unknown"

_OURS = "localensemble"
# The extra of everything that is needed to run.
_EVERYTHING = "all"
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)""")
_NATIVE = re.compile(r"\.(so|pyd|dll|dylib|exe)$|\.so(\.\d+)+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NativeFile:
    """A file with machine code.

    Attributes:
        path: its full path.
        sha256: its hash.
        publisher: whom its signature names, without verifying it.
        package: the package that installed it.
        version: the version of the package.
    """

    path: str
    sha256: str
    publisher: str
    package: str
    version: str


def native_files() -> tuple[NativeFile, ...]:
    """List the files, those of Python first, each once."""
    found: dict[Path, tuple[str, str]] = {}
    python = ".".join(map(str, sys.version_info[:3]))
    for path in _of_python():
        found.setdefault(path, ("python", python))
    for package in _required_packages():
        name = package.metadata["Name"]
        for path in _of_package(package):
            found.setdefault(path, (name, package.version))
    return tuple(
        NativeFile(
            str(path), sha256_file(path), signed_by(path) or UNKNOWN_PUBLISHER, package, version
        )
        for path, (package, version) in found.items()
    )


def _of_python() -> Iterator[Path]:
    program = Path(sys.executable)
    # In an environment this is a link or, on Windows, a program that starts the other one.
    base = Path(getattr(sys, "_base_executable", sys.executable))
    yield from (path for path in (program, program.resolve(), base.resolve()) if path.is_file())
    shared = sysconfig.get_config_var("INSTSONAME")
    if shared and sysconfig.get_config_var("Py_ENABLE_SHARED"):
        yield from _native(Path(sysconfig.get_config_var("LIBDIR") or "", shared))
    places = [sysconfig.get_config_var("DESTSHARED")]
    if sys.platform == "win32":
        places += [sys.base_prefix, str(Path(sys.base_prefix, "DLLs"))]
    for place in filter(None, places):
        if Path(place).is_dir():
            yield from _native(*sorted(Path(place).iterdir()))


def _required_packages() -> Iterator[importlib.metadata.Distribution]:
    """Find our package and what it requires to run, as far as it is installed."""
    waiting, seen = [_OURS], set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        yield package
        lines = package.requires or []
        # Our own extras for development, and extras of others, are not loaded.
        for line in lines:
            extra = _EXTRA.search(line)
            wanted = extra is None or (name == _OURS and extra[1] == _EVERYTHING)
            if wanted and (found := _REQUIREMENT.match(line)):
                waiting.append(found[0])


def _of_package(package: importlib.metadata.Distribution) -> Iterator[Path]:
    inside = [one for one in package.files or () if _NATIVE.search(one.name)]
    yield from _native(*(Path(str(package.locate_file(one))) for one in inside))
    # A library can be put beside those of the wheel later, which its list does not name.
    own = {one.parent for one in inside if len(one.parts) > 1 and ".." not in one.parts}
    for folder in sorted(Path(str(package.locate_file(one))) for one in own):
        if folder.is_dir():
            yield from _native(*sorted(folder.iterdir()))


def _native(*paths: Path) -> Iterator[Path]:
    yield from (path for path in paths if _NATIVE.search(path.name) and path.is_file())
