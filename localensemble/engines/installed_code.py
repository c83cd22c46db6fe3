"""Name the package, version and file hash of an engine without running any of its code."""

from __future__ import annotations

from importlib.machinery import PathFinder
from pathlib import Path

from localensemble import __version__
from localensemble.core.engine_origin import EngineOrigin
from localensemble.core.identity import sha256_file, sha256_text
from localensemble.engines.registry import entry_point, is_ours

_OURS = "localensemble"


def engine_origin(name: str) -> EngineOrigin:
    """Return where the code of an engine comes from, by what is installed.

    Call this before the engine is opened: its code could change its own file.
    """
    if is_ours(name):
        return EngineOrigin(name, _OURS, __version__, f"{_OURS}.engines", _hash(_OURS))
    point = entry_point(name)
    if point is None:
        return EngineOrigin(name, "", "", "", "")
    package = point.dist
    return EngineOrigin(
        name,
        "" if package is None else package.name,
        "" if package is None else package.version,
        point.module,
        _hash(point.module.partition(".")[0]),
    )


def _hash(module: str) -> str:
    """Hash the file of a top-level module, or all Python files of its folder."""
    spec = PathFinder.find_spec(module)
    if spec is None:
        return ""
    try:
        if not spec.submodule_search_locations:
            return "" if spec.origin is None else sha256_file(Path(spec.origin))
        lines = []
        for folder in map(Path, spec.submodule_search_locations):
            files = sorted((path.relative_to(folder).as_posix(), path) for path in _files(folder))
            lines += [f"{sha256_file(path)}  {name}\n" for name, path in files]
    except OSError:
        return ""
    return sha256_text("".join(lines))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.py") if path.is_file()]
