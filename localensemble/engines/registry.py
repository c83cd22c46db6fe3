"""Find a kind of engine by name: one of ours, or one that another package brings.

Another package registers an `EngineKind`, or only the function that opens its engine, under
the entry point group ``localensemble.engines``. It cannot take one of our names.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from localensemble.core.errors import EngineUnavailableError
from localensemble.engines.embedding.kind import EMBEDDING
from localensemble.engines.kind import EngineKind
from localensemble.engines.llama_cpp.kind import LLAMA_CPP
from localensemble.engines.ollama.kind import OLLAMA
from localensemble.engines.probe.kind import PROBE
from localensemble.engines.protocol import Engine
from localensemble.engines.scripted import SCRIPTED
from localensemble.engines.settings import EngineSettings

ENTRY_POINT_GROUP = "localensemble.engines"

_OURS: Mapping[str, EngineKind] = {
    "llama-cpp": LLAMA_CPP,
    "embedding": EMBEDDING,
    "probe": PROBE,
    "ollama": OLLAMA,
    "scripted": SCRIPTED,
}


def engine_names() -> tuple[str, ...]:
    """List the engines that are installed here, ours first."""
    others = sorted({point.name for point in entry_points(group=ENTRY_POINT_GROUP)} - {*_OURS})
    return (*_OURS, *others)


def is_ours(name: str) -> bool:
    """Tell whether an engine is part of this program."""
    return name in _OURS


def entry_point(name: str) -> EntryPoint | None:
    """Find what another package registered under this name; None if there is nothing."""
    return next(iter(entry_points(group=ENTRY_POINT_GROUP, name=name)), None)


def engine_kind(name: str) -> EngineKind:
    """Find the kind of engine that has this name.

    Raises:
        EngineUnavailableError: there is no such engine, or its package cannot be imported.
    """
    if name in _OURS:
        return _OURS[name]
    point = entry_point(name)
    if point is None:
        raise EngineUnavailableError(
            f'Unknown engine "{name}".',
            hint=f"Choose one of: {', '.join(engine_names())}.",
        )
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        raise EngineUnavailableError(
            f'Cannot use engine "{name}": its package cannot be imported.',
            hint="Install the packages it needs.",
        ) from error
    return found if isinstance(found, EngineKind) else EngineKind(found)


def usable_kinds() -> Mapping[str, EngineKind]:
    """Return every kind of engine whose package can be imported, by its name."""
    found = {}
    for name in engine_names():
        try:
            found[name] = engine_kind(name)
        except EngineUnavailableError:
            continue
    return found


def open_engine(settings: EngineSettings) -> Engine:
    """Open the engine the settings name.

    Raises:
        EngineUnavailableError: the engine is unknown, not installed or, like Ollama, not
            running.
        ModelFileError: the model file cannot be used.
    """
    return engine_kind(settings.engine).opener(settings)
