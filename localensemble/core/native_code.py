"""Compiled code that cannot be loaded: which file, why, and what to do.

Reads it from the error alone, because asking would load the file again. The messages quoted
are the system's about a file, never an item's text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from localensemble.core.errors import EngineUnavailableError, LocalEnsembleError

_OURS = "localensemble"
_LONGEST = 400
_FILE = re.compile(
    r"(?P<path>(?:[A-Za-z]:\\|/)[^'\"\n:]*?\.(?:so(?:\.\d+)*|pyd|dll|dylib))(?=['\"):\s,]|$)"
)
_DLL = re.compile(r"DLL load failed while importing (\w+)")
# Modules with machine code have a name, or are in a folder, that begins with "_".
_COMPILED_PART = re.compile(
    r"No module named '?(?P<module>\w+)(?:\.\w+)*\._\w+"
    r"|cannot import name '_\w+' from (?:partially initialized module )?'(?P<parent>\w+)"
    r"|cannot import name '\w+' from '(?P<folder>\w+)(?:\.\w+)*\._\w+' \(unknown location\)"
)
_BLOCKED = "the system's rules for programs do not allow it to run"
_OTHER_BUILD = "it belongs to another build: a function is missing in it"
_ALLOW = (
    "Ask your administrator to allow the files that `localensemble doctor --allowlist` lists. "
    "If that cannot run either, give them the folder of the file."
)
_REINSTALL = "Install it again: `{python} -m pip install --force-reinstall --no-deps {release}`."
_NEWER_SYSTEM = (
    "Install a release that was built for this system, or build it here: "
    "`{python} -m pip install --force-reinstall --no-deps --no-binary {package} {release}`."
)
# Codes of Windows' errors, and words that the systems use, as regular expressions.
_CAUSES: Sequence[tuple[frozenset[int], str, str, str]] = (
    (
        frozenset({1260, 4550, 4551, 225}),
        r"application control|blocked by group policy|blocked by your administrator"
        r"|code signature|library load disallowed|system policy|contains a virus",
        _BLOCKED,
        _ALLOW,
    ),
    (
        frozenset({5}),
        r"operation not permitted|permission denied|access is denied"
        r"|failed to map segment from shared object",
        "the system refuses to run code from it: its folder is mounted without this right, "
        "or a rule for programs blocks it",
        "Install into a folder from which programs may run. " + _ALLOW,
    ),
    (
        frozenset(),
        r"version [`'](GLIBC|GLIBCXX|CXXABI|GOMP)_[\d.]+'? not found|built for macOS|"
        r"newer than the running",
        "it was built for a newer system",
        _NEWER_SYSTEM,
    ),
    (
        frozenset({193, 216}),
        r"wrong ELF class|not a valid Win32 application|invalid ELF header|file too short"
        r"|incompatible architecture|wrong architecture|exec format error",
        "it is damaged, or was built for another kind of processor or system",
        _REINSTALL,
    ),
    (
        frozenset({127, 182}),
        r"undefined symbol|symbol not found|procedure could not be found|entry point",
        _OTHER_BUILD,
        _REINSTALL,
    ),
    (
        frozenset({2, 3, 126}),
        r"cannot open shared object file|module could not be found|could not find module"
        r"|library not loaded"
        r"|image not found|no such file|not found",
        "it, or a library that it needs, is missing",
        "On Windows, install the Microsoft Visual C++ Redistributable; on Linux, the package of "
        "the library that is named. " + _REINSTALL,
    ),
)


@dataclass(frozen=True, slots=True)
class LoadingTrouble:
    """Why compiled code could not be loaded.

    Attributes:
        package: the package that it belongs to, as people install it.
        path: the file, as far as the error names it; else empty.
        reason: why, in a clause.
        said: what the system said.
        remedy: what to do.
    """

    package: str
    path: str
    reason: str
    said: str
    remedy: str

    def as_error(self) -> LocalEnsembleError:
        """Return the error that tells it."""
        at = f' from "{self.path}"' if self.path else ""
        said = f' The system says: "{self.said}".' if self.said else ""
        return EngineUnavailableError(
            f"Cannot load the compiled code of {self.package}{at}: {self.reason}.{said}",
            hint=self.remedy,
        )


def import_trouble(error: BaseException) -> LoadingTrouble | None:
    """Find out what kept compiled code of another package from being imported.

    Returns None if the error is about anything else.
    """
    # The first cause is the most exact: numpy and others wrap it in pages of advice.
    for one in reversed(list(_chain(error))):
        if not isinstance(one, ImportError):
            continue
        text = str(one)
        if part := _COMPILED_PART.search(text):
            module = part["module"] or part["parent"] or part["folder"]
            if module == _OURS or not _is_installed(module):
                continue
            reason = "it is missing, or was built for another Python"
            return _trouble(_installed_as(module), _folder(module), reason, "", _REINSTALL)
        path = _path(one, text)
        if not path and not _DLL.search(text):
            continue
        return loading_trouble(_package(path, one), text, path=path)
    return None


def loading_trouble(
    package: str, said: str, *, path: str = "", windows_code: int | None = None
) -> LoadingTrouble:
    """Explain what the system said when a library could not be loaded."""
    path = path or file_in(said)
    for codes, words, reason, remedy in _CAUSES:
        if windows_code in codes or re.search(words, said, re.IGNORECASE):
            return _trouble(package, path, reason, said, remedy)
    return _trouble(package, path, "the system refuses it", said, _REINSTALL)


def file_in(text: str) -> str:
    """Return the first compiled file that a text names; empty if it names none."""
    found = _FILE.search(text)
    return found["path"] if found else ""


def _trouble(package: str, path: str, reason: str, said: str, remedy: str) -> LoadingTrouble:
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    shown = " ".join(said.split())[:_LONGEST].rstrip(".")
    try:  # the same release again
        release = f"{package}=={version(package)}"
    except (PackageNotFoundError, ValueError):
        release = package
    told = remedy.format(python=python, package=package, release=release)
    return LoadingTrouble(package, path, reason, shown, told)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _path(error: ImportError, text: str) -> str:
    # Python notes the file of a compiled module; for others, this is a .py file.
    noted = error.path or ""
    if re.search(r"\.(so|pyd|dll|dylib)$", noted):
        return noted
    return file_in(text)


def _package(path: str, error: ImportError) -> str:
    """Return the name of the package that a file is in."""
    parts = Path(path.replace("\\", "/")).parts
    for number, part in enumerate(parts[:-1]):
        if part in {"site-packages", "dist-packages"}:
            inside = parts[number + 1]
            # Wheels keep the libraries that they need in a folder such as numpy.libs.
            return _installed_as(inside.removesuffix(".libs").partition(".")[0])
    return _installed_as((error.name or "a package").partition(".")[0])


def _installed_as(module: str) -> str:
    return {"llama_cpp": "llama-cpp-python", "sklearn": "scikit-learn"}.get(
        module, module.replace("_", "-")
    )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _folder(module: str) -> str:
    spec = find_spec(module)
    return str(Path(spec.origin).parent) if spec is not None and spec.origin else ""
