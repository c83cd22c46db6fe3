"""Let files behave as they do on Windows, on Linux: `python -m pytest -p tests.windows_like`.

While a test runs, no file can be replaced, renamed or deleted that this process has open; names
that Windows refuses (CON, a dot at the end, a colon) are refused; two names in a folder that
differ only in case are one file, so making the second is an error; and the code of the package
sees ``sys.platform == "win32"``. Tests that are skipped on Windows are skipped.

This finds what would break there. It does not show that the rest works: only Windows can.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import pkgutil
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import localensemble

_LINUX = sys.platform
_RESERVED = re.compile(
    r"(con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³]|conin\$|conout\$) *(\..*)?", re.IGNORECASE
)
_REFUSED = re.compile(r'[<>:"|?*\x00-\x1f]|[ .]$')
# They call Windows itself.
_REAL_SYSTEM = frozenset(
    {"localensemble.engines.machine", "localensemble.engines.process_memory"}
    | {"localensemble.engines.llama_cpp.template_process"}
)
# Folders of the system and of Python, whose names are theirs.
_NOT_OURS = ("/proc", "/sys", "/dev", "/usr", "/etc", "/lib", sys.prefix, sys.base_prefix)
# They look at the system while they are imported.
_IMPORTED_AS_ON_LINUX = (
    *("llama_cpp", "matplotlib.pyplot", "openpyxl", "pandas", "pyarrow", "scipy.stats", "sklearn"),
)


class CaseCollisionError(AssertionError):
    """A file was made beside one whose name differs only in case."""


class _Windows:
    """The module ``sys`` as it is on Windows."""

    platform = "win32"

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


class _State(threading.local):
    inside = False


_watching = False
_state = _State()
_windows = _Windows()


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    check = _CHECKS.get(event)
    if not _watching or _state.inside or check is None:
        return
    _state.inside = True
    try:
        check(*arguments)
    finally:
        _state.inside = False


def _opened(path: object, mode: object, flags: int) -> None:
    if (place := _ours(path)) is None:
        return
    if flags & os.O_CREAT:
        _made(place)
    elif flags & (os.O_WRONLY | os.O_RDWR):
        _refuse_name(place)


def _made(path: object, *_: object) -> None:
    if (place := _ours(path)) is None:
        return
    _refuse_name(place)
    with contextlib.suppress(OSError):
        for other in os.listdir(place.parent):  # noqa: PTH208
            if other != place.name and other.casefold() == place.name.casefold():
                raise CaseCollisionError(f'"{place.name}" is the file "{other}" on Windows.')


def _renamed(source: object, target: object, *_: object) -> None:
    for path in (source, target):
        if (place := _ours(path)) is not None:
            _refuse_if_open(place)
    _made(target)


def _removed(path: object, *_: object) -> None:
    if (place := _ours(path)) is not None:
        _refuse_if_open(place)


_CHECKS: dict[str, Callable[..., None]] = {
    "open": _opened,
    "os.mkdir": _made,
    "os.rename": _renamed,
    "os.remove": _removed,
    "os.rmdir": _removed,
}


def _ours(path: object) -> Path | None:
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    place = Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100
    return None if str(place).startswith(_NOT_OURS) else place


def _refuse_name(place: Path) -> None:
    if _RESERVED.fullmatch(place.name) or _REFUSED.search(place.name):
        raise OSError(errno.EINVAL, "Invalid name on Windows", str(place))


def _refuse_if_open(place: Path) -> None:
    if str(place) in _open_files():
        raise PermissionError(errno.EACCES, "Permission denied: it is open", str(place))


def _open_files() -> set[str]:
    files = set()
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with contextlib.suppress(OSError):
            files.add(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
        files |= {line.split(maxsplit=5)[5].strip() for line in lines if "/" in line}
    return files


def _show_windows() -> None:
    """Let the package's modules see another ``sys``."""
    for name, module in list(sys.modules.items()):
        if (
            name.startswith("localensemble.")
            and name not in _REAL_SYSTEM
            and getattr(module, "sys", None) is sys
        ):
            setattr(module, "sys", _windows)  # noqa: B010


def pytest_configure(config: pytest.Config) -> None:
    """Import everything as on Linux, before the system looks like another one."""
    for module in pkgutil.walk_packages(localensemble.__path__, "localensemble."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in (
        "llama_cpp",
        "pandas",
        "scipy.stats",
        "sklearn",
        "pyarrow",
        "openpyxl",
        "matplotlib.pyplot",
    ):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    sys.addaudithook(_audit)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Let the marks of the tests see Windows."""
    sys.platform = "win32"
    try:
        return (yield)
    finally:
        sys.platform = _LINUX


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Watch one test."""
    global _watching
    _show_windows()
    _watching = True
    try:
        return (yield)
    finally:
        _watching = False
